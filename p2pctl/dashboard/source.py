"""What the screen needs of the outside: facts, news of them, and a way to change the target.

The command line implements both protocols over whichever door is in use. Every method may block: none is ever called
from the thread that draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol

from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.render.page import Severity
from p2pctl.target.plan import Disruption
from p2pctl.target.wishes import Wishes

EventKind = Literal["device", "target", "kernel", "pool", "screen"]
"""Hotplug, the target's configuration, a message of the kernel, a pool that came or went, the screen itself."""


class Event(NamedTuple):
    """Something that happened."""

    time: float
    """Seconds since 1970 on the source."""
    kind: EventKind
    subject: str
    """A PCI address, a kernel path, an NQN; empty where it is about the host."""
    text: str
    """One line, not cleaned: it may be a stranger's words."""
    severity: Severity = "info"
    parts: frozenset[PartName] = frozenset()
    """The parts of a Snapshot that are out of date because of it."""


class Source(Protocol):
    """Where Snapshots come from. Used by one thread, except for ``wake`` and ``close``."""

    @property
    def moves(self) -> bool:
        """Whether anything can change: False for a recording, which is read once."""
        ...

    def take(self) -> Snapshot:
        """Everything that the screen shows. Raises P2pctlError, OSError."""
        ...

    def refresh(self, snapshot: Snapshot, parts: frozenset[PartName]) -> Snapshot:
        """The snapshot with these parts read anew; the others are the same objects. Raises P2pctlError, OSError."""
        ...

    def levels(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the levels of its pools as they are now, for the price of one read a pool.

        Raises P2pctlError, OSError.
        """
        ...

    def wait(self, seconds: float) -> tuple[Event, ...]:
        """Sleeps until something happens, ``wake`` is called or the time is over, and gives what happened."""
        ...

    def wake(self) -> None:
        """Ends a wait at once, from any thread."""
        ...

    def links(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Where those device paths of the target's namespaces lead that are no kernel names."""
        ...

    def now(self) -> float:
        """Seconds since 1970 on the source. Never blocks."""
        ...

    def close(self) -> None:
        """Gives back what is held. Harmless when repeated."""
        ...


class Request(NamedTuple):
    """A change that somebody at the screen asks for."""

    title: str
    """``set p2pmem of namespace 1 of nqn... to auto``."""
    wishes: Wishes | None = None
    document: str | None = None
    """A file, instead of wishes."""
    implied: Disruption = Disruption.NONE
    """What its own name says that hosts will notice."""
    explain: tuple[tuple[str, int], ...] = ()
    """Namespaces (NQN, NSID) of which it is told what becomes of their P2P memory."""


class Proposal(NamedTuple):
    """What a request comes to."""

    request: Request
    steps: tuple[str, ...]
    """The plan as shell lines; empty where nothing is to be done."""
    disruption: Disruption
    """The worst of the steps."""
    prediction: tuple[str, ...]
    """What the rules say of the P2P memory of the namespaces concerned."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    token: object
    """The changer's own."""
    vanishing: tuple[str, ...] = ()
    """Objects that will be gone, in the user's terms."""
    noticed: tuple[str, ...] = ()
    """What hosts will notice, and which hosts that are, as far as the kernel shows them."""


class Done(NamedTuple):
    """How a change ended."""

    lines: tuple[str, ...]
    """What was changed, one a line."""
    remarks: tuple[str, ...]
    """Effects and warnings."""


class Changer(Protocol):
    """The one way in which the screen changes anything."""

    def plan(self, request: Request) -> Proposal:
        """What would be done. Raises P2pctlError: a preflight that refuses says why."""
        ...

    def carry_out(self, proposal: Proposal, progress: Callable[[str], None]) -> Done:
        """Does it, if the target is still as it was planned for; ``progress`` gets a line a step.

        Raises P2pctlError: BusyError where the target moved since.
        """
        ...

    def stop(self, proposal: Proposal, number: int) -> None:
        """Has a change that is carried out, or is about to be, end after its step and be undone, as that signal would.

        From any thread, and from a signal handler. Harmless where it has ended.
        """
        ...
