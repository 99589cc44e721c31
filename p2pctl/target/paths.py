"""Where configfs keeps the target's objects, and what people call them."""

from __future__ import annotations

from p2pctl.model.nvmet import ROOT, AnaGroup, Port, TargetNamespace


def host(nqn: str) -> str:
    """A host's directory."""
    return f"{ROOT}/hosts/{nqn}"


def subsystem(nqn: str) -> str:
    """A subsystem's directory."""
    return f"{ROOT}/subsystems/{nqn}"


def passthru(nqn: str) -> str:
    """The directory of a subsystem's passthru attributes, which is always there."""
    return f"{subsystem(nqn)}/passthru"


def allowed_host(nqn: str, link: str) -> str:
    """A link to a host that may connect to a subsystem."""
    return f"{subsystem(nqn)}/allowed_hosts/{link}"


def namespace(nqn: str, one: TargetNamespace) -> str:
    """A namespace's directory."""
    return f"{subsystem(nqn)}/namespaces/{one.directory}"


def port(name: str) -> str:
    """A port's directory."""
    return f"{ROOT}/ports/{name}"


def port_link(name: str, link: str) -> str:
    """A link to a subsystem that a port exports."""
    return f"{port(name)}/subsystems/{link}"


def ana_group(name: str, group: AnaGroup) -> str:
    """The directory of a port's ANA group."""
    return f"{port(name)}/ana_groups/{group.directory}"


def referral(name: str, one: str) -> str:
    """The directory of a port's referral."""
    return f"{port(name)}/referrals/{one}"


def called_host(nqn: str) -> str:
    """A host in the user's terms."""
    return f"host {nqn}"


def called_subsystem(nqn: str) -> str:
    """A subsystem in the user's terms."""
    return f"subsystem {nqn}"


def called_namespace(nqn: str, nsid: int) -> str:
    """A namespace in the user's terms."""
    return f"namespace {nsid} of {nqn}"


def called_port(one: Port | str) -> str:
    """A port in the user's terms."""
    return f"port {one if isinstance(one, str) else one.name}"


def called_group(name: str, number: int) -> str:
    """A port's ANA group in the user's terms."""
    return f"ANA group {number} of port {name}"


def called_referral(name: str, one: str) -> str:
    """A port's referral in the user's terms."""
    return f"referral {one} of port {name}"
