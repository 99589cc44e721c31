"""What bandit finds in p2pctl, and why each of it is no fault. An entry that it no longer finds has to go, too."""

from __future__ import annotations

import json
import re
import subprocess

from tests.tools import need
from tests.vm.suite import REPOSITORY

ARGUMENTS = "a list of arguments and an absolute path: no shell takes part, and nothing is looked up in the text"
MODULE = "the one place that may run programs; what is run, and how, is judged where it is run"
WORDS = "a verdict of a list of needs, no password"

EXPLAINED = {
    ("p2pctl/hardware/programs.py", "B404"): MODULE,
    ("p2pctl/hardware/programs.py", "B603"): ARGUMENTS,
    ("p2pctl/render/doctor_use.py", "B105"): WORDS,
    ("p2pctl/render/junit.py", "B105"): WORDS,
    ("p2pctl/render/junit.py", "B405"): "it writes XML and reads none",
    ("p2pctl/resolver/placement_chance.py", "B311"): "chance only breaks ties, and has to be the same each time",
    ("p2pctl/simulator/demo_kernel.py", "B104"): "an address in the demo host's text; nothing is bound to it",
}
"""Each file and rule, with the reason. They stand here, so that no comment in the code can hide a new one."""


def test_what_bandit_finds_is_explained() -> None:
    ran = subprocess.run(
        [need("bandit"), "--quiet", "--recursive", "--format", "json", "--ignore-nosec", "p2pctl"],
        cwd=REPOSITORY, check=False, capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads(ran.stdout)
    assert told["errors"] == []
    assert len(told["metrics"]) > 100, "it has looked at next to nothing"
    found = {(one["filename"], one["test_id"]): f"{one['line_number']}: {one['issue_text']}" for one in told["results"]}
    assert {key: text for key, text in found.items() if key not in EXPLAINED} == {}
    assert {key for key in EXPLAINED if key not in found} == set(), "explained, and no longer found"


def test_nothing_in_the_code_is_kept_from_it() -> None:
    silent = [path for path in REPOSITORY.glob("p2pctl/**/*.py") if re.search(r"#.*\bnosec\b", path.read_text())]
    assert silent == []
