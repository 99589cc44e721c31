"""Names for the identifiers that the demo host uses, much as the PCI ID repository has them."""

from __future__ import annotations

_VENDORS = {
    0x1000: "Broadcom / LSI",
    0x1002: "Advanced Micro Devices, Inc. [AMD/ATI]",
    0x10DE: "NVIDIA Corporation",
    0x11F8: "PMC-Sierra Inc.",
    0x1344: "Micron Technology Inc",
    0x144D: "Samsung Electronics Co Ltd",
    0x15B3: "Mellanox Technologies",
    0x1A03: "ASPEED Technology, Inc.",
    0x1DA3: "Habana Labs Ltd.",
    0x1DE5: "Eideticom, Inc",
    0x1E0F: "KIOXIA Corporation",
    0x8086: "Intel Corporation",
}

_DEVICES = {
    (0x1000, 0x00B2): "PCIe Switch management endpoint",
    (0x1000, 0xC030): "PEX890xx PCIe Gen 5 Switch",
    (0x1002, 0x1478): "Navi 10 XL Upstream Port of PCI Express Switch",
    (0x1002, 0x1479): "Navi 10 XL Downstream Port of PCI Express Switch",
    (0x1002, 0x7448): "Navi 31 [Radeon Pro W7900]",
    (0x1002, 0xAB30): "Navi 31 HDMI/DP Audio",
    (0x10DE, 0x26B5): "AD102GL [L40]",
    (0x11F8, 0x4000): "PM40100 Switchtec PFX 100xG4 PCIe Switch",
    (0x1344, 0x51C3): "7450 PRO NVMe SSD",
    (0x144D, 0xA824): "NVMe SSD Controller PM173X",
    (0x15B3, 0x101D): "MT2892 Family [ConnectX-6 Dx]",
    (0x15B3, 0x101E): "ConnectX Family mlx5Gen Virtual Function",
    (0x15B3, 0x1021): "MT2910 Family [ConnectX-7]",
    (0x1A03, 0x1150): "AST1150 PCI-to-PCI Bridge",
    (0x1A03, 0x2000): "ASPEED Graphics Family",
    (0x1DA3, 0x1020): "Gaudi2 AI Training Accelerator",
    (0x1DE5, 0x1000): "IO Memory Controller",
    (0x1E0F, 0x0013): 'NVMe SSD Controller CM7 2.5"',
    (0x8086, 0x0998): "Ice Lake IEH",
    (0x8086, 0x09A2): "Ice Lake Memory Map/VT-d",
    (0x8086, 0x09A3): "Ice Lake RAS",
    (0x8086, 0x09A4): "Ice Lake Mesh 2 PCIe",
    (0x8086, 0x0B25): "Data Streaming Accelerator (DSA)",
    (0x8086, 0x0CFE): "In-Memory Analytics Accelerator (IAA)",
    (0x8086, 0x1521): "I350 Gigabit Network Connection",
    (0x8086, 0x1B81): "C741 LPC/eSPI Controller",
    (0x8086, 0x1BA2): "C741 SATA Controller 0 (AHCI)",
    (0x8086, 0x1BB8): "C741 PCI Express Root Port",
    (0x8086, 0x1BC9): "C741 SMBus Controller",
    (0x8086, 0x1BCD): "C741 USB 3.2 xHCI Controller",
    (0x8086, 0x28C0): "Volume Management Device NVMe RAID Controller",
    (0x8086, 0x352A): "Xeon PCI Express Root Port A",
    (0x8086, 0x352B): "Xeon PCI Express Root Port B",
    (0x8086, 0x352C): "Xeon PCI Express Root Port C",
    (0x8086, 0x4940): "4xxx Series QAT",
}


class DemoNames:
    """`p2pctl.kernel.Names` over a small table."""

    def device(self, vendor: int, device: int) -> tuple[str | None, str | None]:
        """Vendor and device name, None where the table has none."""
        return _VENDORS.get(vendor), _DEVICES.get((vendor, device))
