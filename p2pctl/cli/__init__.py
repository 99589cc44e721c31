"""Typer at the edge: parse, call, render, exit code."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line (``sys.argv`` by default) and returns what the process exits with."""
    try:
        from p2pctl.cli.app import run  # noqa: PLC0415  inside the net: an interrupt may come while modules load

        return run(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        return 130


def entry() -> None:
    """The console script."""
    # While modules load, next to nothing becomes garbage, and looking for it takes a sixth of the time.
    gc.set_threshold(50_000)
    sys.exit(main())
