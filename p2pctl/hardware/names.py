"""What PCI identifiers are called: the pci.ids list, else udev's hardware database.

pci.ids has a line ``vvvv  Vendor`` at the margin and below it ``<tab>dddd  Device`` (and two tabs for subsystems).
"""

from __future__ import annotations

import os
import re
import stat

PCI_IDS = (
    "/usr/share/misc/pci.ids",
    "/usr/share/hwdata/pci.ids",
    "/usr/share/pci.ids",
    "/var/lib/pciutils/pci.ids",
)
"""Where distributions keep the list; the first one there is used."""

Pair = tuple[str | None, str | None]

_FILE_LIMIT = 16 << 20
_NAME_LIMIT = 256
_NEXT_VENDOR = re.compile(rb"\n[^\t\n#]")


class PciNames:
    """``Names`` from the host's databases. Nothing is read before the first question; no failure leaves it."""

    def __init__(self, paths: tuple[str, ...] = PCI_IDS, *, hwdb: bool = True) -> None:
        self._paths = paths
        self._use_hwdb = hwdb
        self._list: bytes | None = None
        self._hwdb: _Hwdb | None = None
        self._known: dict[tuple[int, int], Pair] = {}

    def device(self, vendor: int, device: int) -> Pair:
        """Vendor and device name, None where no database knows it."""
        key = vendor, device
        pair = self._known.get(key)
        if pair is None:
            pair = self._known[key] = self._find(vendor, device)
        return pair

    def _find(self, vendor: int, device: int) -> Pair:
        if self._list is None:
            self._list = _first_list(self._paths)
        if self._list:
            return find(self._list, vendor, device)
        if not self._use_hwdb:
            return None, None
        if self._hwdb is None:
            self._hwdb = _Hwdb()
        return self._hwdb.device(vendor, device)


def find(pci_ids: bytes, vendor: int, device: int) -> Pair:
    """Both names out of a pci.ids list that starts with a newline; about a millisecond, since nothing is parsed."""
    at = pci_ids.find(b"\n%04x  " % vendor)
    if at < 0:
        return None, None
    vendor_name = _rest_of_line(pci_ids, at + 7)
    following = _NEXT_VENDOR.search(pci_ids, at + 1)
    end = following.start() + 1 if following else len(pci_ids)
    at = pci_ids.find(b"\n\t%04x  " % device, at, end)
    return vendor_name, None if at < 0 else _rest_of_line(pci_ids, at + 8)


def _rest_of_line(text: bytes, start: int) -> str | None:
    end = text.find(b"\n", start, start + _NAME_LIMIT)
    return _name(text[start : end if end >= 0 else start + _NAME_LIMIT])


def _name(raw: bytes) -> str | None:
    return raw[:_NAME_LIMIT].decode(errors="replace").strip() or None


def _first_list(paths: tuple[str, ...]) -> bytes:
    """The first list that can be read, with a newline before it; empty where there is none."""
    for path in paths:
        text = _read(path)
        if text:
            return b"\n" + text
    return b""


def _read(path: str) -> bytes:
    # Not mapped: a map of a file that is cut short later kills the process (SIGBUS).
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _FILE_LIMIT:
            return b""
        return os.read(descriptor, found.st_size)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


class _Hwdb:
    """udev's hardware database, through the libudev that pyudev loads."""

    def __init__(self) -> None:
        self._open = False
        try:
            import pyudev  # noqa: PLC0415  22 ms, and starts ldconfig to find libudev: only without a pci.ids

            self._context = pyudev.Context()
            # pyudev declares these functions of libudev but has no class for them.
            self._libudev = self._context._libudev  # noqa: SLF001
            self._database = self._libudev.udev_hwdb_new(self._context)
            self._open = bool(self._database)
        except Exception:  # noqa: BLE001  a name is never worth a failure, and ctypes raises anything
            return

    def device(self, vendor: int, device: int) -> Pair:
        """Vendor and device name, None where the database has none or does not work."""
        if not self._open:
            return None, None
        try:
            found = self._properties(b"pci:v%08Xd%08Xsv*sd*bc*sc*i*" % (vendor, device))
        except Exception:  # noqa: BLE001  as above
            return None, None
        return found.get(b"ID_VENDOR_FROM_DATABASE"), found.get(b"ID_MODEL_FROM_DATABASE")

    def _properties(self, modalias: bytes) -> dict[bytes, str | None]:
        libudev = self._libudev
        entry = libudev.udev_hwdb_get_properties_list_entry(self._database, modalias, 0)
        found: dict[bytes, str | None] = {}
        while entry:
            name, value = libudev.udev_list_entry_get_name(entry), libudev.udev_list_entry_get_value(entry)
            if name and value:
                found[name] = _name(value)
            entry = libudev.udev_list_entry_get_next(entry)
        return found

    def __del__(self) -> None:
        if self._open:
            self._open = False
            self._libudev.udev_hwdb_unref(self._database)
