"""Asks the running kernel for its own verdicts, and sets the ACS controls; nothing here is p2pctl's."""

from __future__ import annotations

import errno
import os
import random
import re
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.vm.guest.api import NVMET, PCI, Context, reset_nvmet

DEVICES = PCI / "devices"
TRACING = Path("/sys/kernel/tracing")
MAP_TYPES = {2: "not-supported", 3: "bus-address", 4: "through-host-bridge"}
"""The values of `enum pci_p2pdma_map_type` (include/linux/pci-p2pdma.h)."""

REDIRECTING = 0x04, 0x08, 0x20
"""ACS bits that decide. QEMU has no egress control (0x20), so that bit is never on."""
REDIRECT = sum(REDIRECTING)
ALL_BITS = 0x7F
DENSITIES = (0.0, 0.1, 0.25, 0.5)
"""What share of the ACS controls redirects, in a round."""

Acs = Mapping[str, int]
"""ACS controls, or where they are, by address."""


class Answer(NamedTuple):
    """What was said about a pair; None stands for what cannot be seen on this kernel."""

    allowed: bool | str
    """A string for an answer that is neither yes nor no."""
    map_type: str | None
    distance: int | None


class Pair(NamedTuple):
    """A pool and a drive, by address."""

    provider: str
    client: str


class Oracle:
    """The kernel's verdicts about every pool and every drive, through the NVMe target (`p2pmem`, `enable`).

    Map types and distances, of denied pairs too, come from return probes on the kernel's own calculation.
    """

    def __init__(self, context: Context, namespace: Path, probes: frozenset[str]) -> None:
        """Of a namespace that is not enabled. Raises AssertionError when a pool or a drive is not there."""
        addresses = sorted(context.bdf(drive.id) for drive in context.drives)
        providers = sorted(path.parent.name for path in DEVICES.glob("*/p2pmem"))
        assert len(providers) == sum(1 for drive in context.drives if drive.cmb_mb), "every CMB is a pool"
        self.pairs = [Pair(provider, client) for client in addresses for provider in providers]
        self.probes = probes
        self._disks = {address: _disk(address) for address in addresses}
        self._namespace = namespace

    def ask(self) -> dict[Pair, Answer]:
        """Enables the namespace for each pair, and reads afterwards what the probes saw."""
        allowed: dict[Pair, bool | str] = {}
        (TRACING / "trace").write_text("")
        client = ""
        for pair in self.pairs:
            if pair.client != client:
                client = pair.client
                _write(self._namespace / "device_path", self._disks[client])
            _write(self._namespace / "p2pmem", pair.provider)
            _write(TRACING / "trace_marker", f"pair {pair.provider} {pair.client}")
            allowed[pair] = _enable(self._namespace / "enable")
        traced = _traced((TRACING / "trace").read_text())
        return {pair: Answer(allowed[pair], *traced.get(pair, (None, None))) for pair in self.pairs}


@contextmanager
def oracle(context: Context) -> Iterator[Oracle]:
    """An oracle, with its namespace and its probes; afterwards they are gone."""
    namespace = NVMET / "subsystems/nqn.2026-01.io.example:oracle/namespaces/1"
    namespace.parent.parent.mkdir()
    namespace.mkdir()
    try:
        with _probes() as probes:
            yield Oracle(context, namespace, probes)
    finally:
        reset_nvmet()


@contextmanager
def _probes() -> Iterator[frozenset[str]]:
    events = TRACING / "kprobe_events"
    if not events.exists():
        subprocess.run(["mount", "-t", "tracefs", "none", str(TRACING)], check=True)
    # Since 6.9 a return probe knows the function's arguments: the third of this one points to the distance.
    found = {
        "mapped": _probe("mapped calc_map_type_and_dist kind=$retval:s32 distance=+0($arg3):s32"),
        "many": _probe("many pci_p2pdma_distance_many distance=$retval:s32"),
    }
    working = frozenset(name for name, works in found.items() if works)
    if working:
        _write(TRACING / "events/oracle/enable", "1")
    try:
        yield working
    finally:
        if working:
            _write(TRACING / "events/oracle/enable", "0")
            events.write_text("")


def _probe(definition: str) -> bool:
    try:
        _write(TRACING / "kprobe_events", f"r:oracle/{definition}\n", os.O_APPEND)
    except OSError as error:
        print(f"no probe {definition}: {error}")
        return False
    return True


_MARK = re.compile(r": pair (\S+) (\S+)$")
_MAPPED = re.compile(r": mapped: .* kind=(-?\d+) distance=(-?\d+)$")
_MANY = re.compile(r": many: .* distance=(-?\d+)$")


def _traced(trace: str) -> dict[Pair, tuple[str | None, int | None]]:
    """Map type and distance of each pair. Both probes have to tell the same, and once each."""
    assert "LOST" not in trace
    found: dict[Pair, tuple[str | None, int | None]] = {}
    pair: Pair | None = None
    for line in trace.splitlines():
        if mark := _MARK.search(line):
            pair = Pair(*mark.groups())
        elif pair and (mapped := _MAPPED.search(line)):
            assert pair not in found, f"asked twice: {line}"
            kind, distance = map(int, mapped.groups())
            found[pair] = MAP_TYPES.get(kind, str(kind)), distance
        elif pair and (many := _MANY.search(line)):
            total = int(many[1])
            if pair in found:
                assert total in {found[pair][1], -1}
                assert (total == -1) == (found[pair][0] == "not-supported"), (pair, line)
            elif total >= 0:
                found[pair] = None, total
    return found


def _enable(attribute: Path) -> bool | str:
    try:
        _write(attribute, "1")
    except OSError as error:
        return False if error.errno == errno.EINVAL else f"enable: {error.strerror}"
    _write(attribute, "0")
    return True


def _write(path: Path, text: str, flags: int = 0) -> None:
    """One write and no more: a Python file would seek first, and would repeat a write that was refused."""
    descriptor = os.open(path, os.O_WRONLY | flags)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _disk(address: str) -> str:
    """The block device of a drive's only namespace."""
    (name,) = [
        path.name for path in Path("/sys/block").glob("nvme*n*") if (path / "device/device").resolve().name == address
    ]
    return f"/dev/{name}"


# ACS


def acs_registers() -> Acs:
    """Where the ACS control of each function is that has one, bridge or not."""
    found = {path.name: _acs_control(path) for path in sorted(DEVICES.iterdir())}
    return {address: offset for address, offset in found.items() if offset}


def read_acs(registers: Acs) -> Acs:
    """The ACS controls as they are now."""
    return {address: _word(address, offset) for address, offset in registers.items()}


def scatter_acs(seed: str, registers: Acs) -> None:
    """Writes random ACS controls everywhere; how many of them redirect is random too."""
    rng = random.Random(seed)  # noqa: S311 - it has to be the same every time
    density = rng.choice(DENSITIES)
    for address, offset in registers.items():
        value = rng.randrange(ALL_BITS + 1) & ~REDIRECT
        usable = [bit for bit in REDIRECTING if _word(address, offset - 2) & bit]
        if usable and rng.random() < density:
            value |= rng.choice([*usable, sum(usable)])
        with (DEVICES / address / "config").open("r+b", buffering=0) as config:
            config.seek(offset)
            config.write(value.to_bytes(2, "little"))


def _word(address: str, offset: int) -> int:
    with (DEVICES / address / "config").open("rb", buffering=0) as config:
        config.seek(offset)
        return int.from_bytes(config.read(2), "little")


def _acs_control(device: Path) -> int:
    """By a walk of the oracle's own; 0 without the capability."""
    config = (device / "config").read_bytes()
    position = 0x100
    while len(config) == 4096 and position >= 0x100:
        (head,) = struct.unpack_from("<I", config, position)
        if head & 0xFFFF == 0x000D:
            return position + 6
        position = head >> 20
    return 0


def iommu_groups() -> list[list[str]]:
    """The functions of each IOMMU group, as the kernel formed them."""
    groups = Path("/sys/kernel/iommu_groups").iterdir()
    return sorted(sorted(path.name for path in (group / "devices").iterdir()) for group in groups)
