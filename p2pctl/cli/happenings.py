"""What the kernel tells of, in words for people, and which facts are out of date because of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.dashboard.source import Event, EventKind
from p2pctl.hardware.reading import pci_ancestor
from p2pctl.hardware.snapshot import ALL_PARTS
from p2pctl.model.log import Record
from p2pctl.model.nvmet import ROOT, SECRET_ATTRIBUTES, WRITE_ONLY_ATTRIBUTES
from p2pctl.model.snapshot import PartName
from p2pctl.target.log_lines import Denied, NoMemory, events

if TYPE_CHECKING:
    from p2pctl.kernel import Files, Happening

MOST = 40
"""Events of one burst that are told one by one; of more, only what they were about."""

_TARGET: frozenset[PartName] = frozenset({"nvmet"})
_PARTS: Mapping[str, frozenset[PartName]] = {
    "pci": frozenset({"pci", "pools", "nvme"}),
    "nvme": frozenset({"nvme"}),
    "nvme-subsystem": frozenset({"nvme"}),
    "block": frozenset({"block", "nvme"}),
    "infiniband": frozenset({"rdma"}),
    "net": frozenset({"network", "rdma"}),
    "p2pmem": frozenset({"pools"}),
    "module": frozenset({"nvmet", "rnbd"}),
}
_MODULES = ("nvmet", "nvme_loop", "rnbd")
_LOGGED: frozenset[PartName] = frozenset({"log", "connections"})
"""A host that connects raises no event of its own, but the target says so in the kernel's log."""

_NOUNS = {
    "nvme": "NVMe controller",
    "nvme-subsystem": "NVMe subsystem",
    "block": "block device",
    "infiniband": "RDMA device",
    "net": "network interface",
    "p2pmem": "pool",
    "module": "module",
}
_VERBS = {"add": "appeared", "remove": "is gone", "bind": "was bound", "unbind": "was unbound from its driver"}
_LINKS = {"created": "was linked to", "deleted": "was unlinked from"}
_ALLOWED = {"created": "may use", "deleted": "may no longer use"}
_SWITCHED = {"0": "was disabled", "1": "was enabled"}


_About = tuple[EventKind, str, str]
"""Kind and subject of an event, and the words for what it is about."""


class _Object(NamedTuple):
    """What a path below the target's root stands for."""

    subject: str
    words: str
    attribute: str = ""


def story(happenings: Iterable[Happening], now: float, files: Files) -> tuple[Event, ...]:
    """What happened, in its order and each thing once; of a long burst only what it was about.

    ``files`` tell what an attribute was set to, and which driver took a device: as it is by now.
    """
    found = tuple(one for one in dict.fromkeys(happenings) if _concerns(one))
    if any(one.subsystem == "lost" for one in found):
        text = "some events were missed: everything is read anew"
        return (Event(now, "screen", "", text, "warning", ALL_PARTS),)
    if len(found) <= MOST:
        return tuple(_event(one, now, files) for one in found)
    return _summary(found, now)


def logged(records: Collection[Record]) -> tuple[Event, ...]:
    """New messages of the kernel; of many at once the last one, and those that say why P2P memory is not used."""
    grave = {one.record for one in events(records) if isinstance(one, (Denied, NoMemory))}
    told = [Event(one.time, "kernel", "", one.text, "warning" if one in grave else "info", _LOGGED) for one in records]
    if len(told) <= MOST:
        return tuple(told)
    last = told[-1]
    found = sorted((event for event in told[:-1] if event.severity != "info"), key=lambda event: event.time)[-MOST:]
    return (*found, last._replace(text=f"{len(told):,} messages of the kernel, the last one: {last.text}"))


def _concerns(one: Happening) -> bool:
    if one.subsystem == "configfs":
        return one.path == ROOT or one.path.startswith(f"{ROOT}/")
    if one.subsystem == "module":
        return one.path.rpartition("/")[2].startswith(_MODULES)
    # Disks and interfaces "change" with every mount and cable; interfaces of containers come and go.
    if one.subsystem in {"block", "net"} and one.action not in {"add", "remove", "move"}:
        return False
    return not one.path.startswith("/sys/devices/virtual/net/")


def _summary(found: Collection[Happening], now: float) -> tuple[Event, ...]:
    """One event for each object, or kind of device, that many of them were about."""
    told: dict[_About, frozenset[PartName]] = {}
    count: Counter[_About] = Counter()
    key: _About
    for one in found:
        if one.subsystem == "configfs":
            kind, *rest = one.path.removeprefix(ROOT).lstrip("/").split("/")
            name = rest[0] if rest else ""
            key = ("target", name, f"{_KINDS.get(kind, kind)} {name}".strip() or "the target")
        else:
            key = ("device", "", _NOUNS.get(one.subsystem, "PCI function") + "s")
        count[key] += 1
        told[key] = told.get(key, frozenset()) | _stale(one)
    events = [
        Event(now, kind, subject, f"{words}: {_changes(count[kind, subject, words])}", "info", parts)
        for (kind, subject, words), parts in told.items()
    ]
    if len(events) <= MOST:
        return tuple(events)
    parts = frozenset[PartName]().union(*told.values())
    return (Event(now, "target", "", f"{len(found):,} changes of {len(events):,} objects", "info", parts),)


def _changes(count: int) -> str:
    return f"{count:,} change{'' if count == 1 else 's'}"


def _stale(one: Happening) -> frozenset[PartName]:
    if one.subsystem != "configfs":
        return _PARTS.get(one.subsystem, frozenset())
    parent, _, name = one.path.rpartition("/")
    # What is switched off, or taken away, loses its hosts.
    return _TARGET | {"connections"} if name == "enable" or parent.endswith("/subsystems") else _TARGET


def _event(one: Happening, now: float, files: Files) -> Event:
    parts = _stale(one)
    if one.subsystem == "configfs":
        subject, text = _change(one, files)
        return Event(now, "target", subject, text, "info", parts)
    address = pci_ancestor(one.path)
    return Event(now, "device", str(address or ""), _device(one, files), "info", parts)


def _device(one: Happening, files: Files) -> str:
    name = one.path.rpartition("/")[2]
    verb = _VERBS.get(one.action, "changed")
    if one.subsystem == "module":
        return f"module {name} was {'loaded' if one.action == 'add' else 'unloaded'}"
    if one.subsystem != "pci":
        return f"{_NOUNS.get(one.subsystem, one.subsystem)} {name} {verb}"
    if one.action == "bind":
        try:
            return f"{name} was bound to {files.readlink(f'{one.path}/driver').rpartition('/')[2]}"
        except OSError:
            pass  # unbound again meanwhile
    return f"{name} {verb}"


def _change(one: Happening, files: Files) -> tuple[str, str]:
    """Subject and text of a change of the target's configuration."""
    match one.path.removeprefix(ROOT).lstrip("/").split("/"):
        case ["ports", port, "subsystems", nqn]:
            return nqn, f"subsystem {nqn} {_LINKS.get(one.action, 'changed at')} port {port}"
        case ["subsystems", nqn, "allowed_hosts", host]:
            return nqn, f"host {host} {_ALLOWED.get(one.action, 'changed at')} subsystem {nqn}"
        case parts:
            found = _named(parts, written=one.action == "written")
    if not found.attribute:
        return found.subject or one.path, f"{found.words} was {one.action}"
    value = _value(one.path, found.attribute, files)
    if found.attribute == "enable" and value in _SWITCHED:
        return found.subject, f"{found.words} {_SWITCHED[value]}"
    now = "was written" if value is None else f"is now {value or 'empty'}"
    return found.subject or one.path, f"{found.attribute} of {found.words} {now}"


_KINDS = {"subsystems": "subsystem", "ports": "port", "hosts": "host"}
_INNER = {"namespaces": "namespace", "ana_groups": "ANA group", "referrals": "referral"}


def _named(parts: list[str], *, written: bool) -> _Object:
    """Which object a path means; what is written is an attribute of it."""
    *above, name = parts
    attribute = name if written else ""
    match above if written else parts:
        case [] | [""]:
            return _Object("", "the target", attribute)
        case [kind, name] if kind in _KINDS:
            return _Object(_subject(kind, name), f"{_KINDS[kind]} {name}", attribute)
        case [kind, name, "passthru"] if kind in _KINDS:
            return _Object(name, f"the passthru of subsystem {name}", attribute)
        case [kind, name, inner, which] if kind in _KINDS and inner in _INNER:
            return _Object(_subject(kind, name), f"{_INNER[inner]} {which} of {_KINDS[kind]} {name}", attribute)
        case others:
            return _Object("", "/".join(others), attribute)


def _subject(kind: str, name: str) -> str:
    return f"{ROOT}/ports/{name}" if kind == "ports" else name


def _value(path: str, name: str, files: Files) -> str | None:
    """What an attribute holds by now; None for what nobody shows."""
    if name in SECRET_ATTRIBUTES | WRITE_ONLY_ATTRIBUTES:
        return None
    try:
        return files.read(path).decode("utf-8", "surrogateescape").removesuffix("\n")
    except OSError:
        return None
