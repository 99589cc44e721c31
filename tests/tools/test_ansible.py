"""The collection as Ansible's own checks see it, its role, and what only the network can install.

ansible-test makes environments of its own with pip, so that these tests reach a package index.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ansible.conftest import Play, collections, installed, play, tool  # noqa: F401  fixtures
from tests.ansible.test_plays import NQN, WHERE
from tests.cli.changing import KEY, door, target
from tests.tools import need

ROOT = Path(__file__).parents[2]
BOOTSTRAP = """\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"])
wanted = [word for word in sys.argv[1:] if not word.startswith("--no-")]
subprocess.check_call([sys.executable, "-m", "pip", "install", *wanted])
"""
"""Stands in for a script that ansible-test would fetch from a place of its own, beside any index."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory in which ansible-test finds its way, and pip its index: it hands no variables on."""
    cache = tmp_path / ".ansible/test/cache"
    cache.mkdir(parents=True)
    for version in ("24_2", "24_3_1", "25_0_1", "25_2"):
        (cache / f"get_pip_{version}.py").write_text(BOOTSTRAP)
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = dict(re.findall(r"^[:\w]+\.([\w-]+)='(.*)'$", told, re.MULTILINE))
    (tmp_path / ".config/pip").mkdir(parents=True)
    lines = (f"{name} = {value}\n" for name, value in settings.items())
    (tmp_path / ".config/pip/pip.conf").write_text("[global]\n" + "".join(lines))
    return tmp_path


def test_ansible_test_finds_nothing_wrong(installed: Path, home: Path) -> None:  # noqa: F811
    """All of its sanity tests; the one thing they are told to overlook is that p2pctl is under the MIT License."""
    ignored = [
        line.split()[1] for file in (installed / "tests/sanity").iterdir() for line in file.read_text().splitlines()
    ]
    assert set(ignored) == {"validate-modules:missing-gplv3-license"}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ran = subprocess.run(
        [sys.executable, need("ansible-test"), "sanity", "--local", "--python", version, "--color", "no"],
        cwd=installed, check=False, capture_output=True, text=True, timeout=900,
        env={**os.environ, "HOME": str(home), "ANSIBLE_HOME": str(home / ".ansible"), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr.count("Running sanity test") + ran.stdout.count("Running sanity test") > 20


def test_ansible_lint_finds_nothing_wrong(installed: Path, tmp_path: Path) -> None:  # noqa: F811
    """At its strictest profile."""
    ran = subprocess.run(
        [need("ansible-lint"), "--offline", "--strict", "--profile", "production", "--nocolor"],
        cwd=installed, check=False, capture_output=True, text=True, timeout=300,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_HOME": str(tmp_path),
            "ANSIBLE_COLLECTIONS_PATH": str(installed.parents[2]),
        },
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 failure(s), 0 warning(s)" in ran.stdout + ran.stderr


def test_modules_are_typed(installed: Path, tmp_path: Path) -> None:  # noqa: F811
    """As strictly as p2pctl is, but for what Ansible leaves open."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--explicit-package-bases"),
            *("--config-file", "/dev/null", "--cache-dir", str(tmp_path)),
            *map(str, sorted((installed / "plugins/modules").glob("*.py"))),
        ],
        cwd=installed.parents[2], check=False, capture_output=True, text=True, timeout=300,
        env={**os.environ, "MYPYPATH": str(installed.parents[2])},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


def test_a_role_makes_a_host_serve(play: Play, tmp_path: Path) -> None:  # noqa: F811
    """Planned as far as that goes without the key, made, and not changed again; what is kept is the same target."""
    state, place = tmp_path / "state", tmp_path / "etc"
    given = {**WHERE, "place": str(place)}
    planned = play("role.yml", "--check", **given)
    assert planned.code == 0, planned.text
    assert "once p2pctl and all keys are on the host" in planned.results["Say what check mode cannot tell"]["msg"]
    assert not place.exists()
    made = play("role.yml", "--diff", **given)
    assert made.code == 0, made.text
    assert {"Make the target what the document says", "Write the keys", "Write the document"} <= set(made.changed)
    assert "nothing restores the target" in made.results["Say that nothing restores the target"]["msg"]
    after = target(door(state))
    assert after.ports["4"].subsystems == (NQN,)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (place / "target.yaml", place / "keys/db1")} == {0o600}
    assert stat.S_IMODE((place / "keys").stat().st_mode) == 0o700
    again = play("role.yml", **given)
    assert (again.code, again.changed) == (0, []), again.text
    assert target(door(state)) == after
    assert KEY not in planned.text + made.text + again.text


def test_a_document_that_is_refused_is_not_kept(play: Play, tmp_path: Path) -> None:  # noqa: F811
    """The host goes on booting with the last one that it took."""
    place = tmp_path / "etc"
    refused = play("role.yml", **{**WHERE, "traddr": "203.0.113.99", "place": str(place), "target_wait": 0})
    assert refused.code == 2
    assert refused.outcomes["Make the target what the document says"] == "failed"
    assert refused.results["Make the target what the document says"]["error"]["name"] == "answer-no"
    assert not (place / "target.yaml").exists()


def test_the_role_installs_p2pctl_into_an_environment_of_its_own(play: Play, tmp_path: Path) -> None:  # noqa: F811
    """A wheel, by pip; then it is the one that makes the change, and nothing changes again."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(pip, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    link, place = tmp_path / "bin/p2pctl", tmp_path / "etc"
    link.parent.mkdir()
    given = {
        **WHERE,
        "install": "venv",
        "place": str(place),
        "program": str(link),
        "target_venv": str(tmp_path / "venv"),
        "target_venv_package": str(wheel),
        "target_venv_python": sys.executable,
        "target_venv_link": str(link),
    }
    planned = play("role.yml", "--check", **given)
    assert planned.code == 0, planned.text
    made = play("role.yml", **given)
    assert made.code == 0, made.text
    assert {"Install p2pctl into an environment of its own", "Make the target what the document says"} <= set(
        made.changed
    )
    assert tool_version(link).startswith("p2pctl ")
    again = play("role.yml", **given)
    assert (again.code, again.changed) == (0, []), again.text


def tool_version(program: Path) -> str:
    """What a program says of itself."""
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout


def test_it_can_be_installed_from_git(tmp_path: Path) -> None:
    """Out of a directory of this repository: what its README says."""
    source = tmp_path / "source"
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    for name in ("ansible", "contrib", "LICENSE"):
        subprocess.run(["cp", "-a", str(ROOT / name), str(source)], check=True)
    git = ["git", "-C", str(source), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    done = tool(
        "ansible-galaxy", "collection", "install", "-p", str(tmp_path / "there"), f"git+file://{source}#/ansible/",
        env={"ANSIBLE_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    collection = tmp_path / "there/ansible_collections/p2pctl/p2pctl"
    assert (collection / "roles/target/files/p2pctl-restore.service").read_text()
    assert (collection / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
