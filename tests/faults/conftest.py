"""The table of faults: made of the cases that ran in this session, in whatever process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from p2pctl.cli import main
from tests.cli.conftest import Outcome

PROPERTY = "fault"


class Fault(NamedTuple):
    """A fault that was made to happen, and what was looked at afterwards."""

    what: str
    """As the table has it; cases of one fault are counted together."""
    kept: bool | None
    """Nothing lost: what was there before is as it was. None where nothing could be lost."""
    whole: bool | None
    """Nothing half done: all of it, or none, and nothing left behind."""
    clear: bool | None
    """The message says what failed, why, and what to do. None where there is nothing to tell."""


Note = Callable[[Fault], None]
Run = Callable[..., Outcome]


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Puts a case into the table; one that went wrong fails the test, too."""

    def put(fault: Fault) -> None:
        record_property(PROPERTY, tuple(fault))
        assert False not in fault, fault

    return put


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """The command line in this process, with a state of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))

    def run_it(*argv: str) -> Outcome:
        code = main(argv)
        return Outcome(code, *capsys.readouterr())

    return run_it


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table below the results."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    found = [Fault(*value) for report in reports for name, value in report.user_properties if name == PROPERTY]
    if not found:
        return
    terminalreporter.section("faults")
    wide = max(len(fault.what) for fault in found)
    terminalreporter.write_line(f"{'what goes wrong':{wide}}  cases  nothing lost  nothing half done  message clear")
    for what in dict.fromkeys(fault.what for fault in found):
        cases = [fault for fault in found if fault.what == what]
        kept, whole, clear = (_told([(case.kept, case.whole, case.clear)[at] for case in cases]) for at in (0, 1, 2))
        terminalreporter.write_line(f"{what:{wide}}  {len(cases):5}  {kept:12}  {whole:17}  {clear}")


def _told(answers: list[bool | None]) -> str:
    asked = [answer for answer in answers if answer is not None]
    wrong = asked.count(False)
    if not asked:
        return "-"
    return f"NO ({wrong} of {len(asked)})" if wrong else "yes" if len(asked) == len(answers) else f"yes ({len(asked)})"
