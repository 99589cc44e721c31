"""How well a name fits what somebody typed. Its time grows with the length of the name, whatever was typed."""

from __future__ import annotations

from typing import NamedTuple


class Match(NamedTuple):
    """A name that fits."""

    score: float
    """Above 0, at most 1: 1 for the name itself."""
    places: tuple[int, ...]
    """The letters of the name that were typed."""


def match(query: str, name: str) -> Match | None:
    """Where the letters of ``query`` stand in ``name`` in this order; both folded. None where they do not.

    Every word of the query has to be there, in any order. A word that stands there as a whole counts more than
    scattered letters, one at the beginning of a word of the name more than one within.
    """
    words = query.split()
    if not words or not name:
        return None
    score, places = 0.0, set[int]()
    for word in words:
        found = _whole(word, name) or _scattered(word, name)
        if found is None:
            return None
        score += found.score * len(word)
        places.update(found.places)
    letters = sum(map(len, words))
    return Match((score / letters) * 0.9 + 0.1 * min(letters / len(name), 1.0), tuple(sorted(places)))


def _whole(word: str, name: str) -> Match | None:
    """The word as it is, at the beginning of one of the name's if it stands there."""
    first = place = name.find(word)
    while place > 0 and name[place - 1].isalnum():
        place = name.find(word, place + 1)
    if first < 0:
        return None
    start = first if place < 0 else place
    end = start + len(word)
    begins = place >= 0
    ends = end == len(name) or not name[end].isalnum()
    return Match(1.0 if begins and ends else 0.9 if begins else 0.7, tuple(range(start, end)))


def _scattered(word: str, name: str) -> Match | None:
    """Its letters one after the other, drawn together from the right as far as they go."""
    place = -1
    for letter in word:
        place = name.find(letter, place + 1)
        if place < 0:
            return None
    places: list[int] = []
    after = place + 1
    for letter in reversed(word):
        after = name.rfind(letter, 0, after)
        places.append(after)
    span = places[0] - places[-1] + 1
    return Match(0.6 * len(word) / span, tuple(reversed(places)))
