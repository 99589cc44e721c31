"""Global options: the same before the command, after it and in between."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from p2pctl.cli.app import build
from tests.cli.conftest import Run

COMMAND = ("sample", "options", "--number", "3")
GIVEN = [
    (["--demo"], "demo=True"),
    (["--capture", "a.tar.gz"], "capture='a.tar.gz'"),
    (["--capture=a.tar.gz"], "capture='a.tar.gz'"),
    (["--sysroot", "d"], "sysroot='d'"),
    (["-o", "yaml"], "output='yaml'"),
    (["-oyaml"], "output='yaml'"),
    (["--output=yaml"], "output='yaml'"),
    (["--color", "never"], "color='never'"),
    (["-q"], "quiet=True"),
    (["-vv"], "verbose=2"),
    (["-v", "--verbose"], "verbose=2"),
]


@pytest.mark.parametrize(
    ("option", "place", "shown"), [(given, place, shown) for given, shown in GIVEN for place in (0, 1, 2, 4)]
)
def test_works_at_every_place(run: Run, option: list[str], place: int, shown: str) -> None:
    """Before the noun, between noun and verb, after the verb, after its own options."""
    outcome = run(*COMMAND[:place], *option, *COMMAND[place:])
    assert outcome.code == 0
    assert shown in outcome.err
    assert outcome.err.endswith(") 3\n")


def test_levels_come_together(run: Run) -> None:
    outcome = run("--demo", "sample", "-v", "options", "-v", "--color", "never")
    assert "demo=True" in outcome.err
    assert "verbose=2" in outcome.err
    assert "color='never'" in outcome.err


def test_the_later_format_wins(run: Run) -> None:
    assert "output='csv'" in run("-o", "json", "sample", "options", "-o", "csv").err


@pytest.mark.parametrize("places", list(itertools.product((0, 1, 2), repeat=2)))
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (["--demo"], ["--capture", "x"], "--demo and --capture exclude each other"),
        (["--sysroot", "x"], ["--demo"], "--demo and --sysroot exclude each other"),
        (["--capture", "x"], ["--capture", "y"], "--capture is given twice: "),
        (["-q"], ["-v"], "--quiet and --verbose exclude each other"),
    ],
)
def test_contradictions_are_usage_errors(
    run: Run, first: list[str], second: list[str], message: str, places: tuple[int, int]
) -> None:
    """Wherever the two stand."""
    argv = ["sample", "options"]
    for option, place in sorted(zip((first, second), places, strict=True), key=lambda pair: -pair[1]):
        argv[place:place] = option
    outcome = run(*argv)
    assert outcome.code == 2
    assert outcome.out == ""
    assert f"p2pctl: {message}" in outcome.err
    assert "\nhint: " in outcome.err


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("words", [["--capture", ""], ["--capture="], ["--sysroot", ""], ["--sysroot="]])
def test_an_empty_source_is_none(run: Run, words: list[str], place: int) -> None:
    """A shell makes one of a variable that is not set; it must not show this host instead."""
    argv = ["sample", "options"]
    argv[place:place] = words
    outcome = run(*argv)
    option = words[0].rstrip("=")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"p2pctl: {option} is empty\nhint: name a ")
    assert run(option, "x", "sample", "options", option, "").code == 2


@pytest.mark.parametrize("noun", ["pool", "device"])
def test_an_empty_device_is_none(run: Run, noun: str) -> None:
    outcome = run("--demo", noun, "show", "")
    assert outcome == (2, "", "p2pctl: DEVICE is empty\nhint: p2pctl device list shows what is there\n")


def test_the_same_source_twice_is_no_contradiction(run: Run) -> None:
    assert run("--capture", "x", "sample", "options", "--capture", "x").code == 0
    assert run("--demo", "sample", "--demo", "options").code == 0


def test_format_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P2PCTL_OUTPUT", "json")
    assert json.loads(run("sample", "list").out)["schema"] == "p2pctl.sample/1"
    assert run("sample", "list", "-o", "plain").out.startswith("ADDRESS")
    monkeypatch.setenv("P2PCTL_OUTPUT", "")
    assert run("sample", "list").out.startswith("ADDRESS")


def test_unknown_format_in_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named: nobody would find it otherwise. An option overrides it."""
    monkeypatch.setenv("P2PCTL_OUTPUT", "xml")
    outcome = run("sample", "list")
    assert outcome.code == 2
    assert outcome.err == (
        "p2pctl: P2PCTL_OUTPUT asks for an unknown output format: xml\n"
        "hint: formats: table, plain, json, jsonl, yaml, csv\n"
    )
    assert run("sample", "list", "-o", "json").code == 0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_unknown_format(run: Run, place: int) -> None:
    argv = ["sample", "list"]
    argv[place:place] = ["-o", "xml"]
    outcome = run(*argv)
    assert outcome.code == 2
    assert outcome.err == "p2pctl: unknown output format: xml\nhint: one of table, plain, json, jsonl, yaml, csv\n"


def test_formats_that_a_command_lacks(run: Run) -> None:
    outcome = run("sample", "stream", "-o", "csv")
    assert outcome.code == 2
    assert outcome.err == "p2pctl: this command has no csv output\nhint: use -o table, plain, jsonl\n"
    nested = run("sample", "nested", "-o", "csv")
    assert (nested.code, nested.out) == (2, "")
    assert "no CSV form" in nested.err


def fractions(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Command lines that are complete but for the value of one option that takes seconds."""
    needed = [str(param.name) for param in command.params if param.param_type_name == "argument" and param.required]
    for param in command.params:
        if param.type.name in {"float", "float range"}:
            yield *path, *("1" for _ in needed), max(param.opts, key=len)
    for name in getattr(command, "commands", ()):
        if (child := command.get_command(None, name)) is not None:
            yield from fractions(child, (*path, name))


FRACTIONS = list(fractions(build()))


def test_the_options_that_take_fractions_are_found() -> None:
    assert {words[-1] for words in FRACTIONS} >= {"--seconds", "--warm-up", "--trace", "--interval", "--wait"}


@pytest.mark.parametrize("words", FRACTIONS, ids=" ".join)
@pytest.mark.parametrize("value", ["nan", "-nan", "inf"])
def test_what_is_no_finite_number_is_refused_by_every_option(run: Run, words: tuple[str, ...], value: str) -> None:
    """Bounds alone let nan through: it compares with nothing."""
    outcome = run("--demo", *words[:-1], f"{words[-1]}={value}")
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert words[-1] in outcome.err
