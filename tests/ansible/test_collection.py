"""What the collection consists of."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from p2pctl import __version__
from tests.ansible.conftest import SOURCE, tool

ROOT = SOURCE.parent
MODULES = sorted(path.stem for path in (SOURCE / "plugins/modules").glob("*.py"))
README = (SOURCE / "README.md").read_text()


@pytest.fixture(scope="module")
def documented(collections: Path) -> dict[str, Any]:
    """What ansible-doc makes of the modules."""
    names = [f"p2pctl.p2pctl.{name}" for name in MODULES]
    told = tool("ansible-doc", "--json", *names, env={"ANSIBLE_COLLECTIONS_PATH": str(collections)})
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_it_is_of_p2pctls_own_version(installed: Path) -> None:
    manifest = json.loads((installed / "MANIFEST.json").read_text())["collection_info"]
    assert manifest["version"] == __version__
    assert (manifest["namespace"], manifest["name"]) == ("p2pctl", "p2pctl")
    assert f"## {__version__}" in (installed / "CHANGELOG.md").read_text()


def test_it_promises_the_releases_of_ansible_that_it_is_tested_with(installed: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (oldest,) = re.findall(r"ansible-core>=([\d.]+)", " ".join(line for lines in project.values() for line in lines))
    assert yaml.safe_load((installed / "meta/runtime.yml").read_text())["requires_ansible"] == f">={oldest}.0"
    role = yaml.safe_load((installed / "roles/target/meta/main.yml").read_text())
    assert role["galaxy_info"]["min_ansible_version"] == oldest
    assert f"ansible-core {oldest} or newer" in README


def test_it_carries_the_licence_and_the_unit_of_this_repository(installed: Path) -> None:
    """Copies, since a link that leads out of the collection would be broken where it is installed from git."""
    for file, source in (
        ("LICENSE", ROOT / "LICENSE"),
        ("roles/target/files/p2pctl-restore.service", ROOT / "contrib/systemd/p2pctl-restore.service"),
    ):
        assert (installed / file).read_text() == source.read_text()


def test_all_modules_are_in_the_action_group() -> None:
    runtime = yaml.safe_load((SOURCE / "meta/runtime.yml").read_text())
    assert runtime["action_groups"]["p2pctl"] == MODULES
    assert len(MODULES) > 6


@pytest.mark.parametrize("name", MODULES)
def test_documentation_renders_with_examples(name: str, documented: dict[str, Any]) -> None:
    """And the examples are tasks with the module's own options."""
    page = documented[f"p2pctl.p2pctl.{name}"]
    options = page["doc"]["options"]
    assert {"executable", "demo", "capture", "sysroot"} <= set(options)
    assert page["doc"]["description"]
    assert page["return"]
    examples = [
        task[key] or {} for task in yaml.safe_load(page["examples"]) for key in task if key.endswith(f".{name}")
    ]
    assert examples
    assert {option for example in examples for option in example} <= set(options)
    assert f"`{name}`" in README


def test_the_role_is_documented(collections: Path) -> None:
    """Every default that it has, with the same value."""
    told = tool(
        "ansible-doc", "--type", "role", "--json", "p2pctl.p2pctl.target",
        env={"ANSIBLE_COLLECTIONS_PATH": str(collections)},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    options = json.loads(told.stdout)["p2pctl.p2pctl.target"]["entry_points"]["main"]["options"]
    defaults = yaml.safe_load((SOURCE / "roles/target/defaults/main.yml").read_text())
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    assert set(options) - set(defaults) == {"target_document"}
