"""Errors: one line and a hint, or one JSON object; the exit code says which kind."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Run

KINDS = [
    ("P2pctlError", 1, "failed"),
    ("UsageError", 2, "usage"),
    ("NotFoundError", 3, "not-found"),
    ("DeniedError", 4, "denied"),
    ("UnsupportedError", 5, "unsupported"),
    ("BusyError", 6, "busy"),
]


@pytest.mark.parametrize(("kind", "code", "name"), KINDS)
def test_a_line_and_a_hint(run: Run, kind: str, code: int, name: str) -> None:
    """Cleaned of whatever an error may quote."""
    outcome = run("sample", "fail", kind)
    assert outcome == (code, "", "p2pctl: it\\x1b[31m failed\nhint: do \\u202ethis\n"), name


@pytest.mark.parametrize(("kind", "code", "name"), KINDS)
@pytest.mark.parametrize("form", ["json", "jsonl", "yaml"])
def test_an_object_for_programs(run: Run, kind: str, code: int, name: str, form: str) -> None:
    """On stderr, on one line, in ASCII."""
    outcome = run("sample", "fail", kind, "-o", form)
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err.isascii()
    assert outcome.err.count("\n") == 1
    assert json.loads(outcome.err) == {
        "schema": "p2pctl.error/1",
        "code": code,
        "name": name,
        "message": "it\x1b[31m failed",
        "hint": "do \u202ethis",
        "errno": 16,
        "path": "/sys/x",
    }


def test_what_nobody_foresaw(run: Run) -> None:
    """One line that asks for a report; the traceback only on request."""
    outcome = run("sample", "fail", "bug")
    assert outcome.code == 1
    message, hint = outcome.err.splitlines()
    assert message == "p2pctl: this is a bug in p2pctl: KeyError: 'some\\nthing'"
    assert "p2pctl capture" in hint
    assert "Traceback" in run("sample", "fail", "bug", "-v").err
    assert json.loads(run("-ojson", "sample", "fail", "bug").err)["name"] == "bug"


def test_interrupted(run: Run) -> None:
    assert run("sample", "fail", "interrupt") == (130, "", "")


USAGE = [
    (["pol"], "no such command 'pol'", "did you mean pool?"),
    (["pool", "lst"], "no such command 'lst'", "did you mean list?"),
    (["pool", "list", "--outptu", "json"], "no such option: --outptu", "did you mean --output?"),
    (["pool", "--dmeo", "list"], "no such option: --dmeo", "did you mean --demo?"),
    (["--xyzzy"], "no such option: --xyzzy", "p2pctl -h shows what it takes"),
    (["pool", "list", "extra"], "got unexpected extra argument(s) (extra)", "p2pctl pool list -h shows what it takes"),
    (["pool", "show"], "missing argument 'DEVICE'", "p2pctl pool show -h shows what it takes"),
    (["sample", "options", "--number", "x"], None, "p2pctl sample options -h shows what it takes"),
    (["sample", "options", "--number"], None, None),
    (["pool", "list", "--color", "blue"], "unknown value of --color: blue", "one of auto, always, never"),
    (["no\x1bsuch\u202e"], "no such command 'no\\x1bsuch\\u202e'", "p2pctl -h shows what it takes"),
]


@pytest.mark.parametrize(("argv", "message", "hint"), USAGE, ids=[" ".join(case[0]) for case in USAGE])
def test_usage_errors_look_like_all_others(run: Run, argv: list[str], message: str | None, hint: str | None) -> None:
    """No usage box, and a hint where one helps."""
    outcome = run(*argv)
    assert (outcome.code, outcome.out) == (2, "")
    said = outcome.err.splitlines()
    assert len(said) == 2
    assert message is None or said[0] == f"p2pctl: {message}"
    assert hint is None or said[1] == f"hint: {hint}"


@pytest.mark.parametrize(
    "argv",
    [
        ["-o", "json", "pool", "list", "--bogus"],
        ["pool", "-ojson", "list", "--bogus"],
        ["pool", "list", "--bogus", "--output=json"],
        ["pool", "list", "--bogus", "-o", "json"],
        ["pool", "list", "--bogus", "-vo", "json"],
        ["-o", "table", "pool", "list", "--bogus", "--output", "json"],
        ["pol", "-o", "json"],
        ["pool", "-o", "json"],
        ["-o", "json"],
        ["pool", "show", "-o", "json"],
    ],
)
def test_usage_errors_as_an_object(run: Run, argv: list[str]) -> None:
    """Wherever -o stands, even behind the mistake."""
    outcome = run(*argv)
    assert outcome.code == 2
    error = json.loads(outcome.err)
    assert (error["schema"], error["code"], error["name"]) == ("p2pctl.error/1", 2, "usage")


def test_what_follows_two_dashes_is_no_option(run: Run) -> None:
    assert run("pool", "list", "--", "-o", "json").err.startswith("p2pctl: ")


def test_an_unknown_format_is_told_to_people(run: Run) -> None:
    assert run("pool", "list", "-o", "json", "-o", "xml").err.startswith("p2pctl: unknown output format")
