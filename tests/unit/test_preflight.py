"""What stands against a plan is found before the first write, and nothing is refused for a fact that was not read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from p2pctl.errors import RefusedError, UnknownError
from p2pctl.model.backing import Backing
from p2pctl.model.facts import ABSENT, UNREADABLE, Gap
from p2pctl.model.log import KernelLog, Record
from p2pctl.model.network import Listener, Network
from p2pctl.model.nvmet import Attributes, Host, Nvmet, Port, Subsystem, TargetNamespace
from p2pctl.model.pools import Pools
from p2pctl.model.rdma import Rdma, RdmaDevice, RdmaPort
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.target.diff import plan
from p2pctl.target.merge import merge
from p2pctl.target.plan import Disruption
from p2pctl.target.preflight import Facts, Judgement, Problem, judge, locked_subsystems, paths_to_check, refusal
from p2pctl.target.wishes import Expectation, HostWish, NamespaceWish, PortWish, SubsystemWish, Wishes
from tests.unit.port_hosts import NVME1, machine

S1, S2 = "nqn.s1", "nqn.s2"
OPEN = {"attr_allow_any_host": "1", "attr_qid_max": "128", "attr_serial": "A"}
NETWORK = Network(0.0, frozenset({"192.0.2.1"}), (Listener("192.0.2.1", 9000),), ())
ANY = "0.0.0.0"  # noqa: S104  nothing is bound here
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
        (port(trtype="tcp", adrfam="ipv4", traddr=ANY, trsvcid="4420"), "address-taken"),
        (port(trtype="tcp", adrfam="ipv6", traddr="::", trsvcid="4420"), "address-taken"),
        (port(trtype="tcp", adrfam="ipv6", traddr="::ffff:192.0.2.1", trsvcid="4420"), "address-taken"),
        (port(trtype="tcp", adrfam="ipv6", traddr="::", trsvcid="9000"), "address-taken"),
    ],
)
def test_ports_need_an_address_of_their_own(wishes: Wishes, code: str) -> None:
    """Found before everything else is built, and not by the last link."""
    assert codes(wishes, network=NETWORK) == [code]


def test_a_port_on_a_free_address_is_taken() -> None:
    """Loop has no address, and its name may be anything."""
    assert codes(port(trtype="tcp", adrfam="ipv4", traddr="192.0.2.1", trsvcid="4421"), network=NETWORK) == []
    assert codes(port(trtype="loop"), network=NETWORK) == []


def test_a_port_that_takes_every_address_leaves_none_to_others() -> None:
    """The IPv6 one takes those of IPv4, too; the target's own sockets are no other program's."""
    live = target()
    attributes = {"addr_trtype": "tcp", "addr_adrfam": "ipv6", "addr_traddr": "::", "addr_trsvcid": "4420"}
    live = live._replace(ports={"1": live.ports["1"]._replace(attributes=attributes)})
    listening = (Listener("::", 4420),)
    network = NETWORK._replace(listening=listening)

    def found(wishes: Wishes) -> list[str]:
        wanted = merge(live, wishes).wanted
        facts = Facts(live, wanted, plan(live, wanted), wishes, network=network)
        return [one.text for one in judge(facts, Disruption.ALL).problems]

    taken = found(port(trtype="tcp", traddr="192.0.2.1", trsvcid="4420"))
    assert taken == ["port 1 listens on tcp [::]:4420"]
    assert found(port(trtype="tcp", traddr="192.0.2.1", trsvcid="4421")) == []
    moved = PortWish(attributes={"addr_traddr": "192.0.2.1", "addr_adrfam": "ipv4"})
    assert found(Wishes(ports={1: moved})) == []


def test_for_rdma_the_families_are_apart_and_loopback_takes_every_address() -> None:
    def found(first: str, second: str) -> list[str]:
        wishes = Wishes(
            ports={
                number: PortWish(
                    attributes={"addr_trtype": "rdma", "addr_traddr": address, "addr_trsvcid": "4420"},
                    subsystems=(S1,),
                )
                for number, address in ((2, first), (3, second))
            }
        )
        return codes(wishes)

    assert found("192.0.2.1", "192.0.2.1") == ["address-taken"]
    assert found("192.0.2.1", "127.0.0.1") == ["address-taken"]
    assert found("192.0.2.1", ANY) == ["address-taken"]
    assert found("192.0.2.1", "::") == []
    assert found("192.0.2.1", "192.0.2.2") == []


def rdma_port(address: str) -> Wishes:
    return port(trtype="rdma", traddr=address, trsvcid="4500")


def test_an_rdma_port_takes_a_device_behind_its_address() -> None:
    """Without one the kernel says ENODEV, when everything else is built; the device may come, as at boot."""
    cards = machine().rdma
    assert cards is not None
    everywhere = NETWORK._replace(addresses=frozenset({"192.0.2.1", "192.0.2.10", "127.0.0.1"}))
    (problem,) = judged(rdma_port("192.0.2.1"), network=everywhere, rdma=cards).problems
    assert (problem.code, problem.waitable) == ("rdma-device-missing", True)
    assert problem.text == "no RDMA device has the address 192.0.2.1 (yet)"
    assert codes(rdma_port("192.0.2.10"), network=everywhere, rdma=cards) == []
    assert codes(port(trtype="tcp", traddr="192.0.2.1", trsvcid="4500"), network=everywhere, rdma=cards) == []
    # What follows from a missing address is not told beside it.
    assert codes(rdma_port("192.0.2.9"), network=everywhere, rdma=cards) == ["address-missing"]


def test_every_address_takes_no_rdma_device_and_loopback_is_not_meant_to_be_every_address() -> None:
    """The kernel opens both to all devices that there are and will be; nothing that comes changes what was meant."""
    none = Rdma(0.0, {}, {})
    assert codes(rdma_port(ANY), network=NETWORK, rdma=none) == []
    assert codes(rdma_port("::"), network=NETWORK, rdma=none) == []
    local = NETWORK._replace(addresses=frozenset({"127.0.0.1", "::1"}))
    for address in ("127.0.0.1", "::1"):
        (problem,) = judged(rdma_port(address), network=local, rdma=none).problems
        assert (problem.code, problem.waitable) == ("rdma-device-missing", False)
        assert "every address of every device" in problem.text


def test_an_rdma_device_that_cannot_be_told_is_not_called_missing() -> None:
    """Not read, read in part, or of a kind that shows no addresses."""
    assert codes(rdma_port("192.0.2.1"), network=NETWORK) == []
    assert codes(rdma_port("192.0.2.1"), network=NETWORK, rdma=Rdma(0.0, {}, {})) == ["rdma-device-missing"]
    unread = Rdma(0.0, {}, {}, (Gap("rdma devices", None, "/sys/class/infiniband", 13, "root"),))
    assert codes(rdma_port("192.0.2.1"), network=NETWORK, rdma=unread) == []
    silent = RdmaDevice("ib0", NVME1, "x", "x", False, None, (RdmaPort(1, "ACTIVE", "InfiniBand", ()),), ())
    assert codes(rdma_port("192.0.2.1"), network=NETWORK, rdma=Rdma(0.0, {"ib0": silent}, {})) == []


@pytest.mark.parametrize("p2p", ["required", "preferred"])
def test_p2p_that_a_late_device_may_bring_is_waited_for(p2p: Expectation) -> None:
    """The memory of a drive that is probed later, and the card behind the port; not what no device can change."""
    full = machine()

    def found(snapshot: Snapshot, p2pmem: str = "1", device: str = "/dev/nvme0n1") -> list[tuple[str, bool]]:
        attributes = {"device_path": device, "p2pmem": p2pmem, "buffered_io": "0", "enable": "1"}
        values = {"addr_trtype": "rdma", "addr_traddr": "192.0.2.10", "addr_trsvcid": "4500"}
        wishes = Wishes(
            subsystems={S2: SubsystemWish(namespaces={7: NamespaceWish(attributes=attributes)})},
            ports={2: PortWish(attributes=values, subsystems=(S2,), p2p=p2p)},
        )
        return [(one.code, one.waitable) for one in judged(wishes, snapshot=snapshot).problems]

    required = p2p == "required"
    assert found(full) == []
    without = replace(full, pools=Pools(0.0, {}, {}))
    assert found(without) == [("p2pmem-refused", True)] + [("p2p-required", True)] * required
    assert found(replace(full, rdma=Rdma(0.0, {}, {}))) == [("p2p-required", True)] * required
    assert found(full, device="/dev/nvme2n1") == [("p2p-required", True)] * required
    assert found(full, p2pmem="0") == [("p2p-required", False)] * required
    assert found(full, device="/dev/sda") == [("p2pmem-refused", False)] + [("p2p-required", False)] * required


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"trtype": "rdma", "tsas": "tls1.3"}, "tsas tls1.3 is not possible with rdma"),
        ({"trtype": "loop", "tsas": "none"}, "tsas none is not possible with loop"),
        ({"tsas": "tls1.3", "treq": "required"}, "not possible with a port without trtype"),
        ({"trtype": "tcp", "tsas": "tls1.3", "treq": "not specified"}, "refuses treq not specified"),
        ({"trtype": "tcp", "traddr": "1.2.3.400"}, "is no IP address"),
        ({"trtype": "tcp", "adrfam": "ipv4", "traddr": "::1"}, "is no IPv4 address"),
        ({"trtype": "tcp", "adrfam": "fc"}, "takes adrfam ipv4 or ipv6, not fc"),
        ({"trtype": "tcp", "trsvcid": "0"}, "port 0 would be another one"),
        ({"trtype": "rdma", "trsvcid": "nvme"}, "takes a port number"),
    ],
)
def test_what_the_kernel_refuses_of_a_port_never_reaches_it(attributes: dict[str, str], words: str) -> None:
    """By a command as by a document; whether the port exports something already or is prepared for it."""
    values = {f"addr_{name}": value for name, value in attributes.items()}
    (problem,) = judged(Wishes(ports={2: PortWish(attributes=values)})).problems
    assert (problem.code, problem.subject, words in problem.text) == ("port-refused", "port 2", True)


def test_a_port_that_is_to_stay_closed_may_have_any_address() -> None:
    """A document of such a port can be applied elsewhere."""
    odd = {"addr_trtype": "tcp", "addr_traddr": "nowhere", "addr_trsvcid": "none", "param_pi_enable": "1"}
    assert codes(Wishes(ports={2: PortWish(attributes=odd, subsystems=())})) == []


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"trtype": "rdma", "trsvcid": "4420"}, {"rdma needs an address"}),
        ({"trtype": "tcp", "traddr": "192.0.2.1"}, {"tcp needs a port number"}),
        ({"trtype": "fc", "traddr": "nn-0x1:pn-0x2"}, {"fc needs adrfam fc"}),
    ],
)
def test_a_port_that_exports_something_has_all_that_its_transport_needs(
    attributes: dict[str, str], words: set[str]
) -> None:
    found = [one.text.partition(",")[0] for one in judged(port(**attributes), network=NETWORK).problems]
    assert {next(word for word in words if text.startswith(word)) for text in found} == words


def test_protection_information_takes_rdma() -> None:
    for transport, expected in (("tcp", ["port-refused"]), ("rdma", [])):
        values = {"addr_trtype": transport, "addr_traddr": "192.0.2.1", "addr_trsvcid": "4500", "param_pi_enable": "1"}
        assert codes(Wishes(ports={2: PortWish(attributes=values, subsystems=(S1,))})) == expected


def test_a_port_that_works_is_not_judged_by_what_else_changes() -> None:
    """What the kernel has taken is right, whatever the rules say of it."""
    live = target()
    odd = {**live.ports["1"].attributes, "addr_tsas": "odd", "addr_traddr": "odd", "param_pi_enable": "1"}
    live = live._replace(ports={"1": live.ports["1"]._replace(attributes=odd)})
    for wishes in (Wishes(ports={1: PortWish(link=(S2,))}), Wishes(subsystems={S2: SubsystemWish(allow=())})):
        wanted = merge(live, wishes).wanted
        assert judge(Facts(live, wanted, plan(live, wanted), wishes), Disruption.ALL).problems == ()


def test_what_could_not_be_read_of_a_port_is_not_called_missing() -> None:
    live = target()
    full = {"addr_trtype": "tcp", "addr_adrfam": "ipv4", "addr_trsvcid": "4500"}
    unread: tuple[Attributes, ...] = ({**full, "addr_traddr": UNREADABLE}, {**full, "addr_trtype": UNREADABLE})
    for attributes in unread:
        before = live._replace(ports={"2": Port("2", attributes)})
        wishes = Wishes(ports={2: PortWish(link=(S1,))})
        wanted = merge(before, wishes).wanted
        facts = Facts(before, wanted, plan(before, wanted), wishes, network=NETWORK)
        assert judge(facts, Disruption.ALL).problems == ()


def test_the_name_of_discovery_and_those_of_subsystems_are_apart() -> None:
    """A new one is compared with the beginnings of theirs, theirs with the whole of it."""
    live = target()._replace(attributes={"discovery_nqn": "nqn.d"})

    def found(wishes: Wishes) -> list[str]:
        wanted = merge(live, wishes).wanted
        return [one.code for one in judge(Facts(live, wanted, plan(live, wanted), wishes), Disruption.ALL).problems]

    assert found(Wishes(attributes={"discovery_nqn": "nqn"})) == ["discovery-nqn"]
    assert found(Wishes(attributes={"discovery_nqn": S1})) == ["discovery-nqn"]
    assert found(Wishes(attributes={"discovery_nqn": f"{S1}:more"})) == []
    for nqn, expected in (("nqn.d", ["discovery-nqn"]), ("nqn.d2", []), ("nqn", [])):
        assert found(Wishes(subsystems={nqn: SubsystemWish()})) == expected


@pytest.mark.parametrize("file", ["device_uuid", "device_nguid"])
def test_no_two_namespaces_have_one_identity(file: str) -> None:
    """Hosts take two paths to one disk for it, in whatever subsystem; zeros are no identity."""
    live = target()
    mark, other = "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11", "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d12"
    zeros = "00000000-0000-0000-0000-000000000000"

    def found(nqn: str, nsid: int, attributes: dict[str, str], there: str = mark) -> list[tuple[str, str]]:
        spaces = {
            1: TargetNamespace(1, {**live.subsystems[S1].namespaces[1].attributes, file: there}),
            2: TargetNamespace(2, {file: there, "device_path": "/dev/x", "enable": "0", "ana_grpid": "1"}),
            3: TargetNamespace(3, {file: other, "enable": "0"}),
        }
        before = live._replace(subsystems={**live.subsystems, S1: live.subsystems[S1]._replace(namespaces=spaces)})
        wishes = Wishes(subsystems={nqn: SubsystemWish(namespaces={nsid: NamespaceWish(attributes=attributes)})})
        wanted = merge(before, wishes).wanted
        judgement = judge(Facts(before, wanted, plan(before, wanted), wishes), Disruption.ALL)
        return [(one.code, one.subject) for one in judgement.problems]

    taken = [("identity-taken", f"namespace 7 of {S2}")]
    assert found(S2, 7, {file: mark}) == taken
    assert found(S2, 7, {file: mark.upper()}) == taken
    assert found(S1, 3, {file: mark}) == [("identity-taken", f"namespace 3 of {S1}")]
    assert found(S1, 2, {"enable": "1"}) == [("identity-taken", f"namespace 2 of {S1}")]
    assert found(S1, 2, {"ana_grpid": "2"}) == []
    assert found(S2, 7, {file: "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d13"}) == []
    assert found(S2, 7, {file: zeros}, zeros) == []


@pytest.mark.parametrize(
    ("text", "refused"), [("0001:01:01.0", True), ("ffff:01:01.0", True), ("0000:05:00.0", True), (str(NVME1), False)]
)
def test_a_provider_is_looked_for_when_it_is_named_enabled_or_not(text: str, refused: bool) -> None:
    """The write itself fails; what is named already, and stays, is not looked for again."""
    wishes = Wishes(subsystems={S2: SubsystemWish(namespaces={7: NamespaceWish(attributes={"p2pmem": text})})})
    assert codes(wishes, snapshot=machine()) == (["p2pmem-refused"] if refused else [])
    live = merge(target(), wishes).wanted
    wanted = merge(live, Wishes(subsystems={S2: SubsystemWish(attributes={"attr_serial": "B"})})).wanted
    assert judge(Facts(live, wanted, plan(live, wanted), snapshot=machine()), Disruption.ALL).problems == ()


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
