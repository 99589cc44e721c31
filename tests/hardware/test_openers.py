"""Who has a disk or a file open, told by the descriptors of real processes, and of made-up ones."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2pctl.hardware.live import LiveFiles
from p2pctl.hardware.openers import number, read_openers

INITIAL = "pid:[4026531836]"


class Proc:
    """Processes and their descriptors; a number instead is the errno that looking gives."""

    def __init__(self, processes: dict[str, dict[str, str] | int], namespace: str = INITIAL) -> None:
        self.processes = processes
        self.namespace = namespace

    def list(self, path: str) -> tuple[str, ...]:
        if path == "/proc":
            return (*self.processes, "meminfo", "self")
        found = self.processes[path.split("/")[2]]
        if isinstance(found, int):
            raise OSError(found, os.strerror(found))
        return tuple(found)

    def readlink(self, path: str) -> str:
        if path == "/proc/self/ns/pid":
            return self.namespace
        _, _, pid, _, number = path.split("/")
        found = self.processes[pid]
        assert not isinstance(found, int)
        return found[number]


def look(proc: Proc, *paths: str) -> tuple[tuple[tuple[int, str], ...], bool]:
    found = read_openers(proc, paths, 1)  # type: ignore[arg-type]
    return found.found, found.complete


def test_every_process_but_this_one_counts() -> None:
    proc = Proc({"1": {"3": "/dev/x"}, "7": {"0": "/dev/null", "9": "/dev/x"}, "8": {"4": "/srv/image (deleted)"}})
    assert look(proc, "/dev/x", "/srv/image") == (((7, "/dev/x"), (8, "/srv/image")), True)


@pytest.mark.parametrize(("number", "complete"), [(errno.EACCES, False), (errno.EPERM, False), (errno.ENOENT, True)])
def test_a_process_that_cannot_be_looked_into_leaves_a_gap_and_one_that_is_gone_none(
    number: int, complete: bool
) -> None:
    assert look(Proc({"7": number}), "/dev/x") == ((), complete)


def test_in_a_container_nobody_sees_all_processes() -> None:
    assert look(Proc({}, "pid:[4026532200]"), "/dev/x") == ((), False)


def test_a_real_process_with_the_file_open_is_found(tmp_path: Path) -> None:
    file = tmp_path.resolve() / "image"
    file.write_bytes(b"x")
    program = "import sys; f = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        assert read_openers(LiveFiles(), [str(file)], os.getpid()).found == ((process.pid, str(file)),)
        assert read_openers(LiveFiles(), [str(file)], process.pid).found == ()
        process.communicate(b"")
    assert read_openers(LiveFiles(), [str(file)], os.getpid()).found == ()


def test_a_node_of_another_name_is_found_by_its_number() -> None:
    """A container has a disk as /dev/volume. Block and character devices of one number are not the same."""
    program = "import sys; f = open('/dev/null'); print('open', flush=True); sys.stdin.read()"
    node = Path("/dev/null").stat().st_rdev
    text = f"{os.major(node)}:{os.minor(node)}"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        mine = (process.pid, "/dev/ng0n1")
        for kind in ("char", "block"):
            nodes = {number(kind, text): "/dev/ng0n1"}
            assert (mine in read_openers(LiveFiles(), ["/dev/ng0n1"], os.getpid(), nodes).found) is (kind == "char")
        assert mine not in read_openers(LiveFiles(), ["/dev/ng0n1"], os.getpid()).found
        process.communicate(b"")
