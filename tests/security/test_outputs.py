"""Files that p2pctl writes, perhaps as root and in a directory that others may write to: modes and links."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2pctl.cli import main
from p2pctl.cli.dashboard_state import save_state
from p2pctl.dashboard.exporting import write_new
from p2pctl.errors import P2pctlError
from p2pctl.hardware import fio

Write = Callable[[str], object]

WRITERS: dict[str, tuple[Write, int]] = {
    "capture": (lambda path: main(["--demo", "capture", path]), 0o600),
    "capture --force": (lambda path: main(["--demo", "capture", path, "--force"]), 0o600),
    "metrics --textfile": (lambda path: main(["--demo", "metrics", "--textfile", path]), 0o644),
    "doctor --junit": (lambda path: main(["--demo", "doctor", "--junit", path]), 0o600),
    "dashboard, key e": (lambda path: write_new(path, "report"), 0o600),
    "dashboard, state": (lambda path: save_state(Path(path), {"view": "pools"}), 0o600),
    "bench --fio-job": (lambda path: fio.keep("[job]", path), 0o600),
}
"""Everything that writes a file whose name somebody chose, and the mode that the file has to have."""

FOLLOWED_NEVER_REPLACED = sorted(set(WRITERS) - {"dashboard, state"})
"""What refuses a link. The state of the screen takes its place instead: nobody is there to be told."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place for the demo host, and no umask at all."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = os.umask(0)
    yield
    os.umask(before)


def attempt(write: Write, path: Path) -> bool:
    """Whether it says that it has written."""
    try:
        return write(str(path)) in {None, 0, 6}
    except P2pctlError:
        return False


@pytest.mark.parametrize("what", WRITERS)
def test_no_file_is_open_to_others_without_a_umask(what: str, tmp_path: Path) -> None:
    write, mode = WRITERS[what]
    file = tmp_path / "out/file"
    file.parent.mkdir()
    assert attempt(write, file)
    assert file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_another_user_has_put_there_leads_nowhere(what: str, tmp_path: Path, *, there: bool) -> None:
    """Neither to a file that is to be spoiled nor to one that is to come to be."""
    victim = tmp_path / "victim"
    if there:
        victim.write_text("precious")
    file = tmp_path / "out/file"
    file.parent.mkdir()
    file.symlink_to(victim)
    written = attempt(WRITERS[what][0], file)
    assert (victim.read_text() if there else victim.exists()) == ("precious" if there else False)
    assert file.is_symlink() is (what in FOLLOWED_NEVER_REPLACED)
    assert written is not file.is_symlink()


def test_a_pipe_in_place_of_a_file_hangs_nobody(tmp_path: Path) -> None:
    """Somebody else's would hold root for ever."""
    for number, (write, _) in enumerate(WRITERS.values()):
        pipe = tmp_path / str(number)
        os.mkfifo(pipe)
        attempt(write, pipe)
