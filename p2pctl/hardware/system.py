"""Reads what the kernel and the machine are."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

from p2pctl.hardware.capture.trim import trim
from p2pctl.hardware.reading import RELEASE, SENSE, Reader
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.kernel import Cpu, Kernel

_COMPLETE = re.compile(rb"^CONFIG_PCI=", re.MULTILINE)
"""In every configuration of a machine with PCI: what shows that the file is one, and no empty or cut one."""
_FIRST_SYMBOL = b" _text\n"
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
        command_line=_command_line(reader),
        cpu=_cpu(reader),
        iommus=reader.listing("/sys/class/iommu", "iommus"),
        lockdown=_lockdown(reader),
        p2pdma=p2pdma,
        p2pdma_evidence=evidence,
        gaps=tuple(reader.gaps),
    )


def _command_line(reader: Reader) -> Fact[str]:
    """Without the passwords and keys that some installers take there: it ends up on screens and in reports."""
    path = "/proc/cmdline"
    data = reader.data(path, "kernel command line")
    return data if isinstance(data, Missing) else trim(path, data).decode("utf-8", "surrogateescape").rstrip("\n")


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
    path = "/sys/kernel/security/lockdown"
    text = reader.text(path, "lockdown")
    if isinstance(text, Missing):
        if text is ABSENT and reader.text("/sys/kernel/security/lsm", "lockdown") is ABSENT:
            reader.gap("lockdown", None, path, "securityfs mounted")
            return UNREADABLE
        return text
    match = re.search(r"\[(\w+)\]", text)
    if match is None:
        reader.gap("lockdown", None, path, SENSE)
    return match[1] if match else UNREADABLE


def _p2pdma(reader: Reader, release: Fact[str]) -> tuple[Fact[bool], str]:
    """Whether the kernel has P2PDMA, from its configuration; the attributes it makes are left to who sees pools."""
    found = kernel_option(reader, release, "PCI_P2PDMA")
    return _p2pdma_symbol(reader) if found is None else found


def kernel_option(reader: Reader, release: Fact[str], option: str) -> tuple[Fact[bool], str] | None:
    """Whether an option without its ``CONFIG_`` was built in, and the file that says so; None without such a file."""
    found, path = kernel_options(reader, release, (option,))
    return None if path is None else (found[option], path)


def kernel_options(
    reader: Reader, release: Fact[str], options: Iterable[str]
) -> tuple[dict[str, Fact[bool]], str | None]:
    """Whether options without their ``CONFIG_`` were built in, and the file that says so; without one, nothing."""
    config, path = _configuration(reader, release)
    if path is None:
        return {}, None
    return {
        option: config if isinstance(config, Missing) else _option(reader, config, option, path) for option in options
    }, path


def _configuration(reader: Reader, release: Fact[str]) -> tuple[Fact[bytes], str | None]:
    fact = "kernel configuration"
    if not isinstance(release, Missing) and "/" not in release:
        path = f"/boot/config-{release}"
        data = reader.data(path, fact)
        if not isinstance(data, Missing):
            return data, path
    path = "/proc/config.gz"
    data = reader.data(path, fact)
    if isinstance(data, Missing):
        return data, None
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _CONFIG_LIMIT), path
    except zlib.error:
        reader.gap(fact, None, path, SENSE)
        return UNREADABLE, path


def _option(reader: Reader, config: bytes, option: str, path: str) -> Fact[bool]:
    match = re.search(rb"^(?:# )?CONFIG_%s(=[ym]| is not set)$" % option.encode(), config, re.MULTILINE)
    if match is not None:
        return match[1] != b" is not set"
    if _COMPLETE.search(config):
        return False  # an option whose dependencies are not met is not written at all
    reader.gap("kernel configuration", None, path, "a whole kernel configuration")
    return UNREADABLE


def _p2pdma_symbol(reader: Reader) -> tuple[Fact[bool], str]:
    """The last resort, a file of ten megabytes: a function that every kernel with P2PDMA has."""
    path = "/proc/kallsyms"
    try:
        data = reader.files.read(path, _SYMBOLS_LIMIT)
    except OSError as error:
        if reader.missing(error, path, "kernel configuration") is ABSENT:
            reader.gap("kernel configuration", None, path, "/boot/config-RELEASE, /proc/config.gz or /proc/kallsyms")
        return UNREADABLE, "no kernel configuration found"
    if _FIRST_SYMBOL not in data:
        reader.gap("kernel configuration", None, path, "a kernel that shows its symbols")
        return UNREADABLE, path
    return b" pci_p2pdma_add_resource\n" in data, path
