"""One step at a time: looked at, recorded, done, read back; and what is told when that does not work."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import pytest

from p2pctl.errors import BusyError, DeniedError, ExitCode, P2pctlError, PartialError
from p2pctl.model.facts import UNREADABLE
from p2pctl.model.network import Listener, Network
from p2pctl.model.nvmet import ROOT
from p2pctl.simulator.nvmet.environment import Environment
from p2pctl.target.change import Proposal, take_turn
from p2pctl.target.meaning import meaning
from p2pctl.target.outcome import Outcome, StepResult
from p2pctl.target.plan import Operation, Plan, Step
from p2pctl.target.shell import bytes_of, shell_line
from p2pctl.target.wishes import HostWish, NamespaceWish, PortWish, SubsystemWish, Wishes
from tests.unit.target_workshop import ENVIRONMENT, HOST_A, KEPT, KEY, NEW, NOW, POOL, RAW, Workshop, tcp, tree

NSID_1 = f"{ROOT}/subsystems/{KEPT}/namespaces/1"


def apply(shop: Workshop, wishes: Wishes | None = None, **more: Any) -> Outcome:
    proposal = shop.proposal() if wishes is None else shop.proposal(wishes)
    with take_turn(shop.place(**more), command="apply") as turn:
        return turn.carry_out(proposal)


def carry_out(shop: Workshop, *steps: Step) -> Outcome:
    live = shop.read()
    with take_turn(shop.place(), command="apply") as turn:
        return turn.carry_out(Proposal(live, live, Plan(steps)))


def test_a_foreign_write_during_the_change_stops_it_and_is_left_alone(tmp_path: Path) -> None:
    """What was done is undone; what somebody else wrote stays."""
    shop = Workshop(tmp_path)
    target = f"{ROOT}/subsystems/{KEPT}/attr_model"

    def foreign(number: int) -> None:
        if number == 10:
            shop.files.write(target, b"Foreign\n")

    shop.door.after = foreign
    outcome = apply(shop)
    assert isinstance(outcome.error, BusyError)
    assert "it was 'Linux' and is 'Foreign'" in outcome.error.message
    assert outcome.rolled_back
    assert tree(shop.read()) == {**tree(shop.before), target: "Foreign"}


def test_an_object_that_somebody_else_makes_meanwhile_is_not_removed(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    made = f"{ROOT}/subsystems/{NEW}"

    def foreign(number: int) -> None:
        if number == 10:
            shop.files.mkdir(made)

    shop.door.after = foreign
    outcome = apply(shop)
    assert outcome.error is not None
    assert (outcome.error.errno, outcome.error.path) == (errno.EEXIST, made)
    assert outcome.rolled_back
    now = tree(shop.read())
    assert {path: value for path, value in now.items() if not path.startswith(made)} == tree(shop.before)
    assert made in now


def test_what_the_kernel_does_not_do_and_calls_success_is_a_failure(tmp_path: Path) -> None:
    """With passthru enabled the kernel enables no namespace, and says nothing; ANA group 128 becomes 0."""
    shop = Workshop(tmp_path)
    before = tree(shop.read())
    outcome = carry_out(shop, Step("write", f"{NSID_1}/ana_grpid", "namespace 1", "128", "1"))
    assert outcome.error is not None
    assert "reported success and did not do it: it reads '0'" in outcome.error.message
    assert (outcome.rolled_back, tree(shop.read())) == (True, before)


def test_the_kernels_own_words_are_attached(tmp_path: Path) -> None:
    """Those since the step began, and no others."""
    shop = Workshop(tmp_path)
    shop.kernel.say("nvmet: something of long ago")
    namespace = NamespaceWish(attributes={"device_path": "/dev/none", "enable": "1"})
    wishes = Wishes(subsystems={KEPT: SubsystemWish(namespaces={3: namespace})})
    outcome = apply(shop, wishes)
    (failed,) = [result for result in outcome.results if result.status == "failed"]
    assert failed.errno == errno.ENOENT
    assert failed.message is not None
    assert "the device or file does not exist" in failed.message
    assert failed.log
    assert all("/dev/none" in line for line in failed.log)
    assert tree(shop.read()) == tree(shop.before)


def test_without_a_log_the_rest_is_told_all_the_same(tmp_path: Path) -> None:
    from p2pctl.hardware.without import WithoutLog

    shop = Workshop(tmp_path)
    wishes = Wishes(ports={3: PortWish(attributes={"addr_traddr": "192.0.2.99"}, subsystems=(KEPT,))})
    outcome = apply(shop, wishes, log=WithoutLog())
    assert outcome.error is not None
    assert outcome.error.errno == errno.EADDRNOTAVAIL
    assert "this host does not have the port's address" in outcome.error.message


def test_who_may_not_change_the_target_is_told_so(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.door.fail = lambda _number, _operation, _path: errno.EPERM
    outcome = apply(shop, Wishes(hosts={"h": HostWish()}))
    assert isinstance(outcome.error, DeniedError)
    assert outcome.error.hint == "run it as root"
    assert (outcome.state, outcome.rolled_back, outcome.changed) == ("nothing", False, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_step_end_and_undoes_what_was_done(tmp_path: Path, number: signal.Signals) -> None:
    shop = Workshop(tmp_path)

    def interrupt(at: int) -> None:
        if at == 30:
            signal.raise_signal(number)

    def ends(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError("the signal was not held back")

    shop.door.before = interrupt
    # One that is ignored, as in the background of a script, would be left alone.
    found = signal.signal(number, ends)
    try:
        outcome = apply(shop)
        assert signal.getsignal(number) is ends
    finally:
        signal.signal(number, found)
    assert outcome.error is not None
    assert outcome.error.exit_code == ExitCode.INTERRUPTED
    assert number.name in outcome.error.message
    assert [result.status for result in outcome.results].count("undone") == 31
    assert tree(shop.read()) == tree(shop.before)


def test_a_signal_and_a_failing_rollback_are_told_as_partial(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)

    def interrupt(at: int) -> None:
        if at == 30:
            signal.raise_signal(signal.SIGTERM)

    shop.door.before = interrupt
    shop.door.fail = lambda at, _operation, _path: errno.EIO if at > 30 else None
    outcome = apply(shop)
    assert isinstance(outcome.error, PartialError)
    assert outcome.residual


def test_lanes_run_side_by_side_and_each_in_order(tmp_path: Path) -> None:
    """Every removal waits for one of each other lane: one after the other they would wait for ever."""
    shop = Workshop(tmp_path)
    names = [f"nqn.2026-11.org.example:lane{number}" for number in range(4)]
    for name in names:
        shop.files.mkdir(f"{ROOT}/subsystems/{name}")
        for nsid in range(1, 4):
            shop.files.mkdir(f"{ROOT}/subsystems/{name}/namespaces/{nsid}")
    barrier = threading.Barrier(4, timeout=30)
    done: list[str] = []

    def meet(_number: int, operation: str, path: str) -> None:
        if operation == "rmdir" and "/namespaces/" in path and "lane" in path:
            barrier.wait()
            done.append(path)

    shop.door.fail = meet
    outcome = apply(shop, Wishes(subsystems={name: SubsystemWish(absent=True) for name in names}))
    assert outcome.error is None
    for name in names:
        assert [path[-1] for path in done if name in path] == ["1", "2", "3"]


def test_a_failing_lane_stops_the_others_and_all_of_them_come_back(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    names = [f"nqn.2026-11.org.example:lane{number}" for number in range(4)]
    for name in names:
        shop.files.mkdir(f"{ROOT}/subsystems/{name}")
        for nsid in range(1, 30):
            shop.files.mkdir(f"{ROOT}/subsystems/{name}/namespaces/{nsid}")
    before = tree(shop.read())
    shop.door.fail = lambda _number, _operation, path: errno.EBUSY if path.endswith("lane2/namespaces/2") else None
    outcome = apply(shop, Wishes(subsystems={name: SubsystemWish(absent=True) for name in names}))
    assert outcome.error is not None
    assert outcome.rolled_back
    assert tree(shop.read()) == before


def test_progress_is_told_of_every_step_in_its_turn(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    told: list[StepResult] = []
    proposal = shop.proposal()
    with take_turn(shop.place(), command="apply") as turn:
        outcome = turn.carry_out(proposal, progress=told.append)
    assert sorted(told, key=repr) == sorted(outcome.results, key=repr)


def test_the_journal_that_cannot_be_written_stops_the_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from p2pctl.target import rundir

    shop = Workshop(tmp_path)
    write, count = rundir.write_all, [0]

    def full(descriptor: int, data: bytes) -> None:
        count[0] += b'"step":' in data
        if count[0] > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(descriptor, data)

    monkeypatch.setattr(rundir, "write_all", full)
    outcome = apply(shop)
    assert outcome.error is not None
    assert "cannot record what is about to be done: no space left on device" in outcome.error.message
    assert tree(shop.read()) == tree(shop.before)


def test_a_listener_that_is_not_there_is_a_failure_and_undone(tmp_path: Path) -> None:
    """The kernel says yes to a port that nobody can reach: only the socket tells."""
    shop = Workshop(tmp_path)
    network = Network(NOW, frozenset({"192.0.2.10"}), (Listener("192.0.2.10", 4429), Listener("192.0.2.1", 4431)), ())
    wishes = Wishes(ports={3: PortWish(attributes={"addr_trsvcid": "4431"}, subsystems=(KEPT,))})
    outcome = apply(shop, wishes, network=lambda: network)
    assert outcome.error is not None
    assert "port 3 does not listen on 192.0.2.10 port 4431" in outcome.error.message
    assert [effect.severity for effect in outcome.effects] == ["failure"]
    assert outcome.rolled_back
    assert tree(shop.read()) == tree(shop.before)
    heard = network._replace(listening=(Listener("192.0.2.10", 4431),))
    assert apply(shop, wishes, network=lambda: heard).error is None


def test_a_listener_that_cannot_be_seen_is_a_warning(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    wishes = Wishes(ports={3: PortWish(subsystems=(KEPT,))})
    outcome = apply(shop, wishes, network=lambda: Network(NOW, UNREADABLE, UNREADABLE, UNREADABLE))
    assert outcome.error is None
    assert [(effect.subject, effect.severity) for effect in outcome.effects] == [("port 3", "warning")]


@pytest.mark.parametrize(
    ("pools", "told"),
    [(frozenset({POOL}), []), (frozenset[str](), ["warning"]), (None, ["warning"])],
    ids=["published", "vanished", "unknown"],
)
def test_a_provider_without_a_pool_is_pointed_out(
    tmp_path: Path, pools: frozenset[str] | None, told: list[str]
) -> None:
    shop = Workshop(tmp_path)
    namespace = NamespaceWish(attributes={"device_path": "/dev/nvme4n1", "p2pmem": POOL, "enable": "1"})
    wishes = Wishes(subsystems={KEPT: SubsystemWish(namespaces={8: namespace})})
    outcome = apply(shop, wishes, pools=lambda: pools)
    assert outcome.error is None
    assert [effect.severity for effect in outcome.effects] == told


def test_what_another_change_makes_the_kernel_set_is_no_foreign_write(tmp_path: Path) -> None:
    """A new transport sets the security anew, which sets treq anew (drivers/nvme/target/configfs.c)."""
    shop = Workshop(tmp_path)
    first = Wishes(ports={3: PortWish(attributes={"addr_tsas": "tls1.3", "addr_treq": "required"})})
    assert apply(shop, first).error is None
    before = tree(shop.read())
    second = Wishes(
        ports={3: PortWish(attributes={"addr_trtype": "rdma", "addr_tsas": "connected", "addr_treq": "not required"})}
    )
    assert apply(shop, second).error is None
    assert tree(shop.read())[f"{ROOT}/ports/3/addr_treq"] == "not required"
    back = Workshop(tmp_path / "again")
    assert apply(back, first).error is None
    failing = len(back.door.made)
    back.door.fail = lambda _number, operation, _path: errno.EIO if operation == "symlink" else None
    assert apply(back, with_link(second)).error is not None
    assert len(back.door.made) > failing
    assert tree(back.read()) == before


def with_link(wishes: Wishes) -> Wishes:
    return wishes._replace(ports={3: wishes.ports[3]._replace(subsystems=(KEPT,))})


STEPS = [
    Step("mkdir", f"{ROOT}/hosts/nqn.x", "host nqn.x"),
    Step("rmdir", f"{ROOT}/hosts/it's $HOME `id`; rm -rf \\", "host"),
    Step("write", f"{ROOT}/discovery_nqn", "the target", "nqn.x:discovery"),
    Step("write", f"{NSID_1}/enable", "namespace", "1"),
    Step("write", f"{NSID_1}/device_path", "namespace", "/srv/a file's $(x) %s \\n -e"),
    Step("write", f"{ROOT}/subsystems/{KEPT}/attr_model", "subsystem", "-n"),
    Step("write", f"{ROOT}/ports/1/addr_traddr", "port 1", ""),
    Step("write", f"{ROOT}/hosts/h/dhchap_key", "host h", ""),
    Step("write", f"{ROOT}/subsystems/s/attr_unknown", "subsystem", "caf\u00e9 \udcff"),
    Step("symlink", f"{ROOT}/ports/1/subsystems/{KEPT}", "port 1", f"{ROOT}/subsystems/{KEPT}"),
    Step("unlink", f"{ROOT}/ports/1/subsystems/\x1b]0;evil\x07", "port 1"),
    Step("chmod", f"{ROOT}/hosts/h/dhchap_key", "host h", "0600"),
    Step("mkdir", f"{ROOT}/hosts/ends in lines\n\n", "host"),
    Step("rmdir", f"{ROOT}/hosts/100%!d\n", "host"),
    Step("symlink", f"{ROOT}/ports/1/subsystems/link\n", "port 1", f"{ROOT}/subsystems/it's\n"),
    Step("unlink", f"{ROOT}/ports/1/subsystems/a\nb\n", "port 1"),
    Step("write", f"{ROOT}/subsystems/s/attr_unknown", "subsystem", "-n \x1b"),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.operation} {step.name!r}")
def test_a_shell_does_with_the_line_what_the_step_does(tmp_path: Path, step: Step) -> None:
    """In a directory instead of configfs; the line itself is one line of printable ASCII."""
    line = shell_line(step)
    assert line.isascii()
    assert line.isprintable()
    root = tmp_path / "sys"
    path = Path(os.fsdecode(os.fsencode(step.path.replace(ROOT, str(root)))))
    path.parent.mkdir(parents=True)
    if step.operation == "rmdir":
        path.mkdir()
    elif step.operation in {"unlink", "chmod"}:
        path.write_text("")
        path.chmod(0o644)
    subprocess.run(["sh", "-c", line.replace(ROOT, str(root))], check=True, timeout=60)
    match step.operation:
        case "mkdir":
            assert path.is_dir()
        case "rmdir" | "unlink":
            assert not path.exists()
        case "write":
            assert path.read_bytes() == bytes_of(step)
        case "symlink":
            assert str(path.readlink()) == step.value.replace(ROOT, str(root))
        case "chmod":
            assert path.stat().st_mode & 0o777 == 0o600


def test_a_shell_line_shows_no_key() -> None:
    line = shell_line(Step("write", f"{ROOT}/hosts/h/dhchap_key", "host h", KEY, KEY))
    assert "canary" not in line
    assert "<redacted>" in line


Refusal = tuple[Callable[[Workshop], None], Step, int, str]


def nothing(_shop: Workshop) -> None:
    """No preparation."""


def many(shop: Workshop) -> None:
    for nsid in range(100, 100 + 1021):
        shop.files.mkdir(f"{ROOT}/subsystems/{KEPT}/namespaces/{nsid}")


def in_use(shop: Workshop) -> None:
    shop.kernel.environment = replace(ENVIRONMENT, listeners=frozenset({("192.0.2.10", 4430)}))


def no_address(shop: Workshop) -> None:
    shop.kernel.environment = Environment(devices=ENVIRONMENT.devices)


@pytest.mark.parametrize(
    ("prepare", "step", "code", "told"),
    [
        (many, Step("mkdir", f"{ROOT}/subsystems/{KEPT}/namespaces/9", "n"), errno.ENOMEM, "1,024 namespaces"),
        (nothing, Step("mkdir", f"{ROOT}/ports/65536", "p"), errno.EINVAL, "port number"),
        (nothing, Step("rmdir", f"{ROOT}/subsystems/{KEPT}", "s"), errno.EBUSY, "a port still exports it"),
        (nothing, Step("rmdir", f"{ROOT}/hosts/{HOST_A}", "h"), errno.EBUSY, "a subsystem still allows it"),
        (nothing, Step("rmdir", f"{ROOT}/ports/1", "p"), errno.ENOTEMPTY, "still has exports"),
        (nothing, Step("write", f"{ROOT}/ports/1/addr_trsvcid", "p", "1"), errno.EACCES, "exports subsystems"),
        (nothing, Step("write", f"{NSID_1}/p2pmem", "n", "0"), errno.EBUSY, "the namespace is enabled"),
        (nothing, Step("write", f"{ROOT}/subsystems/{KEPT}/namespaces/3/p2pmem", "n", "0000:7f:00.0"), errno.ENODEV,
         "publishes no peer-to-peer memory"),
        (nothing, Step("write", f"{ROOT}/subsystems/{KEPT}/namespaces/3/enable", "n", "1"), errno.EINVAL,
         "device_path is not set"),
        (nothing, Step("write", f"{ROOT}/subsystems/nqn.2026-11.org.example:seen/attr_serial", "s", "X"), errno.EINVAL,
         "a host has identified the subsystem"),
        (nothing, Step("write", f"{ROOT}/subsystems/{KEPT}/passthru/enable", "s", "1"), errno.EINVAL, "no namespace"),
        (nothing, Step("write", f"{ROOT}/subsystems/{KEPT}/attr_allow_any_host", "s", "1"), errno.EINVAL,
         "not both"),
        (in_use, Step("symlink", f"{ROOT}/ports/3/subsystems/{KEPT}", "p", f"{ROOT}/subsystems/{KEPT}"),
         errno.EADDRINUSE, "listens there"),
        (no_address, Step("symlink", f"{ROOT}/ports/3/subsystems/{KEPT}", "p", f"{ROOT}/subsystems/{KEPT}"),
         errno.EADDRNOTAVAIL, "does not have the port's address"),
        (nothing, Step("symlink", f"{ROOT}/ports/4/subsystems/{RAW}", "p", f"{ROOT}/subsystems/{RAW}"), errno.EINVAL,
         "or the transport's module is missing"),
    ],
    ids=lambda value: value.path.removeprefix(ROOT) if isinstance(value, Step) else None,
)  # fmt: skip
def test_the_kernels_answer_is_explained(
    tmp_path: Path, prepare: Callable[[Workshop], None], step: Step, code: int, told: str
) -> None:
    """The errno is the simulated kernel's own; the sentence is what it means there."""
    shop = Workshop(tmp_path)
    prepare(shop)
    before = tree(shop.read())
    outcome = carry_out(shop, step)
    assert outcome.error is not None
    assert outcome.error.errno == code
    assert told in outcome.error.message
    assert type(outcome.error) is P2pctlError
    after = tree(shop.read())
    # A port that could not be opened has resolved its parameters all the same; nobody links it, so it is made anew.
    assert after == before


@pytest.mark.parametrize(
    ("attributes", "code", "told"),
    [
        (tcp(4499, param_pi_enable="1"), errno.EINVAL, "has pi_enable, and its transport has no protection"),
        (tcp(4499) | {"addr_adrfam": ""}, errno.EINVAL, "the port has no address family"),
        (tcp(4499, addr_adrfam="ib"), errno.EINVAL, "does not take the port's address family"),
        (tcp(4499, addr_traddr="::1"), errno.EINVAL, "do not have the form of its address family"),
        ({"addr_trtype": "pci"}, errno.EINVAL, "the module of the port's transport is not loaded"),
        (tcp(4499, addr_traddr="192.0.2.99"), errno.EADDRNOTAVAIL, "this host does not have the port's address"),
        (tcp(4499, addr_trtype="rdma", addr_traddr="192.0.2.99"), errno.EADDRNOTAVAIL, "or, with rdma, this address"),
    ],
)
def test_the_kernels_log_tells_why_a_port_was_not_opened(
    tmp_path: Path, attributes: dict[str, str], code: int, told: str
) -> None:
    """One errno stands for many reasons, and no meaning claims more than errno and log say."""
    environment = replace(ENVIRONMENT, transports=ENVIRONMENT.transports - {"pci"})
    shop = Workshop(tmp_path, environment)
    path = f"{ROOT}/ports/9"
    shop.files.mkdir(path)
    for file, text in attributes.items():
        if text:
            shop.files.write(f"{path}/{file}", f"{text}\n".encode())
    outcome = carry_out(shop, Step("symlink", f"{path}/subsystems/{KEPT}", "p", f"{ROOT}/subsystems/{KEPT}"))
    assert outcome.error is not None
    assert (outcome.error.errno, told in outcome.error.message) == (code, True), outcome.error.message


def test_every_operation_means_something_to_somebody() -> None:
    for operation in get_args(Operation):
        step = Step(operation, f"{ROOT}/ports/1", "port 1")
        assert meaning(step, errno.EROFS) is not None
        assert meaning(step, errno.EIO) is not None
        assert meaning(step, errno.ETIMEDOUT) is None


def test_attributes_of_a_new_port_are_written_once_each(tmp_path: Path) -> None:
    """No operation but one an attribute, a directory, a link."""
    shop = Workshop(tmp_path)
    outcome = apply(shop, Wishes(ports={9: PortWish(attributes=tcp(4499), subsystems=(KEPT,))}))
    assert outcome.error is None
    assert [operation for operation, _, _ in shop.door.made] == ["mkdir", *["write"] * 4, "symlink"]
