"""RNBD exports: never P2P, and perhaps more of them than meant."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.finding import Finding, some
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import Missing

_PATH = "/sys/module/rnbd_server/parameters/dev_search_path"


def rnbd_findings(scene: Scene) -> Iterator[Finding]:
    """A server that lets clients map any block device, and exports that can never use P2P memory."""
    rnbd = scene.snapshot.rnbd
    if rnbd is None or rnbd.server is not True:
        return
    if not isinstance(rnbd.search_path, Missing) and rnbd.search_path.strip("/") in {"", "dev"}:
        yield Finding(
            "rnbd-exports-everything",
            "warning",
            None,
            f"the RNBD server lets every client that reaches it map any block device below {rnbd.search_path}",
            _PATH,
            "load rnbd_server with dev_search_path set to a directory of links to what may be exported",
            meaning="this is not about P2P: whoever reaches its RDMA port can write to any disk of this host",
            line=rnbd.search_path,
            commands=("modprobe rnbd_server dev_search_path=/srv/rnbd/%SESSNAME%",),
            risk="clients lose their devices when the module is loaded anew",
            verify=(f"cat {_PATH}",),
        )
    if rnbd.exported:
        yield Finding(
            "rnbd-without-p2p",
            "info",
            None,
            f"{some(one.name for one in rnbd.exported)} exported by RNBD: neither its server nor its client ever uses "
            "P2P memory",
            "/sys/class/rnbd-server/ctl/devices",
            "export it by the NVMe target over RDMA where P2P is wanted",
        )
