"""PCI addresses."""

from __future__ import annotations

import re
from typing import NamedTuple

_PATTERN = re.compile(r"(?:([0-9a-fA-F]{1,8}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])")
_SYSFS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")


class Address(NamedTuple):
    """Where a PCI function sits. Domains go beyond ffff (VMD, Hyper-V); orders as the kernel numbers."""

    domain: int
    bus: int
    device: int
    function: int

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}.{self.function}"

    @classmethod
    def parse(cls, text: str) -> Address | None:
        """An address as people write it, the domain optional; None where the text is none."""
        match = _PATTERN.fullmatch(text)
        return cls._from(match) if match else None

    @classmethod
    def from_sysfs(cls, name: str) -> Address | None:
        """A directory name as the kernel writes it; None where it names no PCI function."""
        match = _SYSFS.fullmatch(name)
        return cls._from(match) if match else None

    @classmethod
    def _from(cls, match: re.Match[str]) -> Address | None:
        domain, bus, device, function = match.groups()
        number = int(device, 16)
        if number > 31:
            return None
        return cls(int(domain or "0", 16), int(bus, 16), number, int(function))
