"""The whole command tree: every page can be read, and begins with what to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from p2pctl.cli.app import build, run
from p2pctl.cli.framework import PROMPT, summary
from p2pctl.cli.options import shared


def _walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _walk(command.get_command(None, name), (*path, name))


TREE = list(_walk(build()))
IDS = [" ".join(path) or "p2pctl" for path, _ in TREE]
every_command = pytest.mark.parametrize(("path", "command"), TREE, ids=IDS)


@every_command
def test_help_works(path: tuple[str, ...], command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Within 80 columns, on stdout, without markup."""
    assert run([*path, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    assert "``" not in out
    assert summary(command.help).split()[0] in out


@every_command
def test_examples_come_first(path: tuple[str, ...], command: Any) -> None:
    """The paragraph after the summary, and each line is a command line that exists."""
    examples = [line.strip() for line in command.help.split("\n\n")[1].splitlines()]
    assert examples
    for example in examples:
        assert example.startswith(PROMPT)
        words = shlex.split(re.split(r" {2,}", example.removeprefix(PROMPT))[0])
        words = words[words.index("p2pctl") + 1 :]
        assert any(set(candidate) <= set(words) for candidate, _ in TREE if candidate)
        if path and path != ("capture",):
            assert path[0] in words


@every_command
def test_summaries_are_sentences(path: tuple[str, ...], command: Any) -> None:
    text = summary(command.help)
    assert text.endswith("."), path
    assert len(text) <= 120


@every_command
def test_options_are_explained(path: tuple[str, ...], command: Any) -> None:
    """Each with a sentence, and none under a name that is global elsewhere."""
    taken = {name for param in shared() for name in param.opts}
    for param in command.params:
        assert param.help, (path, param.name)
        assert param.help.endswith("."), (path, param.name)
        if param not in shared():
            assert not taken & set(param.opts)
            assert not param.secondary_opts, "no --no-x that nobody asked for"


@every_command
def test_global_options_are_everywhere(path: tuple[str, ...], command: Any) -> None:
    assert set(shared()) <= set(command.params), path
