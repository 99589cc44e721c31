"""What stands in the way of the NVMe target itself: a missing module or mount, switches of old kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p2pctl.findings.rules import Finding
    from p2pctl.model.snapshot import Snapshot

PORT_SWITCHES = ("p2pmem", "allow_p2pmem")
"""Port attributes of the proposals of 2018 and 2017."""


def target_findings(snapshot: Snapshot) -> Iterable[Finding]:
    """Findings about the target as a whole."""
    from p2pctl.findings.rules import Finding  # noqa: PLC0415  that module asks this one

    for address, pool in snapshot.pools.pools.items() if snapshot.pools else ():
        if pool.character_device is not None:
            yield Finding(
                "legacy-pool-device",
                "info",
                str(address),
                f"its memory has a device of the class p2pmem, {pool.character_device}: the interface of a proposal of "
                "2017, or of a driver outside the kernel",
                f"/sys/class/p2pmem/{pool.character_device}",
                None,
            )
    nvmet = snapshot.nvmet
    if nvmet is None:
        return
    if nvmet.present is False and nvmet.loaded is True:
        yield Finding(
            "configfs-not-mounted",
            "warning",
            None,
            "the NVMe target's module is loaded, but configfs is not mounted: nothing can be configured",
            "/sys/module/nvmet without /sys/kernel/config/nvmet",
            "mount -t configfs none /sys/kernel/config",
        )
    elif nvmet.present is False and nvmet.loaded is False:
        yield Finding(
            "target-not-loaded",
            "info",
            None,
            "the NVMe target's module is not loaded: this host exports nothing",
            "/sys/module/nvmet",
            "modprobe nvmet, or --load with the command that needs it",
        )
    for port in nvmet.ports.values():
        for name in PORT_SWITCHES:
            if name in port.attributes:
                yield Finding(
                    "legacy-port-switch",
                    "info",
                    f"port {port.name}",
                    f"this kernel has a proposal's port attribute {name}: the port decides about P2P memory, for all "
                    "of its namespaces together",
                    f"/sys/kernel/config/nvmet/ports/{port.name}/{name}",
                    None,
                )
