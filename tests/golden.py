"""Golden files: what was written once and looked at.

``P2PCTL_TEST_GOLDEN=write`` writes them anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

_WRITE = os.environ.get("P2PCTL_TEST_GOLDEN") == "write"  # no test sees it


def compare(file: Path, text: str) -> None:
    """Fails unless the file holds this text, to the byte."""
    if _WRITE:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text.encode())
    assert text == file.read_bytes().decode()


def compare_said(file: Path, text: str) -> None:
    """The same of what may say nothing: that is no file."""
    if text:
        compare(file, text)
        return
    if _WRITE:
        file.unlink(missing_ok=True)
    assert not file.exists()
