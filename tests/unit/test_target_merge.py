"""What is wanted is what is there, with the wishes laid over it, and nothing else."""

from __future__ import annotations

import pytest

from p2pctl.errors import NotFoundError, RefusedError, UnsupportedError
from p2pctl.model.nvmet import ROOT, AnaGroup, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target.diff import plan
from p2pctl.target.merge import merge
from p2pctl.target.plan import Disruption, Step
from p2pctl.target.pruning import Prune
from p2pctl.target.uses import Use, in_use
from p2pctl.target.wishes import HostWish, NamespaceWish, PortWish, SubsystemWish, Wishes

H1, H2, S1, S2 = "nqn.h1", "nqn.h2", "nqn.s1", "nqn.s2"
CLOSED = {"attr_allow_any_host": "0", "attr_serial": "A" + " " * 19, "attr_qid_max": "128"}
TCP = {
    "addr_trtype": "tcp",
    "addr_traddr": "192.0.2.1",
    "addr_tsas": "tls1.3",
    "addr_treq": "required",
    "param_inline_data_size": "16384",
}


def target() -> Nvmet:
    """Two subsystems; port 1 exports the first under a name of somebody's choice."""
    disk = TargetNamespace(1, {"device_path": "/dev/nvme0n1", "p2pmem": "0", "enable": "1"})
    return Nvmet(
        0.0,
        present=True,
        loaded=True,
        hosts={H1: Host(H1, {"dhchap_key": ""}), H2: Host(H2, {"dhchap_key": ""})},
        subsystems={
            S1: Subsystem(S1, CLOSED, {1: disk}, {"any name": H1}),
            S2: Subsystem(S2, CLOSED | {"attr_allow_any_host": "1"}),
        },
        ports={"01": Port("01", TCP, {"renamed": S1}, {1: AnaGroup(1, {"ana_state": "optimized"})})},
        attributes={"discovery_nqn": "nqn.2014-08.org.nvmexpress.discovery"},
    )


def steps(
    wishes: Wishes, *, prune: Prune = "none", owned: tuple[str, ...] = (), locked: tuple[str, ...] = ()
) -> list[Step]:
    live = target()
    return list(plan(live, merge(live, wishes, prune=prune, owned=owned).wanted, locked=locked).steps)


def shown(found: list[Step]) -> list[tuple[str, str, str]]:
    return [(step.operation, step.path.removeprefix(f"{ROOT}/"), step.value) for step in found]


def test_no_wishes_no_steps() -> None:
    """What nobody mentions stays."""
    assert steps(Wishes()) == []


def test_a_port_is_absent_by_every_name() -> None:
    """``01`` and ``0x1`` are directories of the same port: what is left of it would come back at the next look."""
    live = target()
    live = live._replace(ports={**live.ports, "1": Port("1", TCP), "0x1": Port("0x1", TCP), "2": Port("2", TCP)})
    wanted = merge(live, Wishes(ports={1: PortWish(absent=True)})).wanted
    assert set(wanted.ports) == {"2"}


def test_what_others_have_made_in_an_object_of_ours_stays_and_so_does_that() -> None:
    """Pruning what p2pctl owns would take it away with the subsystem or port that it is in."""
    live = target()
    mine = f"{ROOT}/subsystems/{S1}"
    spaces = {**live.subsystems[S1].namespaces, 2: TargetNamespace(2, {"enable": "0"})}
    port = live.ports["01"]._replace(referrals={"peer": Referral("peer", {"enable": "0"})})
    live = live._replace(
        subsystems={**live.subsystems, S1: live.subsystems[S1]._replace(namespaces=spaces)}, ports={"01": port}
    )
    owned = {mine, f"{mine}/namespaces/1", f"{ROOT}/ports/01"}
    kept = merge(live, Wishes(), prune="owned", owned=owned)
    assert set(kept.wanted.subsystems[S1].namespaces) == {2}
    assert kept.wanted.ports["01"] == port
    assert [note.partition(":")[0] for note in kept.notes] == [
        f"namespace 2 of {S1} is not p2pctl's own",
        "referral peer of port 01 is not p2pctl's own",
    ]
    everything = owned | {f"{mine}/namespaces/2", f"{ROOT}/ports/01/referrals/peer"}
    gone = merge(live, Wishes(), prune="owned", owned=everything).wanted
    assert (set(gone.subsystems), set(gone.ports)) == ({S2}, set())


def test_what_ports_of_others_export_stays_whole() -> None:
    """The port that goes on exporting it, and the hosts behind that, are not p2pctl's; one that ends its export is."""
    live = target()
    mine = {f"{ROOT}/subsystems/{S1}", f"{ROOT}/subsystems/{S1}/namespaces/1", f"{ROOT}/subsystems/{S2}"}
    kept = merge(live, Wishes(), prune="owned", owned=mine)
    assert (set(kept.wanted.subsystems), kept.wanted.ports) == ({S1}, live.ports)
    assert kept.wanted.subsystems[S1] == live.subsystems[S1]
    assert kept.notes[0] == f"subsystem {S1} stays: port 01 exports it, and is not p2pctl's own"
    for wishes, owned in (
        (Wishes(), mine | {f"{ROOT}/ports/01"}),
        (Wishes(ports={1: PortWish(absent=True)}), mine),
        (Wishes(ports={1: PortWish(subsystems=())}), mine),
        (Wishes(ports={1: PortWish(unlink=(S1,))}), mine),
    ):
        assert merge(live, wishes, prune="owned", owned=owned).wanted.subsystems == {}


@pytest.mark.parametrize(
    ("attributes", "family"),
    [
        ({"addr_trtype": "tcp", "addr_traddr": "192.0.2.7"}, "ipv4"),
        ({"addr_trtype": "rdma", "addr_traddr": "::1"}, "ipv6"),
        ({"addr_trtype": "tcp", "addr_traddr": "fe80::1%eth0"}, "ipv6"),
        ({"addr_trtype": "tcp", "addr_traddr": "192.0.2.7", "addr_adrfam": "ipv6"}, "ipv6"),
        ({"addr_trtype": "tcp", "addr_traddr": "host.example"}, None),
        ({"addr_trtype": "tcp"}, None),
        ({"addr_trtype": "loop", "addr_traddr": "192.0.2.7"}, None),
    ],
)
def test_a_new_port_has_the_family_of_its_address(attributes: dict[str, str], family: str | None) -> None:
    """The kernel does not derive it, and refuses a port over IP that has none."""
    wanted = merge(target(), Wishes(ports={7: PortWish(attributes=attributes)})).wanted
    assert wanted.ports["7"].attributes.get("addr_adrfam") == family


def test_the_family_of_a_port_that_is_there_is_set_where_it_is_unset_and_needed() -> None:
    """A document of the target as it is asks for no change of a port that exports nothing."""
    live = target()
    idle = Port("3", {"addr_trtype": "tcp", "addr_adrfam": "", "addr_traddr": "192.0.2.7"})
    live = live._replace(ports={**live.ports, "3": idle})

    def family(wish: PortWish) -> object:
        return merge(live, Wishes(ports={3: wish})).wanted.ports["3"].attributes["addr_adrfam"]

    same = {"addr_trtype": "tcp", "addr_traddr": "192.0.2.7"}
    assert family(PortWish(attributes=same, subsystems=())) == ""
    assert family(PortWish(attributes={"addr_traddr": "::1"})) == "ipv6"
    assert family(PortWish(link=(S1,))) == "ipv4"


def test_what_already_holds_is_no_step() -> None:
    """Values are compared as the kernel shows them: padded, in its spelling."""
    same = SubsystemWish(attributes={"attr_serial": "A"}, allowed_hosts=(H1,))
    assert steps(Wishes(subsystems={S1: same}, ports={1: PortWish(subsystems=(S1,))})) == []


def test_a_namespace_is_off_while_its_device_changes() -> None:
    """And only hosts of this namespace notice."""
    wish = SubsystemWish(namespaces={1: NamespaceWish(attributes={"p2pmem": "1"})})
    found = steps(Wishes(subsystems={S1: wish}))
    at = f"subsystems/{S1}/namespaces/1"
    assert shown(found) == [
        ("write", f"{at}/enable", "0"),
        ("write", f"{at}/p2pmem", "1"),
        ("write", f"{at}/enable", "1"),
    ]
    assert [step.disruption for step in found] == [Disruption.NAMESPACE, Disruption.NONE, Disruption.NONE]
    assert found[0].why == "to change p2pmem"


def test_a_port_is_down_while_its_address_changes() -> None:
    """Its links keep their names, however strange."""
    found = steps(Wishes(ports={1: PortWish(attributes={"addr_traddr": "192.0.2.2"})}))
    link = "ports/01/subsystems/renamed"
    assert shown(found) == [
        ("unlink", link, ""),
        ("write", "ports/01/addr_traddr", "192.0.2.2"),
        ("symlink", link, f"{ROOT}/subsystems/{S1}"),
    ]
    assert max(step.disruption for step in found) is Disruption.PORT


def test_a_kernel_that_sets_treq_back_is_told_again() -> None:
    """A store of tsas resets treq, so a treq that is wished for is written even where it reads right already."""
    wish = PortWish(attributes={"addr_tsas": "none", "addr_treq": "required"})
    assert ("write", "ports/01/addr_treq", "required") in shown(steps(Wishes(ports={1: wish})))


def test_an_automatic_parameter_holds_on_a_live_port() -> None:
    """The kernel has put its own choice where the parameter was automatic."""
    assert steps(Wishes(ports={1: PortWish(attributes={"param_inline_data_size": "-1"})})) == []


def test_locked_identity_takes_a_new_subsystem() -> None:
    """It is made anew with everything it had, and exported again at the end."""
    wish = Wishes(subsystems={S1: SubsystemWish(attributes={"attr_serial": "B"})})
    assert shown(steps(wish)) == [("write", f"subsystems/{S1}/attr_serial", "B")]
    found = steps(wish, locked=(S1,))
    assert found[0].operation == "unlink"
    assert found[0].disruption is Disruption.ALL
    assert shown(found)[-1] == ("symlink", "ports/01/subsystems/renamed", f"{ROOT}/subsystems/{S1}")
    assert ("symlink", f"subsystems/{S1}/allowed_hosts/any name", f"{ROOT}/hosts/{H1}") in shown(found)
    assert ("write", f"subsystems/{S1}/namespaces/1/device_path", "/dev/nvme0n1") in shown(found)


def test_queues_cost_every_connection() -> None:
    """The kernel deletes all controllers of a subsystem when qid_max is written."""
    (step,) = steps(Wishes(subsystems={S1: SubsystemWish(attributes={"attr_qid_max": "8"})}))
    assert step.disruption is Disruption.PORT
    (step,) = steps(Wishes(subsystems={S2: SubsystemWish(attributes={"attr_qid_max": "8"})}))
    assert step.disruption is Disruption.NONE


def test_a_host_that_is_allowed_is_made() -> None:
    """The kernel links to a directory, which somebody must make first."""
    live = target()
    merged = merge(live, Wishes(subsystems={S1: SubsystemWish(allow=("nqn.h3",))}))
    assert shown(list(plan(live, merged.wanted).steps)) == [
        ("mkdir", "hosts/nqn.h3", ""),
        ("symlink", f"subsystems/{S1}/allowed_hosts/nqn.h3", f"{ROOT}/hosts/nqn.h3"),
    ]
    assert merged.notes == (f"host nqn.h3 stays or is made, since {S1} allows it",)


def test_a_host_that_goes_loses_its_rights_first() -> None:
    """The link would keep the directory (EBUSY)."""
    assert shown(steps(Wishes(hosts={H1: HostWish(absent=True)}))) == [
        ("unlink", f"subsystems/{S1}/allowed_hosts/any name", ""),
        ("rmdir", f"hosts/{H1}", ""),
    ]


def test_a_key_is_hidden_before_it_is_written() -> None:
    """Attributes are readable for all until somebody says otherwise."""
    found = steps(Wishes(hosts={H1: HostWish(attributes={"dhchap_key": "DHHC-1:00:x"})}))
    assert [(step.operation, step.value) for step in found] == [("chmod", "0600"), ("write", "DHHC-1:00:x")]


def test_nothing_is_pruned_unless_asked() -> None:
    """Owned prunes what p2pctl made, all prunes the rest, too; children of named objects among them."""
    wishes = Wishes(subsystems={S1: SubsystemWish()}, ports={1: PortWish()}, hosts={H1: HostWish()})
    assert steps(wishes) == []
    owned = (f"{ROOT}/hosts/{H2}",)
    assert shown(steps(wishes, prune="owned", owned=owned)) == [("rmdir", f"hosts/{H2}", "")]
    assert {path for _, path, _ in shown(steps(wishes, prune="all"))} == {
        f"hosts/{H2}",
        f"subsystems/{S2}",
        f"subsystems/{S1}/namespaces/1",
    }


def test_deletions_run_side_by_side_by_subsystem() -> None:
    """The kernel waits for a grace period in each rmdir, so one worker a subsystem is twenty times as fast."""
    found = steps(Wishes(subsystems={S1: SubsystemWish(absent=True)}))
    assert [step.lane for step in found if step.path.endswith("/namespaces/1")] == [S1]


@pytest.mark.parametrize(
    ("wishes", "kind", "words"),
    [
        (Wishes(ports={1: PortWish(link=("nqn.none",))}), NotFoundError, "there is no such subsystem"),
        (
            Wishes(subsystems={S1: SubsystemWish(attributes={"attr_new": "1"})}),
            UnsupportedError,
            "no attribute attr_new",
        ),
        (Wishes(subsystems={S2: SubsystemWish(allow=(H1,))}), RefusedError, "any host and a list"),
        (
            Wishes(subsystems={S1: SubsystemWish(attributes={"attr_allow_any_host": "1"})}),
            RefusedError,
            "any host and a list",
        ),
    ],
)
def test_what_cannot_hold_is_refused(wishes: Wishes, kind: type[Exception], words: str) -> None:
    """Before anything is planned, by who knows why."""
    with pytest.raises(kind, match=words):
        merge(target(), wishes)


def test_who_holds_an_object_is_told() -> None:
    """All of them, in the user's terms."""
    wishes = Wishes(
        subsystems={S1: SubsystemWish(absent=True)}, hosts={H1: HostWish(absent=True)}, ports={1: PortWish(absent=True)}
    )
    assert in_use(target(), wishes) == (
        Use(f"subsystem {S1}", "port 01 exports it"),
        Use(f"subsystem {S1}", "it has namespace 1"),
        Use(f"subsystem {S1}", f"host {H1} may use it"),
        Use(f"host {H1}", f"it may use subsystem {S1}"),
        Use("port 01", f"it exports {S1}"),
    )
    assert in_use(target(), Wishes(subsystems={S2: SubsystemWish(absent=True)})) == ()
