"""Changes of a real kernel's NVMe target that do not go as planned, or are large."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.vm.guest.api import ENTRY, NVMET, Context, wait
from tests.vm.guest.target import (
    BUSY,
    DISKS,
    FILES,
    HOST,
    RECOVER,
    UNSUPPORTED,
    Json,
    clear,
    document,
    exported,
    file,
    run,
    space,
    summary,
    tree,
)  # fmt: skip

SECONDS = 240
MANY, EACH = 50, 20
"""Subsystems, and namespaces in each of them."""


def after_each() -> None:
    """Nothing is configured or remembered when the next check begins."""
    clear()


def check_a_change_that_was_killed_can_be_undone_and_finished(context: Context) -> None:
    """SIGKILL in the middle: the next change is refused, `--rollback` restores all, `--resume` completes all."""
    kept = NVMET / "subsystems" / DISKS
    kept.mkdir()
    (kept / "namespaces/7").mkdir()
    (kept / "namespaces/7/device_path").write_text(file("kept"))
    (kept / "namespaces/7/enable").write_text("1")
    before = tree()
    wanted = {
        "hosts": {HOST: {}},
        "subsystems": {
            DISKS: {"state": "absent"},
            **_many(20, 10, allowed_hosts=[HOST]),
        },
    }
    path = document(wanted)
    _kill_in_the_middle(path)
    assert tree() != before
    refused = run(context, "apply", path, "--yes", code=RECOVER)
    assert "recover" in refused["hint"], refused
    undone = run(context, "recover", "--rollback")
    assert undone["state"] == "rolled-back", undone
    assert tree() == before, "serial number and uuid included"
    _kill_in_the_middle(path)
    run(context, "recover", "--resume")
    assert not kept.exists()
    enabled = [one.read_text().strip() for one in NVMET.glob("subsystems/*/namespaces/*/enable")]
    assert enabled == ["1"] * 200
    assert run(context, "apply", path)["changed"] is False


def _kill_in_the_middle(path: str) -> None:
    with _begun(path, 40) as process:
        os.kill(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, (out, err)
    assert 40 <= len(_made()) < 200, "it was killed in the middle"


@contextmanager
def _begun(path: str, namespaces: int) -> Iterator[subprocess.Popen[bytes]]:
    """An apply that runs on its own, once it has made so many namespaces."""
    command = [sys.executable, "-c", ENTRY, "apply", path, "--yes", "--disruption", "all"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        begun = wait(lambda: len(_made()) >= namespaces or process.poll() is not None, 60)
        assert begun, process.communicate()
        assert process.returncode is None, process.communicate()
        yield process


def _made() -> list[Path]:
    return list(NVMET.glob(f"subsystems/{FILES}*/namespaces/*"))


def _many(subsystems: int, each: int, **more: Any) -> Json:
    """Subsystems with so many enabled namespaces each."""
    return {
        f"{FILES}{number}": {
            **more, "namespaces": {str(nsid): space(file(f"{number}-{nsid}")) for nsid in range(1, each + 1)},
        }
        for number in range(subsystems)
    }  # fmt: skip


def check_while_one_change_is_made_another_is_refused(context: Context) -> None:
    """A writer that is stopped in the middle still holds the lock; the other one is told so and changes nothing."""
    path = document({"subsystems": _many(10, 10)})
    with _begun(path, 20) as process:
        os.kill(process.pid, signal.SIGSTOP)
        made = tree()
        refused = run(context, "apply", document(exported(context), "other.json"), code=BUSY)
        assert str(process.pid) in json.dumps(refused), refused
        assert tree() == made
        os.kill(process.pid, signal.SIGCONT)
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)
    assert run(context, "apply", path)["changed"] is False


def check_to_undo_by_itself_takes_systemd_and_is_refused_without(context: Context) -> None:
    """There is none in this guest, so a change that would undo itself is not made at all."""
    before = tree()
    refused = run(context, "apply", document(exported(context)), "--confirm-within", "60", code=UNSUPPORTED)
    assert "systemd" in refused["message"] + refused["hint"], refused
    assert tree() == before


def check_a_thousand_namespaces(context: Context) -> None:
    """50 subsystems with 20 namespaces each: applied, found to hold, and deleted; how long it takes is told."""
    path = document({"subsystems": _many(MANY, EACH, allow_any_host=True)})
    times, steps = [], []
    commands: list[tuple[str, str]] = [("apply", path), ("apply", path), ("clear", "--yes")]
    for words in commands:
        before = time.monotonic()
        told = run(context, *words)
        times.append(time.monotonic() - before)
        steps.append(len(told["steps"]))
        enabled = sum(one.read_text() == "1\n" for one in NVMET.glob("subsystems/*/namespaces/*/enable"))
        assert enabled == (0 if words[0] == "clear" else MANY * EACH)
    assert steps[0] == MANY * 2 + MANY * EACH * 3, "a directory each, and an attribute each that is not the default"
    assert steps[1:] == [0, MANY * (EACH + 1)]
    summary(
        context,
        f"{MANY * EACH} namespaces: applied in {times[0]:.1f} s ({steps[0]} operations),"
        f" found to hold in {times[1]:.1f} s, deleted in {times[2]:.1f} s ({steps[2]} operations)",
    )
