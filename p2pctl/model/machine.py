"""What the machine and its software are besides the kernel: board, firmware, distribution, build options, modules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from p2pctl.model.facts import ABSENT, NOT_READ, Fact, Gap, known


class Board(NamedTuple):
    """What firmware says of the machine (/sys/class/dmi/id): only what every user may read, no serial number."""

    vendor: Fact[str] = ABSENT
    """Of the system."""
    product: Fact[str] = ABSENT
    board_vendor: Fact[str] = ABSENT
    board: Fact[str] = ABSENT
    bios_vendor: Fact[str] = ABSENT
    bios: Fact[str] = ABSENT
    """Version of the firmware."""
    bios_date: Fact[str] = ABSENT

    @property
    def name(self) -> str | None:
        """``Supermicro X13DEI (BIOS 2.1 of 03/14/2025)``; None where nothing is known."""
        vendor = known(self.board_vendor, None) or known(self.vendor, None)
        model = known(self.board, None) or known(self.product, None)
        named = " ".join(part for part in (vendor, model) if part)
        version, date = known(self.bios, None), known(self.bios_date, None)
        firmware = " of ".join(part for part in (version, date) if part)
        if not named:
            return f"a board with BIOS {firmware}" if firmware else None
        return f"{named} (BIOS {firmware})" if firmware else named


class Module(NamedTuple):
    """A loaded kernel module, or one that was built in and has parameters."""

    version: Fact[str] = ABSENT
    """What its builder calls it; few modules say."""
    parameters: Mapping[str, Fact[str]] = MappingProxyType({})


class Nvidia(NamedTuple):
    """What NVIDIA's own driver says of itself (/proc/driver/nvidia)."""

    open: Fact[bool]
    """Whether these are the open kernel modules."""
    registry: Fact[str]
    """``NVreg_RegistryDwords``: the settings that its resource manager was given."""


class GrubOption(NamedTuple):
    """One kernel option that GRUB's settings ask for."""

    option: str
    """As meant, without the quotes around it."""
    path: str
    line: int
    """Where it stands."""


class Unit(NamedTuple):
    """A unit of systemd."""

    path: str
    stop: str | None
    """What it runs when it stops (``ExecStop``)."""
    enabled: Fact[bool]
    """Whether it starts when the machine boots."""


class Machine(NamedTuple):
    """The part of a Snapshot that holds the machine around the kernel."""

    taken: float
    board: Board = Board()
    distribution: Fact[str] = NOT_READ
    """``debian``, ``ubuntu``..., as /usr/lib/os-release has it (``ID``)."""
    distribution_name: Fact[str] = NOT_READ
    """The same for people (``PRETTY_NAME``)."""
    options: Mapping[str, Fact[bool]] = MappingProxyType({})
    """Build options of the kernel, without ``CONFIG_``."""
    options_file: str | None = None
    """The file that tells them; None where none could be found."""
    modules: Mapping[str, Module] = MappingProxyType({})
    """Those of the modules that matter to users of P2P memory that are loaded."""
    nvidia: Nvidia | None = None
    """None where that driver is not loaded."""
    huge_pages: Fact[int] = NOT_READ
    """Bytes of memory set aside as huge pages."""
    grub: Fact[tuple[GrubOption, ...]] = NOT_READ
    """Of the options in /etc/default/grub those that matter to P2P; ABSENT on a machine without the file."""
    nvmetcli: Fact[Unit] = NOT_READ
    """nvmetcli's ``nvmet.service``; ABSENT where there is none."""
    gaps: tuple[Gap, ...] = ()

    def option(self, name: str) -> Fact[bool]:
        """Whether the kernel was built with an option; NOT_READ for one that nobody asked for."""
        return self.options.get(name, NOT_READ)
