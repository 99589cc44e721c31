"""Reads what the kernel and the machine are."""

from __future__ import annotations

import re
import zlib

from p2pctl.hardware.reading import RELEASE, Reader
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.kernel import Cpu, Kernel

_OPTION = re.compile(rb"^(?:# )?CONFIG_PCI_P2PDMA(=y| is not set)$", re.MULTILINE)
_SYMBOLS_LIMIT = 1 << 26
_CONFIG_LIMIT = 1 << 20
"""Bytes of an unpacked kernel configuration at most; real ones have about 300 KiB."""


def read_kernel(reader: Reader, now: float) -> Kernel:
    """Release, command line, CPU, IOMMU, lockdown, and whether P2PDMA was built in."""
    release = reader.text(RELEASE, "kernel release")
    p2pdma, evidence = _p2pdma(reader, release)
    return Kernel(
        taken=now,
        release=release,
        command_line=reader.text("/proc/cmdline", "kernel command line"),
        cpu=_cpu(reader),
        iommus=reader.names("/sys/class/iommu", "iommus"),
        lockdown=_lockdown(reader),
        p2pdma=p2pdma,
        p2pdma_evidence=evidence,
        gaps=tuple(reader.gaps),
    )


def _cpu(reader: Reader) -> Fact[Cpu]:
    text = reader.text("/proc/cpuinfo", "cpu")
    if isinstance(text, Missing):
        return text
    values: dict[str, str] = {}
    count = 0
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key.strip(), value.strip())
            count += key.strip() == "processor"
    family = values.get("cpu family", "")
    return Cpu(
        vendor=values.get("vendor_id", ""),
        family=int(family) if family.isascii() and family.isdigit() and len(family) < 6 else None,
        model_name=values.get("model name", ""),
        count=count,
    )


def _lockdown(reader: Reader) -> Fact[str]:
    """The word in brackets of ``none [integrity] confidentiality``."""
    text = reader.text("/sys/kernel/security/lockdown", "lockdown")
    if isinstance(text, Missing):
        return text
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else UNREADABLE


def _p2pdma(reader: Reader, release: Fact[str]) -> tuple[Fact[bool], str]:
    """Whether the kernel has P2PDMA, from its configuration; the attributes it makes are left to who sees pools."""
    if not isinstance(release, Missing) and "/" not in release:
        path = f"/boot/config-{release}"
        data = reader.data(path, "kernel configuration")
        if not isinstance(data, Missing):
            return _option(data), path
    path = "/proc/config.gz"
    data = reader.data(path, "kernel configuration")
    if isinstance(data, Missing):
        return _p2pdma_symbol(reader)
    try:
        return _option(zlib.decompressobj(wbits=31).decompress(data, _CONFIG_LIMIT)), path
    except zlib.error:
        reader.gap("kernel configuration", None, path, "a value that makes sense")
        return UNREADABLE, path


def _p2pdma_symbol(reader: Reader) -> tuple[Fact[bool], str]:
    """The last resort, a file of ten megabytes: a function that every kernel with P2PDMA has."""
    path = "/proc/kallsyms"
    try:
        data = reader.files.read(path, _SYMBOLS_LIMIT)
    except OSError as error:
        missing = reader.missing(error, path, "kernel configuration")
        return (NOT_READ if missing is ABSENT else missing), "no kernel configuration found"
    return b" pci_p2pdma_add_resource\n" in data, path


def _option(config: bytes) -> Fact[bool]:
    match = _OPTION.search(config)
    # An option whose dependencies are not met is not written at all.
    return match is not None and match[1] == b"=y"
