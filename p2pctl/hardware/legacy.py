"""Reads the pools of the proposal of 2017: a class of devices, with statistics in debugfs and a character device each.

Pools were called ``p2pmem0``, ``p2pmem1``... there (drivers/memory/p2pmem.c of that series), each a child of the PCI
function whose memory it is. Drivers outside the kernel make character devices of the same class on today's kernels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from p2pctl.hardware.pci import FunctionReader
from p2pctl.hardware.reading import SENSE, Reader, natural, pci_ancestor
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pools import Pool

CLASS = "/sys/class/p2pmem"
STATISTICS = "/sys/kernel/debug/p2pmem"

_NAME = re.compile(r"p2pmem[0-9]{1,6}")
_TOTAL = re.compile(r"^total size: *([0-9]{1,20})$", re.MULTILINE)
_AVAILABLE = re.compile(r"^available: *([0-9]{1,20})$", re.MULTILINE)


def read_legacy(reader: Reader, functions: FunctionReader, pools: Mapping[Address, Pool]) -> dict[Address, Pool]:
    """``pools`` with those of the class; a pool that has the directory of today's kernels, too, stays what it is."""
    found = dict(pools)
    for name in sorted(reader.names(CLASS, "pools"), key=natural):
        path = reader.device_path(f"{CLASS}/{name}", "pool", name) if _NAME.fullmatch(name) else ABSENT
        if isinstance(path, Missing):
            continue
        address = pci_ancestor(path)
        function = None if address is None else functions.read(address)
        if address is None or function is None:
            reader.gap("pool", name, path, "a PCI function above it")
            continue
        mappable = _mappable(reader, f"{path}/dev", name)
        there = found.get(address)
        if there is None:
            size, available = _levels(reader, name)
            # Any user of that kernel found any pool, if it was near enough: there was nothing to publish.
            found[address] = Pool(function, size, available, published=True, mappable=mappable, character_device=name)
        elif there.character_device is None:
            either = True if True in {there.mappable, mappable} else there.mappable
            found[address] = replace(there, mappable=either, character_device=name)
        else:
            reader.gap("pool", name, path, f"a function of its own: {there.character_device} is on the same one")
    return dict(sorted(found.items()))


def _mappable(reader: Reader, path: str, name: str) -> Fact[bool]:
    """Whether there is a character device, which the first version of the series did not have."""
    number = reader.text(path, "pool character device", name)
    return number if number is UNREADABLE else number is not ABSENT


def _levels(reader: Reader, name: str) -> tuple[Fact[int], Fact[int]]:
    """Bytes in all and bytes left, both from one read."""
    path = f"{STATISTICS}/{name}/stats"
    text = reader.text(path, "pool size", name)
    if text is ABSENT:
        reader.gap("pool size", name, path, "debugfs mounted, and a kernel with the statistics of 2017")
        return UNREADABLE, UNREADABLE
    if isinstance(text, Missing):
        return text, text
    total, available = _TOTAL.search(text), _AVAILABLE.search(text)
    if total is None or available is None:
        reader.gap("pool size", name, path, SENSE)
        return UNREADABLE, UNREADABLE
    return int(total[1]), int(available[1])
