"""What is asked for at the screen goes the way of the commands, tells a screen, and writes nothing anywhere else."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from p2pctl.cli import dashboard_changes
from p2pctl.cli.dashboard_changes import DoorChanger
from p2pctl.cli.making import Job, planned
from p2pctl.cli.options import Globals
from p2pctl.cli.proposing import Proposed
from p2pctl.cli.session import Session
from p2pctl.dashboard.changing import Subject, Verb, request
from p2pctl.dashboard.source import Proposal, Request
from p2pctl.errors import (
    BusyError,
    NotFoundError,
    P2pctlError,
    RecoverError,
    RefusedError,
    UnsupportedError,
    UsageError,
)
from p2pctl.render.becoming import becoming, outcome_lines
from p2pctl.simulator.state import KeptFiles
from p2pctl.target.flat import flat
from p2pctl.target.lock import locked
from p2pctl.target.outcome import ChangeInterruptedError
from p2pctl.target.plan import Disruption
from p2pctl.target.port_state import port_states
from p2pctl.target.wishes import NamespaceWish, SubsystemWish, Wishes
from tests.cli.changing import ARCHIVE, POOL, door, target
from tests.cli.conftest import Run
from tests.dashboard.piloting import demo_snapshot

Ask = Callable[..., Request]


@pytest.fixture
def changer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DoorChanger:
    """A changer of the demo host, whose state is this test's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return DoorChanger(Session(Globals(demo=True)))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What the screen asks for, of the target as it stands."""

    def asked(verb: Verb, about: Subject, chosen: str | None = None) -> Request:
        found = request(verb, about, target(door(tmp_path)), chosen)
        assert found is not None
        return found

    return asked


def run_through(changer: DoorChanger, asked: Request) -> tuple[Proposal, tuple[str, ...], list[str]]:
    """Plans it and carries it out: the proposal, what was done, what was said of the steps."""
    proposal = changer.plan(asked)
    told: list[str] = []
    return proposal, changer.carry_out(proposal, told.append).lines, told


VERBS: tuple[tuple[Verb, Subject, str | None, str, Disruption], ...] = (
    ("p2pmem", Subject(POOL, 5), "1", f"changed namespace 5 of {POOL}: p2pmem off -> auto", Disruption.NAMESPACE),
    ("p2pmem", Subject(POOL, 1), "0", f"changed namespace 1 of {POOL}: p2pmem auto -> off", Disruption.NAMESPACE),
    (
        "p2pmem",
        Subject(POOL, 3),
        "0000:18:00.0",
        f"changed namespace 3 of {POOL}: p2pmem auto -> 0000:18:00.0",
        Disruption.NAMESPACE,
    ),
    ("switch", Subject(POOL, 1), None, f"changed namespace 1 of {POOL}: enable yes -> no", Disruption.NAMESPACE),
    ("link", Subject(port="1"), ARCHIVE, f"changed port 1: subsystems +{ARCHIVE}", Disruption.NONE),
    ("link", Subject(nqn=POOL), "2", f"changed port 2: subsystems +{POOL}", Disruption.NONE),
    ("unlink", Subject(ARCHIVE, port="2"), None, f"changed port 2: subsystems -{ARCHIVE}", Disruption.PORT),
)


@pytest.mark.parametrize(("verb", "about", "chosen", "line", "disruption"), VERBS)
def test_every_verb_is_planned_and_carried_out(  # noqa: PLR0917  pytest names them
    changer: DoorChanger,
    ask: Ask,
    verb: Verb,
    about: Subject,
    chosen: str | None,
    line: str,
    disruption: Disruption,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The steps are told one by one, and nothing is written beside the screen."""
    before = flat(target(door(tmp_path)))
    proposal = changer.plan(ask(verb, about, chosen))
    assert flat(target(door(tmp_path))) == before, "a plan changes nothing"
    told: list[str] = []
    done = changer.carry_out(proposal, told.append)
    assert done.lines == (line,)
    assert proposal.disruption == disruption
    assert bool(proposal.noticed) is (disruption > Disruption.NONE)
    assert told == [f"done: {step}" for step in proposal.steps]
    assert flat(target(door(tmp_path))) != before
    assert capfd.readouterr() == ("", "")


def test_what_was_changed_can_be_changed_back_by_the_same_key(changer: DoorChanger, ask: Ask, tmp_path: Path) -> None:
    before = flat(target(door(tmp_path)))
    run_through(changer, ask("switch", Subject(POOL, 1)))
    proposal, lines, _ = run_through(changer, ask("switch", Subject(POOL, 1)))
    assert lines == (f"changed namespace 1 of {POOL}: enable no -> yes",)
    assert proposal.disruption == Disruption.NONE
    assert flat(target(door(tmp_path))) == before


def test_the_plan_and_the_words_are_those_of_the_command(changer: DoorChanger, ask: Ask, run: Run) -> None:
    told = run(
        "--demo", "namespace", "set", POOL, "5", "--p2pmem", "auto", "--disruption", "namespace", "--dry-run",
        "-o", "plain",
    )  # fmt: skip
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    assert proposal.steps == tuple(told.out.splitlines())
    assert proposal.prediction
    assert (*proposal.prediction, *proposal.notes) == tuple(
        line for line in told.err.splitlines() if not line.startswith("warning: ")
    )
    assert proposal.warnings == tuple(
        line.removeprefix("warning: ") for line in told.err.splitlines() if line.startswith("warning: ")
    )


def test_hosts_that_lose_something_are_named(changer: DoorChanger, ask: Ask) -> None:
    proposal = changer.plan(ask("unlink", Subject(ARCHIVE, port="2")))
    assert any("is connected to" in line for line in proposal.noticed)


def test_what_is_so_already_is_no_step(changer: DoorChanger, ask: Ask) -> None:
    proposal, lines, told = run_through(changer, ask("p2pmem", Subject(POOL, 5), "0"))
    assert (proposal.steps, lines, told) == ((), ("nothing to do",), [])


def test_a_refusal_names_every_problem_and_what_was_predicted(changer: DoorChanger, ask: Ask, tmp_path: Path) -> None:
    before = flat(target(door(tmp_path)))
    with pytest.raises(RefusedError, match="the kernel would refuse its p2pmem") as caught:
        changer.plan(ask("p2pmem", Subject(ARCHIVE, 2), "0000:18:00.0"))
    assert caught.value.hint is not None
    assert any("the kernel will refuse" in line for line in caught.value.details)
    assert flat(target(door(tmp_path))) == before


def test_what_was_deleted_meanwhile_does_not_come_to_be_again(changer: DoorChanger, ask: Ask, run: Run) -> None:
    asked = ask("p2pmem", Subject(POOL, 5), "1")
    assert run("--demo", "namespace", "delete", POOL, "5", "--yes").code == 0
    with pytest.raises(NotFoundError, match=f"no namespace 5 in {POOL}"):
        changer.plan(asked)


def test_an_attribute_that_this_kernel_does_not_list_is_refused(changer: DoorChanger) -> None:
    wish = NamespaceWish(attributes={"no_such": "1"})
    with pytest.raises((UnsupportedError, UsageError)):
        changer.plan(Request("x", Wishes(subsystems={POOL: SubsystemWish(namespaces={1: wish})})))


@pytest.mark.parametrize(
    "meanwhile",
    [
        ("namespace", "set", POOL, "5", "ana_grpid=2", "--disruption", "all"),
        ("namespace", "disable", POOL, "5", "--yes"),
        ("subsystem", "allow", POOL, "nqn.2026-11.org.example:another"),
    ],
)
def test_a_target_that_moved_since_is_left_alone(
    changer: DoorChanger, ask: Ask, run: Run, tmp_path: Path, meanwhile: tuple[str, ...]
) -> None:
    """Whatever it is that somebody else changed of the objects concerned."""
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    assert run("--demo", *meanwhile).code == 0
    before = flat(target(door(tmp_path)))
    with pytest.raises(BusyError, match="the target moved since"):
        changer.carry_out(proposal, lambda _line: None)
    assert flat(target(door(tmp_path))) == before


def test_what_moved_elsewhere_does_not_matter(changer: DoorChanger, ask: Ask, run: Run) -> None:
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    assert run("--demo", "port", "link", "1", ARCHIVE).code == 0
    assert changer.carry_out(proposal, lambda _line: None).lines


@pytest.mark.parametrize("number", range(3))
def test_a_step_that_fails_is_told_with_what_was_undone(
    changer: DoorChanger, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The target is as before, whichever it was."""
    before = flat(target(door(tmp_path)))
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    assert len(proposal.steps) == 3
    fail_once(monkeypatch, number)
    told: list[str] = []
    with pytest.raises(P2pctlError) as caught:
        changer.carry_out(proposal, told.append)
    assert caught.value.errno == errno.EIO
    assert any(line.startswith("failed: ") for line in told)
    assert any(line.startswith("failed: ") for line in caught.value.details)
    assert "everything that was done has been undone" in caught.value.details
    assert flat(target(door(tmp_path))) == before
    assert changer.carry_out(changer.plan(ask("p2pmem", Subject(POOL, 5), "1")), told.append).lines


def fail_once(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The write of this number into the target fails."""
    inner, count = KeptFiles.write, iter(range(1000))

    def write(self: KeptFiles, path: str, data: bytes) -> None:
        if next(count) == number:
            raise OSError(errno.EIO, "Input/output error", path)
        inner(self, path, data)

    monkeypatch.setattr(KeptFiles, "write", write)


def test_it_can_be_stopped_from_another_thread_and_is_undone(changer: DoorChanger, ask: Ask, tmp_path: Path) -> None:
    """The step at hand is finished; what was done is taken back, and nothing is left to recover."""
    before = flat(target(door(tmp_path)))
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    found: list[BaseException] = []
    told: list[str] = []

    def stop_at_first(line: str) -> None:
        told.append(line)
        if len(told) == 1:
            changer.stop(proposal, signal.SIGTERM)

    def work() -> None:
        try:
            changer.carry_out(proposal, stop_at_first)
        except ChangeInterruptedError as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [str(one) for one in found] == ["interrupted by SIGTERM"]
    assert flat(target(door(tmp_path))) == before
    assert changer.plan(proposal.request).steps == proposal.steps, "nothing is in the way of the next one"


def test_a_process_that_dies_leaves_what_recover_undoes(
    changer: DoorChanger, ask: Ask, run: Run, tmp_path: Path
) -> None:
    """Until then others are refused, with the command that helps."""

    class Killed(BaseException):
        pass

    def die(_line: str) -> None:
        raise Killed

    before = flat(target(door(tmp_path)))
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    with pytest.raises(Killed):
        changer.carry_out(proposal, die)
    assert flat(target(door(tmp_path))) != before
    with pytest.raises(RecoverError, match="was interrupted") as caught:
        changer.plan(proposal.request)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("p2pctl recover --rollback ")
    with pytest.raises(RecoverError):
        changer.carry_out(proposal, lambda _line: None)
    assert run("--demo", "recover", "--rollback").code == 0
    assert flat(target(door(tmp_path))) == before
    assert changer.carry_out(proposal, lambda _line: None).lines


def test_whoever_has_the_lock_is_named(changer: DoorChanger, ask: Ask, tmp_path: Path) -> None:
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    run_through(changer, ask("link", Subject(port="1"), ARCHIVE))  # which makes the directory
    with locked(str(tmp_path / "p2pctl" / "demo" / "run"), "apply other.yaml", timeout=0):
        assert changer.plan(proposal.request).steps, "who only looks need not wait"
        with pytest.raises(BusyError, match=r"apply other\.yaml"):
            changer.carry_out(proposal, lambda _line: None)


def test_a_document_is_applied_with_predictions(changer: DoorChanger, tmp_path: Path) -> None:
    file = tmp_path / "target.yaml"
    file.write_text(
        f"version: 1\nsubsystems:\n  {POOL}:\n    namespaces:\n      5:\n        p2pmem: auto\n", encoding="utf-8"
    )
    proposal, lines, _ = run_through(changer, Request("apply it", document=str(file)))
    assert lines == (f"changed namespace 5 of {POOL}: p2pmem off -> auto",)
    assert proposal.prediction


TOLD: tuple[tuple[Verb, Subject, str | None, tuple[tuple[str, ...], ...]], ...] = (
    (
        "link",
        Subject(port="1"),
        ARCHIVE,
        (
            ("port 1 (rdma)", f"namespace 2 of {ARCHIVE}", "falls-back: no P2P memory may be used by both mlx5_0"),
            ("port 1 (rdma)", f"namespace 1 of {ARCHIVE}", "off: p2pmem is off"),
        ),
    ),
    (
        "link",
        Subject(nqn=POOL),
        "2",
        (
            ("port 2 (tcp)", f"namespaces 1, 2, 3 of {POOL}", "transport-cannot: port 2 is tcp"),
            ("port 2 (tcp)", f"namespace 5 of {POOL}", "off: p2pmem is off"),
        ),
    ),
    ("unlink", Subject(ARCHIVE, port="2"), None, ()),
    ("switch", Subject(POOL, 1), None, ()),
)
"""What becomes of P2P memory by port, a line for those that fare alike; namespace 4 is disabled, and reaches nobody."""


@pytest.mark.parametrize(("verb", "about", "chosen", "lines"), TOLD)
def test_an_export_that_begins_is_told_with_its_p2p_outcome(  # noqa: PLR0917  pytest names them
    changer: DoorChanger,
    ask: Ask,
    verb: Verb,
    about: Subject,
    chosen: str | None,
    lines: tuple[tuple[str, ...], ...],
) -> None:
    """What stays as it is, and what ends, is not: what hosts lose is told of apart."""
    told = changer.plan(ask(verb, about, chosen)).prediction
    assert len(told) == len(lines)
    for line, words in zip(told, lines, strict=True):
        assert all(word in line for word in words), line


def test_a_namespace_that_is_enabled_is_told_with_its_p2p_outcome(changer: DoorChanger, ask: Ask) -> None:
    run_through(changer, ask("switch", Subject(POOL, 1)))
    told = changer.plan(ask("switch", Subject(POOL, 1))).prediction
    assert any("port 1 (rdma): predicted" in line for line in told)


def test_a_document_tells_what_its_links_make_of_p2p_memory(changer: DoorChanger, tmp_path: Path) -> None:
    file = tmp_path / "target.yaml"
    file.write_text(f"version: 1\nports:\n  2:\n    subsystems:\n      - {ARCHIVE}\n      - {POOL}\n", encoding="utf-8")
    told = changer.plan(Request("apply it", document=str(file))).prediction
    assert any(f"namespaces 1, 2, 3 of {POOL}: transport-cannot" in line for line in told), told


def test_many_outcomes_are_counted() -> None:
    """Those that fare worst come first."""
    (state, *_) = port_states(demo_snapshot(), observed=False)
    there = [replace(state, subsystem=f"nqn:{number}", enabled=True, predicted="predicted") for number in range(40)]
    worst = replace(state, subsystem="nqn:worst", enabled=True, predicted="falls-back", state="falls-back")
    told = list(outcome_lines(becoming((), (*there, worst))))
    assert "nqn:worst: falls-back" in told[0]
    assert told[-1] == f"and {41 - len(told[:-1])} more by port and namespace: {41 - len(told[:-1])} predicted"
    assert len(told) < 15
    assert list(becoming((*there, worst), (*there, worst))) == []


def test_all_that_is_wrong_with_a_document_is_told(changer: DoorChanger, tmp_path: Path) -> None:
    file = tmp_path / "target.yaml"
    file.write_text("version: 1\nnonsense: 1\nmore: 2\n", encoding="utf-8")
    with pytest.raises(P2pctlError, match="nonsense") as caught:
        changer.plan(Request("apply it", document=str(file)))
    assert any("more" in line for line in caught.value.details)


@pytest.mark.parametrize("file", ["-", "/nowhere/target.yaml", ""])
def test_what_is_no_document_is_refused(changer: DoorChanger, file: str) -> None:
    with pytest.raises((UsageError, NotFoundError)):
        changer.plan(Request("apply it", document=file))


def test_a_recording_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    changer = DoorChanger(Session(Globals(sysroot=str(tmp_path))))
    with pytest.raises(UsageError, match="a directory cannot be changed"):
        changer.plan(Request("x", Wishes()))


def test_a_stop_before_the_first_step_is_heeded(changer: DoorChanger, ask: Ask, tmp_path: Path) -> None:
    """Whoever says yes and thinks better of it at once; another plan has no part in it."""
    before = flat(target(door(tmp_path)))
    proposal = changer.plan(ask("p2pmem", Subject(POOL, 5), "1"))
    other = changer.plan(ask("link", Subject(port="1"), ARCHIVE))
    changer.stop(proposal, signal.SIGTERM)
    with pytest.raises(ChangeInterruptedError, match="SIGTERM"):
        changer.carry_out(proposal, lambda _line: None)
    assert flat(target(door(tmp_path))) == before
    assert changer.carry_out(other, lambda _line: None).lines


def test_two_plans_at_once_say_nothing_in_each_others_name(
    changer: DoorChanger, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may still be planned when somebody who no longer wants it asks for another."""
    both = threading.Barrier(2, timeout=10)

    def slow(session: Session, job: Job) -> Proposed:
        session.narrator.note(f"about: {job.command}")
        both.wait()
        shown = planned(session, job)
        both.wait()
        return shown

    monkeypatch.setattr(dashboard_changes, "planned", slow)
    requests = [ask("p2pmem", Subject(POOL, 5), "1"), ask("link", Subject(port="1"), ARCHIVE)]
    with ThreadPoolExecutor() as threads:
        proposals = list(threads.map(changer.plan, requests))
    for proposal in proposals:
        assert [one for one in proposal.notes if one.startswith("about: ")] == [f"about: {proposal.request.title}"]
