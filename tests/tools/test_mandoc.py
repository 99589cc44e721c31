"""The manual pages as mandoc reads them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.tools import need

PAGES = sorted((Path(__file__).parents[2] / "man").glob("*.[1-9]"))
SOURCED = [page for page in PAGES if page.read_text().startswith(".so ")]


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([need("mandoc"), *argv], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if page not in SOURCED], ids=lambda page: page.name)
def test_mandoc_finds_nothing_wrong(page: Path) -> None:
    """Not even a matter of style."""
    assert run("-T", "lint", "-W", "warning", page) == ""


def test_there_are_pages() -> None:
    assert len(PAGES) > 25
    assert SOURCED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_they_fit_a_terminal(page: Path, tmp_path: Path) -> None:
    """Of 80 columns, but for lines that are to be copied; and say what they are about in their first lines."""
    (tmp_path / f"man{page.suffix[1:]}").symlink_to(page.parent)
    text = re.sub(r".\x08", "", run("-T", "ascii", "-O", "width=78", page.resolve(), cwd=tmp_path))
    prose = [line for line in text.splitlines() if not line.startswith("           ")]
    assert max(map(len, prose)) <= 80
    assert text.splitlines()[2] == "NAME"
    assert "\\" not in text.replace("\\\n", "\n"), "an escape that is none"
