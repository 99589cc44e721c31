"""The bash completion in a bash at a terminal, with readline: one TAB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools import need
from tests.tools.completing import EXPANDED, NONE, ONE, POOL, SEVERAL, SPACED, Shell, make_host, shell, whole

FILE = Path(__file__).parents[2] / "completions/p2pctl.bash"
PROGRAM = ["bash", "--norc", "--noprofile", "-i"]
_READLINE = r"""
bind 'set enable-bracketed-paste off'
bind 'set show-all-if-ambiguous on'
bind 'set page-completions off'
bind 'set completion-query-items 0'
dump() { asked=$((asked + 1)); printf '\n@@%s=%s%s@@\n' $asked "$READLINE_LINE" $asked; READLINE_LINE=; }
asked=0
bind -x '"\C-t": dump'
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    need("bash")
    directory = make_host(tmp_path_factory.mktemp("bash"))
    with shell(PROGRAM, f"{_READLINE}\n. {FILE}", directory) as one:
        yield one
    assert not (directory / "ran").exists(), "a name was run"


@pytest.mark.parametrize(("typed", "kept", "word"), ONE)
def test_one_tab_completes(bash: Shell, typed: str, kept: str, word: str) -> None:
    assert bash.tab(typed).line.rstrip(" /") == whole(typed, kept, word)


@pytest.mark.parametrize(("typed", "words"), SEVERAL)
def test_one_tab_lists_all_there_is(bash: Shell, typed: str, words: set[str]) -> None:
    assert bash.tab(typed).offered == words


@pytest.mark.parametrize("typed", NONE)
def test_what_means_nothing_stays(bash: Shell, typed: str) -> None:
    done = bash.tab(typed)
    assert (done.line, done.offered) == (typed, set())


def test_names_are_quoted_as_the_line_needs_it(bash: Shell) -> None:
    """And the shell takes them for one word, without running them."""
    begin = "p2pctl --sysroot host subsystem show"
    assert bash.tab(f"{begin} hostile\\ ").line == f"{begin} hostile\\ name "
    assert bash.tab(f"{begin} 'hostile n").line == f"{begin} '{SPACED}' "
    assert bash.tab(f'{begin} "{POOL[:-2]}').line == f'{begin} "{POOL}" '
    assert bash.tab(f"{begin} hostile\\$").line == f"{begin} hostile\\$\\(touch\\ ran\\)\\`touch\\ ran\\`\\;\\'\\\" "
    assert bash.tab(f'{begin} "{EXPANDED[:8]}').line == f'{begin} "{EXPANDED[:8]}'
    assert bash.tab("p2pctl port set 1 treq='not s").line == "p2pctl port set 1 treq='not specified' "


@pytest.mark.parametrize("before", ["VARIABLE=1 ", "echo hi; ", "true && ", "(", "/usr/bin/"])
def test_it_completes_wherever_a_command_can_stand(bash: Shell, before: str) -> None:
    assert bash.tab(f"{before}p2pctl --sysroot host port show 4").line == f"{before}p2pctl --sysroot host port show 42 "


def test_what_stands_behind_the_cursor_stays(bash: Shell) -> None:
    """Seven times to the left: before `--wake`."""
    assert bash.tab("p2pctl device s --wake" + "\x02" * 7).line == "p2pctl device show --wake"


def test_what_is_given_is_not_offered_again(bash: Shell) -> None:
    offered = bash.tab("p2pctl port set 1 trtype=tcp --dry-run --").offered
    assert "--yes" in offered
    assert "--dry-run" not in offered
    assert "--link" in bash.tab("p2pctl port create 1 --link nqn.a --").offered
    keys = bash.tab("p2pctl port set 1 trtype=tcp tr").offered
    assert keys == {"traddr=", "trsvcid=", "treq="}


def test_nothing_hostile_reaches_the_terminal(bash: Shell) -> None:
    bash.tab("p2pctl --sysroot host subsystem show ")
    assert b"\x1b[31m" not in bash.output


def test_the_users_own_settings_do_not_matter(tmp_path: Path) -> None:
    """Those that change what a script's words mean."""
    need("bash")
    settings = "set -o nounset; set -o noglob; shopt -s failglob nocasematch; IFS=:; set -o posix"
    with shell(PROGRAM, f"{_READLINE}\n. {FILE}\n{settings}", make_host(tmp_path)) as bash:
        for typed, kept, word in ONE[::5]:
            assert bash.tab(typed).line.rstrip(" /") == whole(typed, kept, word)
        assert bash.tab("p2pctl --sysroot none port show ").line == "p2pctl --sysroot none port show "
        assert b"unbound" not in bash.output
        assert b"no match" not in bash.output


def test_it_loads_by_itself(tmp_path: Path) -> None:
    """At the first TAB, where bash-completion is set up and the file has the program's name."""
    loader = need("/usr/share/bash-completion/bash_completion")
    directory = make_host(tmp_path)
    place = tmp_path / "completions"
    place.mkdir()
    (place / "p2pctl").symlink_to(FILE)
    setup = f"{_READLINE}\nBASH_COMPLETION_USER_DIR={tmp_path}\n. {loader}\np2pctl() {{ :; }}"
    with shell(PROGRAM, setup, directory) as bash:
        typed = f"p2pctl --sysroot host subsystem show {POOL[:-3]}"
        assert bash.tab(typed).line == whole(typed, "", f"{POOL} ")
