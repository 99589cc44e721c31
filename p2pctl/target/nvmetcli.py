"""The target in nvmetcli's format, and what that cannot hold.

Its values are texts, its objects stand in lists, and attributes are grouped by the prefix of their files. Its reader is
target.document.nvmetcli.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from p2pctl.model.facts import Fact, Missing, known
from p2pctl.model.nvmet import Attributes, Nvmet, Port, Subsystem, TargetNamespace
from p2pctl.target import paths
from p2pctl.target.auto import is_choice
from p2pctl.target.export import Secrets
from p2pctl.target.nqn import DISCOVERY_NQN
from p2pctl.target.schema import Kind, shown, spec

_NSID_MAX = 8192
"""nvmetcli takes no larger one."""


def to_nvmetcli(nvmet: Nvmet, *, secrets: Secrets = "redacted") -> tuple[dict[str, Any], tuple[str, ...]]:
    """What nvmetcli would have saved, without its traps; and what gets lost, a sentence each."""
    document: dict[str, Any] = {}
    discovery = known(nvmet.attributes.get("discovery_nqn", ""), "")
    if discovery:
        document["discovery"] = {"nqn": discovery}
    document["hosts"] = [
        {"nqn": nqn, **_grouped("host", host.attributes, ("dhchap",), secrets=secrets)}
        for nqn, host in sorted(nvmet.hosts.items())
    ]
    document["ports"] = [
        _port(port) for port in sorted(nvmet.ports.values(), key=lambda port: (port.number or 0, port.name))
    ]
    document["subsystems"] = [_subsystem(one) for _, one in sorted(nvmet.subsystems.items())]
    return document, tuple(_losses(nvmet, discovery, secrets))


def _text(kind: Kind, file: str, read: Fact[str], *, secrets: Secrets = "shown") -> str | None:
    """What is saved of an attribute; None where nothing may be: unset, unknown, withheld."""
    if isinstance(read, Missing):
        return None
    found = spec(kind, file)
    if found is not None and (read in found.unset or found.write_only or (found.secret and secrets == "redacted")):
        return None
    return read.rstrip(" ") if kind == "subsystem" else read


def _grouped(
    kind: Kind, attributes: Attributes, groups: tuple[str, ...], *, secrets: Secrets = "shown"
) -> dict[str, dict[str, str]]:
    """Attributes whose file begins with the name of a group, by group."""
    found: dict[str, dict[str, str]] = {}
    for file, read in sorted(attributes.items()):
        group, _, name = file.partition("_")
        text = _text(kind, file, read, secrets=secrets)
        if group in groups and name and text is not None:
            found.setdefault(group, {})[name] = text
    return found


def _number(attributes: Attributes, file: str) -> int:
    text = known(attributes.get(file, ""), "")
    return int(text) if text.isdecimal() else 0


def _namespace(nsid: int, one: TargetNamespace) -> dict[str, Any]:
    found: dict[str, Any] = {"nsid": nsid, "enable": _number(one.attributes, "enable")}
    if "ana_grpid" in one.attributes:
        found["ana_grpid"] = _number(one.attributes, "ana_grpid")
    return found | _grouped("namespace", one.attributes, ("ana", "device", "resv"))


def _subsystem(one: Subsystem) -> dict[str, Any]:
    found: dict[str, Any] = {
        "nqn": one.nqn,
        "allowed_hosts": list(one.allowed_hosts),
        "namespaces": [_namespace(nsid, namespace) for nsid, namespace in sorted(one.namespaces.items())],
        **_grouped("subsystem", one.attributes, ("attr",)),
    }
    passthru: dict[str, Any] = dict(_grouped("passthru", one.passthru, ("device",)))
    if passthru:
        times = ("admin_timeout", "clear_ids", "io_timeout")
        passthru |= {file: _number(one.passthru, file) for file in times if file in one.passthru}
        found["passthru"] = [passthru]
    return found


def _port(port: Port) -> dict[str, Any]:
    transport = known(port.attributes.get("addr_trtype", ""), "")
    attributes = {
        file: read
        for file, read in port.attributes.items()
        if isinstance(read, Missing) or not is_choice(transport, file, read)
    }
    return {
        "portid": port.number,
        "subsystems": list(port.subsystems),
        "ana_groups": [
            {"grpid": number, **_grouped("ana-group", group.attributes, ("ana",))}
            for number, group in sorted(port.ana_groups.items())
        ],
        "referrals": [
            {
                "name": name,
                "enable": _number(one.attributes, "enable"),
                **_grouped("referral", one.attributes, ("addr",)),
            }
            for name, one in sorted(port.referrals.items())
        ],
        **_grouped("port", attributes, ("addr", "param")),
    }


def _losses(nvmet: Nvmet, discovery: str, secrets: Secrets) -> Iterator[str]:
    if discovery not in {"", DISCOVERY_NQN}:
        yield "discovery_nqn is in the file, and nvmetcli does not restore it"
    for nqn, subsystem in nvmet.subsystems.items():
        if _is_on(subsystem.passthru, "enable"):
            yield f"passthru of {nqn} is enabled, and the format cannot say so"
        for nsid, one in subsystem.namespaces.items():
            yield from _namespace_losses(nqn, nsid, one.attributes)
    for port in nvmet.ports.values():
        yield from _port_losses(port)
    if secrets == "redacted":
        for nqn, host in nvmet.hosts.items():
            keys = [file for file, read in host.attributes.items() if _is_secret(file) and read != ""]
            if keys:
                yield f"{', '.join(sorted(keys))} of host {nqn} is left out: it is a secret"


def _is_secret(file: str) -> bool:
    found = spec("host", file)
    return found is not None and found.secret


def _is_on(attributes: Mapping[str, Fact[str]], file: str) -> bool:
    return known(attributes.get(file, ""), "") not in {"", "0"}


def _namespace_losses(nqn: str, nsid: int, attributes: Attributes) -> Iterator[str]:
    name = paths.called_namespace(nqn, nsid)
    for file in ("p2pmem", "buffered_io"):
        if _is_on(attributes, file):
            value = shown("namespace", file, known(attributes[file], ""))
            yield f"{file} of {name} is {'on' if value is True else value}, and the format cannot say so"
    if nsid > _NSID_MAX:
        yield f"{name} is in the file, and nvmetcli takes no number above {_NSID_MAX}"


def _port_losses(port: Port) -> Iterator[str]:
    required = known(port.attributes.get("addr_treq", ""), "") not in {"", "not specified"}
    if required and known(port.attributes.get("addr_tsas", ""), "") == "none":
        yield f"treq of port {port.name} is in the file, and nvmetcli resets it when it restores tsas none"
