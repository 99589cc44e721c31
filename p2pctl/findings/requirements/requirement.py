"""One thing that a use of P2P memory needs, and whether this host has it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from p2pctl.resolver.logic import Answer

Use = Literal["nvmet", "gds", "rocm", "spdk"]


class Requirement(NamedTuple):
    """One line of the list."""

    code: str
    """Stable name within the use, such as ``kernel-p2pdma``."""
    title: str
    """What is needed, in a few words."""
    answer: Answer
    """True: it is met; False: it is not; None: it cannot be told."""
    text: str
    """What was found, in a sentence; for None, why it cannot be told."""
    evidence: str
    """The file or fact it comes from."""
    remedy: str | None = None
    """What to do where it is not met, or what would tell."""

    @property
    def word(self) -> Literal["pass", "fail", "unknown"]:
        """The answer in a word."""
        return "unknown" if self.answer is None else "pass" if self.answer else "fail"
