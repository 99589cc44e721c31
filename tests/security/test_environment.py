"""What a user's environment can do to a p2pctl that sudo runs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import p2pctl
from p2pctl.cli import main
from p2pctl.hardware import programs
from p2pctl.hardware.timers import SystemdTimers, command
from tests.security.test_hostile_names import unseen

PACKAGE = Path(p2pctl.__file__).parent
READ = {"NO_COLOR", "FORCE_COLOR", "PATH", "TERM", "XDG_RUNTIME_DIR", "OUTPUT_VARIABLE", "variable"}
"""What the code asks for: `variable` is COLUMNS or LINES. HOME and XDG directories say where files lie."""


def names_read() -> set[str]:
    """What the environment is asked for by name, or by the name of a constant."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if re.search(r"env\b|environ", text) else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.environ.get", "environ.get"}:
                found.add(ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else "")
                found |= {ast.unparse(node.args[0])} if isinstance(node.args[0], ast.Name) else set()
            assert getattr(node, "attr", "") not in {"getenv", "environb", "putenv"}, path
    return found - {""}


def test_few_variables_count_and_none_names_code() -> None:
    """Neither a pager nor an editor, a plugin or a file of settings: who adds one meets this list."""
    assert names_read() == READ


@pytest.mark.parametrize("form", [(), ("-o", "json")])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("P2PCTL_OUTPUT", "\x1b]0;x\x07"),
        ("P2PCTL_OUTPUT", "json\n"),
        ("P2PCTL_NEWS", "1"),
        ("COLUMNS", "9" * 5000),
        ("COLUMNS", "999999999"),
        ("COLUMNS", "-7"),
        ("TERM", "\x1b[31m"),
        ("XDG_STATE_HOME", "../../etc"),
        ("XDG_STATE_HOME", "/proc/version/x"),
        ("XDG_CONFIG_HOME", "\udcff"),
        ("LC_ALL", "xx_YY.nonsense"),
        ("NO_COLOR", "\x00"[:0]),
    ],
)
def test_odd_values_break_nothing(  # noqa: PLR0917  pytest names them
    variable: str,
    value: str,
    form: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, value)
    code = main(["--demo", "target", "show", *form])
    told = capsys.readouterr()
    assert code in {0, 2}
    assert unseen(told.out + told.err) == set()
    assert "Traceback" not in told.err
    assert list(tmp_path.parent.glob("etc")) == []


def test_a_relative_directory_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes to lie in the working directory, which may be anybody's."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert main(["--demo", "host", "create", "nqn.2026-11.org.example:x"]) == 0
    assert list((tmp_path / "here").iterdir()) == []
    assert (tmp_path / "home/.local/state/p2pctl").is_dir()


def test_an_isolated_interpreter_stays_so_when_it_is_started_later(tmp_path: Path) -> None:
    """The timer that undoes a change must not heed a PYTHONPATH that the change itself did not heed."""
    script = tmp_path / "systemd-run"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/call\n')
    script.chmod(0o755)
    code = "from p2pctl.hardware.timers import SystemdTimers; SystemdTimers().arm('x', 60, ('recover',))"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-I", "-c", code], env=environment, check=True)
    call = (tmp_path / "call").read_text().splitlines()
    assert not [word for word in call if "PYTHON" in word]
    assert call[-5:] == [sys.executable, "-I", "-m", "p2pctl", "recover"]
    assert command(())[1] in {"-I", "-P"}
    assert SystemdTimers().before == ()


@pytest.mark.parametrize("path", [".", "", "bin"])
def test_no_program_of_the_working_directory_is_run(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever PATH says of it."""
    (tmp_path / "bin").mkdir()
    for place in (tmp_path, tmp_path / "bin"):
        for name in ("modprobe", "journalctl", "fio", "p2pctl-trap"):
            (place / name).write_text("#!/bin/sh\ntouch trapped\n")
            (place / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}/usr/bin")
    for name in ("modprobe", "journalctl"):
        assert not (programs.find(name) or "").startswith(str(tmp_path))
    assert programs.find("p2pctl-trap") is None
    assert programs.find("fio") in {None, "/usr/bin/fio"}
