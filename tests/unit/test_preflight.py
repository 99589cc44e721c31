"""What stands against a plan is found before the first write, and nothing is refused for a fact that was not read."""

from __future__ import annotations

from typing import Any

import pytest

from p2pctl.errors import RefusedError, UnknownError
from p2pctl.model.backing import Backing
from p2pctl.model.facts import ABSENT, UNREADABLE
from p2pctl.model.log import KernelLog, Record
from p2pctl.model.network import Listener, Network
from p2pctl.model.nvmet import Host, Nvmet, Port, Subsystem, TargetNamespace
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.target.diff import plan
from p2pctl.target.merge import merge
from p2pctl.target.plan import Disruption
from p2pctl.target.preflight import Facts, Judgement, Problem, judge, locked_subsystems, paths_to_check, refusal
from p2pctl.target.wishes import HostWish, NamespaceWish, PortWish, SubsystemWish, Wishes

S1, S2 = "nqn.s1", "nqn.s2"
OPEN = {"attr_allow_any_host": "1", "attr_qid_max": "128", "attr_serial": "A"}
NETWORK = Network(0.0, frozenset({"192.0.2.1"}), (Listener("192.0.2.1", 9000),), ())
DISK = Backing("/dev/nvme0n1", "/dev/nvme0n1", "block")


def target() -> Nvmet:
    """One namespace runs; port 1 exports it."""
    running = TargetNamespace(1, {"device_path": "/dev/nvme9n1", "p2pmem": "0", "buffered_io": "0", "enable": "1"})
    tcp = {"addr_trtype": "tcp", "addr_adrfam": "ipv4", "addr_traddr": "192.0.2.1", "addr_trsvcid": "4420"}
    return Nvmet(
        0.0,
        present=True,
        loaded=True,
        hosts={"nqn.h": Host("nqn.h", {"dhchap_key": ""})},
        subsystems={S1: Subsystem(S1, OPEN, {1: running}), S2: Subsystem(S2, OPEN, passthru={"enable": "0"})},
        ports={"1": Port("1", tcp, {S1: S1})},
    )


def judged(wishes: Wishes, *backings: Backing, limit: Disruption = Disruption.ALL, **facts: Any) -> Judgement:
    live = target()
    wanted = merge(live, wishes).wanted
    found = {one.path: one for one in backings}
    return judge(Facts(live, wanted, plan(live, wanted), wishes, found, **facts), limit)


def codes(wishes: Wishes, *backings: Backing, limit: Disruption = Disruption.ALL, **facts: Any) -> list[str]:
    return [problem.code for problem in judged(wishes, *backings, limit=limit, **facts).problems]


def disk(path: str | None = "/dev/nvme0n1", nqn: str = S2, **more: str) -> Wishes:
    attributes = {"enable": "1", **({"device_path": path} if path else {}), **more}
    return Wishes(subsystems={nqn: SubsystemWish(namespaces={7: NamespaceWish(attributes=attributes)})})


def port(**attributes: str) -> Wishes:
    values = {f"addr_{name}": value for name, value in attributes.items()}
    return Wishes(ports={2: PortWish(attributes=values, subsystems=(S1,))})


def test_a_disk_that_is_there_and_free_is_taken() -> None:
    """And what could not be looked at is not called bad."""
    assert codes(disk(), DISK) == []
    assert codes(disk()) == []
    assert codes(disk(), Backing("/dev/nvme0n1", UNREADABLE, UNREADABLE, users_known=False)) == []


@pytest.mark.parametrize(
    ("backing", "code"),
    [
        (Backing("/dev/nvme0n1", ABSENT, ABSENT), "device-missing"),
        (Backing("/dev/nvme0n1", "/dev/nvme0n1", "directory"), "not-a-disk"),
        (Backing("/dev/nvme0n1", "/dev/null", "character"), "not-a-disk"),
        (DISK._replace(users=("mounted on /srv",)), "device-in-use"),
        (Backing("/dev/nvme0n1", "/dev/nvme9n1", "block"), "exported-twice"),
    ],
)
def test_the_kernel_would_not_look(backing: Backing, code: str) -> None:
    """It opens a mounted disk, and the same disk twice, by whatever name, without a word."""
    running = Backing("/dev/nvme9n1", "/dev/nvme9n1", "block")
    assert codes(disk(), backing, running) == [code]


def test_a_namespace_without_a_device_never_reaches_the_kernel() -> None:
    """Some kernels crash when a namespace with buffered_io and without a device is enabled."""
    assert codes(disk(None, buffered_io="1")) == ["no-device"]


def test_what_runs_is_not_judged_again() -> None:
    """A mounted disk that is exported since yesterday is no reason to refuse a new serial number."""
    wishes = Wishes(subsystems={S1: SubsystemWish(attributes={"attr_serial": "B"})})
    live = target()
    assert paths_to_check(live, merge(live, wishes).wanted) == ()
    used = Backing("/dev/nvme9n1", "/dev/nvme9n1", "block", ("mounted on /srv",))
    assert codes(wishes, used) == []
    assert paths_to_check(live, merge(live, disk()).wanted) == ("/dev/nvme0n1", "/dev/nvme9n1")


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        (port(trtype="tcp", adrfam="ipv4", traddr="192.0.2.1", trsvcid="4420"), "address-taken"),
        (port(trtype="tcp", adrfam="ipv4", traddr="192.0.2.1", trsvcid="9000"), "address-taken"),
        (port(trtype="tcp", adrfam="ipv4", traddr="192.0.2.9", trsvcid="4421"), "address-missing"),
        (port(adrfam="ipv4"), "no-transport"),
    ],
)
def test_ports_need_an_address_of_their_own(wishes: Wishes, code: str) -> None:
    """Found before everything else is built, and not by the last link."""
    assert codes(wishes, network=NETWORK) == [code]


def test_a_port_on_a_free_address_is_taken() -> None:
    """Loop has no address, and its name may be anything."""
    assert codes(port(trtype="tcp", adrfam="ipv4", traddr="192.0.2.1", trsvcid="4421"), network=NETWORK) == []
    assert codes(port(trtype="loop"), network=NETWORK) == []


def test_passthru_excludes_namespaces_and_wants_a_controller() -> None:
    """The kernel says EINVAL to both, whatever the reason."""
    through = {"enable": "1", "device_path": "/dev/nvme0n1"}
    live = target()
    subsystem = live.subsystems[S2]._replace(passthru=through, namespaces={1: TargetNamespace(1)})
    wanted = live._replace(subsystems={**live.subsystems, S2: subsystem})
    found = judge(Facts(live, wanted, plan(live, wanted), backings={DISK.path: DISK}), Disruption.ALL)
    assert [problem.code for problem in found.problems] == ["passthru-and-namespaces", "not-a-controller"]


def test_no_more_disruption_than_allowed() -> None:
    """The limit is inclusive, and the refusal names the option that lifts it."""
    wishes = Wishes(ports={1: PortWish(attributes={"addr_trsvcid": "4421"})})
    assert codes(wishes, limit=Disruption.PORT) == []
    (problem,) = judged(wishes, limit=Disruption.NAMESPACE).problems
    assert problem.code == "disruption"
    assert "--disruption port" in (problem.hint or "")


def test_too_many_namespaces_are_counted_and_not_tried() -> None:
    """The kernel calls the 1025th a lack of memory."""
    many = {nsid: NamespaceWish() for nsid in range(1, 1026)}
    assert codes(Wishes(subsystems={S2: SubsystemWish(namespaces=many)})) == ["too-many-namespaces"]


def test_a_key_that_nobody_asks_for_is_a_warning() -> None:
    """DH-CHAP is skipped for whoever needs no name."""
    wishes = Wishes(hosts={"nqn.h": HostWish(attributes={"dhchap_key": "DHHC-1:00:x"})})
    assert judged(wishes).problems == ()
    assert "any host" in judged(wishes).warnings[0]


def test_no_beats_unknown() -> None:
    """The exit code of a refusal is that of its worst reason."""
    no, perhaps = Problem("a", "x", "bad", "mend it"), Problem("b", "y", "who knows", None, "unknown")
    assert isinstance(refusal([perhaps, no]), RefusedError)
    assert isinstance(refusal([perhaps]), UnknownError)
    assert str(refusal([perhaps, no])) == "x: bad (and 1 more); nothing was written"


def test_what_a_host_has_seen_is_locked() -> None:
    """A log that goes back to the boot tells; without it whatever is exported may have been seen."""
    line = f"nvmet: Created nvm controller 1 for subsystem {S2} for NQN nqn.h."
    source = Source("live", "here", "7.3.4", "boot")

    def locked(log: KernelLog | None) -> frozenset[str]:
        return locked_subsystems(Snapshot(source, 0.0, nvmet=target(), log=log))

    assert locked(KernelLog(0.0, (), complete=True)) == frozenset()
    assert locked(KernelLog(0.0, (Record(1, 0.0, line),), complete=True)) == {S2}
    assert locked(KernelLog(0.0, (Record(1, 0.0, line),), complete=False)) == {S1, S2}
    assert locked(None) == {S1}
