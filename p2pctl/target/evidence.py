"""Which namespace each line about P2P memory is about, and which of the lines still count.

The lines name no subsystem and no controller, so they are told apart by their place: a controller's lines stand before
the one that announces it (drivers/nvme/target/core.c, ``nvmet_alloc_ctrl``), and where a namespace is enabled under
connected hosts nothing announces them (``nvmet_ns_enable``). Connects to two subsystems at once can mix. What may be
about more than one namespace says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT
from p2pctl.model.log import Record
from p2pctl.model.nvmet import Nvmet
from p2pctl.target.eligibility import setting
from p2pctl.target.log_lines import Created, Denied, Ended, Event, NoMemory, PortEnabled, Using

NEAR = 2.0
"""Seconds between a controller's lines and its announcement at most; between them lies its authentication's set-up."""

Key = tuple[str, int]
"""A namespace: NQN and number."""

_Memory = Using | NoMemory | Denied


class Said(NamedTuple):
    """What the kernel said of a namespace's memory when a controller began, or when the namespace was enabled."""

    subsystem: str
    nsid: int
    line: Using | NoMemory | Denied
    cntlid: int | None
    """The controller; None where none was announced."""
    host: str | None
    others: tuple[Key, ...] = ()
    """Namespaces that it may be about instead."""

    @property
    def record(self) -> Record:
        """The line itself."""
        return self.line.record

    @property
    def provider(self) -> Address | None:
        """Whose memory is used, or was refused; None where none was found."""
        return None if isinstance(self.line, NoMemory) else self.line.provider


class Hearing(NamedTuple):
    """All that was said and still counts."""

    said: Mapping[Key, tuple[Said, ...]]
    ports: Mapping[int, Record]
    """When each port last began to listen, as far as the log goes back: nothing before that counts for it."""
    announced: tuple[Created, ...]
    """Controllers that began and, as far as the log tells, did not end; oldest first."""


class _Wanting(NamedTuple):
    """A namespace, as far as lines can be about it."""

    nqn: str
    nsid: int
    setting: object
    path: object
    enabled: bool
    """Whether it is switched on, and wants memory."""


class _Namespaces:
    """What the target's namespaces are now, found by what a line says."""

    def __init__(self, nvmet: Nvmet) -> None:
        self._subsystems = nvmet.subsystems
        self._kinds: dict[str, set[str]] = {}
        for port in nvmet.ports.values():
            transport = port.attributes.get("addr_trtype", ABSENT)
            for nqn in port.subsystems:
                self._kinds.setdefault(nqn, set()).add(transport if isinstance(transport, str) else "rdma")
        self._found: dict[object, list[_Wanting]] = {}
        for nqn, subsystem in nvmet.subsystems.items():
            for nsid, one in subsystem.namespaces.items() if self.by_rdma(nqn) else ():
                wanted = setting(one.attributes.get("p2pmem", ABSENT))
                path = one.attributes.get("device_path", ABSENT)
                on = wanted not in {"off", ABSENT} and one.attributes.get("enable") != "0"
                for key in (nsid, path, wanted):
                    self._found.setdefault(key, []).append(_Wanting(nqn, nsid, wanted, path, on))

    def knows(self, nqn: str) -> bool:
        """Whether there is such a subsystem."""
        return nqn in self._subsystems

    def by_rdma(self, nqn: str) -> bool:
        """Whether a controller of it may have got memory at all."""
        return "rdma" in self._kinds.get(nqn, {"rdma"})

    def only_by_rdma(self, nqn: str) -> bool:
        """Whether each of its controllers must have said something."""
        return self._kinds.get(nqn, set()) == {"rdma"}

    def meant(self, nqn: str, line: _Memory, *, enabled: bool = False) -> list[int]:
        """The namespaces of a subsystem that a line may be about."""
        return [one.nsid for one in self._fitting(line) if one.nqn == nqn and (one.enabled or not enabled)]

    def everywhere(self, line: _Memory) -> list[Key]:
        """All enabled namespaces that want memory and that a line may be about."""
        return [(one.nqn, one.nsid) for one in self._fitting(line) if one.enabled]

    def _fitting(self, line: _Memory) -> Iterator[_Wanting]:
        match line:
            case Using():
                for one in self._found.get(line.nsid, ()):
                    if one.setting == line.provider or not isinstance(one.setting, Address):
                        yield one
            case NoMemory():
                yield from (one for one in self._found.get(line.path, ()) if not isinstance(one.setting, Address))
            case Denied():
                yield from self._found.get(line.provider, ())


def hear(nvmet: Nvmet, events: Iterable[Event], cards: Collection[Address] | None = None) -> Hearing:
    """Goes through the log once, oldest line first.

    ``cards`` are the functions of the RDMA devices, where they are known: others are refused providers, too, such as
    disks when a namespace is enabled.
    """
    listener = _Listener(_Namespaces(nvmet))
    for event in events:
        if not isinstance(event, Denied) or cards is None or event.client in cards:
            listener.hear(event)
    return listener.end()


class _Listener:
    """What has been heard so far."""

    def __init__(self, namespaces: _Namespaces) -> None:
        self._namespaces = namespaces
        self._waiting: list[_Memory] = []
        """Lines about memory that no controller has been announced for yet."""
        self._mixed: set[int] = set()
        """Lines of connects at once that say different things: which is whose, nothing tells."""
        self._said: dict[Key, list[Said]] = {}
        self._ports: dict[int, Record] = {}
        self._announced: dict[int, Created] = {}

    def hear(self, event: Event) -> None:
        if isinstance(event, (Using, NoMemory, Denied)):
            self._expire(event.record.time)
            self._waiting.append(event)
        elif isinstance(event, PortEnabled):
            self._ports[event.number] = event.record
        elif isinstance(event, Ended):
            if event.cntlid is None:
                self._waiting.clear()  # they were about the controller that failed, or may have been
            else:
                self._forget(event.cntlid)
        else:
            self._expire(event.record.time)
            self._forget(event.cntlid)
            self._announced[event.cntlid] = event
            self._announce(event)

    def end(self) -> Hearing:
        self._orphans(self._waiting)
        said = {key: tuple(some) for key, some in self._said.items() if some}
        return Hearing(said, self._ports, tuple(self._announced.values()))

    def _forget(self, cntlid: int) -> None:
        """The numbers of controllers are given out again once they have ended."""
        self._announced.pop(cntlid, None)
        for some in self._said.values():
            some[:] = [one for one in some if one.cntlid != cntlid]

    def _expire(self, now: float) -> None:
        if not self._waiting or abs(now - self._waiting[0].record.time) <= NEAR:
            return
        old = [line for line in self._waiting if abs(now - line.record.time) > NEAR]
        self._waiting = [line for line in self._waiting if abs(now - line.record.time) <= NEAR]
        self._orphans(old)

    def _announce(self, controller: Created) -> None:
        if controller.discovery:
            return
        if len(controller.subsystems) > 1 or not self._namespaces.knows(controller.subsystems[0]):
            self._waiting.clear()
            return
        nqn = controller.subsystems[0]
        taken: dict[int, list[_Memory]] = {}
        for line in reversed(self._waiting):
            nsids = self._namespaces.meant(nqn, line)
            free = [nsid for nsid in nsids if nsid not in taken] or nsids
            if free:
                taken.setdefault(free[-1], []).append(line)
        gone = {id(lines[0]) for lines in taken.values()}
        self._waiting = [line for line in self._waiting if id(line) not in gone]
        for nsid, lines in sorted(taken.items()):
            line = lines[0]
            if len({_told(one) for one in lines}) > 1:
                self._mixed.update(one.record.sequence for one in lines)
            mixed = line.record.sequence in self._mixed
            others = [key for key in self._namespaces.everywhere(line) if key[0] != nqn] if mixed else []
            self._say((nqn, nsid), line, controller, others)
        self._doubt(nqn, controller, taken)

    def _doubt(self, nqn: str, controller: Created, taken: Mapping[int, object]) -> None:
        """A controller that ought to have had a line has none: one that another subsystem took may have been its."""
        for key, some in self._said.items():
            for index, one in enumerate(some):
                near = abs(controller.record.time - one.record.time) <= NEAR
                if key[0] == nqn or not near or self._namespaces.only_by_rdma(key[0]):
                    continue
                mine = [nsid for nsid in self._namespaces.meant(nqn, one.line, enabled=True) if nsid not in taken]
                some[index] = one._replace(others=(*one.others, *((nqn, nsid) for nsid in mine)))

    def _orphans(self, lines: Iterable[_Memory]) -> None:
        """Lines that no controller was announced after: a namespace was enabled under connected hosts."""
        for line in lines:
            keys = self._namespaces.everywhere(line)
            connected = {nqn for one in self._announced.values() for nqn in one.subsystems}
            keys = [key for key in keys if key[0] in connected] or keys
            for key in keys:
                some = self._said.get(key, [])
                if len(keys) == 1:  # what was said before the namespace was enabled anew is past
                    self._said[key] = [one for one in some if _still(one, line)]
                self._say(key, line, None, [other for other in keys if other != key])

    def _say(self, key: Key, line: _Memory, controller: Created | None, others: Iterable[Key]) -> None:
        cntlid, host = (controller.cntlid, controller.host) if controller else (None, None)
        said = Said(key[0], key[1], line, cntlid, host, tuple(others))
        self._said.setdefault(key, []).append(said)


def _still(said: Said, orphan: _Memory) -> bool:
    """Whether something still counts after a namespace was enabled anew: it is newer, or of another controller then."""
    if said.record.sequence > orphan.record.sequence:
        return True
    return said.cntlid is None and orphan.record.time - said.record.time <= NEAR


def _told(line: _Memory) -> tuple[object, ...]:
    """What a line says, wherever and whenever it says it."""
    return (type(line).__name__, *line[1:])
