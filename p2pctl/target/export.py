"""The target as a document: sorted, complete, and such that reading it back asks for no change.

What the kernel chose for a port is left out where the port's transport would choose the same again (target.auto).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from p2pctl.model.facts import NOT_READ, Fact, Missing, known
from p2pctl.model.nvmet import Attributes, Nvmet, Port, Subsystem
from p2pctl.target import paths
from p2pctl.target.auto import is_choice
from p2pctl.target.nqn import check_nqn, check_subsystem_nqn
from p2pctl.target.schema import Kind, canonical, check_value, key_for, shown, spec, specs

Secrets = Literal["redacted", "shown"]
"""Whether keys stand in the document, or a mark that keeps the ones that are there."""

REDACTED: Mapping[str, bool] = {"redacted": True}

Told = Callable[[str], object]
"""Takes a sentence about what the document does not hold."""

_ID_MAX = 0xFFFF


def export(nvmet: Nvmet, *, secrets: Secrets = "redacted") -> dict[str, Any]:
    """The document. ``export_notes`` has what it cannot hold.

    A target that was read without its secrets has every key redacted, set or not: read it with them.
    """
    return _Export(nvmet, secrets, lambda _text: None).document()


def export_notes(nvmet: Nvmet) -> tuple[str, ...]:
    """What of the target a document cannot hold, and why."""
    notes: list[str] = []
    _Export(nvmet, "redacted", notes.append).document()
    return tuple(notes)


class _Export:
    def __init__(self, nvmet: Nvmet, secrets: Secrets, told: Told) -> None:
        self._nvmet = nvmet
        self._secrets = secrets
        self._told = told

    def document(self) -> dict[str, Any]:
        nvmet = self._nvmet
        document: dict[str, Any] = {"version": 1}
        document |= self._attributes("root", "the target", nvmet.attributes)
        hosts = {
            nqn: self._attributes("host", paths.called_host(nqn), nvmet.hosts[nqn].attributes)
            for nqn in self._names(nvmet.hosts, check_nqn)
        }
        subsystems = {
            nqn: self._subsystem(nvmet.subsystems[nqn]) for nqn in self._names(nvmet.subsystems, check_subsystem_nqn)
        }
        ports = {number: self._port(port) for number, port in sorted(self._numbered().items())}
        parts = {"hosts": hosts, "subsystems": subsystems, "ports": ports}
        return document | {key: value for key, value in parts.items() if value}

    def _names(self, names: Mapping[str, object], check: Callable[[str], str]) -> Iterator[str]:
        for name in sorted(names):
            try:
                check(name)
            except ValueError as error:
                self._told(f"{name!r} is left out: {error}")
            else:
                yield name

    def _numbered(self) -> dict[int, Port]:
        """Ports by number: of several directories for one number a document can mean only one."""
        found: dict[int, Port] = {}
        for port in sorted(self._nvmet.ports.values(), key=lambda port: (port.name != str(port.number), port.name)):
            number = port.number
            if number is None or number > _ID_MAX or number in found:
                self._told(f"port {port.name!r} is left out: another one has its number, or it is none")
            else:
                found[number] = port
        return found

    def _attributes(self, kind: Kind, name: str, attributes: Attributes) -> dict[str, Any]:
        order = specs(kind)
        files = [*(file for file in order if file in attributes), *sorted(attributes.keys() - order.keys())]
        found: dict[str, Any] = {}
        for file in files:
            value = self._value(kind, name, file, attributes[file])
            if value is not None:
                # Only under its whole name can one be read back that nobody knows and no kernel is asked about.
                found[file if spec(kind, file) is None else key_for(kind, file)] = value
        return found

    def _value(self, kind: Kind, name: str, file: str, read: Fact[str]) -> str | int | bool | Mapping[str, bool] | None:
        of = spec(kind, file)
        if of is not None and of.write_only:
            return None
        secret = of is not None and of.secret
        if secret and read is NOT_READ:
            return REDACTED
        if isinstance(read, Missing):
            if read is not Missing.ABSENT:
                self._told(f"{key_for(kind, file)} of {name} is left out: it could not be read")
            return None
        text = canonical(kind, file, read)
        if text is None:
            return None
        if secret and self._secrets == "redacted":
            return REDACTED
        try:
            return shown(kind, file, check_value(kind, file, text))
        except ValueError as error:
            self._told(f"{name} is left without its {error}")
            return None

    def _subsystem(self, one: Subsystem) -> dict[str, Any]:
        name = paths.called_subsystem(one.nqn)
        found = self._attributes("subsystem", name, one.attributes)
        passthru = self._attributes("passthru", f"passthru of {name}", one.passthru)
        if passthru.get("enable") is True:
            # It is the drive's own as long as passthru is enabled, and cannot be written.
            found.pop("version", None)
        found["allowed_hosts"] = list(self._names(dict.fromkeys(one.allowed_hosts), check_nqn))
        if passthru:
            found["passthru"] = passthru
        namespaces = {
            nsid: self._attributes("namespace", paths.called_namespace(one.nqn, nsid), namespace.attributes)
            for nsid, namespace in sorted(one.namespaces.items())
        }
        if namespaces:
            found["namespaces"] = namespaces
        return found

    def _port(self, port: Port) -> dict[str, Any]:
        name = paths.called_port(port)
        transport = known(port.attributes.get("addr_trtype", ""), "")
        attributes = {
            file: value
            for file, value in port.attributes.items()
            if isinstance(value, Missing) or not is_choice(transport, file, value)
        }
        found = self._attributes("port", name, attributes)
        groups = {
            number: state
            for number, group in sorted(port.ana_groups.items())
            for state in [
                self._value("ana-group", f"ANA group {number} of {name}", "ana_state", _state(group.attributes))
            ]
            if state is not None
        }
        if groups:
            found["ana_groups"] = groups
        found["subsystems"] = list(self._names(dict.fromkeys(port.subsystems), check_subsystem_nqn))
        referrals = {
            one: self._attributes("referral", paths.called_referral(port.name, one), port.referrals[one].attributes)
            for one in sorted(port.referrals)
            if one.isprintable()
        }
        if referrals:
            found["referrals"] = referrals
        return found


def _state(attributes: Attributes) -> Fact[str]:
    return attributes.get("ana_state", Missing.ABSENT)
