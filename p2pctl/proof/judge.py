"""What a prediction and a transfer come to together."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping

from p2pctl.proof.model import LAYOUTS, Difference, Judgement, Observed, Result
from p2pctl.resolver.verdict import Outcome

REFUSALS = frozenset({errno.EINVAL, errno.EREMOTEIO, errno.EOPNOTSUPP, errno.EFAULT})
"""Before any byte moves, the kernel answers with one of these where it lets no P2P memory through."""

_MEANINGS: Mapping[int, str] = {
    errno.EINVAL: "the block layer refused it before any byte moved: it allows no P2P between the two, or the disk's "
    "queue takes no P2P memory at all",
    errno.EREMOTEIO: "the kernel refused to map the memory for the drive: it allows no P2P between the two",
    errno.EOPNOTSUPP: "what the disk lies on takes no P2P memory",
    errno.EFAULT: "the memory cannot be used for this I/O: the disk's queue, or its file system, takes no P2P memory",
    errno.EIO: "the drive, or its driver, gave up the transfer; dmesg may say more",
    errno.ENODEV: "the device went away",
    errno.ENXIO: "the device went away",
    errno.ETIMEDOUT: "the drive did not answer in time",
    errno.ENOMEM: "the kernel had no memory for the transfer",
}

_BROKEN = re.compile(r"6\.16(?=\D|$)")

KNOWN_EIO = (
    "kernel 6.16 does that: direct I/O on memory mapped by bus addresses fails with EIO, also from a drive into its "
    "own buffer, while its verdict and the NVMe target's own check pass; 6.17 and later are fine"
)
"""Measured on 6.16.12, 6.17.13, 6.18.15, 7.2.13 and 7.3.4."""


def judge(predicted: Outcome, seen: Observed, release: str | None, excuse: str | None = None) -> Judgement:
    """The result of a transfer, and whether it is what was predicted; ``release`` is the kernel's, if it is known.

    ``excuse`` says why the disk takes no P2P memory at all: its refusal then tells nothing about the pair.
    """
    result = _result(seen)
    if excuse is not None and result == "refused":
        return Judgement(result, None, _text(seen, result), excuse)
    return Judgement(
        result, _agrees(predicted, result), _text(seen, result), _meaning(predicted, seen, result, release)
    )


HEAD = "the disk is a multipath head, and such take no P2P memory before kernel 7.2 (nvme_core.multipath=N)"


def excuse_for(*, head: bool, release: tuple[int, int] | None) -> str | None:
    """Why a disk takes no P2P memory whatever the pair; ``release`` are the kernel's first two numbers."""
    return HEAD if head and (release is None or release < (7, 2)) else None


def _result(seen: Observed) -> Result:
    if seen.errno is not None:
        return "refused" if seen.errno in REFUSALS else "failed"
    if seen.moved < seen.length:
        return "failed"
    if not seen.settled:
        return "unsettled"
    return "works" if seen.difference is None else "wrong"


def _agrees(predicted: Outcome, result: Result) -> bool | None:
    if predicted.verdict == "unknown" or result in {"unsettled", "not-tested"}:
        return None
    if predicted.verdict == "allowed":
        return result == "works"
    # What was to be refused and failed half way was let through all the same.
    return result == "refused"


def _text(seen: Observed, result: Result) -> str:
    match result:
        case "works":
            way = "arrived in the pool" if seen.direction == "read" else "arrived on the drive"
            return f"{seen.length} bytes {way}, each of them right"
        case "wrong":
            return f"the kernel says that it is done, but {_differs(seen.difference, seen.length)}"
        case "unsettled":
            return f"somebody else writes there: two ordinary reads differed {seen.attempts} times"
        case _ if seen.errno is None:
            return f"the kernel moved {seen.moved} of {seen.length} bytes"
        case _:
            name = errno.errorcode.get(seen.errno, str(seen.errno))
            return f"the kernel {'refused it' if result == 'refused' else 'failed it'}: {name}"


def _differs(difference: Difference | None, length: int) -> str:
    if difference is None:
        return "the data are not right"
    if difference.nothing_arrived:
        return "nothing arrived: every byte is as it was before"
    if difference.all_ones:
        return "every byte is 0xff, as where nobody answers on the bus"
    return f"{difference.different} of {length} bytes are wrong, from byte {difference.first} on"


def _meaning(predicted: Outcome, seen: Observed, result: Result, release: str | None) -> str | None:
    if result == "wrong":
        return "data would be lost silently on this path: use no P2P memory between the two"
    if result == "works" and predicted.verdict == "denied":
        if seen.layout == "pool":
            return "the kernel carries what its rules deny: on other hardware such a transfer may lose data"
        return (
            f"with {LAYOUTS[seen.layout]} in one transfer this kernel does not ask whether P2P is allowed: "
            "keep the two apart"
        )
    if seen.errno is None:
        return None
    meaning = _MEANINGS.get(seen.errno)
    if seen.errno == errno.EIO and predicted.map_type == "bus-address" and _BROKEN.match(release or ""):
        return KNOWN_EIO
    if seen.errno == errno.EINVAL and predicted.verdict == "allowed":
        return (
            "the disk's queue takes no P2P memory: a multipath head before kernel 7.2, a stacked device, "
            "or a driver without it"
        )
    return meaning
