"""What stands in the way of the NVMe target itself: a missing module or mount, switches of old kernels."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.finding import Finding
from p2pctl.findings.scene import Scene
from p2pctl.model.nvmet import ROOT

PORT_SWITCHES = ("p2pmem", "allow_p2pmem")
"""Port attributes of the proposals of 2018 and 2017."""


def target_findings(scene: Scene) -> Iterator[Finding]:
    """Findings about the target as a whole."""
    snapshot = scene.snapshot
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
    yield from _not_there(scene)
    for port in snapshot.nvmet.ports.values() if snapshot.nvmet else ():
        for name in PORT_SWITCHES:
            if name in port.attributes:
                yield Finding(
                    "legacy-port-switch",
                    "info",
                    f"port {port.name}",
                    f"this kernel has a proposal's port attribute {name}: the port decides about P2P memory, for all "
                    "of its namespaces together",
                    f"{ROOT}/ports/{port.name}/{name}",
                    None,
                )


def _not_there(scene: Scene) -> Iterator[Finding]:
    nvmet = scene.snapshot.nvmet
    if nvmet is None or nvmet.present is not False:
        return
    if nvmet.loaded is True:
        yield Finding(
            "configfs-not-mounted",
            "warning",
            None,
            "the NVMe target's module is loaded, but configfs is not mounted: nothing can be configured",
            f"/sys/module/nvmet without {ROOT}",
            "mount -t configfs none /sys/kernel/config",
            commands=("mount -t configfs none /sys/kernel/config",),
            verify=(f"ls {ROOT}",),
        )
    elif nvmet.loaded is False:
        yield Finding(
            "target-not-loaded",
            "info",
            None,
            "the NVMe target's module is not loaded: this host exports nothing",
            "/sys/module/nvmet",
            "modprobe nvmet, or --load with the command that needs it",
            commands=("modprobe nvmet",),
            verify=(f"ls {ROOT}",),
        )
