"""What could not be read of the target and what is asked for hangs on: only that may leave an answer open."""

from __future__ import annotations

from collections.abc import Collection

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import paths
from p2pctl.target.flat import Value, built, flat
from p2pctl.target.schema import kind_of
from p2pctl.target.wishes import Wishes


def unknowns(live: Nvmet, wanted: Nvmet, wishes: Wishes) -> tuple[str, ...]:
    """Kernel paths, sorted: attributes that are asked for, and directories and links of which all may hang on.

    ``wanted`` is what the wishes make of ``live``: there an attribute that nobody asks for stays unknown.
    """
    there, then = flat(live), flat(wanted)
    kept = {f"{paths.host(nqn)}/{file}" for nqn, wish in wishes.hosts.items() for file in wish.withheld}
    found = {
        path
        for path, entry in there.items()
        if isinstance(entry, Value)
        and isinstance(entry.text, Missing)
        and entry.text is not Missing.ABSENT
        and (path in kept or _is_text(then.get(path)))
    }
    found |= {gap.path for gap in live.gaps if gap.path is not None and kind_of(gap.path) is None}
    return tuple(sorted(found))


def assumed_alike(live: Nvmet, wanted: Nvmet, unknown: Collection[str]) -> Nvmet:
    """The live target as it would be if each of these attributes were as it is wanted."""
    then = flat(wanted)
    known = {path: then[path] for path in unknown if _is_text(then.get(path))}
    return built({**flat(live), **known}, live) if known else live


def _is_text(entry: object) -> bool:
    return isinstance(entry, Value) and isinstance(entry.text, str)
