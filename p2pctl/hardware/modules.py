"""Loads kernel modules of the running host, and mounts the file system that they are configured by."""

from __future__ import annotations

import ctypes
import errno
import os
import re

from p2pctl.hardware.programs import run

CONFIGFS = "/sys/kernel/config"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_SECONDS = 60.0
_LIMIT = 1 << 16
_NO_MODULE = re.compile(r"not found in (?:directory|modules\.dep)|^modprobe: can't open", re.IGNORECASE)
_PREFIX = re.compile(r"^modprobe: (?:FATAL|ERROR): ")


class LiveModules:
    """``Modules`` of the running host."""

    __slots__ = ()

    def load(self, name: str) -> None:
        """Loads a module and what it stands on.

        Raises OSError with modprobe's own words: ENOENT (there is none), EPERM (not for us, or the kernel is locked
        down), EKEYREJECTED and ENOKEY (its signature is not accepted)...
        """
        if not _NAME.fullmatch(name):
            raise OSError(errno.EINVAL, f"no name of a module: {name!r}")
        answer = run("modprobe", name, seconds=_SECONDS, limit=_LIMIT, errors=True)
        if answer.code:
            number, text = _reason(answer.output.decode("utf-8", "replace"))
            raise OSError(number, text)

    def mount_configfs(self) -> None:
        """Mounts configfs at /sys/kernel/config. Raises OSError (EBUSY: it is)."""
        if not os.path.isdir(CONFIGFS):  # noqa: PTH112  a kernel path
            self.load("configfs")
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"none", os.fsencode(CONFIGFS), b"configfs", ctypes.c_ulong(0), None):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), CONFIGFS)


def _reason(output: str) -> tuple[int, str]:
    """The errno that modprobe's last words stand for, and the words."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if not lines:
        return errno.EIO, "modprobe failed without a word"
    last = lines[-1]
    words = _PREFIX.sub("", last)
    if _NO_MODULE.search(last):
        return errno.ENOENT, words
    meaning = last.rpartition(": ")[2]
    numbers = {os.strerror(number): number for number in errno.errorcode}
    return numbers.get(meaning, errno.EIO), words
