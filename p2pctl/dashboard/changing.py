"""What somebody at the screen may change, and of what: from the record under the cursor to a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from p2pctl.dashboard.source import Request
from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Nvmet, Port, TargetNamespace
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.p2pmem import p2pmem_lines
from p2pctl.render.report import Item
from p2pctl.render.target_attributes import attribute_value
from p2pctl.target import paths
from p2pctl.target.plan import Disruption
from p2pctl.target.wishes import NamespaceWish, PortWish, SubsystemWish, Wishes
from p2pctl.units import format_short

Verb = Literal["p2pmem", "switch", "link", "unlink", "apply"]

LISTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"target": frozenset({"namespaces", "subsystems", "ports"}), "overview": frozenset({"ports"})}
)
"""The views that changes begin in, and the panels whose records they are about."""

AUTO, OFF = "1", "0"
"""What the kernel takes for ``p2pmem``, beside an address."""


class Subject(NamedTuple):
    """What a record is about."""

    nqn: str | None = None
    nsid: int | None = None
    port: str | None = None
    """The name of its directory."""


class Option(NamedTuple):
    """One of several things that may be asked for."""

    value: str
    cells: tuple[str, ...]
    """What is shown of it, column by column."""
    now: bool = False
    """Whether it is so already."""


class Choice(NamedTuple):
    """What there is to choose from before a change can be planned."""

    title: str
    options: tuple[Option, ...]


def subject(panel: str, item: Item) -> Subject:
    """What a record of a list of `LISTS` is about."""
    if panel == "subsystems":
        return Subject(nqn=_text(item.get("nqn")))
    nsid = item.get("nsid")
    return Subject(_text(item.get("subsystem")), nsid if isinstance(nsid, int) else None, _text(item.get("port")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def fits(verb: Verb, about: Subject) -> bool:
    """Whether a change of that kind can be made of it."""
    if verb == "apply":
        return True
    if verb in {"p2pmem", "switch"}:
        return about.nqn is not None and about.nsid is not None
    return about.nqn is not None or about.port is not None


def choice(verb: Verb, about: Subject, snapshot: Snapshot) -> Choice | None:
    """What there is to choose from; None where nothing is left open. Without options: there is nothing to do."""
    nvmet = snapshot.nvmet
    if nvmet is None:
        return None
    if verb == "p2pmem" and about.nqn is not None and about.nsid is not None:
        return Choice(
            f"P2P memory of {paths.called_namespace(about.nqn, about.nsid)} (* is what it has)",
            tuple(_memories(snapshot, _namespace(nvmet, about))),
        )
    if verb == "link" and about.port is not None:
        free = sorted(nvmet.subsystems.keys() - set(_exports(nvmet, about.port)))
        return Choice(f"Export by {paths.called_port(about.port)}", tuple(Option(nqn, (nqn,)) for nqn in free))
    if verb == "unlink" and about.port is not None and about.nqn is None:
        there = _exports(nvmet, about.port)
        return Choice(f"Export by {paths.called_port(about.port)} no more", tuple(Option(nqn, (nqn,)) for nqn in there))
    if verb in {"link", "unlink"} and about.nqn is not None and about.port is None:
        found = [one for one in nvmet.ports.values() if (about.nqn in one.subsystems) is (verb == "unlink")]
        words = "Export %s by" if verb == "link" else "Export %s no more by"
        return Choice(words % about.nqn, tuple(Option(one.name, (_called(one),)) for one in found))
    return None


def _memories(snapshot: Snapshot, namespace: TargetNamespace | None) -> Iterator[Option]:
    """Automatic, none, and every pool; the last column is for what the rules say."""
    now = attribute_value("namespace", "p2pmem", namespace.attributes) if namespace else None
    yield Option(AUTO, ("auto", "", "the closest", "..."), now == "auto")
    yield Option(OFF, ("off", "", "system memory", ""), now == "off")
    pools = snapshot.pools.pools if snapshot.pools else {}
    controllers = snapshot.nvme.controllers.values() if snapshot.nvme else ()
    names = {one.address: one.name for one in controllers}
    for address, pool in sorted(pools.items()):
        yield Option(str(address), (str(address), names.get(address, ""), _room(pool), "..."), now == str(address))


def _room(pool: Pool) -> str:
    free, size = ("?" if isinstance(one, Missing) else format_short(one) for one in (pool.available, pool.size))
    return f"{free} of {size} free"


def _namespace(nvmet: Nvmet, about: Subject) -> TargetNamespace | None:
    subsystem = nvmet.subsystems.get(about.nqn or "")
    return subsystem.namespaces.get(about.nsid or 0) if subsystem else None


def _exports(nvmet: Nvmet, port: str) -> tuple[str, ...]:
    found = nvmet.ports.get(port)
    return found.subsystems if found else ()


def _called(port: Port) -> str:
    words = (port.attributes.get(name) for name in ("addr_trtype", "addr_traddr", "addr_trsvcid"))
    return " ".join([paths.called_port(port), *(word for word in words if isinstance(word, str) and word)])


def predicted(snapshot: Snapshot, about: Subject, value: str, links: Mapping[str, str]) -> tuple[str, ...]:
    """What the rules say of a value of ``p2pmem``: the kernel's answer, and what each port would do. Takes a while."""
    wanted = snapshot.nvmet and alone_with(snapshot.nvmet, about, value)
    if wanted is None or about.nqn is None or about.nsid is None:
        return ()
    return tuple(p2pmem_lines(snapshot, wanted, about.nqn, about.nsid, followed=links))


def alone_with(nvmet: Nvmet, about: Subject, value: str) -> Nvmet | None:
    """The target with this namespace only, its ``p2pmem`` being ``value``: nobody else's have a say in what it gets.

    None where the namespace is gone.
    """
    namespace = _namespace(nvmet, about)
    if namespace is None or about.nqn is None:
        return None
    then = namespace._replace(attributes={**namespace.attributes, "p2pmem": value})
    alone = nvmet.subsystems[about.nqn]._replace(namespaces={then.nsid: then})
    ports = {
        name: one._replace(links={link: nqn for link, nqn in one.links.items() if nqn == about.nqn})
        for name, one in nvmet.ports.items()
        if about.nqn in one.subsystems
    }
    return nvmet._replace(subsystems={about.nqn: alone}, ports=ports)


def request(verb: Verb, about: Subject, nvmet: Nvmet, chosen: str | None = None) -> Request | None:
    """What is asked for, with what was chosen; None where the thing has gone meanwhile."""
    if verb == "apply":
        return Request(f"apply {chosen}", document=chosen) if chosen else None
    if verb in {"p2pmem", "switch"}:
        namespace = _namespace(nvmet, about)
        if namespace is None or about.nqn is None or (verb == "p2pmem" and chosen is None):
            return None
        return _of_namespace(about.nqn, namespace, chosen)
    nqn, name = about.nqn, about.port
    if chosen is not None:
        nqn, name = (chosen, name) if name is not None else (nqn, chosen)
    port = nvmet.ports.get(name) if name is not None else None
    number = port.number if port is not None else None
    if nqn is None or name is None or number is None:
        return None
    if verb == "link":
        return Request(f"export {nqn} by {paths.called_port(name)}", Wishes(ports={number: PortWish(link=(nqn,))}))
    wishes = Wishes(ports={number: PortWish(unlink=(nqn,))})
    return Request(f"export {nqn} by {paths.called_port(name)} no more", wishes, implied=Disruption.PORT)


def _of_namespace(nqn: str, namespace: TargetNamespace, memory: str | None) -> Request:
    called = paths.called_namespace(nqn, namespace.nsid)
    if memory is not None:
        shown = {AUTO: "auto", OFF: "off"}.get(memory, memory)
        return Request(
            f"set p2pmem of {called} to {shown}",
            _wishes(nqn, namespace.nsid, {"p2pmem": memory}),
            explain=((nqn, namespace.nsid),),
        )
    on = namespace.attributes.get("enable") == "1"
    return Request(
        f"{'disable' if on else 'enable'} {called}",
        _wishes(nqn, namespace.nsid, {"enable": "0" if on else "1"}),
        implied=Disruption.NAMESPACE if on else Disruption.NONE,
        explain=() if on else ((nqn, namespace.nsid),),
    )


def _wishes(nqn: str, nsid: int, attributes: Mapping[str, str]) -> Wishes:
    return Wishes(subsystems={nqn: SubsystemWish(namespaces={nsid: NamespaceWish(attributes=attributes)})})


def about_what(asked: Request) -> str:
    """What an event of the log is about."""
    if asked.document is not None:
        return asked.document
    wishes = asked.wishes or Wishes()
    named = (*wishes.subsystems, *(paths.called_port(str(number)) for number in wishes.ports))
    return next(iter(named), "")
