"""One way from a kernel file to a fact."""

from __future__ import annotations

import errno
import re

from p2pctl.kernel import Files
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Gap, Missing

ROOT = "root (CAP_SYS_ADMIN)"
SECTOR = 512
"""Bytes: the block layer's ``size`` attributes count these, whatever the logical block size."""
SENSE = "a value that makes sense"
RELEASE = "/proc/sys/kernel/osrelease"

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.EINVAL, errno.EOPNOTSUPP})
"""What the kernel answers for an attribute that a device does not have: no file, a device that has gone, or, for
attributes that every device shows, EINVAL and EOPNOTSUPP."""

_NEEDS = {
    errno.EACCES: "root",
    errno.EPERM: ROOT,
    errno.EIO: "a device that answers",
    errno.ELOOP: "an intact tree",
    errno.ENODATA: "a capture that holds it",
}


class Reader:
    """Reads facts through a door's files and gathers the gaps."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.gaps: list[Gap] = []

    def gap(self, fact: str, subject: object, path: str | None, needs: str, number: int | None = None) -> None:
        """Notes that ``fact`` of ``subject`` (a device, or None) is not known."""
        self.gaps.append(Gap(fact, None if subject is None else str(subject), path, number, needs))

    def missing(self, error: OSError, path: str, fact: str, subject: object = None) -> Missing:
        """What ``error`` says about a fact; a gap unless the thing is plainly not there."""
        if error.errno in _NOT_THERE:
            return ABSENT
        needs = _NEEDS.get(error.errno or 0, "a kernel file that can be read")
        self.gap(fact, subject, path, needs, error.errno)
        return UNREADABLE

    def data(self, path: str, fact: str, subject: object = None) -> Fact[bytes]:
        """A file's contents."""
        try:
            return self.files.read(path)
        except OSError as error:
            return self.missing(error, path, fact, subject)

    def text(self, path: str, fact: str, subject: object = None) -> Fact[str]:
        """A file's text without the final newline; ABSENT when it is empty."""
        try:
            data = self.files.read(path)
        except OSError as error:
            return self.missing(error, path, fact, subject)
        return data.decode("utf-8", "surrogateescape").rstrip("\n") or ABSENT

    def padded(self, path: str, fact: str, subject: object = None) -> Fact[str]:
        """Text that the device pads with spaces, such as a serial number."""
        text = self.text(path, fact, subject)
        return text if isinstance(text, Missing) else (text.strip(" ") or ABSENT)

    def number(self, path: str, fact: str, subject: object = None) -> Fact[int]:
        """A decimal number, or one with 0x; UNREADABLE with a gap when it is none."""
        text = self.text(path, fact, subject)
        return text if isinstance(text, Missing) else self.to_number(text, path, fact, subject)

    def to_number(self, text: str, path: str, fact: str, subject: object = None) -> Fact[int]:
        """The number that ``text``, read from ``path``, stands for."""
        if len(text) <= 40:  # far longer than any number of the kernel's, and int() of a long text is slow
            try:
                return int(text, 16 if text.startswith("0x") else 10)
            except ValueError:
                pass
        self.gap(fact, subject, path, SENSE)
        return UNREADABLE

    def flag(self, path: str, fact: str, subject: object = None) -> Fact[bool]:
        """A boolean as the kernel prints them: 1, 0, Y, N."""
        text = self.text(path, fact, subject)
        if isinstance(text, Missing):
            return text
        if text in {"1", "Y", "0", "N"}:
            return text in {"1", "Y"}
        self.gap(fact, subject, path, SENSE)
        return UNREADABLE

    def listing(self, path: str, fact: str, subject: object = None) -> Fact[tuple[str, ...]]:
        """The names in a directory."""
        try:
            return self.files.list(path)
        except OSError as error:
            return self.missing(error, path, fact, subject)

    def names(self, path: str, fact: str, subject: object = None) -> tuple[str, ...]:
        """The same where nothing depends on why there are none: a gap tells of a directory that cannot be listed."""
        found = self.listing(path, fact, subject)
        return () if isinstance(found, Missing) else found

    def node(self, path: str, subject: object) -> Fact[int]:
        """A NUMA node; the kernel says -1 for none."""
        node = self.number(path, "numa node", subject)
        return ABSENT if not isinstance(node, Missing) and node < 0 else node

    def link_name(self, path: str, fact: str, subject: object = None) -> Fact[str]:
        """The last part of a link's target, such as the driver's name."""
        try:
            return self.files.readlink(path).rpartition("/")[2]
        except OSError as error:
            return self.missing(error, path, fact, subject)

    def device_path(self, path: str, fact: str, subject: object = None) -> Fact[str]:
        """Where a link of /sys leads: the device's own directory."""
        try:
            return self.files.realpath(path)
        except OSError as error:
            return self.missing(error, path, fact, subject)


def is_there(files: Files, path: str) -> bool:
    """Whether a kernel file, a directory or a link is there, as far as this user may tell."""
    try:
        files.stat(path)
    except OSError:
        return False
    return True


def pci_ancestor(path: str) -> Address | None:
    """The PCI function that a device below /sys/devices hangs on, as the kernel climbs: the nearest one above."""
    for part in reversed(path.split("/")):
        address = Address.from_sysfs(part)
        if address is not None:
            return address
    return None


_DIGITS = re.compile(r"([0-9]+)")


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key by which nvme2 comes before nvme10."""
    parts = _DIGITS.split(name)
    return tuple((int(part[:18]) if index % 2 else -1, part) for index, part in enumerate(parts))
