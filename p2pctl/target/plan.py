"""What is to be done to the target: single kernel operations, in the order in which they must happen."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

Operation = Literal["mkdir", "rmdir", "write", "symlink", "unlink", "chmod"]


class Disruption(enum.IntEnum):
    """What connected hosts notice of a step, from least to most."""

    NONE = 0
    NAMESPACE = 1
    """A namespace goes away, for a moment or for good."""
    PORT = 2
    """Hosts lose their connection to a subsystem or a port; those that may will reconnect."""
    ALL = 3
    """A subsystem is made anew: every host that uses it, by whatever port, loses it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kernel operation."""

    operation: Operation
    path: str
    """Kernel path of the object, link or attribute."""
    subject: str
    """What it is about, in the user's terms: ``namespace nqn.x 1``, ``port 2``."""
    value: str = ""
    """Text to write, without a newline; the kernel path that a link leads to; octal permission bits."""
    before: str | None = None
    """The attribute's text or link's target before; None where nothing was there, or it was not known."""
    disruption: Disruption = Disruption.NONE
    why: str = ""
    """Why a step that nobody asked for is needed: ``to change device_path``; empty for the others."""
    lane: str | None = None
    """Consecutive steps that have one may run side by side; those of one lane keep their order."""

    @property
    def name(self) -> str:
        """The last part of the path: an attribute's file name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps from one state of the target to another. Empty: there is nothing to do."""

    steps: tuple[Step, ...] = ()
    vanishing: tuple[str, ...] = ()
    """Objects that will be gone afterwards, in the user's terms."""
    notes: tuple[str, ...] = ()
    """What to know before it is carried out."""

    @property
    def disruption(self) -> Disruption:
        """The worst of its steps."""
        return max((step.disruption for step in self.steps), default=Disruption.NONE)
