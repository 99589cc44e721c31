"""Answers that may be unknown: True, False, or None where a fact is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

Answer: TypeAlias = bool | None

AnswerWord = Literal["yes", "no", "unknown"]


def either(answers: Iterable[Answer]) -> Answer:
    """True if one is, else None if one may be."""
    found = set(answers)
    return True if True in found else None if None in found else False


def all_of(answers: Iterable[Answer]) -> Answer:
    """False if one is, else None if one may be."""
    found = set(answers)
    return False if False in found else None if None in found else True


def word(answer: Answer) -> AnswerWord:
    """The answer in a word."""
    return "unknown" if answer is None else "yes" if answer else "no"


def possible(answer: Answer) -> tuple[bool, ...]:
    """What it may turn out to be."""
    return (True, False) if answer is None else (answer,)
