"""Help pages."""

from __future__ import annotations

import pytest

from p2pctl import __version__
from tests.cli.conftest import Run


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_both_flags(run: Run, flag: str) -> None:
    outcome = run("pool", "list", flag)
    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.startswith("Usage: p2pctl pool list [OPTIONS]")


@pytest.mark.parametrize(
    ("argv", "usage"),
    [
        (["bench"], ["[OPTIONS] PROVIDER SOURCE [DESTINATION]"]),
        (["explain"], ["[OPTIONS] PROVIDER CLIENT..."]),
        (["namespace", "create"], ["[OPTIONS] NQN [NSID] [KEY=VALUE]..."]),
        (["verify"], ["[OPTIONS] PROVIDER CLIENT", "[OPTIONS] --all"]),
        (["connection", "drop"], ["[OPTIONS] NQN CNTLID", "[OPTIONS] --host HOSTNQN"]),
    ],
)
def test_the_usage_names_arguments_in_the_common_notation(run: Run, argv: list[str], usage: list[str]) -> None:
    """Brackets around what may be left out, a line for what can stand in place of all arguments; and nothing else."""
    page = run(*argv, "-h").out
    lines = "\n       ".join(" ".join(["p2pctl", *argv, one]) for one in usage)
    assert page.startswith(f"Usage: {lines}\n\n")
    names = [line.split("  ")[1] for line in page.partition("Arguments:\n")[2].partition("\n\n")[0].splitlines()]
    assert not set("".join(names)) & set("[]{}")


def test_a_command_shows_its_own_options(run: Run) -> None:
    """Examples first, and a line about the global options instead of the same page everywhere."""
    page = run("pool", "list", "-h").out
    assert page.index("Examples:\n  p2pctl pool list\n") < page.index("A pool is memory") < page.index("  --holders  ")
    assert "--sysroot DIR" not in page
    assert "Global options work here too" in page


def test_the_root_page_shows_the_global_ones(run: Run) -> None:
    page = run("-h").out
    assert page.index("Examples:") < page.index("Commands:") < page.index("Global options")
    for option in ("--demo", "--capture FILE", "--sysroot DIR", "-o, --output", "--color", "-q, --quiet", "-v, "):
        assert f"  {option}" in page
    assert "P2PCTL_OUTPUT" in page


@pytest.mark.parametrize("argv", [["pool"], ["device"], ["--demo", "pool"], ["pool", "--demo"], []])
def test_a_missing_command_shows_help(run: Run, argv: list[str]) -> None:
    """And is a usage error all the same."""
    outcome = run(*argv)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: p2pctl ")
    assert "Commands:" in outcome.err


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"p2pctl {__version__}\n", "")
