"""A capture as bytes: a gzipped tar file, the manifest first, always the same for the same contents."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

from p2pctl.errors import UnsupportedError
from p2pctl.hardware.capture import MANIFEST_NAME
from p2pctl.hardware.capture.manifest import MAX_MANIFEST, MAX_MEMBERS, MAX_TOTAL, Manifest
from p2pctl.hardware.capture.untar import Member
from p2pctl.units import format_bytes

_KINDS = {"file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
_BLOCK = 512
_LEVEL = 6


def pack(manifest: Manifest, members: Mapping[str, Member]) -> bytes:
    """The file's bytes. Raises UnsupportedError for a host that is larger than a capture may be."""
    text = manifest.dump()
    _check(members, len(text))
    seconds = int(manifest.time)
    out = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=_LEVEL, mtime=seconds) as stream:
        stream.write(_entry(Member(f"/{MANIFEST_NAME}", "file", 0o644, text), seconds))
        for _, member in sorted(members.items()):
            stream.write(_entry(member, seconds))
        stream.write(bytes(2 * _BLOCK))
    return out.getvalue()


def _check(members: Mapping[str, Member], manifest_size: int) -> None:
    total = manifest_size + sum(len(member.data) + len(member.path) + len(member.target) for member in members.values())
    if len(members) >= MAX_MEMBERS or total > MAX_TOTAL or manifest_size > MAX_MANIFEST:
        raise UnsupportedError(
            f"this host is larger than a capture may be: {len(members):,} files with {format_bytes(total)}",
            hint=f"the limits are {MAX_MEMBERS:,} files and {format_bytes(MAX_TOTAL)}",
        )


def _entry(member: Member, seconds: int) -> bytes:
    info = tarfile.TarInfo(member.path[1:])
    info.type = _KINDS[member.kind]
    info.mode = member.mode
    info.mtime = seconds
    info.size = len(member.data)
    info.linkname = member.target
    try:
        header = info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    except ValueError:  # a name that ustar has no room for
        header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return header + member.data + bytes(-len(member.data) % _BLOCK)
