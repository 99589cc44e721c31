"""In which order values stand, whatever they are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.render.cells import words
from p2pctl.render.report import Value

Rank: TypeAlias = tuple[Any, ...]
"""Sorts among all others: a number that says which kind it is comes first, and only like is compared with like."""

_DIGITS = re.compile(r"([0-9]+)")


def rank(value: Value) -> Rank | None:
    """Where a value stands: numbers, then addresses, then text with numbers in it as people count, then lists.

    None for what is not there or not known: that stands last, whichever way the list is sorted.
    """
    if value is None or isinstance(value, Missing):
        return None
    if isinstance(value, (int, float)):
        return None if math.isnan(value) else (0, value)
    if isinstance(value, str):
        return _text(value) if value else None
    if isinstance(value, Mapping):
        return _text(words(value)) if value else None
    return (3, *(rank(member) or (9,) for member in value)) if value else None


def _text(text: str) -> Rank:
    address = Address.parse(text)
    return (1, *address) if address else (2, natural(text))


def natural(text: str) -> Rank:
    """``nvme10`` after ``nvme9``. Digits are compared as text of their length: a name may hold any number of them."""
    return tuple(
        (len(digits := part.lstrip("0")), digits) if place % 2 else part
        for place, part in enumerate(_DIGITS.split(text.casefold()))
    )
