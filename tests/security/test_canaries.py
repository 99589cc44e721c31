"""Keys are planted in a target, and looked for in everything that p2pctl says, writes and hands to other programs."""

from __future__ import annotations

import base64
import errno
import gzip
import os
import sys
import zlib
from pathlib import Path

import pytest

from p2pctl.cli import main
from p2pctl.hardware import programs, timers
from p2pctl.simulator.tree import MemoryFiles

SECRET = bytes(range(1, 33))
KEY = f"DHHC-1:00:{base64.b64encode(SECRET + zlib.crc32(SECRET).to_bytes(4, 'little')).decode()}:"
HOST = "nqn.2026-11.org.example:canary-host"
READING = [
    "status", "host list", "host show HOST", "subsystem list", "port list", "connection list", "doctor", "metrics",
    "doctor --for nvmet", "export", "export --nvmetcli", "dashboard --once --view target", "diff DOCUMENT",
    "apply DOCUMENT --dry-run", "validate DOCUMENT", "apply DOCUMENT", "recover",
]  # fmt: skip
FORMS = (("-v",), ("-o", "json"))


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A private document with a key, which the demo host's target already has."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = tmp_path / "target.yaml"
    file.write_text(f"version: 1\nhosts:\n  {HOST}:\n    dhchap_key: '{KEY}'\n    dhchap_hash: hmac(sha384)\n")
    file.chmod(0o600)
    assert main(["--demo", "apply", str(file)]) == 0
    assert KEY in planted_in(tmp_path / "state")
    capsys.readouterr()
    return file


def planted_in(directory: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in directory.rglob("*") if path.is_file())


def bare(key: str) -> list[str]:
    """The key in every form that could give it away."""
    secret = key.split(":")[2]
    return [key, secret, secret[8:24], SECRET.hex(), repr(SECRET)[2:20]]


def clean(text: str) -> bool:
    return not any(one in text for one in bare(KEY))


@pytest.mark.parametrize("command", READING)
def test_no_command_says_a_key(command: str, document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In no format, on neither stream."""
    words = [{"HOST": HOST, "DOCUMENT": str(document)}.get(word, word) for word in command.split()]
    for form in FORMS:
        code = main(["--demo", *words, *form])
        told = capsys.readouterr()
        assert code == 0 or form[:1] == ("-o",), told.err
        assert told.out + told.err
        assert clean(told.out + told.err), form


def test_a_capture_has_no_key(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither redacted nor as it is; and it does tell of the host."""
    for number, more in enumerate(([], ["--redact"])):
        file = document.parent / f"{number}.tar.gz"
        assert main(["--demo", "capture", str(file), *more]) == 0
        text = gzip.decompress(file.read_bytes()).decode("latin-1")
        assert clean(text)
        assert ("canary-host" in text) is not bool(more)
    told = capsys.readouterr()
    assert clean(told.out + told.err)


@pytest.mark.parametrize("more", [(), ("-v",), ("-v", "-o", "json")], ids=" ".join)
@pytest.mark.parametrize("error", [RuntimeError("canary bug"), OSError(errno.EIO, "canary failure")], ids=repr)
def test_what_goes_wrong_while_a_key_is_written_does_not_say_it(
    error: Exception,
    more: tuple[str, ...],
    document: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug with its traceback, and a refusal with its rollback, with the step and all that was undone."""
    document.write_text(document.read_text().replace(HOST, f"{HOST}-2"))
    write = MemoryFiles.write
    met: list[bytes] = []

    def broken(files: MemoryFiles, path: str, data: bytes) -> None:
        if path.endswith("dhchap_key"):
            met.append(data)
            raise error
        write(files, path, data)

    monkeypatch.setattr(MemoryFiles, "write", broken)
    assert main(["--demo", "apply", str(document), *more]) == 1
    told = capsys.readouterr()
    assert KEY.encode() in met[0]
    assert ("Traceback" in told.err) is ("-v" in more and isinstance(error, RuntimeError))
    assert clean(told.out + told.err)


def test_no_program_is_handed_a_key(
    document: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments and environment of a process are for all to see, and a unit of systemd is kept."""
    document.write_text(document.read_text().replace(HOST, f"{HOST}-2"))
    calls: list[tuple[object, ...]] = []

    def answered(*argv: str, **more: object) -> programs.Answer:
        calls.append((*argv, more))
        return programs.Answer(0, b"", cut=False)

    monkeypatch.setattr(timers.SystemdTimers, "available", lambda _self: True)
    monkeypatch.setattr(programs, "run", answered)
    assert main(["--demo", "apply", str(document), "--confirm-within", "60"]) == 0
    assert any("systemd-run" in call for call in calls)
    assert clean(repr(calls))
    assert clean(repr(dict(os.environ)))
    assert clean(capsys.readouterr().out)


def test_a_key_on_the_command_line_is_refused(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where every user of the host reads it; and the refusal does not say it again."""
    del document
    for words in (["host", "set", HOST, f"dhchap_key={KEY}"], ["host", "create", "nqn.x", f"dhchap_ctrl_key={KEY}"]):
        assert main(["--demo", *words, "-v"]) == 2
        told = capsys.readouterr()
        assert "does not belong on a command line" in told.err
        assert clean(told.out + told.err)


def test_this_module_would_see_a_key() -> None:
    assert not clean(f"x {KEY} y")
    assert not clean(sys.version + bare(KEY)[3])
