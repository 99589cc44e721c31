"""Programs of the host that are run: modprobe and journalctl, played by scripts."""

from __future__ import annotations

import errno
import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.hardware import journal, programs
from p2pctl.hardware.journal import Entry, read_journal
from p2pctl.hardware.modules import LiveModules

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a script in the place of a program."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def put(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return put


def failure(call: Callable[[], object]) -> OSError:
    with pytest.raises(OSError) as caught:  # noqa: PT011  the errno is what is asked
        call()
    return caught.value


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("modprobe: FATAL: Module nvmet not found in directory /lib/modules/7.3.4", errno.ENOENT),
        ("modprobe: can't open 'modules.dep': No such file or directory", errno.ENOENT),
        ("modprobe: ERROR: could not insert 'nvmet': Operation not permitted", errno.EPERM),
        ("modprobe: ERROR: could not insert 'nvmet': Required key not available", errno.ENOKEY),
        ("modprobe: ERROR: could not insert 'nvmet': Key was rejected by service", errno.EKEYREJECTED),
        ("modprobe: ERROR: could not insert 'nvmet': Exec format error", errno.ENOEXEC),
        ("modprobe: ERROR: ctx=0x1\\nmodprobe: ERROR: could not insert 'nvmet': Device or resource busy", errno.EBUSY),
        ("something else went wrong", errno.EIO),
        ("", errno.EIO),
    ],
)
def test_modprobe_says_why(program: Program, words: str, number: int) -> None:
    """Its own words stay in the error, and the errno is the one that they stand for."""
    program("modprobe", f'printf "{words}\\n" >&2; exit 1')
    error = failure(lambda: LiveModules().load("nvmet"))
    assert error.errno == number
    last = words.rpartition("\\n")[2]
    assert error.strerror
    assert error.strerror in (last or "modprobe failed without a word")


def test_a_module_is_loaded_by_its_name(program: Program, tmp_path: Path) -> None:
    """Whatever the user's language, and nothing that is no name reaches the program."""
    program("modprobe", f'echo "$LC_ALL $*" >> {tmp_path}/calls')
    LiveModules().load("nvmet_tcp")
    for name in ("", "--remove", "a b", "x/y", "nvmet\n"):
        assert failure(functools.partial(LiveModules().load, name)).errno == errno.EINVAL
    assert (tmp_path / "calls").read_text() == "C nvmet_tcp\n"


def test_without_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without modprobe, or a PATH of relative directories."""
    monkeypatch.setattr(programs, "_PLACES", str(tmp_path))
    monkeypatch.setenv("PATH", "relative")
    (tmp_path / "relative").mkdir()
    (tmp_path / "relative" / "modprobe").write_text("#!/bin/sh\n")
    (tmp_path / "relative" / "modprobe").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert failure(lambda: LiveModules().load("nvmet")).errno == errno.ENOENT


def test_administrators_programs_are_found_from_any_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user's PATH has no /usr/sbin."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert programs.find("sh") in {"/usr/bin/sh", "/bin/sh"}
    assert programs.find("no-such-program") is None


def test_a_program_that_hangs_is_ended(program: Program) -> None:
    """With its children; so is one that never stops talking."""
    program("slow", "sleep 60; echo done")
    started = time.monotonic()
    assert failure(lambda: programs.run("slow", seconds=0.2, limit=10)).errno == errno.ETIMEDOUT
    program("loud", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
    answer = programs.run("loud", seconds=30, limit=1000)
    assert (len(answer.output), answer.cut) == (1000, True)
    assert time.monotonic() - started < 30


def line(**fields: object) -> str:
    return json.dumps({"_SOURCE_MONOTONIC_TIMESTAMP": "12", "MESSAGE": "nvmet: x", **fields})


def test_the_journal(program: Program, tmp_path: Path) -> None:
    """Lines of JSON, of which odd ones are passed over; text that is no UTF-8 comes as numbers."""
    odd = [
        "no json", "[]", line(MESSAGE=None), line(MESSAGE=[300]), line(_SOURCE_MONOTONIC_TIMESTAMP="x"),
        line(_SOURCE_MONOTONIC_TIMESTAMP="9" * 5000), "[" * 100_000, '{"MESSAGE": "cut o',
    ]  # fmt: skip
    (tmp_path / "answer").write_text("\n".join([line(), *odd, line(MESSAGE=[110, 255])]))
    program("journalctl", f'echo "$*" > {tmp_path}/call; cat {tmp_path}/answer')
    assert read_journal() == (Entry(12, "nvmet: x"), Entry(12, "n\udcff"))
    call = (tmp_path / "call").read_text().split()
    assert {"--dmesg", "--boot", "--output=json"} <= set(call)


def test_a_journal_that_may_not_be_read(program: Program) -> None:
    program("journalctl", "exit 1")
    assert failure(read_journal).errno == errno.EACCES


def test_a_journal_without_end_is_cut(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what came until then counts."""
    monkeypatch.setattr(journal, "_LIMIT", 1000)
    (tmp_path / "answer").write_text(line() + "\n")
    program("journalctl", f"while :; do cat {tmp_path}/answer; done")
    found = read_journal()
    assert 0 < len(found) < 1000
    assert set(found) == {Entry(12, "nvmet: x")}


@pytest.mark.skipif(os.path.exists("/sys/kernel/config"), reason="this kernel has configfs")  # noqa: PTH110
def test_mounting_configfs_loads_it_first(program: Program, tmp_path: Path) -> None:
    """Where its mount point is not there, the module is not."""
    program("modprobe", f"echo $* >> {tmp_path}/calls")
    assert failure(LiveModules().mount_configfs).errno in {errno.ENOENT, errno.ENODEV, errno.EPERM}
    assert (tmp_path / "calls").read_text() == "configfs\n"
