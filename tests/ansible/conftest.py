"""The collection as `ansible-galaxy` installs it, its modules run by hand, and playbooks run by Ansible."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "ansible"
SCRIPTS = Path(sys.executable).parent
SETTINGS = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "LC_ALL": "C.UTF-8"}
PROGRAM = str(SCRIPTS / "p2pctl")


class Ended(NamedTuple):
    """How a module ended, and all that it wrote."""

    result: dict[str, Any]
    text: str

    @property
    def failed(self) -> bool:
        """Whether it says so."""
        return bool(self.result.get("failed"))


class Played(NamedTuple):
    """How a playbook ended: what its tasks came to, by name, and all that was printed or recorded."""

    code: int
    results: dict[str, dict[str, Any]]
    outcomes: dict[str, str]
    text: str

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something."""
        return [task for task, result in self.results.items() if result.get("changed")]


Module = Callable[..., Ended]
Play = Callable[..., Played]


def tool(name: str, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs one of Ansible's programs."""
    return subprocess.run(
        [sys.executable, str(SCRIPTS / name), *words],
        check=False, capture_output=True, text=True, timeout=300,
        env={**os.environ, **SETTINGS, **(env or {})},
    )  # fmt: skip


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of collections with this one, built and installed."""
    place = tmp_path_factory.mktemp("ansible")
    home = {"ANSIBLE_HOME": str(place / "home"), "ANSIBLE_COLLECTIONS_PATH": str(place)}
    built = tool("ansible-galaxy", "collection", "build", "--output-path", str(place), str(SOURCE), env=home)
    assert built.returncode == 0, built
    (archive,) = place.glob("*.tar.gz")
    installed = tool("ansible-galaxy", "collection", "install", "--offline", "-p", str(place), str(archive), env=home)
    assert installed.returncode == 0, installed
    return place


@pytest.fixture(scope="session")
def installed(collections: Path) -> Path:
    """This collection's own directory there."""
    return collections / "ansible_collections/p2pctl/p2pctl"


@pytest.fixture
def module(
    collections: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Module:
    """Runs a module in this process; its `options` go on top of those for the demo host."""
    monkeypatch.syspath_prepend(str(collections))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    patched = import_module("ansible.module_utils.testing").patch_module_args

    def run(name: str, check: bool = False, diff: bool = False, **options: Any) -> Ended:
        given = {"executable": PROGRAM, "demo": True, "_ansible_check_mode": check, "_ansible_diff": diff, **options}
        code = import_module(f"ansible_collections.p2pctl.p2pctl.plugins.modules.{name}")
        with patched({key: value for key, value in given.items() if value is not None}), pytest.raises(SystemExit):
            code.main()
        out, err = capsys.readouterr()
        assert err == ""
        return Ended(json.loads(out), out)

    return run


@pytest.fixture
def play(collections: Path, tmp_path: Path) -> Play:
    """Runs a playbook on this host through a local connection; `variables` come beside those for the demo host."""

    def run(book: str, *words: str, **variables: Any) -> Played:
        record = tmp_path / "recorded"
        record.write_text("")
        given = {"ansible_python_interpreter": sys.executable, "program": PROGRAM, "demo": True, **variables}
        ran = tool(
            "ansible-playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(given), *words,
            str(HERE / "playbooks" / book),
            env={
                "ANSIBLE_HOME": str(collections / "home"), "ANSIBLE_COLLECTIONS_PATH": str(collections),
                "ANSIBLE_CALLBACKS_ENABLED": "recorded",
                "ANSIBLE_PIPELINING": "1", "ANSIBLE_REMOTE_TMP": str(tmp_path / "remote"),
                "XDG_STATE_HOME": str(tmp_path / "state"), "RECORDED": str(record),
            },
        )  # fmt: skip
        lines = [json.loads(line) for line in record.read_text().splitlines()]
        results = {line["task"].rpartition(" : ")[2]: line["result"] for line in lines}
        outcomes = {line["task"].rpartition(" : ")[2]: line["outcome"] for line in lines}
        return Played(ran.returncode, results, outcomes, ran.stdout + ran.stderr + record.read_text())

    return run
