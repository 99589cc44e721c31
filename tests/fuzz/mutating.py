"""Inputs made of other inputs: always the same ones from the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

MOST = 1 << 16
"""Bytes of a mutated input at most."""

_NUMBER = re.compile(rb"-?[0-9]+")
_NUMBERS = (
    b"-1",
    b"0",
    b"1",
    b"127",
    b"65536",
    b"4294967295",
    b"18446744073709551616",
    b"9" * 30,
    b"9" * 5000,
    b"1e999",
)
_PIECES = (
    b"\0", b"\n", b"\r\n", b"\xff", b"\xed\xa0\x80", b"\xc3\x28", b"\x1b[31m", b"\x1b]0;x\x07", b"\xe2\x80\xae",
    b"[red]", b"../", b"/", b"%s", b"{}", b"[]", b"[" * 200, b'"', b"'", b":", b",", b";", b"#", b"&a *a",
    b"!!python/none", b"null", b"true", b"NaN", b"-Infinity", b"0x", b"nqn.", b"\\x0a", b"\\ud800", b" " * 300,
    b"\xf0\x9f\x92\xa5",
)  # fmt: skip


class Mutator:
    """Draws inputs from a corpus."""

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self._corpus = [*corpus] or [b""]
        self._random = random.Random(seed)  # noqa: S311  it has to come out the same
        self._ways: tuple[Callable[[bytearray, int], None], ...] = (
            self._flip, self._set, self._insert, self._remove, self._repeat, self._number, self._splice, self._swap,
        )  # fmt: skip

    def keep(self, data: bytes) -> None:
        """Takes an input into the corpus."""
        self._corpus.append(data)

    def draw(self) -> bytes:
        """One input of the corpus, changed in one to six places."""
        data = bytearray(self._random.choice(self._corpus))
        for _ in range(self._random.randint(1, 6)):
            self._random.choice(self._ways)(data, self._random.randrange(len(data) + 1))
        return bytes(data[:MOST])

    def _flip(self, data: bytearray, at: int) -> None:
        if at < len(data):
            data[at] ^= 1 << self._random.randrange(8)

    def _set(self, data: bytearray, at: int) -> None:
        data[at : at + 1] = bytes((self._random.choice((0, 0xFF, 0x7F, 0x80, self._random.randrange(256))),))

    def _insert(self, data: bytearray, at: int) -> None:
        data[at:at] = self._random.choice(_PIECES)

    def _remove(self, data: bytearray, at: int) -> None:
        del data[at : at + self._random.choice((1, 2, 8, 64, len(data)))]

    def _repeat(self, data: bytearray, at: int) -> None:
        data[at:at] = data[at : at + self._random.choice((1, 8, 64))] * self._random.choice((1, 2, 30))

    def _number(self, data: bytearray, at: int) -> None:
        found = _NUMBER.search(data, at)
        if found:
            data[found.start() : found.end()] = self._random.choice(_NUMBERS)

    def _splice(self, data: bytearray, at: int) -> None:
        other = self._random.choice(self._corpus)
        start = self._random.randrange(len(other) + 1)
        data[at : at + self._random.choice((0, 16))] = other[start : start + self._random.choice((4, 32, 512))]

    def _swap(self, data: bytearray, at: int) -> None:
        lines = data.split(b"\n")
        one, other = (self._random.randrange(len(lines)) for _ in range(2))
        lines[one], lines[other] = lines[other], lines[one]
        data[:] = b"\n".join(lines) if at else b"\n".join(lines[:-1])
