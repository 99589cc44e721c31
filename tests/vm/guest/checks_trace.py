"""`p2pctl explain --trace` counts requests that find the pool empty, which no kernel file shows: `rdma-switch`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.vm.guest import rdma_cards, rdma_data, rdma_target
from tests.vm.guest.api import ENTRY, Context, reset_nvmet, wait
from tests.vm.guest.kernel_files import ask

SECONDS = 300
TRACING = Path("/sys/kernel/tracing")


def after_each(_context: Context) -> None:
    """Leaves no target."""
    reset_nvmet()


def check_requests_and_silent_fallbacks_are_counted(context: Context) -> None:
    """Of a pool with room all are served; of a full one every request falls back, and is counted for that pool."""
    mount_tracing()
    (card,) = rdma_cards.bring_up(context)
    drive = context.bdf("n2")
    with rdma_target.target([card], [drive]) as target:
        target.set(1, "1")
        target.link([card])
        assert target.enable(1) == 0
        with rdma_target.connected(card, 1) as disks:
            with rdma_data.load(disks[1]):
                free = _counts(context, drive)
            assert wait(lambda: rdma_data.level(drive) > rdma_data.LARGEST)
            with rdma_data.held(drive, 0), rdma_data.load(disks[1]):
                full = _counts(context, drive)
    (context.out / "trace").write_text(f"{free}\n{full}\n")
    assert (free["requests"] > 0, free["refused"], free["complete"]) == (True, 0, True), free
    # The probe's own count begins and ends a moment beside the buffer's.
    assert full["requests"] >= full["refused"] > 0.9 * full["requests"], full
    assert full["by_pool"] == {drive: full["refused"]}, full
    assert _left() == []


def check_nothing_is_counted_where_nothing_happens(context: Context) -> None:
    mount_tracing()
    assert _counts(context, context.bdf("n2"))["requests"] == 0
    assert _left() == []


def check_a_killed_trace_is_taken_away_by_the_next(context: Context) -> None:
    """SIGKILL while its probe is there; SIGTERM takes it away at once."""
    mount_tracing()
    drive = context.bdf("n2")
    for number, left in ((signal.SIGTERM, False), (signal.SIGKILL, True)):
        with subprocess.Popen(
            [sys.executable, "-c", ENTRY, "explain", drive, drive, "--trace", "200", "-q"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            assert wait(_enabled, 120), "its probe is there"
            process.send_signal(number)
        assert bool(_left()) is left, (number, _left())
    assert _counts(context, drive)["requests"] == 0
    assert _left() == []


def _counts(context: Context, drive: str) -> dict[str, Any]:
    ran = ask(context, "explain", drive, drive, "--trace", "3", "-q")
    counts: dict[str, Any] = ran["summary"]["trace"]
    return counts


def mount_tracing() -> None:
    """Makes tracefs reachable, where the kernel has it."""
    if not (TRACING / "kprobe_events").exists():
        subprocess.run(["mount", "-t", "tracefs", "none", str(TRACING)], check=True)


def _enabled() -> bool:
    return any(
        path.read_text().strip() == "1" for path in TRACING.glob("instances/p2pctl_*/events/p2pctl_*/sgl_*/enable")
    )


def _left() -> list[str]:
    return [path.name for place in ("events", "instances") for path in (TRACING / place).glob("p2pctl_*")]
