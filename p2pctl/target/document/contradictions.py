"""What cannot hold together in one document, before any target is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from p2pctl.target import port_rules
from p2pctl.target.document.problems import Problem
from p2pctl.target.schema import key_for
from p2pctl.target.wishes import Place, SubsystemWish, Trail, Wishes

_NO_NGUID = "00000000-0000-0000-0000-000000000000"


def contradictions(wishes: Wishes) -> Iterator[Problem]:
    """Every one that is found."""
    checks: tuple[Callable[[Wishes], Iterator[tuple[str, Trail]]], ...] = (
        _discovery,
        _access,
        _subsystems,
        _twice,
        _exports,
        _ports,
        _addresses,
    )
    for text, trail in chain.from_iterable(check(wishes) for check in checks):
        yield Problem(text, _place(wishes, trail))


def _place(wishes: Wishes, trail: Trail) -> Place | None:
    """Of the closest thing that has one."""
    while trail and trail not in wishes.places:
        trail = trail[:-1]
    return wishes.places.get(trail)


def _line(wishes: Wishes, trail: Trail) -> str:
    place = _place(wishes, trail)
    return "" if place is None else f" (line {place.line})"


def _discovery(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    wanted = wishes.attributes.get("discovery_nqn", "")
    for nqn, one in wishes.subsystems.items():
        if not one.absent and port_rules.hides(wanted, nqn):
            yield (
                f"discovery_nqn cannot be the beginning of the name of a subsystem, and {nqn} is one",
                ("discovery_nqn",),
            )


def _access(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    for nqn, one in wishes.subsystems.items():
        trail: Trail = ("subsystems", nqn, "allowed_hosts")
        if one.allowed_hosts and one.attributes.get("attr_allow_any_host") == "1":
            yield "allow_any_host and a list of allowed hosts exclude each other", trail
        for host in one.allowed_hosts or ():
            wish = wishes.hosts.get(host)
            if wish is not None and wish.absent:
                line = _line(wishes, ("hosts", host))
                yield f"host {host} is to be absent{line}, and cannot be allowed", (*trail, host)


def _subsystems(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    for nqn, one in wishes.subsystems.items():
        trail: Trail = ("subsystems", nqn)
        low, high = (one.attributes.get(f"attr_cntlid_{end}") for end in ("min", "max"))
        if low is not None and high is not None and int(low) > int(high):
            yield f"cntlid_min {low} is above cntlid_max {high}", (*trail, "cntlid_min")
        if one.passthru.get("enable") == "1":
            yield from _passthru(one, trail)


def _passthru(one: SubsystemWish, trail: Trail) -> Iterator[tuple[str, Trail]]:
    namespace = next((nsid for nsid, wish in one.namespaces.items() if not wish.absent), None)
    if namespace is not None:
        yield (
            "passthru cannot be enabled in a subsystem that has namespaces: it has the drive's own",
            (*trail, "namespaces", namespace),
        )
    if "attr_version" in one.attributes:
        yield "the version of a subsystem with passthru is the drive's own", (*trail, "version")


def _twice(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    """Namespaces that hosts would take for one, or that would write over each other."""
    seen: dict[tuple[str, str], Trail] = {}
    for nqn, subsystem in wishes.subsystems.items():
        passthru: Trail = ("subsystems", nqn, "passthru")
        devices = [(("device_path", path), passthru) for path in _values(subsystem.passthru, "device_path")]
        for nsid, one in subsystem.namespaces.items():
            trail: Trail = ("subsystems", nqn, "namespaces", nsid)
            for file in ("device_path", "device_uuid", "device_nguid"):
                devices += [((file, value), trail) for value in _values(one.attributes, file) if value != _NO_NGUID]
        for mark, trail in devices:
            key = key_for("namespace", mark[0])
            if mark in seen:
                yield f"{key} {mark[1]} was given already{_line(wishes, (*seen[mark], key))}", (*trail, key)
            seen.setdefault(mark, trail)


def _values(attributes: Mapping[str, str], file: str) -> tuple[str, ...]:
    return (attributes[file],) if file in attributes else ()


def _exports(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    for number, port in wishes.ports.items():
        for nqn in port.subsystems or ():
            wish = wishes.subsystems.get(nqn)
            if wish is not None and wish.absent:
                line = _line(wishes, ("subsystems", nqn))
                yield (
                    f"subsystem {nqn} is to be absent{line}, and cannot be exported",
                    ("ports", number, "subsystems", nqn),
                )


def _ports(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    """What the kernel would refuse when it is written, or when the port is enabled: only of ports that may be."""
    for number, port in wishes.ports.items():
        trail: Trail = ("ports", number)
        yield from ((text, (*trail, key)) for key, text in port_rules.security(port.attributes))
        if not port.absent and port.subsystems != ():
            yield from ((text, (*trail, key)) for key, text in port_rules.listening(port.attributes))


def _addresses(wishes: Wishes) -> Iterator[tuple[str, Trail]]:
    """Ports that cannot listen at the same time."""
    seen: dict[tuple[str, str], dict[str, int]] = {}
    for number, port in wishes.ports.items():
        transport, address, service = (
            port.attributes.get(file, "") for file in ("addr_trtype", "addr_traddr", "addr_trsvcid")
        )
        if port.absent or port.subsystems == () or transport not in port_rules.IP or not address or not service:
            continue
        others = seen.setdefault((transport, service), {})
        for other, first in others.items():
            if port_rules.overlap(transport, address, other):
                line = _line(wishes, ("ports", first))
                yield f"port {first}{line} listens on {other} {service} already", ("ports", number, "traddr")
        others.setdefault(address, number)
