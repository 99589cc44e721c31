"""Which rules a kernel has, by its release, and which ones a name stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from p2pctl.errors import NotFoundError
from p2pctl.model.facts import Fact, Missing
from p2pctl.resolver.kernel_rules import KERNEL_RULES, NEWEST
from p2pctl.resolver.proposed_rules import PROPOSED_RULES
from p2pctl.resolver.rules import RuleSet

ALL_RULES = (*KERNEL_RULES, *PROPOSED_RULES)

_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.\d+)*(-rc\d+)?(.*)", re.DOTALL)

NoteCode = Literal[
    "kernel-without-p2pdma",
    "release-unknown",
    "newer-than-known",
    "release-candidate",
    "distribution-kernel",
    "backports",
    "rules-overridden",
]


@dataclass(frozen=True, slots=True)
class Release:
    """A kernel release, as ``uname -r`` gives it."""

    text: str
    version: tuple[int, int]
    candidate: bool
    """A release candidate: what is in it depends on its number."""
    suffix: str
    """What a distribution, or somebody who builds kernels, added: ``+deb13-amd64``; empty for a release as it is."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about the choice of rules."""

    code: NoteCode
    text: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules that verdicts go by, and how they were chosen."""

    rules: RuleSet
    by: Literal["release", "name", "default"]
    """``default`` where the release is not known."""
    release: Fact[str]
    """The kernel that was looked at."""
    notes: tuple[Note, ...]


def parse_release(text: str) -> Release | None:
    """A kernel release; None where the text is none."""
    match = _RELEASE.fullmatch(text)
    if match is None:
        return None
    major, minor, candidate, suffix = match.groups()
    return Release(text, (int(major), int(minor)), candidate is not None, suffix)


def find_rules(name: str) -> RuleSet:
    """The rule set called ``name``, or the one in force in a kernel release (``6.12``, ``linux-6.12``).

    Raises NotFoundError.
    """
    for rules in ALL_RULES:
        if rules.name == name:
            return rules
    release = parse_release(name.removeprefix("linux-"))
    if release is not None:
        return _in_force(release.version)
    raise NotFoundError(
        f"no rule set is called {name!r}",
        hint="p2pctl rules list shows them; a kernel release such as 6.12 will do too",
    )


def select(release: Fact[str], *, name: str | None = None) -> Selection:
    """The rules for a kernel release, or those that ``name`` asks for. Raises NotFoundError for an unknown name."""
    parsed = None if isinstance(release, Missing) else parse_release(release)
    own = None if parsed is None else _in_force(parsed.version)
    if name is not None:
        return _by_name(find_rules(name), release, own)
    if parsed is None or own is None:
        text = "the kernel release is not known" if isinstance(release, Missing) else f"{release} is no kernel release"
        newest = KERNEL_RULES[-1]
        return Selection(newest, "default", release, (Note("release-unknown", f"{text}: the rules of {newest.name}"),))
    return Selection(own, "release", release, tuple(_notes(parsed, own)))


def _in_force(version: tuple[int, int]) -> RuleSet:
    return next(rules for rules in reversed(KERNEL_RULES) if rules.since is not None and rules.since <= version)


def _by_name(rules: RuleSet, release: Fact[str], own: RuleSet | None) -> Selection:
    if own is None or own == rules:
        return Selection(rules, "name", release, ())
    note = Note("rules-overridden", f"asked for: kernel {release} itself goes by {own.name}")
    return Selection(rules, "name", release, (note,))


def _notes(release: Release, rules: RuleSet) -> list[Note]:
    notes: list[Note] = []
    name = release.text
    if not rules.works:
        notes.append(Note("kernel-without-p2pdma", f"kernel {name} has no P2PDMA: it began with 4.20"))
    if release.version > NEWEST:
        known = f"{NEWEST[0]}.{NEWEST[1]}"
        notes.append(Note("newer-than-known", f"kernel {name} is newer than {known}, the newest one known: its rules"))
    if release.candidate:
        notes.append(Note("release-candidate", f"{name} is a release candidate: the rules are those of the release"))
    if release.suffix:
        notes.append(Note("distribution-kernel", f"{name} is no plain release: its builder may have changed the rules"))
    notes.extend(Note("backports", text) for version, text in rules.caveats if version == release.version)
    return notes
