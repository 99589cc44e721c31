"""What the words of a command line name, so that they can be completed: devices, subsystems, files, some word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Subject:
    """What a word of the command line names: the key to how it is completed."""

    kind: str
    """``device``, ``subsystem``, ``file``...: one of `KINDS`."""
    words: tuple[str, ...] = ()
    """All that there is to choose from, where ``kind`` is ``choice``; the noun, where it is ``attributes``."""


KINDS = frozenset(
    {
        "choice",
        "attributes",
        "device",
        "pool",
        "p2pmem",
        "subsystem",
        "linked",
        "namespace",
        "host",
        "allowed",
        "port",
        "referral",
        "ana-group",
        "controller",
        "transaction",
        "file",
        "directory",
        "text",
    }
)
"""``linked`` are the subsystems of the port before it, ``allowed`` the hosts of the subsystem before it; ``p2pmem`` is
a pool or one of two words, and ``text`` what nobody but the user can know."""

_BY_METAVAR = {
    "DEVICE": "device",
    "PROVIDER": "device",
    "CLIENT": "device",
    "POOL": "pool",
    "SOURCE": "device",
    "DESTINATION": "file",
    "NQN": "subsystem",
    "HOSTNQN": "host",
    "NSID": "namespace",
    "PORT": "port",
    "GROUP": "ana-group",
    "CNTLID": "controller",
    "ID": "transaction",
    "FILE": "file",
    "PATH": "file",
    "DIR": "directory",
    "KEY=VALUE": "attributes",
}

TEXTS = frozenset({"BYTES", "HOST:]PORT", "N", "NAME", "RUNS", "SECONDS", "TEXT", "WARM_UP"})
"""Metavars of what nobody but the user can know. One that is in no table counts as such, too: a test finds it."""

_EXCEPTIONS: dict[tuple[tuple[str, ...], str], str] = {
    (("pool", "show"), "device"): "pool",
    (("verify",), "provider"): "pool",
    (("bench",), "provider"): "pool",
    (("subsystem", "create"), "nqn"): "text",
    (("subsystem", "disallow"), "host"): "allowed",
    (("host", "create"), "host"): "text",
    (("port", "create"), "port"): "text",
    (("port", "unlink"), "nqn"): "linked",
    (("namespace", "create"), "p2pmem"): "p2pmem",
    (("namespace", "set"), "p2pmem"): "p2pmem",
    (("namespace", "create"), "words"): "attributes",
    **{(("referral", verb), "name"): "referral" for verb in ("set", "enable", "disable", "delete")},
}
"""Where the metavar does not tell: by command and parameter."""

_NOUNS = {"target": "root", ("subsystem", "passthru"): "passthru"}
"""Whose attributes KEY=VALUE are, where it is not what the command's noun says."""


def subject_of(param: Any, path: tuple[str, ...], metavar: str) -> Subject:
    """What a parameter names."""
    words = _choices(param) or _known_words(path, param.name)
    if words:
        return Subject("choice", words)
    kind = _EXCEPTIONS.get((path, param.name)) or _BY_METAVAR.get(metavar.strip("[].,"), "text")
    if kind == "attributes":
        return Subject(kind, (_NOUNS.get(path) or _NOUNS.get(path[0]) or path[0],))
    return Subject(kind)


def _choices(param: Any) -> tuple[str, ...]:
    return tuple(getattr(param.type, "choices", None) or ())


def _known_words(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Words to choose from that typer does not know of: they are checked by the command itself."""
    from p2pctl.findings.catalogue import ENTRIES  # noqa: PLC0415  no other command wants these at its start
    from p2pctl.resolver.selection import ALL_RULES  # noqa: PLC0415
    from p2pctl.target.schema import specs  # noqa: PLC0415

    if name == "rules" or path == ("rules", "show"):
        return tuple(rules.name for rules in ALL_RULES)
    if path == ("doctor",) and name == "code":
        return tuple(ENTRIES)
    if name == "assume":
        return ("cmdline=", "acs:", "kernel=", "iommu=off", "iommu=on", "move:")
    if path == ("port", "ana") and name == "state":
        return (*specs("ana-group")["ana_state"].grammar.split("|"), "absent")
    return ()
