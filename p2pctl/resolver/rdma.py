"""RDMA devices that the NVMe target never gives P2P memory, whatever their place in the tree.

drivers/nvme/target/rdma.c asks ``ib_dma_pci_p2p_dma_supported`` (include/rdma/ib_verbs.h).
"""

from __future__ import annotations

from dataclasses import dataclass

from p2pctl.model.facts import Missing
from p2pctl.model.rdma import RdmaDevice
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.verdict import Reason

_WHO = {
    "nobody": "these rules notice only when it maps the first transfer, which fails",
    "distance": "the kernel's distance function refuses it",
    "nvmet-rdma": "the NVMe target does not offer it as a client",
}


@dataclass(frozen=True, slots=True)
class RdmaRefusal:
    """Why an RDMA device is no client."""

    refused: Answer
    """True, or None where that could not be read."""
    reason: Reason


def refuse_rdma(device: RdmaDevice, rules: RuleSet) -> RdmaRefusal | None:
    """Whether an NVMe target under these rules refuses the device for its DMA; None for a device that does its own."""
    address = None if isinstance(device.address, Missing) else device.address
    if isinstance(device.virtual_dma, Missing):
        text = f"{device.name}: whether it does DMA of its own is not known, since its driver is not"
        return RdmaRefusal(None, Reason("virtual-dma-unknown", text, address))
    if not device.virtual_dma:
        return None
    why = device.virtual_dma_reason or "it registers without a DMA device"
    return RdmaRefusal(
        True, Reason("virtual-dma", f"{device.name} is refused: {why}; {_WHO[rules.virtual_dma]}", address)
    )
