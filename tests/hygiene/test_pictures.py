"""The pictures of the README show the screen as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dashboard.pictures import DIRECTORY, SHOTS, drawn, words_of

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHOTS)
def test_a_picture_says_what_the_screen_says(name: str) -> None:
    """Made anew it has the same words; scripts/pictures makes it anew. What draws them may be another version."""
    kept = words_of((DIRECTORY / f"{name}.svg").read_text(encoding="utf-8"))
    assert len(kept) > 10
    assert kept == words_of(drawn(SHOTS[name]))


@pytest.mark.parametrize("name", SHOTS)
def test_a_picture_fetches_nothing(name: str) -> None:
    """Whoever reads the README tells no third party of it."""
    found = set(re.findall(r"https?://[^\s\"')<]+", (DIRECTORY / f"{name}.svg").read_text(encoding="utf-8")))
    assert found <= {"http://www.w3.org/2000/svg"}


def test_every_picture_is_used_and_there() -> None:
    """The README shows those that are made, and no other."""
    shown = set(re.findall(r"docs/pictures/(\w+)\.svg", README))
    assert shown == set(SHOTS) == {one.stem for one in DIRECTORY.iterdir()}
