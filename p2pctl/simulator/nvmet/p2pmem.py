"""What the target does about P2P memory (drivers/nvme/target/core.c, drivers/pci/p2pdma.c)."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterable
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.environment import Opened

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.connections import Controller
    from p2pctl.simulator.nvmet.kernel import NvmetKernel
    from p2pctl.simulator.nvmet.namespaces import Namespace

_DEL = 0x7F


def shown(namespace: Namespace) -> str:
    """What the attribute reads."""
    if not namespace.p2p:
        return "0"
    return namespace.provider or "1"


def parse(kernel: NvmetKernel, page: bytes) -> tuple[bool, str | None]:
    """What a store asks for: whether, and of which function. Raises ENODEV."""
    text = grammar.string(page)
    name = os.fsdecode(text.removesuffix(b"\n"))
    function = kernel.environment.functions.get(name)
    if function is not None:
        if not function.published:
            kernel.say(f"{function.driver} {name}: PCI device has no peer-to-peer memory: {os.fsdecode(text)}")
            raise error(errno.ENODEV)
        return True, name
    second = text[1:2]
    # What starts like an address must not pass for a bool: 0 and 1 stand alone.
    if not (text[:1] in {b"0", b"1"} and second and second >= b" " and second[0] != _DEL):
        try:
            return kernel.boolean(page), None
        except OSError:
            pass
    kernel.say(f"pci-p2pdma: No such PCI device: {os.fsdecode(grammar.line(page))}")
    raise error(errno.ENODEV)


def check(namespace: Namespace, opened: Opened) -> None:
    """Before a namespace is enabled. Raises EINVAL, having said why."""
    if not namespace.p2p:
        return
    kernel = namespace.kernel
    path = namespace.device_text
    if opened.kind != "block":
        kernel.say("nvmet: peer-to-peer DMA is not supported by non-block device namespaces")
    elif not opened.p2p:
        kernel.say(f"nvmet: peer-to-peer DMA is not supported by the driver of {path}")
    elif namespace.provider is not None:
        if opened.pci is None:
            disk = posixpath.basename(path)
            kernel.say(f"block {disk}: cannot be used for peer-to-peer DMA as it is not a PCI device")
        elif _reaches(kernel, namespace.provider, opened.pci):
            return
    elif opened.pci is not None and _nearest(kernel, [opened.pci]) is not None:
        return
    else:
        kernel.say(f"nvmet: no peer-to-peer memory is available for {path}")
    raise error(errno.EINVAL)


def choose(controller: Controller, namespace: Namespace) -> str | None:
    """The provider for I/O of a controller to a namespace, and the kernel's line about it; None for system memory."""
    client = controller.client
    kernel = namespace.kernel
    if client is None or client.pci is None or not namespace.p2p:
        return None
    provider = namespace.provider
    if provider is not None:
        if not _reaches(kernel, provider, client.pci):
            return None
    else:
        disk = namespace.opened.pci if namespace.opened is not None else None
        provider = _nearest(kernel, [client.pci, disk]) if disk is not None else None
        if provider is None:
            kernel.say(
                f"nvmet: no peer-to-peer memory is available that's supported by {client.name} and"
                f" {namespace.device_text}"
            )
            return None
    kernel.say(f"nvmet: using p2pmem on {provider} for nsid {namespace.nsid}")
    return provider


def _reaches(kernel: NvmetKernel, provider: str, client: str) -> bool:
    environment = kernel.environment
    if environment.distance(provider, client) >= 0:
        return True
    function = environment.functions.get(client)
    kernel.say(
        f"{function.driver if function is not None else 'pci'} {client}: cannot be used for peer-to-peer DMA as the"
        f" client and provider ({provider}) do not share an upstream bridge or whitelisted host bridge"
    )
    return False


def _nearest(kernel: NvmetKernel, clients: Iterable[str]) -> str | None:
    """The published function with the smallest sum of distances to all clients, the first of several."""
    environment = kernel.environment
    best: tuple[int, str] | None = None
    wanted = tuple(clients)
    for address, function in environment.functions.items():
        if not function.published:
            continue
        distances = [environment.distance(address, one) for one in wanted]
        if min(distances) >= 0 and (best is None or (sum(distances), address) < best):
            best = sum(distances), address
    return best[1] if best is not None else None
