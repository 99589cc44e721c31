"""Who may use the target, where that is not what its owner thinks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from shlex import quote

from p2pctl.findings.finding import Finding, some
from p2pctl.findings.scene import Scene
from p2pctl.model.connections import DEBUGFS
from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import ROOT, KeyFile, Nvmet, Subsystem

_GROUP, _OTHERS = 0o040, 0o004


def access_findings(scene: Scene) -> Iterator[Finding]:
    """Keys that anybody can read or that nobody is asked for, sessions that outlive their permission, optional TLS."""
    nvmet = scene.snapshot.nvmet
    if nvmet is None:
        return
    yield from _readable_keys(nvmet)
    yield from _skipped_keys(nvmet)
    yield from _no_longer_allowed(scene, nvmet)
    yield from _optional_tls(nvmet)


def _exported(nvmet: Nvmet) -> Iterator[Subsystem]:
    names = {nqn for port in nvmet.ports.values() for nqn in port.subsystems}
    return (one for nqn, one in nvmet.subsystems.items() if nqn in names)


def _readable_keys(nvmet: Nvmet) -> Iterator[Finding]:
    for nqn, host in nvmet.hosts.items():
        readable = [
            name
            for name, key in host.keys.items()
            if key.filled is True and not isinstance(key.mode, Missing) and key.mode & (_GROUP | _OTHERS)
        ]
        if readable:
            paths = [f"{ROOT}/hosts/{nqn}/{name}" for name in readable]
            by_all = _by_all(host.keys[name] for name in readable)
            who = "every user of this machine: configfs makes it so" if by_all else "the members of its group"
            yield Finding(
                "dhchap-key-readable",
                "warning",
                f"host {nqn}",
                f"{' and '.join(readable)} can be read by {who}",
                paths[0],
                "take the permission away; the file keeps it as long as the host's entry exists, and p2pctl host set "
                "does so when it sets a key",
                meaning="whoever has read it can connect as that host, from anywhere that reaches the port",
                line=f"mode {_mode(host.keys[readable[0]].mode)}",
                commands=tuple(f"chmod 0600 {quote(path)}" for path in paths),
                risk="none: the kernel itself does not look at the mode",
                verify=tuple(f"stat -c %a {quote(path)}  # 600" for path in paths),
            )


def _by_all(keys: Iterable[KeyFile]) -> bool:
    return any(not isinstance(key.mode, Missing) and key.mode & _OTHERS for key in keys)


def _mode(mode: int | Missing) -> str:
    return "?" if isinstance(mode, Missing) else f"{mode:04o}"


def _skipped_keys(nvmet: Nvmet) -> Iterator[Finding]:
    keyed = [nqn for nqn, host in nvmet.hosts.items() if any(key.filled is True for key in host.keys.values())]
    if not keyed:
        return
    for subsystem in _exported(nvmet):
        if subsystem.attributes.get("attr_allow_any_host") == "1":
            yield Finding(
                "any-host-skips-dhchap",
                "warning",
                f"subsystem {subsystem.nqn}",
                "it is open to any host, and then the kernel asks nobody for a key, though this target has keys "
                f"for {some(keyed, 2)}",
                f"{ROOT}/subsystems/{subsystem.nqn}/attr_allow_any_host",
                "name the hosts that may use it, and close it to all others",
                meaning="whoever reaches the port reads and writes its namespaces without authentication",
                line="1",
                commands=(
                    f"p2pctl subsystem set {quote(subsystem.nqn)} allow_any_host=0",
                    f"p2pctl subsystem allow {quote(subsystem.nqn)} {quote(keyed[0])}",
                ),
                risk="hosts that are not named can no longer connect; those that are connected stay",
                verify=(f"p2pctl subsystem show {quote(subsystem.nqn)}",),
            )


def _no_longer_allowed(scene: Scene, nvmet: Nvmet) -> Iterator[Finding]:
    connections = scene.snapshot.connections
    allowed: Mapping[str, set[str]] = {
        nqn: set(one.allowed_hosts)
        for nqn, one in nvmet.subsystems.items()
        if one.attributes.get("attr_allow_any_host") == "0"
    }
    for one in connections.controllers if connections else ():
        if one.subsystem in allowed and isinstance(one.host, str) and one.host not in allowed[one.subsystem]:
            yield Finding(
                "host-still-connected",
                "warning",
                f"subsystem {one.subsystem}",
                f"{one.host} is connected (controller {one.cntlid}) and no longer allowed: taking a host off the list "
                "ends no session",
                f"{DEBUGFS}/{one.subsystem}/ctrl{one.cntlid}/hostnqn",
                "end its connection",
                meaning="it goes on reading and writing until its connection ends",
                line=one.host,
                commands=(f"p2pctl connection list --subsystem {quote(one.subsystem)}",),
                risk="its I/O fails from then on",
                verify=(f"p2pctl connection list --subsystem {quote(one.subsystem)}",),
            )


def _optional_tls(nvmet: Nvmet) -> Iterator[Finding]:
    for name, port in nvmet.ports.items():
        if port.attributes.get("addr_tsas") == "tls1.3" and port.attributes.get("addr_treq") == "not required":
            yield Finding(
                "tls-optional",
                "warning" if port.links else "info",
                f"port {name}",
                "it offers TLS and takes hosts without it as well",
                f"{ROOT}/ports/{name}/addr_treq",
                "require a secure channel",
                meaning="a host that asks for no TLS sends and receives everything in the clear",
                line="not required",
                commands=(f"p2pctl port set {quote(name)} treq=required",),
                risk="the port's connections drop, and hosts without TLS cannot come back",
                verify=(f"p2pctl port show {quote(name)}",),
            )
