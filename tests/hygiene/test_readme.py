"""What the README says is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from p2pctl.cli import main
from p2pctl.errors import ExitCode
from p2pctl.render.formats import FORMATS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = "\n".join(re.findall(r"^```(?:sh|console)\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
COMMANDS = sorted({line.strip() for line in re.findall(r"^(?:\$ |sudo )?(p2pctl [^|#\n]+)", BLOCKS, re.MULTILINE)})


def test_there_are_commands() -> None:
    """The pattern above finds what a reader would type."""
    assert len(COMMANDS) > 4


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_work(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the demo host, and with a file where one is named."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.replace("- > ", ""))[1:]  # a file all the same, whoever opens it
    if "--capture" in words:
        assert main(["--demo", "capture", "host.tar.gz"]) == 0
    else:
        words = ["--demo", *words]
    if "watch" in words:
        words += ["--count", "1"]
    assert main(words) == 0, capsys.readouterr().err


@pytest.mark.parametrize("script", sorted(set(re.findall(r"scripts/\w+", README))))
def test_scripts_exist(script: str) -> None:
    """And can be run."""
    assert (ROOT / script).stat().st_mode & 0o100


def test_every_exit_code_is_explained() -> None:
    """The table has each code that the program knows."""
    table = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert sorted(map(int, table)) == sorted(map(int, ExitCode))


def test_every_format_is_named() -> None:
    """Where the output is described."""
    assert "|".join(FORMATS[1:]) in README.replace("`", "")
