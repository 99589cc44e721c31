"""``p2pctl recover`` of a disk: what a run that was killed has written over is put back, and nobody's data are lost."""

from __future__ import annotations

import errno
import io
import json
import os
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from p2pctl.cli import rescue
from p2pctl.cli.nodes import called_now, known_as
from p2pctl.cli.options import Globals
from p2pctl.cli.putting_back import Said, put_back_left
from p2pctl.cli.session import Session
from p2pctl.cli.workplace import workplace
from p2pctl.errors import UsageError
from p2pctl.hardware.live import LiveFiles
from p2pctl.hardware.memory import LiveMemory
from p2pctl.kernel import Disk, Part
from p2pctl.proof.blank import Blank
from p2pctl.proof.data import inverse, pattern
from p2pctl.proof.reading import Place
from p2pctl.simulator.memory import DemoMemory
from p2pctl.simulator.state import KeptFiles
from p2pctl.target.lock import locked
from p2pctl.target.recover import waiting
from tests.cli.conftest import Run


def session() -> Session:
    return Session(Globals(demo=True))


WRITE = ("--demo", "verify", "nvme0", "nvme6n1", "--write", "--confirm", "nvme6n1")


@pytest.fixture
def killed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run leaves that ends between writing and putting back."""

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    kept: dict[tuple[str, int], bytes] = {}
    make = DemoMemory.__init__

    def remembers(self: DemoMemory, *words: Any) -> None:
        """As a disk does from one run to the next."""
        make(self, *words)
        self._written = kept

    monkeypatch.setattr(DemoMemory, "__init__", remembers)
    with monkeypatch.context() as dying:
        dying.setattr("p2pctl.proof.writing.restore", die)
        assert run(*WRITE).code != 0
    (left,) = tmp_path.rglob("overwritten.json")
    return left


def test_what_a_killed_run_has_left_must_be_put_back_first(run: Run, killed: Path) -> None:
    outcome = run(*WRITE)
    assert outcome.code == 10
    assert "p2pctl recover" in outcome.err
    assert killed.exists()
    assert run("--demo", "recover").code == 2, "nobody can be asked"
    assert killed.exists()
    assert "disk-overwritten" in run("--demo", "doctor").out
    assert "written over 1048576 bytes" in run("--demo", "status").out
    outcome = run("--demo", "recover", "--yes")
    assert outcome.code == 0
    assert "put back 1048576 bytes" in outcome.err
    assert not killed.exists()
    assert run(*WRITE).code == 0


def test_to_undo_a_change_of_the_target_is_no_yes_to_writing_to_a_disk(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
    for way in ("--rollback", "--resume"):
        outcome = run("--demo", "recover", way)
        assert outcome.code == 2
        assert "recover --yes" in outcome.err
    assert killed.exists()


@pytest.fixture
def disk(killed: Path) -> Disk:
    """The one that was written over, as it is now."""
    door = session().door
    return door.memory.open(json.loads(killed.read_text())["disk"], write=True)


def put(disk: Disk, offset: int, data: bytes) -> None:
    with closing(session().door.memory.ordinary(len(data))) as plain:
        plain.put(0, data)
        assert disk.write(offset, (Part(plain, 0, len(data)),)) == len(data)


def get(disk: Disk, offset: int, length: int) -> bytes:
    with closing(session().door.memory.ordinary(length)) as plain:
        assert disk.read(offset, (Part(plain, 0, length),)) == length
        return plain.get(0, length)


def test_what_may_be_somebodys_data_is_written_over_only_where_the_disks_name_is_said(
    run: Run, killed: Path, disk: Disk
) -> None:
    """One sector of it suffices. That --yes was said, or another name, does not."""
    told = json.loads(killed.read_text())
    first = told["offset"] + (700 << 10)
    data = os.urandom(512)
    put(disk, first, data)
    for words in (["--yes"], ["--yes", "--rollback"], ["--confirm", "nvme7n1"], ["--yes", "--confirm", "x"]):
        outcome = run("--demo", "recover", *words)
        assert outcome.code == 2, outcome
        assert "--confirm nvme6n1" in outcome.err
        assert "--confirm" in words or f"at {first} first, is copies of bench's or somebody's data" in outcome.err
        assert get(disk, first, 512) == data
        assert killed.exists()
    outcome = run("--demo", "recover", "--confirm", "nvme6n1")
    assert outcome.code == 0
    assert get(disk, told["offset"], told["length"]) == bytes(told["length"])
    assert not killed.exists()


def test_what_is_torn_between_two_patterns_is_still_p2pctls_own(run: Run, killed: Path, disk: Disk) -> None:
    """Power was lost in the middle of a write: some sectors are old, some new, some still blank."""
    told = json.loads(killed.read_text())
    put(disk, told["offset"] + (64 << 10), bytes(4096))
    known = pattern(f"{told['disk']} {told['offset']} pool-first", told["length"])
    put(disk, told["offset"] + (128 << 10), known[128 << 10 : 130 << 10])
    assert run("--demo", "recover", "--yes").code == 0
    assert get(disk, told["offset"], told["length"]) == bytes(told["length"])


def test_what_a_killed_benchmark_has_copied_is_told_from_nobodys_data(
    run: Run, killed: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(killed.read_text())
    assert run("--demo", "recover", "--yes").code == 0
    monkeypatch.setattr("p2pctl.proof.writing.restore", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
    words = ("--seconds", "0.002", "--warm-up", "0", "--runs", "1", "--block-size", "4K", "--span", "64K")
    assert run("--demo", "bench", "nvme0", "nvme1", "nvme6n1", "--confirm", "nvme6n1", *words).code != 0
    assert killed.exists()
    assert run("--demo", "recover", "--yes").code == 2
    assert get(disk, told["offset"], 64 << 10) != bytes(64 << 10)
    assert run("--demo", "recover", "--confirm", "nvme6n1").code == 0
    assert get(disk, told["offset"], 64 << 10) == bytes(64 << 10)


def test_a_whole_disk_that_holds_something_since_is_left_alone(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2pctl.cli.putting_back.contents_of", lambda *_: ("ext4",))
    monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
    for words in (["--yes"], ["--confirm", "nvme6n1"]):
        outcome = run("--demo", "recover", *words)
        assert outcome.code == 6
        assert "put to use since it was written over: it holds ext4" in outcome.err
        assert f"remove {killed}" in outcome.err


def test_who_writes_there_while_somebody_is_asked_is_seen(
    run: Run, killed: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(killed.read_text())
    data = os.urandom(512)
    monkeypatch.setattr("p2pctl.cli.putting_back._ask", lambda *_: put(disk, told["offset"], data))
    outcome = run("--demo", "recover", "--yes")
    assert outcome.code == 6
    assert "somebody else writes" in outcome.err
    assert get(disk, told["offset"], 512) == data


def test_whoever_uses_the_disk_since_is_named_with_what_to_do(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel only says that it is busy."""
    host = session()
    known = {"disk": "/dev/nvme3n1", "mark": known_as(host, "nvme3n1")}
    killed.write_text(json.dumps(json.loads(killed.read_text()) | known))
    opened = DemoMemory.open

    def refuse(self: DemoMemory, path: str, **words: bool) -> Any:
        if words.get("exclusive"):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return opened(self, path, **words)

    monkeypatch.setattr(DemoMemory, "open", refuse)
    for words in (["--yes"], ["--rollback"], ["--confirm", "nvme3n1"]):
        outcome = run("--demo", "recover", *words)
        assert outcome.code == 6, outcome
        assert "/dev/nvme3n1 is in use: it is part of md0" in outcome.err
        assert f"run it again once nobody uses it; to keep what is there now, remove {killed}" in outcome.err
        assert "leaves the disk alone" not in outcome.err, "no change waits"


class KilledError(BaseException):
    """What no code survives."""


def test_a_disk_that_cannot_be_put_back_does_not_keep_a_change_from_being_undone(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = KeptFiles.mkdir

    def die(self: KeptFiles, place: str) -> None:
        really(self, place)
        raise KilledError

    with monkeypatch.context() as dying:
        dying.setattr(KeptFiles, "mkdir", die)
        with pytest.raises(KilledError):
            run("--demo", "subsystem", "create", "nqn.2026-01.org.example:x")
    told = json.loads(killed.read_text())
    killed.write_text(json.dumps(told | {"size": 1 << 40}))
    outcome = run("--demo", "recover", "--rollback")
    assert outcome.code == 6
    assert "another disk" in outcome.err
    found = waiting(workplace(session()))
    assert found is not None
    assert f"; p2pctl recover {found.transaction} --rollback leaves the disk alone" in outcome.err
    assert run("--demo", "recover", found.transaction, "--rollback").code == 0
    assert waiting(workplace(session())) is None
    assert killed.exists()


def test_a_named_change_takes_no_name_of_a_disk(run: Run, killed: Path) -> None:
    outcome = run("--demo", "recover", "20260101-1", "--yes", "--confirm", "nvme6n1")
    assert outcome.code == 2
    assert "leaves disks alone" in outcome.err
    assert killed.exists()


def test_whoever_wants_to_keep_what_is_there_now_is_told_how(
    run: Run, killed: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, json.loads(killed.read_text())["offset"], os.urandom(512))
    keep = f"to keep what is there now, remove {killed}"
    outcome = run("--demo", "recover")
    assert outcome.code == 2
    assert f"--confirm nvme6n1 says yes to it; {keep}" in outcome.err
    monkeypatch.setattr("p2pctl.cli.asking_name.can_answer", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    outcome = run("--demo", "recover")
    assert outcome.code == 1
    assert keep in outcome.err
    assert "type nvme6n1 when asked" not in outcome.err
    killed.unlink()
    assert run("--demo", "recover", "--yes").code == 0


def test_a_run_that_goes_on_is_not_told_as_one_that_was_killed(run: Run, killed: Path) -> None:
    """It holds the lock, and puts it back itself."""
    with locked(workplace(session()).directory, "verify --write"):
        for words in (WRITE, ("--demo", "recover", "--yes"), ("--demo", "recover", "--confirm", "nvme6n1")):
            outcome = run(*words)
            assert outcome.code == 6, outcome
            assert f"another p2pctl is at work: process {os.getpid()} (verify --write)" in outcome.err
            assert "killed" not in outcome.err
    assert killed.exists()
    assert run("--demo", "recover", "--yes").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a directory of root's")
def test_whoever_is_not_root_is_told_that_it_takes_root(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    outcome = run("--demo", "recover")
    assert outcome.code == 4
    assert f"the directory {killed.parent} belongs to root" in outcome.err
    assert "it takes root" in outcome.err
    assert "remove it" not in outcome.err


def test_the_path_below_a_multipath_head_is_no_disk_that_could_be_opened() -> None:
    """It has the same identifier, and comes first."""
    host = session()
    hidden, head = "nvme5c5n1", "nvme5n1"
    known = known_as(host, head)
    assert known is not None
    assert known_as(host, hidden) == known
    assert called_now(host, "nvme66n1", known) == head


@pytest.mark.parametrize("name", ["unlink", "fsync"])
def test_a_record_that_cannot_be_removed_for_good_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """After a loss of power it would be there again, and tell of a place that somebody may have begun to use."""
    save = rescue.KeptFile.save

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def then(self: rescue.KeptFile, blank: Blank) -> None:
        save(self, blank)
        monkeypatch.setattr(os, name, fail)

    monkeypatch.setattr(rescue.KeptFile, "save", then)
    outcome = run(*WRITE)
    assert outcome.code == 1, outcome
    assert f"cannot remove {tmp_path}/p2pctl/demo/lib/overwritten.json for good" in outcome.err


@pytest.mark.parametrize("change", [{"mark": "uuid.another "}, {"size": 1 << 40}], ids=str)
def test_nothing_is_put_back_on_another_disk(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    killed.write_text(json.dumps(json.loads(killed.read_text()) | change))
    monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
    outcome = run("--demo", "recover", "--yes")
    assert outcome.code == 6
    assert "another disk" in outcome.err
    assert killed.exists()


def test_a_disk_that_has_another_name_now_is_found_by_its_mark(
    run: Run, killed: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drive that was pulled out, or a reboot: what has the old name is another disk, or nothing."""
    told = json.loads(killed.read_text())
    written: list[tuple[str, int]] = []
    store = DemoMemory.store

    def note(self: DemoMemory, path: str, offset: int, data: bytes) -> None:
        written.append((path, offset))
        store(self, path, offset, data)

    monkeypatch.setattr(DemoMemory, "store", note)
    for name in ("nvme7n1", "nvme66n1"):
        killed.write_text(json.dumps(told | {"disk": f"/dev/{name}"}))
        put(disk, told["offset"], pattern(f"/dev/{name} {told['offset']} pool", told["length"]))
        outcome = run("--demo", "recover", "--yes")
        assert outcome.code == 0, outcome
        assert f"at offset {told['offset']} of /dev/nvme6n1" in outcome.err
    assert set(written) == {("/dev/nvme6n1", told["offset"])}
    assert get(disk, told["offset"], told["length"]) == bytes(told["length"])


def test_a_disk_that_is_away_is_waited_for(run: Run, killed: Path) -> None:
    told = json.loads(killed.read_text()) | {"disk": "/dev/nvme66n1", "mark": "eui.another"}
    killed.write_text(json.dumps(told))
    outcome = run("--demo", "recover", "--yes")
    assert outcome.code == 3
    assert "/dev/nvme66n1 is not there" in outcome.err
    assert f"if it is gone for good, remove {killed}" in outcome.err
    assert killed.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"disk": "/dev/nvme6n1", "offset": -1}', "\x00"])
def test_a_rescue_that_tells_nothing_is_no_reason_to_write(run: Run, killed: Path, text: str) -> None:
    killed.write_text(text)
    for words in (WRITE, ("--demo", "recover", "--yes")):
        outcome = run(*words)
        assert outcome.code == 10
        assert str(killed) in outcome.err
    assert killed.read_text() == text


SIZE, OFFSET, LENGTH = 4 << 20, 1 << 20, 64 << 10


class Mixed:
    """Files of the demo host, and real ones below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._real, self._demo = LiveFiles(), session().door.files

    def __getattr__(self, name: str) -> Any:
        def call(path: str, *words: Any) -> Any:
            files = self._real if path.startswith(self._directory) else self._demo
            return getattr(files, name)(path, *words)

        return call


@pytest.fixture
def real(run: Run, tmp_path: Path) -> tuple[Session, Path, Path]:
    """A host with a real file that a run was killed over, and where that is told."""
    del run
    file = tmp_path.resolve() / "image"
    file.write_bytes(bytes(SIZE))
    host = session()
    door = host.door
    host.__dict__["door"] = SimpleNamespace(
        kind="demo", files=Mixed(file.parent), memory=LiveMemory(), processes=door.processes, names=door.names,
        log=door.log, modules=door.modules, now=door.now,
    )  # fmt: skip
    mark = f"inode {file.stat().st_ino} of {file}"
    kept = rescue.KeptFile(rescue.kept_in(host), SIZE, mark)
    kept.save(Blank(Place(str(file), OFFSET, LENGTH), 0))
    return host, file, Path(kept.path)


def write(file: Path, data: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(OFFSET)
        stream.write(data)
        os.fsync(stream.fileno())


def test_another_file_by_the_same_name_inode_and_size_is_not_written_over(real: tuple[Session, Path, Path]) -> None:
    """File systems give a number that was freed to the next file."""
    host, file, kept = real
    data = os.urandom(SIZE)
    file.write_bytes(data)
    with pytest.raises(UsageError, match="somebody's data"):
        put_back_left(host, Said(yes=True, confirm=None), timeout=0)
    assert file.read_bytes() == data
    assert kept.exists()


def test_a_file_that_holds_what_verify_wrote_is_put_back(real: tuple[Session, Path, Path]) -> None:
    host, file, kept = real
    known = pattern(f"{file} {OFFSET} pool", LENGTH)
    write(file, inverse(known)[: LENGTH // 2] + known[LENGTH // 2 :])
    assert put_back_left(host, Said(yes=True, confirm=None), timeout=0)
    assert file.read_bytes() == bytes(SIZE)
    assert not kept.exists()


def test_a_file_that_is_blank_is_not_touched(real: tuple[Session, Path, Path]) -> None:
    """A hole stays one."""
    host, file, kept = real
    os.truncate(file, 0)
    os.truncate(file, SIZE)
    assert put_back_left(host, Said(yes=True, confirm=None), timeout=0)
    assert file.stat().st_blocks == 0
    assert not kept.exists()
