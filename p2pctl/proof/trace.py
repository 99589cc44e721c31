"""What the kernel's probes say of requests for a pool's memory (Documentation/trace/kprobetrace.rst)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from p2pctl.model.address import Address

FUNCTION = "pci_p2pmem_alloc_sgl"
"""What the NVMe target calls for the memory of a request; it returns NULL where the pool has none left
(drivers/pci/p2pdma.c), and the request then goes through system memory, unsaid."""

EVENT = "sgl"


def event_of(group: str) -> str:
    """The probe's own name: the kernel's profile counts by it alone, whatever the group."""
    return f"{EVENT}_{group}"


def definitions(group: str) -> tuple[str, ...]:
    """The probe, the most telling form first: the pool's name takes type information (BTF) and 6.9."""
    place = f"r:{group}/{event_of(group)} {FUNCTION}"
    return f"{place} pool=pdev->dev.kobj.name:string list=$retval:x64", f"{place} list=$retval:x64"


REFUSED = "list == 0"
"""The filter that keeps what found no memory."""

_HIT = re.compile(rf": {EVENT}_\w+: \(.*?\)(?: pool=\"(?P<pool>[^\"]*)\")? list=0x(?P<list>[0-9a-f]+)\s*$")
_PROFILE = re.compile(r"^\s*(\S+)\s+(\d+)\s+(\d+)\s*$")
_OVERRUN = re.compile(r"^(?:overrun|dropped events): (\d+)$", re.MULTILINE)


class Counts(NamedTuple):
    """What was seen in some seconds."""

    seconds: float
    requests: int
    """For memory of any pool; the probe counts them a moment longer than the buffer keeps the refused ones."""
    missed: int
    """Requests that no probe could see."""
    refused: int
    """That found none, and were served through system memory."""
    by_pool: Mapping[str, int]
    """The refused ones by the address of the pool, where the kernel tells it."""
    complete: bool
    """Whether none of the refused was lost for want of room."""


def count(trace: str, profile: tuple[str, str], stats: Iterable[str], seconds: float) -> Counts:
    """The counts, out of the buffer's ``trace``, the event with ``kprobe_profile``, ``stats`` for each processor."""
    pools: Counter[str] = Counter()
    refused = 0
    for line in trace.splitlines():
        found = _HIT.search(line)
        if found and int(found["list"], 16) == 0:
            refused += 1
            if Address.from_sysfs(found["pool"] or "") is not None:
                pools[found["pool"]] += 1
    requests = missed = 0
    event, text = profile
    for line in text.splitlines():
        row = _PROFILE.match(line)
        if row and row[1] == event:
            requests, missed = requests + int(row[2]), missed + int(row[3])
    lost = sum(int(number) for text in stats for number in _OVERRUN.findall(text))
    return Counts(seconds, requests, missed, refused + lost, dict(sorted(pools.items())), complete=lost == 0)
