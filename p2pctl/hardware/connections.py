"""Reads the controllers of connected hosts from the target's debugfs (drivers/nvme/target/debugfs.c)."""

from __future__ import annotations

import re

from p2pctl.hardware.reading import Reader, natural
from p2pctl.model.connections import DEBUGFS, Connections, Controller
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing

_MOUNT = "/sys/kernel/debug"
_FACT = "connected hosts"
_CONTROLLER = re.compile(r"ctrl([0-9]{1,5})")


def read_connections(reader: Reader, now: float) -> Connections:
    """Every controller of every subsystem. One that ends meanwhile is left out."""
    subsystems = reader.listing(DEBUGFS, _FACT)
    if isinstance(subsystems, Missing):
        shown = _without(reader) if subsystems is ABSENT else UNREADABLE
        return Connections(now, shown, gaps=tuple(reader.gaps))
    controllers = []
    for nqn in subsystems:
        for name in sorted(reader.names(f"{DEBUGFS}/{nqn}", _FACT, nqn), key=natural):
            match = _CONTROLLER.fullmatch(name)
            controller = _controller(reader, nqn, int(match[1]), f"{DEBUGFS}/{nqn}/{name}") if match else None
            if controller is not None:
                controllers.append(controller)
    return Connections(now, debugfs=True, controllers=tuple(controllers), gaps=tuple(reader.gaps))


def _without(reader: Reader) -> Fact[bool]:
    """Why there is no directory: a kernel that shows none, or a debugfs that is not mounted."""
    mounted = reader.listing(_MOUNT, _FACT)
    if mounted is UNREADABLE:
        return UNREADABLE
    if mounted is ABSENT or not mounted:
        reader.gap(_FACT, None, _MOUNT, "debugfs mounted")
        return UNREADABLE
    return False


def _controller(reader: Reader, nqn: str, cntlid: int, path: str) -> Controller | None:
    subject = f"{nqn} controller {cntlid}"
    port = reader.text(f"{path}/port", "connection port", subject)
    host = reader.text(f"{path}/hostnqn", "connection host", subject)
    if port is ABSENT and host is ABSENT:
        return None
    return Controller(
        subsystem=nqn,
        cntlid=cntlid,
        port=port,
        host=host,
        address=reader.text(f"{path}/host_traddr", "connection address", subject),
        state=reader.text(f"{path}/state", "connection state", subject),
        kato=reader.number(f"{path}/kato", "connection keep-alive", subject),
        tls_concatenated=reader.flag(f"{path}/tls_concat", "connection tls", subject),
        tls_key=reader.text(f"{path}/tls_key", "connection tls", subject),
        path=path,
    )
