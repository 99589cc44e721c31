"""The demo host's target while it is in use: made at the first look, and kept between commands where that is wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from p2pctl.simulator.log import MemoryLog
from p2pctl.simulator.nodes import Link, Node, Special, nest

if TYPE_CHECKING:
    from p2pctl.simulator.host import Host
    from p2pctl.simulator.nvmet.environment import Environment, Opened
    from p2pctl.simulator.nvmet.kernel import NvmetKernel
    from p2pctl.simulator.state import DemoState


class DemoTarget:
    """`p2pctl.simulator.demo.Target`. Reading it brings in what other commands did since."""

    def __init__(self, now: Callable[[], float], state: DemoState | None, began: float) -> None:
        self.log = MemoryLog(now, self.get)
        self.host: Host | None = None
        """Set once the host is there, before anybody looks."""
        self._began = began
        """When its hosts connected, seconds since 1970."""
        self._state = state
        self._kernel: NvmetKernel | None = None
        self._lock = threading.RLock()
        self._busy = False

    def get(self) -> NvmetKernel:
        """The target as it is now. Raises UsageError for a record of changes that nobody can read."""
        with self._lock:
            if self._kernel is None:
                self._kernel = self._made()
            if self._state is not None and not self._busy:
                self._busy = True
                try:
                    self._state.catch_up(self._kernel)
                finally:
                    self._busy = False
            return self._kernel

    def _made(self) -> NvmetKernel:
        # Most commands never look, and should not pay for the code either.
        from p2pctl.simulator import demo_target  # noqa: PLC0415
        from p2pctl.simulator.nvmet.kernel import NvmetKernel  # noqa: PLC0415

        if self.host is None:
            raise RuntimeError("the target of a host that is not built yet")
        kernel = NvmetKernel(log=self.log)
        self._kernel = kernel
        self._busy = True
        try:
            with kernel.log.at(self._began):
                demo_target.build(kernel, environment(self.host))
        finally:
            self._busy = False
        return kernel


def environment(host: Host) -> Environment:
    """What the target finds on the demo host."""
    from p2pctl.simulator import demo, distance  # noqa: PLC0415
    from p2pctl.simulator.nvmet.environment import Environment, Function, Option, RdmaDevice  # noqa: PLC0415

    pools = demo.demo_pools()
    return Environment(
        release=demo.RELEASE,
        options=Option(debugfs=True),
        devices=_devices(host),
        addresses=frozenset({*demo.ADDRESSES, "127.0.0.1", "::1"}),
        listeners=frozenset({("0.0.0.0", 22), ("::", 22)}),  # noqa: S104  what sshd listens at
        rdma={
            "192.0.2.10": RdmaDevice("mlx5_0", "0000:1a:00.0", metadata=True),
            "192.0.2.11": RdmaDevice("mlx5_1", "0000:1a:00.1", metadata=True),
            "198.51.100.10": RdmaDevice("mlx5_3", "0000:81:00.0", metadata=True),
            "203.0.113.10": RdmaDevice("rxe0"),
        },
        functions={
            str(place.address): Function(
                place.device.driver or "pci",
                published=str(place.address) in pools and pools[str(place.address)].published,
            )
            for place in host.layout
        },
        distance=lambda provider, client: distance.hops(host.layout, provider, client),
    )


def device_nodes(host: Host) -> Mapping[str, Node]:
    """What is in /dev, so that it can be looked for before it is exported."""
    names = {path.removeprefix("/dev/") for path in _devices(host) if path.startswith("/dev/")}
    nodes: dict[str, Node] = {name: Special() for name in names}
    nodes["mapper/vg0-root"] = Link("../dm-0")
    return nest(nodes).entries


def _devices(host: Host) -> Mapping[str, Opened]:
    """Nodes of /dev, and a few paths that are none."""
    from p2pctl.simulator import demo  # noqa: PLC0415
    from p2pctl.simulator.nvmet.environment import Opened  # noqa: PLC0415

    sata = str(host["0000:00:17.0"].address)
    found = {
        "/dev/null": Opened("character"),
        "/dev/dm-0": Opened("block"),
        "/dev/mapper/vg0-root": Opened("block"),
        "/dev/md0": Opened("block", p2p=True),
        "/dev/loop0": Opened("block"),
        "/srv/images/rescue.img": Opened("file"),
        **{f"/dev/sda{part}": Opened("block", pci=sata) for part in ("", "1", "2", "3")},
    }
    for address, drive in demo.DRIVES.items():
        found[f"/dev/{drive.name}"] = Opened("controller", number=drive.number, version=(1, 4, 0))
        for nsid in range(1, len(drive.capacity) + 1):
            # A multipath head stands for several functions, and hangs below none.
            owner = None if drive.shared else address
            found[f"/dev/{drive.name}n{nsid}"] = Opened("block", p2p=True, pci=owner)
    return found
