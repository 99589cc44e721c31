"""A capture's members, read from a file that nobody vouches for.

The tar headers are ``tarfile``'s to decode; the walk from one to the next is done here, because tarfile takes extended
headers of any size into memory and searches them with backtracking expressions, before anybody can say no.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, NoReturn

from p2pctl.errors import UsageError
from p2pctl.hardware.capture import MANIFEST_NAME
from p2pctl.hardware.capture.manifest import MAX_FILE, MAX_MANIFEST, MAX_MEMBERS, MAX_TOTAL
from p2pctl.units import format_bytes

_BLOCK = 512
_MAX_NAME = 4096  # PATH_MAX, include/uapi/linux/limits.h
_MAX_EXTENSION = 3 * _MAX_NAME  # a path, a link target, and what else a pax header holds
_MAX_HEADERS = 4  # two long names and a pax header may come before a member's own
_MAX_PADDING = 1 << 20
_SPECIAL_BITS = 0o6000  # set-user-ID, set-group-ID
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_KINDS: dict[bytes, Literal["file", "directory", "link"]] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "link",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a capture."""

    path: str
    """Absolute, as the kernel names it; the manifest's is ``/`` and its name."""
    kind: Literal["file", "directory", "link"]
    mode: int
    """Permission bits."""
    data: bytes = b""
    """Contents of a file."""
    target: str = ""
    """Where a link points."""


def members(stream: BinaryIO, where: str) -> Iterator[Member]:
    """The members one by one, the manifest first. Raises UsageError (``where`` names the file) for whatever is wrong.

    Memory is bounded by the limits of ``manifest``, whatever the file claims.
    """
    reader = _Reader(stream, where)
    first = True
    try:
        while (member := reader.member(MAX_MANIFEST if first else MAX_FILE)) is not None:
            if first and member.path != f"/{MANIFEST_NAME}":
                _refuse(where, "it does not start with a manifest")
            first = False
            yield member
        if first:
            _refuse(where, "it is empty")
        reader.finish()
    except EOFError:
        raise UsageError(f"{where} is cut short", hint="copy it again from where it was taken") from None
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        if first:
            _refuse(where, "it is no gzipped tar file")
        raise UsageError(f"{where} is damaged: {error}", hint="copy it again from where it was taken") from None


def _refuse(where: str, why: str, *, hint: str = "make one with `p2pctl capture FILE`") -> NoReturn:
    raise UsageError(f"{where} is not a p2pctl capture: {why}", hint=hint)


class _Reader:
    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream = gzip.GzipFile(fileobj=stream, mode="rb")
        self._where = where
        self._members = 0
        self._total = 0

    def member(self, limit: int) -> Member | None:
        """The next member with at most ``limit`` bytes of contents; None at the end of the archive."""
        extended: dict[str, str] = {}
        for _ in range(_MAX_HEADERS):
            header = self._header()
            if header is None:
                break
            if header.type == tarfile.XHDTYPE:
                extended |= _pax(self._contents(header, _MAX_EXTENSION))
            elif header.type in _LONG:
                extended[_LONG[header.type]] = _text(self._contents(header, _MAX_EXTENSION).rstrip(b"\0"))
            else:
                return self._accept(header, extended, limit)
        if extended or header is not None:
            self._bad("it has headers and no member to them")
        return None

    def finish(self) -> None:
        """Reads on to the end, so that the checksum is verified."""
        for _ in range(_MAX_PADDING // _BLOCK):
            piece = self._stream.read(_BLOCK)
            if not piece:
                return
            if piece.strip(b"\0"):
                break
        self._bad("something follows its end")

    def _header(self) -> tarfile.TarInfo | None:
        block = self._read(_BLOCK)
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape") if block.strip(b"\0") else None

    def _accept(self, header: tarfile.TarInfo, extended: dict[str, str], limit: int) -> Member:
        self._members += 1
        if self._members > MAX_MEMBERS:
            self._bad(f"it has more than {MAX_MEMBERS:,} members")
        path = self._path(extended.get("path", header.name))
        kind = _KINDS.get(header.type)
        if kind is None:
            self._bad(f"{path!r} is neither a file nor a directory nor a symbolic link")
        if kind != "directory" and header.mode & _SPECIAL_BITS:
            self._bad(f"{path!r} is a set-user-ID program")
        target = extended.get("linkpath", header.linkname) if kind == "link" else ""
        if kind == "link" and (not target or "\0" in target or len(target) > _MAX_NAME):
            self._bad(f"the link {path!r} points nowhere")
        data = self._contents(header, limit) if kind == "file" else b""
        self._total += len(path) + len(target)
        self._check_total()
        return Member(path, kind, header.mode & 0o777, data, target)

    def _path(self, name: str) -> str:
        parts = name.removeprefix("./").removesuffix("/").split("/")
        if "\0" in name or len(name) > _MAX_NAME or any(part in {"", ".", ".."} for part in parts):
            self._bad(f"{name[:80]!r} is no path inside it")
        return "/" + "/".join(parts)

    def _contents(self, header: tarfile.TarInfo, limit: int) -> bytes:
        if not 0 <= header.size <= limit:
            self._bad(f"{header.name[:80]!r} has {header.size:,} bytes")
        self._total += header.size
        self._check_total()
        return self._read(header.size + -header.size % _BLOCK)[: header.size]

    def _check_total(self) -> None:
        if self._total > MAX_TOTAL:
            self._bad(f"it holds more than {format_bytes(MAX_TOTAL)}")

    def _read(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) < length:
            raise EOFError
        return data

    def _bad(self, why: str) -> NoReturn:
        raise UsageError(f"{self._where} is not a sound capture: {why}", hint="do not trust it; ask for a new one")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _pax(data: bytes) -> dict[str, str]:
    """The path and link path of a pax extended header: records ``LENGTH KEY=VALUE`` and a newline each (POSIX.1-2001).

    Raises tarfile.HeaderError for a header that is none.
    """
    found: dict[str, str] = {}
    while data:
        digits = data[:6].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or length > len(data):
            raise tarfile.HeaderError("bad extended header")
        if key in {b"path", b"linkpath"}:
            found[key.decode()] = _text(value[:-1])
        elif key == b"size" or key.startswith(b"GNU.sparse"):
            raise tarfile.HeaderError("unexpected extended header")
        data = data[length:]
    return found
