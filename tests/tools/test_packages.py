"""What is released: the same bytes from the same source, whole, and an installation that leaves as it came."""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import re
import subprocess
import tarfile
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.tools import need
from tests.tools.releases import build, only
from tests.tools.sandbox import Sandbox
from tests.vm.suite import REPOSITORY

LOCK = REPOSITORY / "contrib/debian/requirements.txt"
UNITS = sorted(path.name for path in (REPOSITORY / "contrib/systemd").iterdir())
PAGES = sorted(path.name for path in (REPOSITORY / "man").glob("*.[1-9]"))
DOCUMENT = "version: 1\nsubsystems: {}\n"


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two, from the same source at different places, for users with different habits."""
    places = [tmp_path_factory.mktemp(name) for name in ("one", "another-place")]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda place, umask: build(place, umask=umask), places, (0o022, 0o077)))


@pytest.fixture(scope="module")
def dist(releases: list[Path]) -> Path:
    return releases[0]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return Sandbox(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture(scope="module")
def deb(dist: Path, sandbox: Sandbox) -> str:
    """The package, where the sandbox sees it."""
    return sandbox.add(only(dist, "*.deb"))


@pytest.fixture(scope="module")
def installed(sandbox: Sandbox, deb: str) -> Sandbox:
    before = sandbox.good("dpkg-query", "--show")
    sandbox.good("dpkg", "--install", deb)
    assert "p2pctl" not in before
    return sandbox


def test_two_builds_give_the_same_bytes(releases: list[Path]) -> None:
    first, second = (release.joinpath("SHA256SUMS").read_text() for release in releases)
    assert first == second
    named = {line.split()[1] for line in first.splitlines()}
    assert named == {path.name for path in releases[0].iterdir()} - {"SHA256SUMS"}
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=releases[0], check=False)
    assert checked.returncode == 0


def test_the_wheel_carries_completions_man_pages_and_units(dist: Path) -> None:
    with zipfile.ZipFile(only(dist, "*.whl")) as wheel:
        names = {name.partition(".data/data/")[2] for name in wheel.namelist()}
        bash = "share/bash-completion/completions/p2pctl"
        assert {bash, "share/zsh/site-functions/_p2pctl", "share/fish/vendor_completions.d/p2pctl.fish"} <= names
        assert {f"share/man/man{page[-1]}/{page}" for page in PAGES} <= names
        assert {f"lib/systemd/system/{unit}" for unit in UNITS} <= names
        (carried,) = [name for name in wheel.namelist() if name.endswith(bash)]
        assert wheel.read(carried) == (REPOSITORY / "completions/p2pctl.bash").read_bytes()
        assert not [name for name in wheel.namelist() if name.startswith("tests/")]


def test_the_source_release_has_all_that_its_wheel_and_its_tests_are_made_of(dist: Path) -> None:
    with tarfile.open(only(dist, "p2pctl-*.tar.gz")) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    for directory in ("completions", "man", "contrib", "scripts", "tests/tools", "p2pctl"):
        for path in (REPOSITORY / directory).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(REPOSITORY)) in names


def test_the_bill_of_materials_names_every_library_that_is_carried(dist: Path) -> None:
    text = only(dist, "*.cdx.json").read_text()
    bill = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "p2pctl"
    named = {_normal(one["name"]): one["version"] for one in bill["components"]}
    assert named.items() >= _locked().items()
    assert "file://" not in text
    assert "/tmp/" not in text


def test_what_is_locked_is_what_pyproject_asks_for() -> None:
    locked = _locked()
    for line in tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[_normal(wanted.name)]), f"{line}: scripts/package --lock brings it up"


def test_the_package_has_no_fault_but_those_that_are_explained(dist: Path) -> None:
    ran = subprocess.run(
        [need("lintian"), "--allow-root", "--tag-display-limit=0", "--fail-on=error,warning,info", only(dist, "*.deb")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stdout + ran.stderr


def test_it_runs_for_root_and_for_others(installed: Sandbox) -> None:
    assert installed.good("p2pctl", "--version") == f"p2pctl {importlib.metadata.version('p2pctl')}\n"
    home = "XDG_STATE_HOME=/tmp/state"
    for words in (["env", home], ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", home]):
        told = installed.good(*words, "p2pctl", "--demo", "status")
        assert "nqn.2026-11.org.example:pool0" in told
    assert "highspy" in installed.good("/usr/lib/p2pctl/bin/python", "-I", "-c", "import highspy; print(highspy)")


def test_nothing_of_the_user_gets_into_its_environment(installed: Sandbox) -> None:
    """It runs as root: a module in the working directory or in PYTHONPATH must not."""
    (installed.upper / "trap").mkdir()
    (installed.upper / "trap/json.py").write_text("raise SystemExit('trapped')\n")
    script = "cd /trap && PYTHONPATH=/trap PYTHONSTARTUP=/trap/json.py p2pctl --demo pool list -o json"
    told = installed.good("env", "XDG_STATE_HOME=/tmp/state", "sh", "-c", script)
    assert json.loads(told)["schema"].startswith("p2pctl.")


def test_pages_completions_and_units_are_where_they_are_looked_for(installed: Sandbox) -> None:
    for page in PAGES:
        name, _, section = page.rpartition(".")
        packed = installed.upper / f"usr/share/man/man{section}/{name}.{section}.gz"
        assert gzip.decompress(packed.read_bytes()) == (REPOSITORY / "man" / page).read_bytes()
    bash = ". /usr/share/bash-completion/bash_completion; _completion_loader p2pctl; complete -p p2pctl"
    assert "p2pctl" in installed.good("bash", "-c", bash)
    zsh = "autoload -Uz compinit; compinit -u -d /tmp/dump; print -- $_comps[p2pctl]"
    assert installed.good("zsh", "-fc", zsh) == "_p2pctl\n"
    assert "status" in installed.good("fish", "-c", "complete -C 'p2pctl statu'")


def test_systemd_finds_no_fault_in_the_units(installed: Sandbox) -> None:
    """With their program and their manual pages in place, so nothing is left out."""
    ran = installed.run("systemd-analyze", "verify", *[f"/usr/lib/systemd/system/{unit}" for unit in UNITS])
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_nothing_is_enabled_by_the_installation(installed: Sandbox) -> None:
    told = installed.run("systemctl", "is-enabled", *UNITS).stdout.split()
    assert set(told) == {"disabled", "static"}, told


def test_an_upgrade_keeps_what_is_enabled_and_what_was_written(installed: Sandbox, deb: str) -> None:
    document = installed.upper / "etc/p2pctl/target.yaml"
    document.write_text(DOCUMENT)
    installed.good("systemctl", "enable", "p2pctl-restore.service")
    installed.good("dpkg", "--install", deb)
    assert document.read_text() == DOCUMENT
    assert installed.good("systemctl", "is-enabled", "p2pctl-restore.service") == "enabled\n"


def test_an_upgrade_restarts_what_loads_parts_of_itself_later_and_leaves_the_target_alone(
    installed: Sandbox, deb: str
) -> None:
    """With a systemctl that notes what is asked of it, and fails: that is no reason for the upgrade to fail."""
    noted = installed.upper / "noted"
    systemctl = script(installed, "usr/local/sbin/systemctl", 'echo "$@" >>/noted; [ "$1" != try-restart ]')
    policy = script(installed, "usr/sbin/policy-rc.d", "exit 104")

    def asked(running: str, command: str) -> list[str]:
        installed.good("sh", "-c", f"{running} /run/systemd/system && {command}")
        words = noted.read_text().splitlines() if noted.exists() else []
        noted.unlink(missing_ok=True)
        return words

    upgrade, restart = f"dpkg --install {deb}", "try-restart p2pctl-exporter.service"
    try:
        words = asked("mkdir -p", upgrade)
        assert (words[-1], set(words)) == (restart, {"daemon-reload", restart})
        assert asked("mkdir -p", "/var/lib/dpkg/info/p2pctl.postinst configure") == ["daemon-reload"]
        assert asked("test ! -e", upgrade) == []
        # Whoever runs the machine may have said that packages restart nothing.
        policy.write_text("#!/bin/sh\nexit 101\n")
        assert set(asked("mkdir -p", upgrade)) == {"daemon-reload"}
    finally:
        systemctl.unlink()
        policy.unlink()


def script(sandbox: Sandbox, place: str, text: str) -> Path:
    """A program of the sandbox, for as long as nobody unlinks it."""
    path = sandbox.upper / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_purge_leaves_what_the_administrator_wrote_and_nothing_else(installed: Sandbox, deb: str) -> None:
    """In the end, since it takes away what the other tests look at."""
    installed.good("dpkg", "--purge", "p2pctl")
    assert left_behind(installed, deb) == ["etc/p2pctl", "etc/p2pctl/target.yaml"]
    assert "p2pctl" not in installed.good("dpkg-query", "--show")
    (installed.upper / "etc/p2pctl/target.yaml").unlink()
    installed.good("dpkg", "--install", deb)
    installed.good("dpkg", "--purge", "p2pctl")
    assert not left_behind(installed, deb)


def left_behind(sandbox: Sandbox, deb: str) -> list[str]:
    """All of ours; not what man(1) keeps of pages that it has shown."""
    ours = [name for name in sandbox.files() if "p2pctl" in name and f"/{name}" != deb]
    return [name for name in ours if not name.startswith("var/cache/man/")]


def _locked() -> dict[str, str]:
    """The releases that this Python gets."""
    found = {}
    for line in re.findall(r"^(\S+==\S[^\\\n]*?) *\\?$", LOCK.read_text(), re.MULTILINE):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate():
            (pin,) = wanted.specifier
            found[_normal(wanted.name)] = pin.version
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
