"""Files of which a capture keeps a part: the lines that the readers need, and no others."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Collection

from p2pctl.hardware.capture.grub import GRUB_FILE, trim_grub
from p2pctl.kernel import READ_LIMIT

_MAPPED = re.compile(rb"/p2pmem/allocate(?: \(deleted\))?$|\s/dev/(?:nvme|ng|p2pmem)[^/]*$")
_SYMBOL = re.compile(rb"(?m)^[0-9a-f]+( . (?:_text|pci_p2pdma_add_resource))$")
_STATUS = re.compile(rb"(?:Name|Tgid|Pid|PPid|Uid):")
_UNIT = re.compile(rb"ExecSt(?:art|op)=")
_CPU = re.compile(rb"(?:processor|vendor_id|cpu family|model|model name)\s*:|$")
_CONFIG = re.compile(rb"(?:# )?CONFIG_(?:PCI|PCI_P2PDMA|ZONE_DEVICE|VFIO_PCI_DMABUF|HSA_AMD_P2P|NVME_TARGET\w*)[ =]")
_LOCAL_ROUTE = re.compile(rb" *\|-- [0-9.]+\n(?: +/[0-9]+ \S+ \S+.*\n)*? +/[0-9]+ \S+ LOCAL\b.*\n")
_OPTION = re.compile(rb"(?:[^\s\"]|\"[^\"]*(?:\"|$))+")
_SECRET_KEY = re.compile(rb"key|psk|secret|passw|credential|token|dhchap", re.IGNORECASE)
_SOCKETS_HEAD = b"  sl  local_address rem_address   st\n"
_SOCKET = re.compile(rb"(?m)^( *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2})) .*\n")
_LISTENS = b"0A"  # TCP_LISTEN, include/net/tcp_states.h
_URL_PASSWORD = re.compile(rb"((?:://|iscsi:)[^\s/@:]{0,256}):[^\s/@]{1,256}@")


def trim(path: str, data: bytes) -> bytes:
    """What is kept of a file's contents; of most files, all."""
    trimmer = _OF_PATH.get(path)
    if trimmer is not None:
        return trimmer(data)
    if path.endswith("/systemd/system/nvmet.service"):
        return _lines(_UNIT, data)
    if path.startswith("/boot/config-"):
        return _lines(_CONFIG, data)
    if path.endswith("/net/fib_trie"):
        return _local_routes(data)
    if path.startswith("/proc/") and path.endswith("/maps"):
        return mapped(data)
    if path.startswith("/proc/") and path.endswith("/status"):
        return _lines(_STATUS, data)
    return data


def mapped(data: bytes) -> bytes:
    """The lines of ``/proc/PID/maps`` that map peer-to-peer memory: a pool, or a character device as in 2022."""
    if b"/p2pmem/allocate" not in data and b"/dev/n" not in data and b"/dev/p2pmem" not in data:
        return b""
    return b"".join(line for line in data.splitlines(keepends=True) if _MAPPED.search(line.rstrip(b"\n")))


def sockets(data: bytes, ports: Collection[int]) -> bytes:
    """Of a table of TCP sockets, what listens, and the connections to the target's ``ports``.

    Who else is connected to a host is nobody's business, nor are the columns after the state, such as the user.
    """
    kept = [match[1] + b" \n" for match in _SOCKET.finditer(data) if match[3] == _LISTENS or int(match[2], 16) in ports]
    return b"".join((_SOCKETS_HEAD, *kept)) if data else b""


def _local_routes(data: bytes) -> bytes:
    """Of the routes, the host's own addresses. The table has each twice; once is enough."""
    return b"".join(dict.fromkeys(_LOCAL_ROUTE.findall(data)))


def _option(match: re.Match[bytes]) -> bytes:
    """A kernel option without the password or key that some installers and initramfs tools take there."""
    option = match[0]
    key, equals, _ = option.partition(b"=")
    if equals and _SECRET_KEY.search(key):
        return key + b"=withheld"
    return _URL_PASSWORD.sub(rb"\1:withheld@", option)


def _lines(wanted: re.Pattern[bytes], data: bytes) -> bytes:
    return b"".join(line for line in data.splitlines(keepends=True) if wanted.match(line.rstrip(b"\n")))


def _symbols(data: bytes) -> bytes:
    """Without the addresses, which would tell where the kernel lies in memory."""
    return b"".join(b"0" * 16 + match[1] + b"\n" for match in _SYMBOL.finditer(data))


def _compressed(data: bytes) -> bytes:
    """The same for ``/proc/config.gz``; what is no gzip file becomes another thing that is none."""
    try:
        text = zlib.decompressobj(wbits=31).decompress(data, READ_LIMIT)
    except zlib.error:
        return b"damaged"
    return gzip.compress(_lines(_CONFIG, text), mtime=0)


_OF_PATH: dict[str, Callable[[bytes], bytes]] = {
    "/proc/cmdline": lambda data: _OPTION.sub(_option, data),
    "/proc/cpuinfo": lambda data: _lines(_CPU, data),
    "/proc/kallsyms": _symbols,
    "/proc/config.gz": _compressed,
    GRUB_FILE: trim_grub,
}
