"""``--capture FILE``: files that somebody sent, which may be cut, damaged, or made to do harm."""

from __future__ import annotations

import collections
import contextlib
import errno
import gzip
import io
import json
import random
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pctl.errors import DeniedError, NotFoundError, P2pctlError, UsageError
from p2pctl.hardware.archive import CaptureDoor, TreeFiles
from p2pctl.hardware.capture import MANIFEST_NAME
from p2pctl.hardware.capture import manifest as limits
from p2pctl.hardware.capture.manifest import Manifest, parse
from p2pctl.hardware.capture.pack import pack
from p2pctl.hardware.capture.untar import Member
from p2pctl.kernel import Door, LogLine, LogRead, Process
from p2pctl.model.facts import Gap

MANIFEST = Manifest(version="0.1.0", time=1_700_000_000.5, host="host", kernel="6.18.0")
VENDOR = "sys/devices/pci0000:00/0000:00:03.0/vendor"

Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any) -> Entry:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def archive(*entries: Entry, first: bytes | None = None, level: int = 6, **how: Any) -> bytes:
    """A gzipped tar file with a manifest and these members, as Python's tarfile writes it."""
    out = io.BytesIO()
    text = MANIFEST.dump() if first is None else first
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=level, **how) as tar:
        for info, data in (entry(MANIFEST_NAME, text), *entries):
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def opened(tmp_path: Path, data: bytes) -> CaptureDoor:
    path = tmp_path / "capture.tar.gz"
    path.write_bytes(data)
    return CaptureDoor(str(path))


def refusal(tmp_path: Path, data: bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        opened(tmp_path, data)
    error = caught.value
    assert error.hint
    assert "\n" not in error.message
    assert len(error.message) < 400
    return error


def answer(tmp_path: Path, data: bytes) -> CaptureDoor | None:
    """The capture, or None where it is refused with a hint."""
    try:
        return opened(tmp_path, data)
    except P2pctlError as error:
        return None if error.hint else pytest.fail(error.message)


def failure(call: Callable[[str], object], path: str) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011  the errno is what is asked
        call(path)
    return caught.value.errno


GOOD = (
    entry("sys", kind=tarfile.DIRTYPE, mode=0o755),
    entry(VENDOR, b"0x1b36\n", mode=0o444),
    entry(
        "sys/bus/pci/devices/0000:00:03.0",
        kind=tarfile.SYMTYPE,
        linkname="../../../devices/pci0000:00/0000:00:03.0",
    ),
    entry("sys/class/net", kind=tarfile.DIRTYPE),
)


def test_a_sound_capture_reads_as_the_host_did(tmp_path: Path) -> None:
    """Members, links, and the directories that they imply."""
    door: Door = opened(tmp_path, archive(*GOOD))
    files = door.files
    link = "/sys/bus/pci/devices/0000:00:03.0"
    assert door.kind == "capture"
    assert door.now() == 1_700_000_000.5
    assert files.read(f"{link}/vendor") == b"0x1b36\n"
    assert files.read(f"{link}/vendor", 3) == b"0x1"
    assert files.realpath(link) == "/sys/devices/pci0000:00/0000:00:03.0"
    assert files.readlink(link) == "../../../devices/pci0000:00/0000:00:03.0"
    assert files.list("/sys") == ("bus", "class", "devices")
    assert files.list("/sys/class/net") == ()
    assert files.list("/") == ("sys",)
    assert files.stat(link).kind == "link"
    assert files.stat(f"{link}/vendor").mode == 0o444
    assert files.stat("/sys/bus").kind == "directory"
    with files.open(f"{link}/vendor") as handle:
        assert handle.pread(2, 100) == b"1b36\n"
        assert handle.pread(100, 1) == b""
    assert failure(files.read, "/sys/absent/x") == errno.ENOENT
    assert failure(files.read, "/sys") == errno.EISDIR
    assert failure(files.list, f"/{VENDOR}") == errno.ENOTDIR
    assert failure(files.read, f"/{VENDOR}/x") == errno.ENOTDIR
    assert failure(files.readlink, "/sys") == errno.EINVAL
    assert failure(files.stat, "/sys/absent") == errno.ENOENT
    with pytest.raises(UsageError, match="--capture is read-only"):
        files.write(f"{link}/vendor", b"1")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_in_every_form_of_tar(tmp_path: Path, form: int) -> None:
    """A capture that other programs packed again still opens."""
    deep = "sys/devices/pci0000:00/" + "/".join(f"0000:00:{number:02x}.0" for number in range(16))
    long_link = "../" * 12 + deep if form != tarfile.USTAR_FORMAT else "short"
    data = archive(
        entry(f"{deep}/vendor", b"1", mtime=1.5 if form == tarfile.PAX_FORMAT else 1),
        entry("sys/link", kind=tarfile.SYMTYPE, linkname=long_link),
        entry("./sys/dot", b"2"),
        entry("sys/caf\xe9\udcff", b"3"),
        format=form,
        encoding="utf-8",
        errors="surrogateescape",
    )
    files = opened(tmp_path, data).files
    assert files.read(f"/{deep}/vendor") == b"1"
    assert files.readlink("/sys/link") == long_link
    assert files.read("/sys/dot") == b"2"
    assert files.read("/sys/caf\xe9\udcff") == b"3"


def test_links_resolve_inside(tmp_path: Path) -> None:
    """An absolute link and one that climbs too far lead to places in the archive, as after chroot(2)."""
    files = opened(
        tmp_path,
        archive(
            entry("etc/passwd", b"inside"),
            entry("sys/absolute", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
            entry("sys/up", kind=tarfile.SYMTYPE, linkname="../../../../../../etc"),
            entry("sys/loop", kind=tarfile.SYMTYPE, linkname="loop"),
            entry("sys/out", kind=tarfile.SYMTYPE, linkname="/proc/version"),
        ),
    ).files
    assert files.read("/sys/absolute") == b"inside"
    assert files.read("/sys/up/passwd") == b"inside"
    assert files.realpath("/sys/up") == "/etc"
    assert failure(files.read, "/sys/loop") == errno.ELOOP
    assert failure(files.read, "/sys/out") == errno.ENOENT
    assert failure(files.read, "/sys/a\0b") == errno.ENOENT


@pytest.mark.parametrize(
    "bad",
    [
        entry("/etc/passwd", b"x"),
        entry("../x", b"x"),
        entry("sys/../../x", b"x"),
        entry("sys/./x", b"x"),
        entry("sys//x", b"x"),
        entry("..", kind=tarfile.DIRTYPE),
        entry("sys/device", kind=tarfile.CHRTYPE, devmajor=1, devminor=5),
        entry("sys/disk", kind=tarfile.BLKTYPE, devmajor=8, devminor=0),
        entry("sys/fifo", kind=tarfile.FIFOTYPE),
        entry("sys/hard", kind=tarfile.LNKTYPE, linkname=VENDOR),
        entry("sys/contiguous", kind=tarfile.CONTTYPE),
        entry("sys/unknown", kind=b"Z"),
        entry("sys/setuid", b"x", mode=0o4755),
        entry("sys/setgid", b"x", mode=0o2755),
        entry("sys/link", kind=tarfile.SYMTYPE, linkname=""),
        entry("sys/link", kind=tarfile.SYMTYPE, linkname="x" * 5000),
        entry("x" * 5000, b"x"),
        entry(VENDOR, b"again"),
        entry("sys", kind=tarfile.DIRTYPE),
        entry(f"{VENDOR}/below", b"x"),
        entry("sys/bus/pci/devices/0000:00:03.0/vendor", b"x"),
        entry("sys/bus", b"x"),
        entry("sys/bus", kind=tarfile.SYMTYPE, linkname="class"),
        entry("sys/large", bytes((1 << 20) + 1)),
    ],
    ids=lambda bad: f"{bad[0].name[:40]}-{bad[0].type.decode()}",
)
def test_hostile_members_are_refused(tmp_path: Path, bad: Entry) -> None:
    """Paths that leave, special files, hard links, duplicates, and what stands in another member's way."""
    assert "not a sound capture" in refusal(tmp_path, archive(*GOOD, bad)).message


def test_a_nul_in_a_name_is_refused(tmp_path: Path) -> None:
    """A name that other programs would cut."""
    data = archive(entry("sys/x" + "y" * 200, b"x"), format=tarfile.PAX_FORMAT)
    raw = gzip.decompress(data).replace(b"path=sys/xyyy", b"path=sys/\0yyy")
    assert "no path inside" in refusal(tmp_path, gzip.compress(raw)).message


def raw_archive(*blocks: bytes) -> bytes:
    """A manifest, these bytes as they are, and an end."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info, data = entry(MANIFEST_NAME, MANIFEST.dump())
        tar.addfile(info, io.BytesIO(data))
        head = tar.offset
    return gzip.compress(out.getvalue()[:head] + b"".join(blocks) + bytes(1024))


def header(name: str, kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "blocks",
    [
        [header("x", tarfile.REGTYPE, -1)],
        [header("x", tarfile.REGTYPE, 1 << 40)],
        [header("x", tarfile.XHDTYPE, 1 << 40)],
        [header("x", tarfile.XHDTYPE, 64 << 20), b"1" * (64 << 20)],
        [header("x", tarfile.XGLTYPE, 512), bytes(512)],
        [header("x", tarfile.GNUTYPE_SPARSE, 512), bytes(512)],
        [header("x", tarfile.GNUTYPE_LONGNAME, 0)] * 5000,
        [header("x", tarfile.XHDTYPE, 0)] * 5000,
        [header("x", tarfile.XHDTYPE, 512), b"30 size=99999999999\n".ljust(512, b"\0")],
        [header("x", tarfile.XHDTYPE, 512), b"22 GNU.sparse.major=1\n".ljust(512, b"\0")],
        [header("x", tarfile.XHDTYPE, 512), b"9" * 512],
        [header("x", tarfile.XHDTYPE, 512), b"0 path=x\n".ljust(512, b"\0")],
        [header("x", tarfile.XHDTYPE, 12), b"12 path=abc\n".ljust(512, b"\0")],
        [b"x" * 512],
    ],
    ids=range(14),
)
def test_hostile_headers_are_refused_at_once(tmp_path: Path, blocks: list[bytes]) -> None:
    """Sizes that wrap, extended headers without end or sense, chains of them: no recursion, no search, no memory."""
    refusal(tmp_path, raw_archive(*blocks))


def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    """Sixty-six mebibytes in a hundred kilobytes: refused on the way, not after."""
    members = [entry(f"sys/{number}", bytes(1 << 20)) for number in range(66)]
    data = archive(*members, level=9)
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        assert "64.0 MiB" in refusal(tmp_path, data).message
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is bounded while reading, and a capture that is as large as allowed is not refused."""
    monkeypatch.setattr("p2pctl.hardware.capture.untar.MAX_MEMBERS", 50)
    exact = [entry(f"sys/{number}") for number in range(49)]
    assert len(opened(tmp_path, archive(*exact)).files.list("/sys")) == 49
    assert "more than 50 members" in refusal(tmp_path, archive(*exact, entry("sys/x"))).message


def test_deep_directories_are_refused() -> None:
    """A few long paths imply directories by the thousand."""
    tree = TreeFiles()
    members = (Member(f"/{number}" + "/a" * 2000, "file", 0o600) for number in range(1000))
    with pytest.raises(ValueError, match="too deep"):
        collections.deque(map(tree.add, members), maxlen=0)


def test_what_is_no_capture(tmp_path: Path) -> None:
    """Told as such, with a hint that fits."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.addfile(entry(VENDOR)[0])
    plain = refusal(tmp_path, out.getvalue())
    assert "does not start with a manifest" in plain.message
    assert plain.hint is not None
    assert "p2pctl capture" in plain.hint
    for data in (
        b"PK\3\4" + bytes(600),
        b"text\n" * 300,
        gzip.compress(b"text\n" * 300),
        gzip.decompress(archive(*GOOD)),
    ):
        assert "is not a p2pctl capture" in refusal(tmp_path, data).message
    for data in (b"", gzip.compress(b""), gzip.compress(bytes(100))):
        assert "cut short" in refusal(tmp_path, data).message
    assert "it is empty" in refusal(tmp_path, gzip.compress(bytes(10240))).message


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not there, not readable, a directory: three different answers."""
    with pytest.raises(NotFoundError):
        CaptureDoor(str(tmp_path / "absent"))
    with pytest.raises(UsageError):
        CaptureDoor(str(tmp_path))
    with pytest.raises(UsageError):
        CaptureDoor("a\0b")

    def refuse(path: str, _mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(DeniedError):
        CaptureDoor(str(tmp_path / "closed"))


NOISE = random.Random(1).randbytes(600)  # noqa: S311  the same each time, and not compressible


def sample() -> bytes:
    members = {
        path: Member(path, "file", 0o644, data)
        for path, data in {
            f"/{VENDOR}": b"0x1b36\n",
            "/proc/cpuinfo": NOISE,
            "/proc/version": b"6",
        }.items()
    }
    return pack(MANIFEST, members)


def contents(door: CaptureDoor) -> list[bytes]:
    return [door.files.read(path) for path in (f"/{VENDOR}", "/proc/cpuinfo", "/proc/version")]


def test_a_cut_file_is_a_clear_error(tmp_path: Path) -> None:
    """Wherever it is cut, and nothing but a capture's own error comes out."""
    data = sample()
    assert opened(tmp_path, data).files.read(f"/{VENDOR}") == b"0x1b36\n"
    for length in range(len(data)):
        message = refusal(tmp_path, data[:length]).message
        assert "cut short" in message or length < 30


def test_a_tar_that_is_cut_inside_a_sound_gzip(tmp_path: Path) -> None:
    """The archive needs its own end, too."""
    raw = gzip.decompress(sample())
    for length in range(0, len(raw) - 1024, 64):
        assert "cut short" in refusal(tmp_path, gzip.compress(raw[:length], 1)).message


def test_damage_anywhere_is_a_clear_error(tmp_path: Path) -> None:
    """A flipped bit is found by a checksum, or changes nothing that is read."""
    data = bytearray(sample())
    whole = contents(opened(tmp_path, sample()))
    for position in range(0, len(data), 3):
        data[position] ^= 0x10
        door = answer(tmp_path, bytes(data))
        assert door is None or contents(door) == whole
        data[position] ^= 0x10


def test_what_follows_the_end_is_refused(tmp_path: Path) -> None:
    """Data behind the archive would be read by other programs only."""
    refusal(tmp_path, sample() + b"more")
    refusal(tmp_path, gzip.compress(gzip.decompress(sample()) + b"more"))
    refusal(tmp_path, gzip.compress(gzip.decompress(sample()) + bytes(4 << 20)))
    assert opened(tmp_path, sample() + bytes(64)).files.list("/proc") == ("cpuinfo", "version")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(["raw", "gzip", "tar", "manifest"]))
def test_any_bytes_give_an_answer(tmp_path: Path, data: bytes, where: str) -> None:
    """Random bytes as the file, inside the gzip, behind the manifest, as the manifest."""
    files = {
        "raw": lambda: data,
        "gzip": lambda: gzip.compress(data, 1),
        "tar": lambda: raw_archive(data.ljust(-(-len(data) // 512) * 512, b"\0")),
        "manifest": lambda: archive(first=data),
    }
    answer(tmp_path, files[where]())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 20))
def test_damaged_headers_give_an_answer(tmp_path: Path, seed: int, count: int) -> None:
    """Members whose headers were changed and made to check again."""
    raw = bytearray(gzip.decompress(archive(*GOOD, format=tarfile.GNU_FORMAT)))
    generator = random.Random(seed)  # noqa: S311
    for _ in range(count):
        raw[generator.randrange(2048, len(raw))] = generator.randrange(256)
    for start in range(2048, len(raw) - 511, 512):
        block = raw[start : start + 512]
        if any(block[:100]):
            total = sum(block[:148]) + sum(block[156:]) + 8 * 0x20
            raw[start + 148 : start + 156] = b"%06o\0 " % total
    answer(tmp_path, gzip.compress(bytes(raw), 1))


FULL = Manifest(
    version="1.2.3",
    time=1.25,
    host="h\udcff",
    kernel=None,
    boot_id="b",
    root=True,
    redacted=True,
    gaps=(Gap("acs", "0000:00:01.0", "/sys/x", errno.EACCES, "root"), Gap("holders", None, None, None, "--holders")),
    errors={"/sys/a": errno.EIO},
    holes={"/sys/c": ((64, 256), (260, 300))},
    withheld=("/sys/w",),
    processes={7: Process(7, "root", "fio")},
    names={(0x8086, 0x0953): ("Intel", None)},
    log=LogRead((LogLine(3, 5.25, "nvmet: x \udcff"),), complete=False),
)


def test_the_manifest_round_trips() -> None:
    """Every field, and the gaps before the long lists."""
    text = FULL.dump()
    assert parse(text, "file") == FULL
    assert parse(MANIFEST.dump(), "file") == MANIFEST
    assert text.index(b'"gaps"') < text.index(b'"errors"')
    assert next(iter(json.loads(text))) == "schema"


@pytest.mark.parametrize("key", sorted(set(json.loads(FULL.dump())) - {"root", "redacted"}))
@pytest.mark.parametrize(
    "value", [None, -1, 1e400, "x", [1], [[1]], {"x": 1}, {"1": {"user": 1}}, {"x": ["a", "b"]}, True]
)
def test_a_manifest_of_wrong_types_is_refused(key: str, value: object) -> None:
    """Whatever stands in a field, the answer is a manifest or a usage error."""
    document = json.loads(FULL.dump())
    document[key] = value
    with contextlib.suppress(UsageError):
        assert isinstance(parse(json.dumps(document).encode(), "file"), Manifest)
    del document[key]
    # Captures of earlier versions have no log.
    with contextlib.nullcontext() if key == "log" else pytest.raises(UsageError):
        parse(json.dumps(document).encode(), "file")


def test_versions_of_the_schema() -> None:
    """A newer one asks for a newer p2pctl; another kind is none; what a newer program adds is passed over."""
    document = json.loads(FULL.dump())
    with pytest.raises(UsageError, match="newer p2pctl"):
        parse(json.dumps(document | {"schema": "p2pctl.capture/2"}).encode(), "file")
    with pytest.raises(UsageError, match="another kind"):
        parse(json.dumps(document | {"schema": "p2pctl.pool/1"}).encode(), "file")
    assert parse(json.dumps(document | {"added": 1}).encode(), "file") == FULL
    for text in (b"", b"\xff", b"[" * 100_000, b"1" * 10_000, b'{"schema": 1}', b"null", b"[]"):
        with pytest.raises(UsageError):
            parse(text, "file")


def test_recorded_answers(tmp_path: Path) -> None:
    """Errors, holes and what was withheld come back as errors; processes and names from the manifest."""
    manifest = Manifest(
        version="0.1.0",
        time=1.0,
        errors={"/sys/secret": errno.EACCES, "/sys/dir": errno.EIO, "/sys/dir/gone/x": errno.EACCES},
        holes={"/sys/config": ((4, 8),)},
        withheld=("/sys/withheld",),
        processes=FULL.processes,
        names=FULL.names,
    )
    files = {
        name: Member(f"/sys/{name}", "file", 0o644, b"0123\0\0\0\x0089") for name in ("secret", "config", "withheld")
    }
    members = {member.path: member for member in files.values()} | {"/sys/dir": Member("/sys/dir", "directory", 0o700)}
    link = Member("/sys/link", "link", 0o777, target="dir/gone")
    door = opened(tmp_path, pack(manifest, members | {"/sys/link": link}))
    answers = door.files
    assert failure(answers.read, "/sys/secret") == errno.EACCES
    assert failure(answers.open, "/sys/secret") == errno.EACCES
    assert answers.stat("/sys/secret").kind == "file"
    assert failure(answers.list, "/sys/dir") == errno.EIO
    assert failure(answers.read, "/sys/link/x") == errno.EACCES
    assert failure(answers.stat, "/sys/dir/gone/x") == errno.EACCES
    assert failure(answers.stat, "/sys/dir/gone/y") == errno.ENOENT
    assert failure(answers.read, "/sys/withheld") == errno.ENODATA
    assert failure(answers.read, "/sys/config") == errno.ENODATA
    assert answers.read("/sys/config", 4) == b"0123"
    with answers.open("/sys/config") as handle:
        assert handle.pread(0, 4) == b"0123"
        assert handle.pread(8, 10) == b"89"
        for offset, length in ((0, 5), (4, 1), (7, 3)):
            with pytest.raises(OSError, match="No data"):
                handle.pread(offset, length)
    who = door.processes.who(7)
    assert who is not None
    assert who.command == "fio"
    assert door.processes.who(8) is None
    assert door.names.device(0x8086, 0x0953) == ("Intel", None)
    assert door.names.device(0x8086, 1) == (None, None)


def test_pool_memory_is_never_read(tmp_path: Path) -> None:
    """Nor where a capture has something in its place."""
    link = entry("sys/other", kind=tarfile.SYMTYPE, linkname="p2pmem/allocate")
    files = opened(tmp_path, archive(entry("sys/p2pmem/allocate", b"x"), link)).files
    assert failure(files.read, "/sys/p2pmem/allocate") == errno.EINVAL
    assert failure(files.read, "/sys/other") == errno.EINVAL
    assert files.stat("/sys/p2pmem/allocate").kind == "file"


def test_a_host_too_large_for_a_capture_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written can be read again."""
    monkeypatch.setattr("p2pctl.hardware.capture.pack.MAX_MEMBERS", 2)
    members = {f"/sys/{number}": Member(f"/sys/{number}", "file", 0o600) for number in range(2)}
    with pytest.raises(P2pctlError, match="larger than a capture"):
        pack(MANIFEST, members)
    assert limits.MAX_MEMBERS > 100_000
