"""The four states of a fact: known, absent, unreadable, not read."""

from __future__ import annotations

import enum
from typing import NamedTuple, TypeAlias, TypeVar, Union

T = TypeVar("T")
D = TypeVar("D")


class Missing(enum.Enum):
    """Why a value is not there. Only ABSENT says anything about the host."""

    ABSENT = "absent"
    """The host has no such thing."""
    UNREADABLE = "unreadable"
    """It may have: the read failed (permission, I/O, nonsense)."""
    NOT_READ = "not-read"
    """Nobody asked, or asking would have disturbed the device."""


ABSENT = Missing.ABSENT
UNREADABLE = Missing.UNREADABLE
NOT_READ = Missing.NOT_READ

Fact: TypeAlias = Union[T, Missing]  # noqa: UP007  `T | Missing` is no generic alias at run time in Python 3.11


def known(fact: Fact[T], default: D) -> T | D:
    """The value, or ``default`` where there is none."""
    return default if isinstance(fact, Missing) else fact


class Gap(NamedTuple):
    """A fact that is not known although the host may have it."""

    fact: str
    """Which fact, such as ``acs`` or ``holders``."""
    address: str | None
    """The device it is about: a PCI address or a kernel name."""
    path: str | None
    """The kernel file that was asked."""
    errno: int | None
    """What the kernel answered; None where nothing was asked or the answer was no value."""
    needs: str
    """What would fill the gap, for people: ``root (CAP_SYS_ADMIN)``, ``--wake``."""
