"""A program in a pseudo-terminal, and what the terminal emulator pyte makes of its output."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

PATIENCE = 20.0


class _Screen(pyte.Screen):
    """Passes over what pyte knows nothing of."""

    def report_device_status(self, *args: Any, **kwargs: Any) -> None:
        """Nobody answers."""

    def set_margins(self, *args: Any, **kwargs: Any) -> None:
        """Called with ``private`` by newer modes, which pyte mistakes for margins."""
        if not kwargs:
            super().set_margins(*args)

    def select_graphic_rendition(self, *attrs: int, private: bool = False) -> None:
        """``CSI > 4 m`` is about keys."""
        if not private:
            super().select_graphic_rendition(*attrs)


class Terminal:
    """A running program with a screen. A context manager: at its end the program is gone."""

    def __init__(
        self, argv: list[str], size: tuple[int, int], environment: Mapping[str, str], patience: float = PATIENCE
    ) -> None:
        self.patience = patience
        """Seconds after which something counts as never coming."""
        self.output = b""
        """All that it wrote."""
        self.screen = _Screen(*size)
        self._lines: list[str] | None = None
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._resize(*size)
        self._slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=dict(environment), start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        if self._lines is None:
            self._lines = [line.rstrip() for line in self.screen.display]
        return self._lines

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    @property
    def restored(self) -> bool:
        """Whether the terminal is as it was: modes, cursor, the screen of before, no mouse."""
        last = {mode: (self.output.rfind(b"\x1b[?%dh" % mode), self.output.rfind(b"\x1b[?%dl" % mode))
                for mode in (25, 1049, 1000, 1003, 2004)}  # fmt: skip
        shown = last.pop(25)
        return (
            termios.tcgetattr(self._slave) == self.before
            and shown[0] >= shown[1]
            and all(off >= on for on, off in last.values())
        )

    @property
    def raw(self) -> bool:
        """Whether the program gets each key as it is pressed: what is typed before is echoed by the terminal."""
        return not termios.tcgetattr(self._slave)[3] & termios.ICANON

    @property
    def stopped(self) -> bool:
        """Whether the process is stopped, as by ctrl+z: a signal to go on that comes before that is lost."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def type(self, keys: str) -> None:
        """As somebody at the keyboard."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """As somebody at the edge of the window."""
        self.screen.resize(lines, columns)
        self._lines = None
        self._resize(columns, lines)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def wipe(self) -> list[str]:
        """As a terminal that has lost what stood on it, which is given, and tells nobody."""
        while self._read(0.5):
            pass
        lost = self.lines
        self.screen.erase_in_display(2)
        self._lines = None
        return lost

    def hang_up(self) -> None:
        """As a terminal that is closed, for a program that gets no signal of it."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Reads until something is so. Raises AssertionError, with the screen, where it does not come to be."""
        end = time.monotonic() + self.patience
        while not condition():
            assert time.monotonic() < end, f"{what} did not come to be:\n{self.text}"
            more = self._read(0.1)
            # What comes at once is one picture, and the emulator is slow.
            while more and time.monotonic() < end:
                more = self._read(0)

    def see(self, text: str) -> None:
        """Waits until a text stands on the screen."""
        self.until(lambda: text in self.text, f"{text!r}")

    def end(self) -> int:
        """Waits until the program ends; its exit code."""
        self.until(lambda: self.process.poll() is not None, "its end")
        while self._read(0.05):
            pass
        return self.process.wait()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        data = os.read(self._master, 65536)
        self.output += data
        self._stream.feed(data)
        self._lines = None
        return True
