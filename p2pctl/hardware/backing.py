"""Finds out what stands behind paths that are to be exported, and who else uses it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from p2pctl.hardware.reading import Reader, is_there
from p2pctl.model.backing import Backing, BackingKind
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing

_CLASS = "/sys/class/block"
_LIO = "/sys/kernel/config/target/core"
_MOUNTS = ("/proc/1/mountinfo", "/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_SOURCE = 2
"""Fields after the dash in a line of mountinfo that hold type and source (proc_pid_mountinfo(5))."""


class Mount(NamedTuple):
    """A line of mountinfo."""

    source: str
    """A device node, or whatever the file system calls it."""
    where: str
    """The mount point."""
    kind: str
    """``ext4``."""
    options: frozenset[str]
    """Of the file system, as it writes them: ``rtdev=/dev/sdb``."""


def read_backing(reader: Reader, wanted: Iterable[str]) -> dict[str, Backing]:
    """What stands behind each path. Never raises: what could not be found out is said so."""
    uses = _Uses(reader)
    return {path: _one(reader, uses, path) for path in dict.fromkeys(wanted)}


def mounted_from(reader: Reader, path: str) -> Mount | None:
    """What the file system of a file, by its real path, is mounted from; None where that is no device."""
    found, longest = None, -1
    for one in _mounts(reader, reversed(_MOUNTS)):
        inside = one.where in {"/", path} or path.startswith(f"{one.where}/")
        if inside and len(one.where) >= longest:
            found, longest = one, len(one.where)
    if found is None or not found.source.startswith("/"):
        return None
    with contextlib.suppress(OSError):
        return found._replace(source=reader.files.realpath(found.source))
    return found


def _mounts(reader: Reader, candidates: Iterable[str]) -> Iterator[Mount]:
    """Every mount, the newest last, by the first of the files that can be read."""
    for candidate in candidates:
        data = reader.data(candidate, "mounts")
        if isinstance(data, Missing):
            continue
        yield from _parsed(data.decode("utf-8", "surrogateescape").splitlines())
        return


def _parsed(lines: Iterable[str]) -> Iterator[Mount]:
    for line in lines:
        before, dash, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if dash and len(fields) > 4 and len(kinds) >= _SOURCE:
            options = kinds[2] if len(kinds) > _SOURCE else ""
            yield Mount(_plain(kinds[1]), _plain(fields[4]), _plain(kinds[0]), frozenset(_plain(options).split(",")))


def _one(reader: Reader, uses: _Uses, path: str) -> Backing:
    try:
        real = reader.files.realpath(path)
        kind = _kind(reader, real)
    except OSError as error:
        missing = reader.missing(error, path, "backing device", path)
        return Backing(path, missing, missing)
    if kind == "block":
        return Backing(path, real, kind, tuple(uses.of_disk(real)), uses.known)
    return Backing(path, real, kind, tuple(uses.of_file(real)) if kind == "file" else (), uses.known)


def _kind(reader: Reader, real: str) -> Fact[BackingKind]:
    """What sort of file it is. The door does not tell block from character devices, sysfs does by name."""
    found = reader.files.stat(real).kind
    if found in {"file", "directory"}:
        return "file" if found == "file" else "directory"
    name = real.rpartition("/")[2]
    if is_there(reader.files, f"{_CLASS}/{name}"):
        return "block"
    listed = reader.listing(_CLASS, "block devices")
    return UNREADABLE if isinstance(listed, Missing) else "character"


class _Uses:
    """Mounts, swap, loop devices and what LIO serves, each read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.known = True
        self._mounts = tuple(self._read_mounts())
        self._swaps = tuple(self._read_swaps())
        self._loops = tuple(self._read_loops())
        self._served = tuple(self._read_served())

    def of_disk(self, real: str) -> Iterator[str]:
        """Users of a disk or a partition, those of its partitions among them."""
        name = real.rpartition("/")[2]
        for part in (name, *self._partitions(name)):
            whose = "" if part == name else f"{part} is "
            for source, where in self._mounts:
                if source.rpartition("/")[2] == part:
                    yield f"{whose}mounted on {where}"
            if f"/dev/{part}" in self._swaps:
                yield f"{whose}used as swap space"
            for holder in self._reader.names(f"{_CLASS}/{part}/holders", "holders of a device", part):
                yield f"{'it is' if part == name else f'{part} is'} part of {holder}"
            for loop in self._loops_on(f"/dev/{part}"):
                yield f"{loop} is on {'it' if part == name else part}"
            yield from (f"{whose}served by LIO as {one}" for one in self._served_from(f"/dev/{part}"))

    def of_file(self, real: str) -> Iterator[str]:
        """Users of a file that a namespace may be served from."""
        if real in self._swaps:
            yield "used as swap space"
        yield from (f"{loop} is on it" for loop in self._loops_on(real))
        yield from (f"served by LIO as {one}" for one in self._served_from(real))

    def _loops_on(self, path: str) -> Iterator[str]:
        """Loop devices on a file or a disk, which the kernel counts as no holders of it."""
        yield from (loop for loop, backing in self._loops if backing == path)

    def _served_from(self, path: str) -> Iterator[str]:
        """What LIO serves from a file or a disk: not always does it claim that, or hold it open as a process would."""
        yield from (one for one, backing in self._served if backing == path)

    def _read_served(self) -> Iterator[tuple[str, str]]:
        """Name and path of what the SCSI target core serves (drivers/target/target_core_configfs.c)."""
        for adapter in self._listed(_LIO):
            for name in self._listed(f"{_LIO}/{adapter}"):
                path = self._reader.text(f"{_LIO}/{adapter}/{name}/udev_path", "path of a backstore", name)
                if isinstance(path, str):
                    yield f"{adapter}/{name}", self._followed(path)
                elif path is not ABSENT:
                    self.known = False

    def _listed(self, directory: str) -> tuple[str, ...]:
        found = self._reader.listing(directory, "backstores")
        if isinstance(found, Missing):
            self.known = self.known and found is ABSENT
            return ()
        return found

    def _read_loops(self) -> Iterator[tuple[str, str]]:
        for loop in self._reader.names("/sys/block", "block devices"):
            if loop.startswith("loop"):
                backing = self._reader.text(f"/sys/block/{loop}/loop/backing_file", "backing file", loop)
                if isinstance(backing, str):
                    yield loop, backing
                elif backing is not ABSENT:
                    self.known = False

    def _partitions(self, name: str) -> Iterator[str]:
        for entry in self._reader.names(f"{_CLASS}/{name}", "partitions", name):
            if entry.startswith(name) and is_there(self._reader.files, f"{_CLASS}/{name}/{entry}/partition"):
                yield entry

    def _read_mounts(self) -> Iterator[tuple[str, str]]:
        """Source, followed where it is a link such as /dev/mapper's, and mount point."""
        for one in _parsed(self._lines(_MOUNTS)):
            if one.source.startswith("/"):
                yield self._followed(one.source), one.where

    def _followed(self, path: str) -> str:
        try:
            return self._reader.files.realpath(path)
        except OSError:
            return path

    def _read_swaps(self) -> Iterator[str]:
        for line in self._lines(("/proc/swaps",))[1:]:
            yield _plain(line.split(" ", 1)[0].split("\t", 1)[0])

    def _lines(self, candidates: Iterable[str]) -> list[str]:
        for path in candidates:
            try:
                data = self._reader.files.read(path)
            except OSError as error:
                self._reader.missing(error, path, "uses of a device")
            else:
                return data.decode("utf-8", "surrogateescape").splitlines()
        self.known = False
        return []


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
