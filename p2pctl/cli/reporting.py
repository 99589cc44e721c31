"""Telling of what was done: a report that cannot be written does not undo it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from p2pctl.cli.output import OutputError, ReaderGoneError

if TYPE_CHECKING:
    from p2pctl.cli.session import Session


@contextlib.contextmanager
def after_a_change(session: Session, *, made: bool, failed: bool = False) -> Iterator[None]:
    """For a block that reports: where a change was ``made``, or ``failed``, the exit code is its own, not the report's.

    Raises OutputError and ReaderGoneError where neither is so.
    """
    try:
        yield
    except ReaderGoneError:
        if not (made or failed):
            raise
    except OutputError as error:
        if not (made or failed):
            raise
        if made:
            text = f"the change was made, but its report could not be written: {error.message}"
            session.narrator.error(text, error.hint)
