"""p2pctl: PCI peer-to-peer DMA memory on Linux, seen, explained and put to use."""

__version__ = "0.1.0"
