"""Finds the processes that have a disk or a file open, also where they do not claim it: virtual machines, databases."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from p2pctl.kernel import Files

_NAMESPACE = "/proc/self/ns/pid"
_INITIAL_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO of include/linux/proc_ns.h."""

_DELETED = " (deleted)"
_DENIED = frozenset({errno.EACCES, errno.EPERM})


class Openers(NamedTuple):
    """Who has something open."""

    found: tuple[tuple[int, str], ...]
    """Process number and path."""
    complete: bool
    """Whether every process of the host could be looked into."""


def read_openers(files: Files, paths: Collection[str], own: int, nodes: Mapping[str, str] | None = None) -> Openers:
    """The processes, other than ``own``, with a descriptor of one of these real paths (proc_pid_fd(5)). Never raises.

    On the running host, ``nodes`` are those of them that are devices, by what `number` says of them: a container, or a
    virtual machine in one, has them open by nodes of other names.
    """
    try:
        names = files.list("/proc")
        complete = files.readlink(_NAMESPACE) == _INITIAL_NAMESPACE
    except OSError:
        return Openers((), complete=False)
    found = []
    for name in names:
        if not (name.isascii() and name.isdecimal()) or int(name) == own:
            continue
        try:
            opened = _opened(files, f"/proc/{name}/fd", nodes or {})
        except OSError as error:
            complete = complete and error.errno not in _DENIED
            continue
        found += [(int(name), path) for path in sorted(opened.intersection(paths))]
    return Openers(tuple(found), complete)


def _opened(files: Files, directory: str, nodes: Mapping[str, str]) -> set[str]:
    """Raises OSError where the process may not be looked into, or is gone."""
    paths = set()
    for name in files.list(directory):
        try:
            path = files.readlink(f"{directory}/{name}").removesuffix(_DELETED)
        except OSError as error:
            if error.errno in _DENIED:
                raise
            continue
        paths.add(path)
        # Elsewhere are files, and to ask for one of a file server that is gone takes for ever.
        if nodes and "/dev/" in path:
            with contextlib.suppress(OSError, KeyError):
                paths.add(nodes[_number(f"{directory}/{name}")])
    return paths


def number(kind: Literal["block", "char"], text: str) -> str:
    """Of a device whose number sysfs tells as ``259:1``: both kinds are counted on their own."""
    return f"{kind} {text}"


def _number(path: str) -> str:
    """Of the device that a descriptor is of; empty for anything else. Raises OSError for one that is closed."""
    found = os.stat(path)  # noqa: PTH116  paths are text, as everywhere
    text = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    if stat.S_ISBLK(found.st_mode):
        return number("block", text)
    return number("char", text) if stat.S_ISCHR(found.st_mode) else ""
