"""stderr: what is said beside the data. Nothing else writes there."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from p2pctl.cli.terminal import ColorChoice, look
from p2pctl.render.text import Line, Span, paint


class Narrator:
    """Says things to whoever runs the command.

    ``level`` is -1 for --quiet, 0, or the number of times that --verbose was given.
    """

    def __init__(self, level: int = 0, color: ColorChoice = "auto") -> None:
        self.level = level
        self._color = color

    def note(self, line: Line) -> None:
        """What a user should know beside the data. Silent with --quiet."""
        if self.level >= 0:
            self._say(line)

    def detail(self, line: Line) -> None:
        """What p2pctl decided and why. Only with --verbose."""
        if self.level > 0:
            self._say(line)

    def error(self, message: str, hint: str | None) -> None:
        """What went wrong, and what to do; never silent."""
        self._say((Span("p2pctl:", "bad"), " ", message))
        if hint:
            self._say((Span("hint:", "accent"), " ", hint))

    def ask(self, question: str) -> bool:
        """Whether whoever sits at the terminal says yes; anything else, and the end of input, is no."""
        try:
            sys.stderr.write(paint(f"{question} [y/N]", color=look(sys.stderr, self._color).color) + " ")
            sys.stderr.flush()
            answer = sys.stdin.readline()
        except (OSError, ValueError, AttributeError):
            return False
        if not answer.endswith("\n"):
            _write("")
        return answer.strip().lower() in {"y", "yes"}

    def details(self, lines: Iterable[str]) -> None:
        """More of what went wrong, a line each; never silent."""
        for line in lines:
            self._say(("  ", line))

    def verbatim(self, text: str) -> None:
        """Lines that are safe already: a help page, a traceback, a JSON object."""
        _write(text)

    def _say(self, line: Line) -> None:
        _write(paint(line, color=look(sys.stderr, self._color).color))


class Listener(Narrator):
    """Keeps what is said, for a screen on which nothing else may write."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[Line] = []

    def ask(self, question: str) -> bool:
        """No: nobody is there to answer."""
        del question
        return False

    def verbatim(self, text: str) -> None:
        """A line each."""
        self.notes += text.splitlines()

    def _say(self, line: Line) -> None:
        self.notes.append(line)


def _write(text: str) -> None:
    """A stderr that is closed or full is no reason to fail: there is nobody to tell."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return
