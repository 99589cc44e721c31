"""Threads for what may take long. Textual's own are waited for when the program ends, whatever hangs in them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context


def in_background(work: Callable[[], None], name: str, *, awaited: bool = False) -> None:
    """Does it in a thread, from which messages can be posted; ``awaited``: the program does not end before it."""
    # Textual finds the app that a message goes to by the context.
    context = copy_context()
    threading.Thread(target=lambda: context.run(work), name=f"p2pctl-{name}", daemon=not awaited).start()
