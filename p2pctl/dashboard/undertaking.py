"""One change from its plan to its end, whoever looks at it: the app's, so that no dialog that closes can lose it."""

from __future__ import annotations

import contextlib
import signal
from typing import Literal

from textual.message import Message
from textual.message_pump import MessagePump

from p2pctl.dashboard.contents.change import Progress, as_told
from p2pctl.dashboard.source import Changer, Done, Proposal, Request
from p2pctl.dashboard.threads import in_background
from p2pctl.errors import P2pctlError

Phase = Literal["planning", "asking", "nothing", "refused", "doing", "ended"]
"""``nothing``: there is nothing to do. ``ended``: well, or with an error after its first write."""

_SIGNALLED = 128
"""What an exit code has beside the number of the signal."""


class Undertaking:
    """What takes time happens in threads of its own: `Changer.plan`, and `Changer.carry_out`, which is waited for."""

    class Planned(Message):
        """The plan is there, or why there is none. Told to whoever had it planned."""

        def __init__(self, found: Proposal | P2pctlError) -> None:
            super().__init__()
            self.found = found

    class Ticked(Message):
        """A step has ended. Told to the app."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    class Ended(Message):
        """The change has come to its end. Told to the app."""

        def __init__(self, end: Done | P2pctlError) -> None:
            super().__init__()
            self.end = end

    def __init__(self, changer: Changer, request: Request) -> None:
        self.request = request
        self.phase: Phase = "planning"
        self.proposal: Proposal | None = None
        self.progress = Progress(())
        self.end: Done | P2pctlError | None = None
        self.stopping = False
        self.leaving: int | None = None
        """The exit code with which the program is to end with the change; None where it is to go on."""
        self._changer = changer

    def plan(self, listener: MessagePump) -> None:
        """Has it planned; ``listener`` gets `Planned`."""

        def work() -> None:
            found: Proposal | P2pctlError
            try:
                found = self._changer.plan(self.request)
            except Exception as error:  # noqa: BLE001  whatever it is: it is told, and the screen goes on
                found = as_told(error)
            _post(listener, self.Planned(found))

        in_background(work, "plan")

    def planned(self, found: Proposal | P2pctlError) -> None:
        """Notes what came of the planning."""
        if isinstance(found, P2pctlError):
            self.phase = "refused"
            return
        self.proposal = found
        self.phase = "asking" if found.steps else "nothing"

    def begin(self, listener: MessagePump) -> None:
        """Carries it out; ``listener`` gets `Ticked` and `Ended`. Nothing happens unless it stands to be asked for."""
        proposal = self.proposal
        if self.phase != "asking" or proposal is None:
            return
        self.progress = Progress(proposal.steps)
        self.phase = "doing"

        def work() -> None:
            end: Done | P2pctlError
            try:
                end = self._changer.carry_out(proposal, lambda line: _post(listener, self.Ticked(line)))
            except Exception as error:  # noqa: BLE001
                end = as_told(error)
            _post(listener, self.Ended(end))

        in_background(work, "change", awaited=True)

    def ended(self, end: Done | P2pctlError) -> None:
        """Notes how it ended."""
        self.end = end
        self.phase = "ended"

    def stop(self, number: int = signal.SIGINT) -> None:
        """Has it end after the step at hand, and undone."""
        if self.phase == "doing" and self.proposal is not None:
            self.stopping = True
            self._changer.stop(self.proposal, number)

    def leave(self, code: int | None = None) -> bool:
        """Has the program end with the change; at once a second time, or for a signal, after the step at hand.

        ``code`` is the exit code that a signal asks for. False where nothing is being done.
        """
        if self.phase != "doing":
            return False
        if code is not None or self.leaving is not None:
            self.stop(signal.SIGINT if code is None else code - _SIGNALLED)
        self.leaving = code or self.leaving or 0
        return True


def _post(listener: MessagePump, message: Message) -> None:
    with contextlib.suppress(RuntimeError):  # the screen has closed meanwhile
        listener.post_message(message)
