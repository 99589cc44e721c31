"""nvmetcli's JSON, read with the place of every word.

Its traps: ``(null)`` stands for no device, -1 is saved for a parameter that the kernel does not take it for, and what
the kernel chose for a live port is saved as if somebody had asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from p2pctl.target.auto import is_choice
from p2pctl.target.document.nodes import Items, Node, Scalar, Table
from p2pctl.target.document.reading import Reading
from p2pctl.target.grammar import NumberOf, quoted
from p2pctl.target.nqn import check_nqn, check_subsystem_nqn
from p2pctl.target.schema import Kind, key_for, spec
from p2pctl.target.wishes import (
    GroupWish,
    HostWish,
    NamespaceWish,
    PortWish,
    ReferralWish,
    SubsystemWish,
    Trail,
    Wishes,
)

_GROUPS: Mapping[Kind, tuple[str, ...]] = {
    "host": ("dhchap",),
    "subsystem": ("attr",),
    "passthru": ("device",),
    "namespace": ("device", "ana", "resv"),
    "port": ("addr", "param"),
    "ana-group": ("ana",),
    "referral": ("addr",),
    "root": (),
}
"""Keys whose value holds the attributes of which the key is the prefix."""

_PLAIN: Mapping[Kind, tuple[str, ...]] = {
    "passthru": ("admin_timeout", "io_timeout", "clear_ids", "enable"),
    "namespace": ("enable", "ana_grpid"),
    "referral": ("enable",),
}
"""Keys that are attributes themselves."""

NOT_HELD = "nvmetcli's format has no p2pmem and no buffered_io, and does not say whether passthru is enabled: they stay"


def read_nvmetcli(root: Node, reading: Reading) -> Wishes:
    """What a file of nvmetcli asks for; problems are the reading's."""
    return _Nvmetcli(reading).read(root)


class _Nvmetcli:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, root: Node) -> Wishes:
        attributes: dict[str, str] = {}
        parts: dict[str, Node] = {}
        for key, node in self._reading.pairs(root, "the file"):
            if key.text == "discovery":
                attributes = self._discovery(node)
            elif key.text in {"hosts", "subsystems", "ports"}:
                parts[key.text] = node
            else:
                self._reading.problem(f"nvmetcli's format has no key {quoted(key.text)} here", key.place)
        hosts = dict(self._hosts(parts.get("hosts")))
        subsystems = dict(self._subsystems(parts.get("subsystems")))
        ports = dict(self._ports(parts.get("ports")))
        if any(one.namespaces or one.passthru for one in subsystems.values()):
            self._reading.notes.append(NOT_HELD)
        return Wishes(attributes, hosts, subsystems, ports)

    def _discovery(self, node: Node) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in self._reading.pairs(node, "discovery"):
            if key.text == "nqn":
                self._take("root", "discovery_nqn", value, ("discovery_nqn",), found)
        return found

    def _members(self, node: Node | None, what: str) -> Iterator[Table]:
        """The mappings of a list."""
        if node is None:
            return
        if not isinstance(node, Items):
            self._reading.problem(f"{what} is a list in nvmetcli's format", node.place)
            return
        for item in node.items:
            if isinstance(item, Table):
                yield item
            else:
                self._reading.problem(f"{what} is a list of mappings in nvmetcli's format", item.place)

    def _hosts(self, node: Node | None) -> Iterator[tuple[str, HostWish]]:
        for item in self._members(node, "hosts"):
            nqn = self._name(item, "nqn")
            if nqn is not None:
                values, _ = self._attributes(item, "host", ("hosts", nqn), ("nqn",))
                yield nqn, HostWish(attributes=values)

    def _subsystems(self, node: Node | None) -> Iterator[tuple[str, SubsystemWish]]:
        for item in self._members(node, "subsystems"):
            nqn = self._name(item, "nqn", subsystem=True)
            if nqn is None:
                continue
            trail: Trail = ("subsystems", nqn)
            known = ("nqn", "allowed_hosts", "namespaces", "passthru")
            values, parts = self._attributes(item, "subsystem", trail, known)
            allowed = parts.get("allowed_hosts")
            passthru: dict[str, str] = {}
            for one in self._members(parts.get("passthru"), "passthru"):
                passthru.update(self._attributes(one, "passthru", (*trail, "passthru"), ())[0])
            yield (
                nqn,
                SubsystemWish(
                    attributes=values,
                    allowed_hosts=None
                    if allowed is None
                    else self._reading.words(allowed, (*trail, "allowed_hosts"), "allowed_hosts", check_nqn),
                    namespaces=dict(self._namespaces(parts.get("namespaces"), (*trail, "namespaces"))),
                    passthru=passthru,
                ),
            )

    def _namespaces(self, node: Node | None, trail: Trail) -> Iterator[tuple[int, NamespaceWish]]:
        for item in self._members(node, "namespaces"):
            nsid = self._number(item, "nsid", NumberOf("nsid", 1, 0xFFFFFFFE))
            if nsid is not None:
                values, _ = self._attributes(item, "namespace", (*trail, nsid), ("nsid",))
                yield nsid, NamespaceWish(attributes=values)

    def _ports(self, node: Node | None) -> Iterator[tuple[int, PortWish]]:
        for item in self._members(node, "ports"):
            number = self._number(item, "portid", NumberOf("portid", 0, 0xFFFF))
            if number is None:
                continue
            trail: Trail = ("ports", number)
            known = ("portid", "subsystems", "ana_groups", "referrals")
            values, parts = self._attributes(item, "port", trail, known)
            exported = parts.get("subsystems")
            yield (
                number,
                PortWish(
                    attributes=self._thawed(number, values),
                    subsystems=None
                    if exported is None
                    else self._reading.words(exported, (*trail, "subsystems"), "subsystems", check_subsystem_nqn),
                    ana_groups=dict(self._groups(parts.get("ana_groups"), (*trail, "ana_groups"))),
                    referrals=dict(self._referrals(parts.get("referrals"), (*trail, "referrals"))),
                ),
            )

    def _thawed(self, number: int, values: Mapping[str, str]) -> dict[str, str]:
        """A port's attributes without what the kernel chooses by itself."""
        transport = values.get("addr_trtype", "")
        chosen = [file for file, value in values.items() if is_choice(transport, file, value)]
        if chosen:
            told = ", ".join(f"{key_for('port', file)} {values[file]}" for file in chosen)
            self._reading.notes.append(f"port {number}: {told} is what {transport} takes by itself: left to the kernel")
        return {file: value for file, value in values.items() if file not in chosen}

    def _groups(self, node: Node | None, trail: Trail) -> Iterator[tuple[int, GroupWish]]:
        for item in self._members(node, "ana_groups"):
            number = self._number(item, "grpid", NumberOf("grpid", 1, 127))
            if number is not None:
                values, _ = self._attributes(item, "ana-group", (*trail, number), ("grpid",))
                yield number, GroupWish(state=values.get("ana_state"))

    def _referrals(self, node: Node | None, trail: Trail) -> Iterator[tuple[str, ReferralWish]]:
        for item in self._members(node, "referrals"):
            name = self._name(item, "name")
            if name is not None:
                values, _ = self._attributes(item, "referral", (*trail, name), ("name",))
                yield name, ReferralWish(attributes=values)

    def _named(self, item: Table, key: str) -> Scalar | None:
        found = next((node for name, node in item.pairs if name.text == key), None)
        if isinstance(found, Scalar):
            return found
        self._reading.problem(f"{key} is missing here" if found is None else f"{key} must be a single word", item.place)
        return None

    def _name(self, item: Table, key: str, *, subsystem: bool = False) -> str | None:
        found = self._named(item, key)
        if found is None:
            return None
        try:
            return check_subsystem_nqn(found.text) if subsystem else check_nqn(found.text)
        except ValueError as error:
            self._reading.problem(f"{quoted(found.text)} cannot be a name: {error}", found.place)
            return None

    def _number(self, item: Table, key: str, check: NumberOf) -> int | None:
        found = self._named(item, key)
        if found is None:
            return None
        try:
            return check(found.text)
        except ValueError as error:
            self._reading.problem(str(error), found.place)
            return None

    def _attributes(
        self, item: Table, kind: Kind, trail: Trail, known: tuple[str, ...]
    ) -> tuple[dict[str, str], dict[str, Node]]:
        """An object's attributes, and its other parts by their key."""
        before = self._reading.places.setdefault(trail, item.place)
        if before is not item.place:
            self._reading.problem(f"{quoted(str(trail[-1]))} was given already in line {before.line}", item.place)
        values: dict[str, str] = {}
        parts: dict[str, Node] = {}
        for key, node in item.pairs:
            if key.text in known:
                parts[key.text] = node
            elif key.text in _PLAIN.get(kind, ()):
                self._take(kind, key.text, node, trail, values)
            elif key.text in _GROUPS[kind]:
                for part, value in self._reading.pairs(node, key.text):
                    self._take(kind, f"{key.text}_{part.text}", value, trail, values)
            else:
                self._reading.problem(f"nvmetcli's format has no key {quoted(key.text)} here", key.place)
        return values, parts

    def _take(self, kind: Kind, file: str, node: Node, trail: Trail, values: dict[str, str]) -> None:
        """An attribute, unless the file only says that it has none."""
        found = spec(kind, file)
        if isinstance(node, Scalar) and (node.null or (found is not None and node.text in found.unset)):
            return
        listed = None if self._reading.listed is None else self._reading.listed.get(kind)
        if listed is not None and file not in listed:
            self._reading.note(f"this kernel has no {file}: left out", node.place)
            return
        text = self._reading.value(kind, file, node)
        if text is not None:
            values[file] = text
            self._reading.places[*trail, key_for(kind, file)] = node.place
