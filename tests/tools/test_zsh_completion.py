"""The zsh completion in a zsh at a terminal: one TAB, the first one included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools import need
from tests.tools.completing import EXPANDED, NONE, ONE, POOL, SEVERAL, SPACED, Shell, make_host, shell, whole

FILES = Path(__file__).parents[2] / "completions"
_EDITOR = r"""
unset zle_bracketed_paste
setopt no_always_last_prompt
LISTMAX=1000 asked=0
dump() { ((asked++)); zle -I; print -r -- "@@$asked=$BUFFER$asked@@"; BUFFER= }
zle -N dump
bindkey -e
bindkey '^T' dump
"""
_LOADED = f"{_EDITOR}\nfpath=({FILES} $fpath)\nautoload -Uz compinit\ncompinit -D -u"


@pytest.fixture(scope="module")
def zsh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    directory = make_host(tmp_path_factory.mktemp("zsh"))
    with shell([need("zsh"), "-f", "-i"], _LOADED, directory) as one:
        yield one
    assert not (directory / "ran").exists(), "a name was run"


@pytest.mark.parametrize(("typed", "kept", "word"), ONE)
def test_one_tab_completes(zsh: Shell, typed: str, kept: str, word: str) -> None:
    assert zsh.tab(typed).line.rstrip(" /") == whole(typed, kept, word)


@pytest.mark.parametrize(("typed", "words"), SEVERAL)
def test_one_tab_lists_all_there_is(zsh: Shell, typed: str, words: set[str]) -> None:
    """Or completes what they have in common, and the next one lists them: that is how zsh is set up."""
    first = zsh.tab(typed)
    assert (first.offered or zsh.tab(first.line).offered) == words


@pytest.mark.parametrize("typed", NONE)
def test_what_means_nothing_stays(zsh: Shell, typed: str) -> None:
    done = zsh.tab(typed)
    assert (done.line, done.offered) == (typed, set())


def test_names_are_quoted_as_the_line_needs_it(zsh: Shell) -> None:
    """And the shell takes them for one word, without running them."""
    begin = "p2pctl --sysroot host subsystem show"
    assert zsh.tab(f"{begin} hostile\\ ").line == f"{begin} hostile\\ name "
    assert zsh.tab(f"{begin} 'hostile n").line == f"{begin} '{SPACED}' "
    assert zsh.tab(f'{begin} "{POOL[:-2]}').line == f'{begin} "{POOL}" '
    assert zsh.tab(f"{begin} hostile\\$").line == f"{begin} hostile\\$\\(touch\\ ran\\)\\`touch\\ ran\\`\\;\\'\\\" "
    assert "\\" in zsh.tab(f'{begin} "{EXPANDED[:7]}\\$').line
    assert zsh.tab("p2pctl port set 1 treq='not s").line in {
        "p2pctl port set 1 treq='not specified' ",
        "p2pctl port set 1 treq=not\\ specified ",
    }


@pytest.mark.parametrize("before", ["VARIABLE=1 ", "print hi; ", "true && ", "(", "print $(", "/usr/bin/"])
def test_it_completes_wherever_a_command_can_stand(zsh: Shell, before: str) -> None:
    assert zsh.tab(f"{before}p2pctl --sysroot host port show 4").line == f"{before}p2pctl --sysroot host port show 42 "


def test_options_are_explained(zsh: Shell) -> None:
    shown = zsh.tab("p2pctl pool list --h").shown
    assert "--help" in shown
    assert "-- Look into every process for who maps the memory." in shown


def test_nothing_hostile_reaches_the_terminal(zsh: Shell) -> None:
    zsh.tab("p2pctl --sysroot host subsystem show ")
    assert b"\x1b[31m" not in zsh.output


def test_a_sourced_file_registers_itself(tmp_path: Path) -> None:
    """For `source <(p2pctl completion zsh)`."""
    setup = f"{_EDITOR}\nautoload -Uz compinit\ncompinit -D -u\nsource {FILES / '_p2pctl'}"
    with shell([need("zsh"), "-f", "-i"], setup, make_host(tmp_path)) as zsh:
        assert zsh.tab("p2pctl pool s").line == "p2pctl pool show "
