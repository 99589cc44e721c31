"""The fish completion in fish itself: what `complete -C` offers is what a TAB does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools import need
from tests.tools.completing import ALLOWED, NONE, ONE, OTHER, SEVERAL, SUBSYSTEMS, make_host

FILE = Path(__file__).parents[2] / "completions/p2pctl.fish"

Complete = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def offers(tmp_path_factory: pytest.TempPathFactory) -> Complete:
    """Candidates for a line, those that fish explains with the explanation behind a tab."""
    fish = need("fish")
    directory = make_host(tmp_path_factory.mktemp("fish"))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8"}

    def complete(typed: str) -> list[str]:
        script = f"source {FILE}; complete -C $argv[1]"
        argv = [fish, "--no-config", "-c", script, typed]
        done = subprocess.run(argv, cwd=directory, env=environment, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert not (directory / "ran").exists(), "a name was run"
        return done.stdout.splitlines()

    return complete


def words(candidates: list[str]) -> list[str]:
    return [candidate.partition("\t")[0].rstrip("/") for candidate in candidates]


@pytest.mark.parametrize(("typed", "kept", "word"), ONE)
def test_one_tab_completes(offers: Complete, typed: str, kept: str, word: str) -> None:
    assert words(offers(typed)) == [f"{kept}{word}"]


@pytest.mark.parametrize(("typed", "expected"), SEVERAL)
def test_one_tab_lists_all_there_is(offers: Complete, typed: str, expected: set[str]) -> None:
    assert set(words(offers(typed))) == expected


@pytest.mark.parametrize("typed", NONE)
def test_what_means_nothing_stays(offers: Complete, typed: str) -> None:
    assert offers(typed) == []


def test_names_are_data(offers: Complete) -> None:
    """All of them whole, but for those with control characters."""
    assert set(offers("p2pctl --sysroot host subsystem show ")) == SUBSYSTEMS
    assert set(offers("p2pctl --sysroot host port create 5 --link ")) == SUBSYSTEMS
    assert set(offers("p2pctl --sysroot host subsystem create a --allow ")) == {ALLOWED, OTHER}


def test_options_are_explained(offers: Complete) -> None:
    assert "--holders\tLook into every process for who maps the memory." in offers("p2pctl pool list --h")


def test_what_is_given_is_not_offered_again(offers: Complete) -> None:
    offered = words(offers("p2pctl port create 1 --link nqn.a --dry-run --"))
    assert "--yes" in offered
    assert "--link" in offered
    assert "--dry-run" not in offered
