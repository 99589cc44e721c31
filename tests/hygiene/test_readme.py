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
TARGET = README.partition("### The NVMe target")[2].partition("### ")[0]


def commands(text: str) -> list[str]:
    blocks = "\n".join(re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    return [line.strip() for line in re.findall(r"^(?:\$ |sudo )?(p2pctl [^|#\n]+)", blocks, re.MULTILINE)]


COMMANDS = sorted(set(commands(README.replace(TARGET, ""))))


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


def test_the_target_is_built_as_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Command by command, on a demo host that remembers; and the document says the same as the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    lines = commands(TARGET)
    assert len(lines) > 6
    for line in lines:
        words, _, file = line.partition(" > ")
        assert main(["--demo", *shlex.split(words)[1:]]) == 0, (line, capsys.readouterr().err)
        out = capsys.readouterr().out
        if file:
            (tmp_path / file).write_text(out)
        if " port state " in words:
            assert "predicted" in out
    (document,) = re.findall(r"^```yaml\n(.*?)^```", TARGET, re.MULTILINE | re.DOTALL)
    (tmp_path / "shown.yaml").write_text(document.replace("/dev/disk/by-id/nvme-EXAMPLE_1", "/dev/nvme2n2"))
    assert main(["--demo", "diff", "shown.yaml"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line[:1] in "+-~"] == [
        "~ subsystem nqn.2026-11.org.example:fast"
    ]
    assert main(["--demo", "apply", "shown.yaml"]) == 0, capsys.readouterr().err
    assert main(["--demo", "diff", "shown.yaml", "--exit-code"]) == 0


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
