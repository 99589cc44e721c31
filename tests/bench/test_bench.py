"""The measurements measure what they say, and fail where they cannot."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from p2pctl.cli import main
from tests.bench import host
from tests.bench.__main__ import Row, in_child, left_out

ROW = Row("what", "1 ms", "2 ms", 0.5, "", 1.5)


def test_a_child_hands_back_its_row() -> None:
    assert in_child(lambda: ROW) == ROW


@pytest.mark.parametrize("error", [OSError("no chroot"), SystemExit(0), KeyboardInterrupt()])
def test_a_child_that_fails_ends(tmp_path: Path, error: BaseException) -> None:
    """Whatever it raises, it does not go on with what its parent was about to do."""
    ours = os.getpid()

    def fail() -> NoReturn:
        raise error

    try:
        with pytest.raises(RuntimeError, match="failed in a process of its own"):
            in_child(fail)
    finally:
        if os.getpid() != ours:
            (tmp_path / "escaped").touch()
            os._exit(0)
    assert not (tmp_path / "escaped").exists()


def test_the_host_of_drives_has_a_pool_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight of each, as the row says."""
    assert host.build_drives(tmp_path, 8) == 19
    assert main(["--sysroot", str(tmp_path), "pool", "list", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["items"]) == 8
    assert {item["state"] for item in document["items"]} == {"published"}


def test_what_is_left_out_is_said() -> None:
    """Names, other parts, and what kind of machine this is."""
    assert "stubbed" in left_out()
    assert left_out().endswith(" pools.")
