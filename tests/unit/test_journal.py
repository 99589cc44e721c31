"""Lock, journal and record of ownership: what outlives a process, and what nobody else can meddle with."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.errors import BusyError, DeniedError, P2pctlError
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Gap
from p2pctl.model.nvmet import AnaGroup, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target import rundir
from p2pctl.target.change import take_turn
from p2pctl.target.codec import dump_nvmet, dump_plan, load_nvmet, load_plan
from p2pctl.target.flat import built, fingerprint, flat
from p2pctl.target.journal import KEPT, Contents, Journal
from p2pctl.target.lock import locked
from p2pctl.target.ownership import Ownership
from p2pctl.target.plan import Disruption, Plan, Step
from tests.unit.target_workshop import BOOT, NEW, Workshop
from tests.unit.target_workshop import KEPT as KEPT_NQN

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."}
) | st.binary(min_size=1, max_size=6).map(lambda data: data.replace(b"/", b"_").replace(b"\0", b"_")).map(os.fsdecode)
TEXTS = NAMES | st.sampled_from([ABSENT, NOT_READ, UNREADABLE])
ATTRIBUTES = st.dictionaries(st.sampled_from(["attr_a", "device_b", "enable", "unknown_c"]), TEXTS, max_size=3)


@st.composite
def targets(draw: st.DrawFn) -> Nvmet:
    """Any target, however odd its names."""
    hosts = draw(st.lists(NAMES, unique=True, max_size=2))
    nqns = draw(st.lists(NAMES, unique=True, max_size=2))
    numbers = st.lists(st.integers(1, 300), unique=True, max_size=2)
    subsystems = {
        nqn: Subsystem(
            nqn,
            draw(ATTRIBUTES),
            {number: TargetNamespace(number, draw(ATTRIBUTES), draw(st.sampled_from(["", hex(number)])))
             for number in draw(numbers)},
            draw(st.dictionaries(NAMES, st.sampled_from(hosts), max_size=2)) if hosts else {},
            draw(ATTRIBUTES),
        )
        for nqn in nqns
    }  # fmt: skip
    ports = {
        name: Port(
            name,
            draw(ATTRIBUTES),
            draw(st.dictionaries(NAMES, st.sampled_from(nqns), max_size=2)) if nqns else {},
            {number: AnaGroup(number, draw(ATTRIBUTES), "", draw(st.sampled_from([(), (f"0{number:o}",)])))
             for number in draw(numbers)},
            {one: Referral(one, draw(ATTRIBUTES)) for one in draw(st.lists(NAMES, unique=True, max_size=2))},
        )
        for name in draw(st.lists(st.sampled_from(["1", "01", "2"]), unique=True, max_size=2))
    }  # fmt: skip
    gaps = tuple(Gap("nvmet", name, None, 5, "x") for name in draw(st.lists(NAMES, max_size=1)))
    present: Fact[bool] = draw(st.sampled_from((True, False)) | st.just(UNREADABLE))
    return Nvmet(
        1.5, present, True, subsystems, ports, {nqn: Host(nqn, draw(ATTRIBUTES)) for nqn in hosts},
        {"discovery_nqn": draw(TEXTS)}, gaps,
    )  # fmt: skip


@given(targets())
@settings(max_examples=60, deadline=None)
def test_a_target_comes_back_from_the_journal_exactly(nvmet: Nvmet) -> None:
    assert built(flat(nvmet), nvmet) == nvmet
    assert load_nvmet(dump_nvmet(nvmet)) == nvmet
    assert fingerprint(load_nvmet(dump_nvmet(nvmet))) == fingerprint(nvmet)


@given(st.lists(st.builds(
    Step, st.sampled_from(["mkdir", "write", "symlink"]), NAMES, NAMES, NAMES, st.none() | NAMES,
    st.sampled_from(Disruption), NAMES, st.none() | NAMES,
), max_size=3), st.lists(NAMES, max_size=2))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_a_plan_comes_back_from_the_journal_exactly(steps: list[Step], vanishing: list[str]) -> None:
    plan = Plan(tuple(steps), tuple(vanishing), ("note",))
    assert load_plan(dump_plan(plan)) == plan


@given(targets(), targets())
@settings(max_examples=60, deadline=None)
def test_targets_that_differ_have_other_fingerprints(one: Nvmet, other: Nvmet) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (flat(one) == flat(other))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"entries": 1}', b"[" * 100_000, b'{"steps":[{"x":1}]}'])
def test_a_damaged_record_is_an_error_of_its_own(data: bytes) -> None:
    with pytest.raises(ValueError, match="no recorded"):
        load_nvmet(data)
    with pytest.raises(ValueError, match="no recorded"):
        load_plan(data)


def contents() -> Contents:
    empty = Nvmet(0.0, present=True, loaded=True)
    step = Step("mkdir", "/sys/kernel/config/nvmet/hosts/a", "host a")
    return Contents(Plan((step, step, step)), empty, empty)


def make_journal(directory: Path, boot: str = "boot") -> Journal:
    rundir.make(str(directory))
    return Journal(str(directory), boot)


def test_a_transaction_is_unfinished_until_it_says_that_it_is_done(tmp_path: Path) -> None:
    journal = make_journal(tmp_path / "run")
    transaction = journal.begin(contents(), "apply x.yaml", now=0.0)
    transaction.begins(1, contents().plan.steps[1])
    status = journal.unfinished()
    assert status is not None
    assert status.command == "apply x.yaml"
    assert status.started == {1}
    assert status.end is None
    assert journal.contents(status.transaction) == contents()
    transaction.done("applied")
    assert journal.unfinished() is None
    transaction.close()


@pytest.mark.parametrize("damage", [b'\n{"step"', b"\n" + b"[" * 100_000, b"\n\xff\0", b"\n[1]\n"])
def test_a_damaged_record_spoils_neither_what_was_before_nor_what_comes_after(tmp_path: Path, damage: bytes) -> None:
    journal = make_journal(tmp_path / "run")
    transaction = journal.begin(contents(), "apply", now=0.0)
    transaction.begins(0, contents().plan.steps[0])
    with (tmp_path / "run/txn" / transaction.name / "journal").open("ab") as file:
        file.write(damage)
    transaction.begins(2, contents().plan.steps[2])
    transaction.close()
    status = journal.unfinished()
    assert status is not None
    assert status.started == {0, 2}


def test_what_another_boot_began_means_nothing_and_goes(tmp_path: Path) -> None:
    transaction = make_journal(tmp_path / "run").begin(contents(), "apply", now=0.0)
    transaction.begins(0, contents().plan.steps[0])
    transaction.close()
    journal = make_journal(tmp_path / "run", "another boot")
    assert journal.unfinished() is None
    journal.tidy()
    assert journal.names() == ()


def test_the_last_finished_ones_are_kept(tmp_path: Path) -> None:
    journal = make_journal(tmp_path / "run")
    for second in range(KEPT + 3):
        transaction = journal.begin(contents(), "apply", now=float(second))
        transaction.begins(0, contents().plan.steps[0])
        transaction.done("applied")
        transaction.close()
    names = journal.names()
    journal.tidy()
    assert journal.names() == names[3:]


def test_all_that_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds keys; and the process's umask must not matter."""
    before = os.umask(0)
    try:
        shop = Workshop(tmp_path)
        with take_turn(shop.place(), command="apply") as turn:
            assert turn.carry_out(shop.proposal()).error is None
    finally:
        os.umask(before)
    found = [shop.directory, *shop.directory.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}
    assert any("before.json" in path.name for path in found)


def test_a_directory_that_others_may_look_into_is_closed_to_them(tmp_path: Path) -> None:
    """Such as systemd makes by default for RuntimeDirectory=."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)
    rundir.make(str(tmp_path / "run"))
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o770)
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    for name in ("open", "link", "file"):
        with pytest.raises(DeniedError, match="cannot be trusted"):
            rundir.make(str(tmp_path / name))
        assert not rundir.trusted(str(tmp_path / name))
    if os.geteuid() == 0:
        os.chown(tmp_path / "real", 65534, 65534)
        with pytest.raises(DeniedError, match="belongs to user 65534"):
            rundir.make(str(tmp_path / "real"))


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    rundir.make(str(tmp_path / "run"))
    (tmp_path / "run/lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(P2pctlError, match="lock"), locked(str(tmp_path / "run"), "apply"):
        raise AssertionError
    assert not (tmp_path / "elsewhere").exists()


HOLDER = """
import sys
from p2pctl.target.lock import locked
with locked(sys.argv[1], "apply other.yaml"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(directory: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)],
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_of_two_processes_one_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    rundir.make(str(tmp_path / "run"))
    with holder(tmp_path / "run") as process:
        with pytest.raises(BusyError) as caught, locked(str(tmp_path / "run"), "apply mine.yaml"):
            raise AssertionError
        assert f"process {process.pid} (apply other.yaml)" in caught.value.message
        process.communicate("\n")
    with locked(str(tmp_path / "run"), "apply mine.yaml"):
        pass


def test_of_two_processes_one_waits_for_the_other(tmp_path: Path) -> None:
    rundir.make(str(tmp_path / "run"))
    waits = []
    with holder(tmp_path / "run") as process:

        def sleep(_seconds: float) -> None:
            waits.append(1)
            process.communicate("\n")

        with locked(str(tmp_path / "run"), "apply", timeout=60.0, sleep=sleep):
            assert waits


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    rundir.make(str(tmp_path / "run"))
    with holder(tmp_path / "run") as process:
        process.kill()
        process.communicate()
        with locked(str(tmp_path / "run"), "apply", timeout=60.0, sleep=time.sleep):
            assert json.loads((tmp_path / "run/lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / "run/lock").read_text() == ""


def test_what_a_change_makes_is_owned_and_nothing_else(tmp_path: Path) -> None:
    """Not even what it makes anew for somebody else; and what others have replaced is ours no longer."""
    shop = Workshop(tmp_path)
    with take_turn(shop.place(), command="apply") as turn:
        assert turn.carry_out(shop.proposal()).error is None
    place = shop.place()
    owned = place.ownership().owned(shop.read())
    root = "/sys/kernel/config/nvmet"
    assert owned == {
        f"{root}/hosts/nqn.2026-11.org.example:host-c",
        f"{root}/ports/1/ana_groups/3",
        f"{root}/ports/1/referrals/other",
        f"{root}/ports/5",
        f"{root}/subsystems/{KEPT_NQN}/namespaces/7",
        f"{root}/subsystems/{NEW}",
        f"{root}/subsystems/{NEW}/namespaces/1",
    }
    namespace = f"{root}/subsystems/{NEW}/namespaces/1"
    shop.files.rmdir(namespace)
    shop.files.mkdir(namespace)
    assert place.ownership().owned(shop.read()) == owned - {namespace}
    assert Ownership(str(shop.directory), "another boot").owned(shop.read()) == frozenset()


@pytest.mark.parametrize("damage", ["{", "", "[]", "{}", '{"boot": "%s", "objects": 3}', "\udcff"])
def test_a_damaged_record_is_not_nothing_and_is_kept_aside_by_the_next_change(tmp_path: Path, damage: str) -> None:
    """Who prunes what is owned is told; who does not may go on, and finds the old record beside the new one."""
    shop = Workshop(tmp_path)
    place = shop.place()
    assert place.ownership().owned(shop.read()) == frozenset()
    text = damage.replace("%s", BOOT).encode("utf-8", "surrogateescape")
    shop.directory.mkdir(mode=0o700, exist_ok=True)
    (shop.directory / "owned.json").write_bytes(text)
    with pytest.raises(P2pctlError, match="is damaged") as error:
        place.ownership().owned(shop.read())
    assert error.value.path == str(shop.directory / "owned.json")
    assert error.value.hint is not None
    with take_turn(place, command="apply") as turn:
        outcome = turn.carry_out(shop.proposal())
    assert outcome.error is None
    assert [warning.partition(":")[0] for warning in outcome.warnings] == [
        f"{shop.directory}/owned.json was damaged and is {shop.directory}/owned.json.damaged now"
    ]
    assert (shop.directory / "owned.json.damaged").read_bytes() == text
    assert f"/sys/kernel/config/nvmet/subsystems/{NEW}" in place.ownership().owned(shop.read())


def test_a_record_that_cannot_be_read_is_not_nothing_either(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.directory.mkdir(mode=0o700, exist_ok=True)
    (shop.directory / "owned.json").symlink_to("elsewhere")
    with pytest.raises(P2pctlError, match="cannot read"):
        shop.place().ownership().owned(shop.read())
