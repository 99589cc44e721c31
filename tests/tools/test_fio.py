"""fio itself, as `p2pctl bench --fio` runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from p2pctl.hardware import fio
from p2pctl.proof.figures import Setting
from p2pctl.proof.fio import job_text, parse
from tests.hardware.test_fio import START, processes, wait
from tests.tools import need

BLOCK, JOBS, SIZE = 4096, 3, 1 << 20


def job(tmp_path: Path, seconds: float) -> tuple[Path, str]:
    """A file, and the job that `--depth 3` makes of it."""
    need("fio")
    data = tmp_path / "data"
    data.write_bytes(os.urandom(SIZE))
    return data, job_text(Setting(BLOCK, JOBS, "ordinary"), str(data), "/pool", SIZE, (0, seconds))


def test_its_report_is_read(tmp_path: Path) -> None:
    data, text = job(tmp_path, 1)
    found = parse(fio.run(text, 1))
    assert found.transfers >= JOBS * SIZE // BLOCK
    assert found.rate > 0
    assert 0 < found.p50 <= found.p99
    assert data.stat().st_size == SIZE


def test_it_and_its_jobs_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    """A mapping would keep the pool's memory."""
    data, text = job(tmp_path, 60)
    with subprocess.Popen([sys.executable, "-c", START, text]) as process:
        assert wait(lambda: len(open_in(data)) == JOBS)
        process.send_signal(signal.SIGKILL)
    assert wait(lambda: not open_in(data))


def open_in(path: Path) -> list[int]:
    """Processes that have a file open."""
    found = []
    for number in processes():
        with contextlib.suppress(OSError):
            found += [number for one in Path(f"/proc/{number}/fd").iterdir() if one.readlink() == path]
    return found
