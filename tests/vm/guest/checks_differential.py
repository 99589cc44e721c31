"""The simulated NVMe target is the kernel's: the same operations, the same answers, the same tree.

Random sequences, the same in every run unless P2PCTL_VM_SEED says another number.
"""

from __future__ import annotations

import re
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from p2pctl.simulator.nvmet.kernel import NvmetKernel
from tests.vm.guest import nvmet_world
from tests.vm.guest.api import Context, modprobe, reset_nvmet, wait
from tests.vm.guest.nvmet_compare import Comparison, Difference, search, search_among
from tests.vm.guest.nvmet_sequences import connected, remembered, sequences
from tests.vm.guest.nvmet_sides import NOT_DONE, KernelSide, Runner, SimulatedSide
from tests.vm.guest.nvmet_values import World

SECONDS = 600
LEAST_OPERATIONS = 5000
"""How many are compared in one guest."""
EXAMPLES, EXAMPLES_CONNECTED = 100, 25
WORTH = 0.4
"""The share of operations that succeed: a generator that only fails would prove little."""


def check_the_simulated_target_is_the_kernels(context: Context) -> None:
    """Errno and value of every operation, the whole tree after every sequence, and all of taking it down again."""
    counts = _compare(
        context,
        "random",
        lambda comparison, world: search(comparison, sequences(world), number=seed(), examples=EXAMPLES),
    )
    assert counts.total() - counts[NOT_DONE] >= LEAST_OPERATIONS
    assert counts["ok"] >= WORTH * counts.total()
    assert {"ok", "EACCES", "EBUSY", "EEXIST", "EINVAL", "ENODEV", "ENOENT", "ENOTEMPTY", "EPERM"} <= counts.keys()


def check_what_a_connected_host_changes_is_changed_in_both(context: Context) -> None:
    """The same with a host that has seen a subsystem: the kernel then locks what tells it apart, and more."""
    counts = _compare(
        context,
        "with a host",
        lambda comparison, world: search(comparison, connected(world), number=seed(), examples=EXAMPLES_CONNECTED),
    )
    assert counts["refused"] == 0


def check_limits_and_addresses_are_the_kernels(context: Context) -> None:
    """1,024 namespaces and no more, and pairs of ports at addresses that may clash."""
    counts = _compare(context, "remembered", lambda comparison, _: search_among(comparison, remembered()))
    assert {"ENOMEM", "EADDRINUSE"} <= counts.keys()


def _compare(context: Context, what: str, look: Callable[[Comparison, World], Difference | None]) -> Counter[str]:
    """Compares; returns how many operations came to what."""
    modprobe("null_blk")
    assert wait(Path("/dev/nullb0").exists)
    reset_nvmet()
    addresses = {drive.id: context.bdf(drive.id) for drive in context.drives}
    names = {drive.id: next((context.pci(drive.id) / "nvme").iterdir()).name for drive in context.drives}
    pools = frozenset(drive.id for drive in context.drives if drive.cmb_mb)
    environment = nvmet_world.environment(addresses, pools, context.release)
    started = time.monotonic()
    with nvmet_world.made(addresses, names):
        comparison = Comparison(
            Runner(KernelSide(), sound=environment.version >= nvmet_world.SOUND),
            lambda: Runner(SimulatedSide(NvmetKernel(environment))),
        )
        found = look(comparison, nvmet_world.world(addresses, pools))
    counts = comparison.counts
    with (context.out / "summary").open("a") as summary:
        summary.write(
            f"{comparison.compared} operations on the NVMe target compared with the simulator ({what}),"
            f" {counts['ok']} of them successful, {'none' if found is None else 'one'} different,"
            f" {time.monotonic() - started:.1f} s; "
        )
    report = found.report() if found else ""
    assert not report, f"kernel {context.release}, P2PCTL_VM_SEED={seed()}: {report}"
    return counts


def seed() -> int:
    """The number that the guest was booted with; one made of whatever else stood there."""
    found = re.search(r"p2pctl-vm\.seed=(\S+)", Path("/proc/cmdline").read_text())
    text = found[1] if found else "1"
    return int(text) if text.isascii() and text.isdigit() else zlib.crc32(text.encode())
