"""Files of the repository that are made from the code. Each generator gives texts by path, relative to the checkout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from p2pctl.cli.completions import FILES, SHELLS, completion
from scripts.generators.manual import manual

ROOT = Path(__file__).parents[2]


def _completions() -> Mapping[str, str]:
    return {f"completions/{FILES[shell]}": completion(shell) for shell in SHELLS}


GENERATORS: tuple[Callable[[], Mapping[str, str]], ...] = (_completions, manual)
OWNED = ("completions/*", "man/*.[1-9]")
"""Everything in these places is generated: what no generator makes any more goes."""


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    return {ROOT / path: text for generator in GENERATORS for path, text in generator().items()}


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """Files that are not as they would be made, missing ones and ones too many among them."""
    there = {path for place in OWNED for path in ROOT.glob(place)}
    changed = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    return sorted({*changed, *(there - set(wanted))})
