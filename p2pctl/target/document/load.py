"""From the text of a document to what it asks for."""

from __future__ import annotations

from typing import cast, get_args

from p2pctl.target.document.contradictions import contradictions
from p2pctl.target.document.nodes import Items, Node, Scalar, Table, parse
from p2pctl.target.document.nvmetcli import read_nvmetcli
from p2pctl.target.document.problems import DocumentError, Flaw
from p2pctl.target.document.reading import Listed, ObjectRead, Part, Reading, ReadSecret
from p2pctl.target.grammar import NumberOf, Parse, quoted
from p2pctl.target.nqn import check_nqn, check_subsystem_nqn
from p2pctl.target.wishes import (
    Expectation,
    GroupWish,
    HostWish,
    NamespaceWish,
    PortWish,
    ReferralWish,
    SubsystemWish,
    Trail,
    Wishes,
)

VERSION = "1"

NSID_MAX = 0xFFFFFFFE
NAMESPACES_MAX = 1024
"""Of one subsystem (NVMET_MAX_NAMESPACES, drivers/nvme/target/nvmet.h)."""

GROUP_MAX = 127
"""The kernel takes 128, and keeps no namespace in it."""


def load(
    data: bytes,
    name: str,
    *,
    listed: Listed | None = None,
    read_secret: ReadSecret | None = None,
    private: bool = False,
) -> Wishes:
    """What a document asks for: YAML or JSON, p2pctl's own or nvmetcli's.

    ``listed`` are the attributes that this kernel has, which makes those legal that p2pctl does not know; None where no
    kernel is asked. ``read_secret`` reads the files that hold secrets; None leaves them unread, for a look at the
    document alone. ``private`` says that nobody but its owner can read the document: then secrets may stand in it.

    Raises DocumentError with every problem that is found, and nothing else.
    """
    reading = Reading(listed, read_secret, private=private, file=name)
    try:
        root = parse(data)
        wishes = read_nvmetcli(root, reading) if _is_nvmetcli(root) else _Document(reading).read(root)
    except Flaw as flaw:
        raise DocumentError(name, [*reading.problems, flaw.problem]) from None
    wishes = wishes._replace(places=reading.places, file=name, notes=tuple(reading.notes))
    problems = reading.problems or list(contradictions(wishes))
    if problems:
        raise DocumentError(name, problems)
    return wishes


def _is_nvmetcli(root: Node) -> bool:
    """Whether it is nvmetcli's format: that lists objects, and has no version."""
    if not isinstance(root, Table) or any(key.text == "version" for key, _ in root.pairs):
        return False
    return any(key.text in {"hosts", "subsystems", "ports"} and isinstance(node, Items) for key, node in root.pairs)


def _host_nqn(text: str) -> str:
    return _named(check_nqn, text)


def _subsystem_nqn(text: str) -> str:
    return _named(check_subsystem_nqn, text)


def _named(check: Parse, text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise ValueError(f"{quoted(text)} cannot be an NQN: {error}") from None


_nsid = NumberOf("a namespace's number", 1, NSID_MAX)
_port_id = NumberOf("a port's number", 0, 0xFFFF)
_group = NumberOf("an ANA group's number", 1, GROUP_MAX)


def _referral_name(text: str) -> str:
    if text in {"", ".", ".."} or "/" in text or not text.isprintable() or len(text.encode()) > 255:
        raise ValueError(f"{quoted(text)} cannot be the name of a referral: it is a directory's, up to 255 bytes")
    return text


def _provider(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError(f"{quoted(text)} is no provider of P2P memory")
    return text


class _Document:
    """p2pctl's own format."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._has_version = False
        self._hosts: dict[str, HostWish] = {}
        self._subsystems: dict[str, SubsystemWish] = {}
        self._ports: dict[int, PortWish] = {}

    def read(self, root: Node) -> Wishes:
        if not isinstance(root, Table):
            raise Flaw("a document is a mapping that begins with version: 1", root.place)
        parts: dict[str, Part] = {
            "$schema": lambda _node, _trail: None,
            "version": self._version,
            "hosts": self._read_hosts,
            "subsystems": self._read_subsystems,
            "ports": self._read_ports,
        }
        found = self._reading.object(root, (), "root", parts, state=False)
        if not self._has_version:
            self._reading.problem(f"the document does not say its version: write version: {VERSION}", root.place)
        return Wishes(found.values, self._hosts, self._subsystems, self._ports)

    def _version(self, node: Node, _trail: Trail) -> None:
        self._has_version = True
        if not isinstance(node, Scalar) or node.text != VERSION:
            self._reading.problem(f"version is {VERSION}: this p2pctl knows no other", node.place)

    def _read_hosts(self, node: Node, trail: Trail) -> None:
        for nqn, value, here in self._reading.entries(node, trail, "hosts", _host_nqn):
            found = self._reading.object(value, here, "host", {})
            self._hosts[str(nqn)] = HostWish(found.absent, found.values, found.withheld)

    def _read_subsystems(self, node: Node, trail: Trail) -> None:
        for nqn, value, here in self._reading.entries(node, trail, "subsystems", _subsystem_nqn):
            self._subsystems[str(nqn)] = self._subsystem(value, here)

    def _subsystem(self, node: Node, trail: Trail) -> SubsystemWish:
        reading = self._reading
        wish = SubsystemWish()

        def hosts(node: Node, here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(allowed_hosts=reading.words(node, here, "allowed_hosts", _host_nqn))

        def namespaces(node: Node, here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(namespaces=self._namespaces(node, here))

        def passthru(node: Node, here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(passthru=reading.object(node, here, "passthru", {}, state=False).values)

        parts: dict[str, Part] = {"allowed_hosts": hosts, "namespaces": namespaces, "passthru": passthru}
        found = reading.object(node, trail, "subsystem", parts)
        return wish._replace(absent=found.absent, attributes=found.values)

    def _namespaces(self, node: Node, trail: Trail) -> dict[int, NamespaceWish]:
        found = {
            int(nsid): self._namespace(value, here)
            for nsid, value, here in self._reading.entries(node, trail, "namespaces", _nsid)
        }
        if sum(not one.absent for one in found.values()) > NAMESPACES_MAX:
            self._reading.problem(f"a subsystem can have {NAMESPACES_MAX} namespaces", node.place)
        return found

    def _namespace(self, node: Node, trail: Trail) -> NamespaceWish:
        providers: dict[str, tuple[str, ...]] = {}

        def names(node: Node, here: Trail) -> None:
            providers[str(here[-1])] = self._reading.words(node, here, str(here[-1]), _provider)

        found = self._reading.object(node, trail, "namespace", {"prefer": names, "avoid": names})
        return NamespaceWish(found.absent, found.values, providers.get("prefer", ()), providers.get("avoid", ()))

    def _read_ports(self, node: Node, trail: Trail) -> None:
        for number, value, here in self._reading.entries(node, trail, "ports", _port_id):
            self._ports[int(number)] = self._port(value, here)

    def _port(self, node: Node, trail: Trail) -> PortWish:
        reading = self._reading
        wish = PortWish()

        def subsystems(node: Node, here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(subsystems=reading.words(node, here, "subsystems", _subsystem_nqn))

        def groups(node: Node, here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(ana_groups=self._groups(node, here))

        def referrals(node: Node, here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(referrals=self._referrals(node, here))

        def p2p(node: Node, _here: Trail) -> None:
            nonlocal wish
            wish = wish._replace(p2p=self._expectation(node))

        parts: dict[str, Part] = {"subsystems": subsystems, "ana_groups": groups, "referrals": referrals, "p2p": p2p}
        found = reading.object(node, trail, "port", parts)
        return wish._replace(absent=found.absent, attributes=found.values)

    def _expectation(self, node: Node) -> Expectation | None:
        if isinstance(node, Scalar) and node.text in get_args(Expectation):
            return cast("Expectation", node.text)
        self._reading.problem(f"p2p is one of {', '.join(get_args(Expectation))}", node.place)
        return None

    def _groups(self, node: Node, trail: Trail) -> dict[int, GroupWish]:
        found: dict[int, GroupWish] = {}
        for number, value, _here in self._reading.entries(node, trail, "ana_groups", _group):
            if isinstance(value, Scalar) and value.text == "absent":
                if number == 1:
                    self._reading.problem("ANA group 1 cannot be removed: every port has it", value.place)
                found[int(number)] = GroupWish(absent=True)
            else:
                found[int(number)] = GroupWish(state=self._reading.text("ana-group", "ana_state", value))
        return found

    def _referrals(self, node: Node, trail: Trail) -> dict[str, ReferralWish]:
        entries = self._reading.entries(node, trail, "referrals", _referral_name)
        read = ((str(name), self._reading.object(value, here, "referral", {})) for name, value, here in entries)
        return {name: _referral(found) for name, found in read}


def _referral(found: ObjectRead) -> ReferralWish:
    return ReferralWish(found.absent, found.values)
