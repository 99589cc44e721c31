"""What scripts/generate makes is as it would be made now, and says of the program what is so."""

from __future__ import annotations

import functools
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from p2pctl.cli import main
from p2pctl.cli.command_tree import Argument, Option, command_tree
from p2pctl.cli.completions import FILES, SHELLS
from p2pctl.cli.subjects import KINDS, TEXTS
from p2pctl.errors import ExitCode
from p2pctl.target.json_schema import schema
from scripts.generators import ROOT, generated, stale
from scripts.generators.manual import mdoc

SOURCES = sorted((ROOT / "man/src").glob("*.mdoc"))
TREE = command_tree()
PAGE = (ROOT / "man/p2pctl.8").read_text()


@functools.cache
def made() -> dict[Path, str]:
    return generated()


def test_nothing_is_stale() -> None:
    """Otherwise: scripts/generate."""
    assert [str(path.relative_to(ROOT)) for path in stale(made())] == []


def test_a_stale_file_is_found(tmp_path: Path) -> None:
    """One that differs, one that is missing; and what nobody makes."""
    (tmp_path / "old").write_text("old")
    wanted = {**made(), tmp_path / "old": "new", tmp_path / "none": ""}
    assert stale(wanted) == sorted([tmp_path / "none", tmp_path / "old"])
    page = ROOT / "man/p2pctl-pool.8"
    assert stale({path: text for path, text in made().items() if path != page}) == [page]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_program_prints_the_same(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == (ROOT / "completions" / dict(FILES)[shell]).read_text()  # type: ignore[index]


def test_what_every_word_names_is_known() -> None:
    """A new metavar says in p2pctl.cli.subjects what it names, or that nobody but the user can know."""
    for node in TREE.root.walk():
        valued = (option for option in TREE.options(node) if option.takes_value)
        words: tuple[Argument | Option, ...] = (*node.arguments, *valued)
        for one in words:
            assert one.subject.kind in KINDS
            if one.subject.kind == "text":
                named = (one.metavar or "").strip("[].,")
                assert named in TEXTS | {"NQN", "HOSTNQN", "PORT"}, (node.name, one)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_engine_knows_every_kind(shell: str) -> None:
    engine = (ROOT / f"p2pctl/cli/completions/engine.{shell}").read_text()
    native = {"text"} | ({"choice", "attributes", "file", "directory"} if shell == "zsh" else set())
    for kind in KINDS - native:
        assert re.search(rf"^ +(case )?{kind}(\)|:\*\)|$)", engine, re.MULTILINE), kind


def test_every_command_has_a_page() -> None:
    for node in TREE.root.commands:
        page = (ROOT / f"man/p2pctl-{node.path[0]}.8").read_text()
        assert page.startswith(".so ") or f".Nm p2pctl-{node.path[0]}" in page
        assert f".Xr p2pctl-{node.path[0]} 8" in PAGE or f".It Xr p2pctl-{node.path[0]} 8" in PAGE


def test_every_source_has_a_page() -> None:
    for source in SOURCES:
        assert (ROOT / "man" / source.stem).is_file(), source


def test_every_reference_leads_somewhere() -> None:
    """Among the pages of p2pctl."""
    for page in (ROOT / "man").glob("*.[1-9]"):
        for name, section in re.findall(r"^\.(?:It )?Xr (p2pctl\S*) (\d)", page.read_text(), re.MULTILINE):
            assert (ROOT / f"man/{name}.{section}").is_file(), (page.name, name, section)


def test_every_exit_code_is_on_the_page() -> None:
    section = "\n".join(mdoc.sections(PAGE)["EXIT STATUS"])
    assert sorted(map(int, re.findall(r"^\.It (\d+)$", section, re.MULTILINE))) == sorted(map(int, ExitCode))


def test_every_environment_variable_is_on_the_page() -> None:
    """And none that nobody looks at."""
    code = "".join(path.read_text() for path in (ROOT / "p2pctl").rglob("*.py"))
    looked_at = set(re.findall(r'environ(?:ment)?(?:\.get\(|, |\[)\s*["\']([A-Z][A-Z_0-9]+)["\']', code))
    looked_at |= set(re.findall(r'"((?:P2PCTL|XDG)_[A-Z_]+|NO_COLOR|COLUMNS|LINES)"', code))
    told = {name for line in re.findall(r"^\.It Ev (.+)$", PAGE, re.MULTILINE) for name in line.split(" , ")}
    assert told == looked_at


def _keys(part: Mapping[str, Any]) -> set[str]:
    found = set(part.get("properties", {}))
    for inner in (*part.get("properties", {}).values(), part.get("additionalProperties")):
        if isinstance(inner, dict) and inner.get("type") != "array":
            found |= _keys(inner)
    return found


def test_every_key_of_a_document_is_on_the_page() -> None:
    page = (ROOT / "man/p2pctl-document.5").read_text()
    keys = _keys(schema()) - {"file", "redacted"}
    assert {"traddr", "p2pmem", "dhchap_key", "p2p", "prefer", "portid", "clear_ids"} <= keys
    assert keys == set(re.findall(r"^\.It Cm (\S+)$", page, re.MULTILINE))


def test_the_document_of_the_page_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = mdoc.sections((ROOT / "man/p2pctl-document.5").read_text())["EXAMPLES"]
    (tmp_path / "target.yaml").write_text("\n".join(line for line in example if not line.startswith(".")) + "\n")
    assert main(["validate", "--offline", str(tmp_path / "target.yaml"), "-o", "json"]) == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["schema"]


def _examples(source: Path) -> list[str]:
    """Command lines of a source's examples, continued lines joined."""
    lines = "\n".join(mdoc.sections(source.read_text()).get("EXAMPLES", [])).replace("\\e\n", "")
    return re.findall(r"^p2pctl .+$", lines, re.MULTILINE)


WITH_EXAMPLES = [source for source in SOURCES if _examples(source)]


@pytest.mark.parametrize("source", WITH_EXAMPLES, ids=[source.stem for source in WITH_EXAMPLES])
def test_examples_work(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, on a demo host that remembers, beside a document of what it has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert main(["--demo", "export"]) == 0
    (tmp_path / "target.yaml").write_text(capsys.readouterr().out)
    for line in _examples(source):
        command, _, file = line.partition(" > ")
        words = shlex.split(command)[1:]
        if "watch" in words:
            words += ["--interval", "0.1", "--count", "1"]
        if "--capture" not in words:
            words = ["--demo", *words]
        code = main(words)
        told = capsys.readouterr()
        assert code == 0 or ("--exit-code" in words and code in {8, 9}), (line, told.err)
        if file:
            (tmp_path / file).write_text(told.out)
