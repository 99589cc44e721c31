"""Steps come in an order that the kernel takes at the first try, and in which hosts keep what they are to keep."""

from __future__ import annotations

from dataclasses import replace

from p2pctl.model.nvmet import ROOT
from p2pctl.simulator.nodes import nest
from p2pctl.simulator.nvmet.environment import Environment, Opened
from p2pctl.simulator.nvmet.kernel import CONFIGFS, NvmetKernel
from p2pctl.simulator.tree import MemoryFiles
from p2pctl.target.diff import plan
from p2pctl.target.executor import Executor
from p2pctl.target.merge import merge
from p2pctl.target.plan import Disruption, Plan, Step
from p2pctl.target.wishes import GroupWish, NamespaceWish, PortWish, SubsystemWish, Wishes
from tests.unit.target_workshop import ENVIRONMENT, tcp
from tests.unit.test_target_plan import Machine

A, B = "nqn.2026-11.org.example:a", "nqn.2026-11.org.example:b"
DISK = {"device_path": "/dev/nvme0n1", "enable": "1"}
CONTROLLER = {"device_path": "/dev/nvme7", "enable": "1"}


class Bench(Machine):
    """A machine with an NVMe controller to hand through."""

    def __init__(self, environment: Environment = ENVIRONMENT) -> None:
        self.kernel = NvmetKernel(environment)
        self.files = MemoryFiles(nest({CONFIGFS: self.kernel.configfs}))

    def plan(self, wishes: Wishes) -> Plan:
        live = self.read()
        return plan(live, merge(live, wishes).wanted)

    def value(self, path: str) -> str:
        return self.files.read(f"{ROOT}/{path}").decode().strip()


def exported(group: str, **states: str) -> Wishes:
    """A subsystem with one namespace, in this ANA group, and a port with these groups."""
    groups = {int(name.removeprefix("g")): GroupWish(state=state) for name, state in states.items()}
    one = SubsystemWish(
        attributes={"attr_allow_any_host": "1"}, namespaces={1: NamespaceWish(attributes={**DISK, "ana_grpid": group})}
    )
    return Wishes(subsystems={A: one}, ports={1: PortWish(attributes=tcp(4420), subsystems=(A,), ana_groups=groups)})


def order(found: Plan) -> list[tuple[str, str, str]]:
    return [(step.operation, step.path.removeprefix(f"{ROOT}/"), step.value) for step in found.steps]


MEMBERSHIP = f"subsystems/{A}/namespaces/1/ana_grpid"


def test_a_group_is_open_before_a_namespace_moves_to_it_and_closed_after_one_has_left() -> None:
    """So a host reaches the namespace all the while, and notices nothing."""
    machine = Bench()
    machine.run(machine.plan(exported("1")))
    found = machine.plan(exported("2", g1="inaccessible", g2="optimized"))
    assert order(found) == [
        ("mkdir", "ports/1/ana_groups/2", ""),
        ("write", "ports/1/ana_groups/2/ana_state", "optimized"),
        ("write", MEMBERSHIP, "2"),
        ("write", "ports/1/ana_groups/1/ana_state", "inaccessible"),
    ]
    assert found.disruption is Disruption.NONE


def test_a_group_goes_when_its_namespaces_have_left_it() -> None:
    """Removing it first would take them from their hosts for a moment."""
    machine = Bench()
    machine.run(machine.plan(exported("2", g2="optimized")))
    away = exported("1")
    port = away.ports[1]._replace(ana_groups={2: GroupWish(absent=True)})
    found = machine.plan(away._replace(ports={1: port}))
    assert order(found) == [("write", MEMBERSHIP, "1"), ("rmdir", "ports/1/ana_groups/2", "")]
    assert found.disruption is Disruption.NONE


def test_what_hosts_reach_no_more_is_gone_for_them() -> None:
    """A closed group, a removed one, a namespace moved to one that is closed: with a namespace in it, and only then."""
    machine = Bench()
    machine.run(machine.plan(exported("2", g2="optimized", g3="optimized", g4="inaccessible")))

    def noticed(port: PortWish | None = None, group: str = "2") -> Disruption:
        one = SubsystemWish(namespaces={1: NamespaceWish(attributes={"ana_grpid": group})})
        return machine.plan(Wishes(subsystems={A: one}, ports={1: port} if port else {})).disruption

    assert noticed(PortWish(ana_groups={2: GroupWish(state="inaccessible")})) is Disruption.NAMESPACE
    assert noticed(PortWish(ana_groups={2: GroupWish(absent=True)})) is Disruption.NAMESPACE
    assert noticed(group="4") is Disruption.NAMESPACE
    assert noticed(group="5") is Disruption.NAMESPACE
    assert noticed(group="3") is Disruption.NONE
    assert noticed(PortWish(ana_groups={2: GroupWish(state="non-optimized")})) is Disruption.NONE
    assert noticed(PortWish(ana_groups={3: GroupWish(state="inaccessible")})) is Disruption.NONE
    assert noticed(PortWish(ana_groups={3: GroupWish(absent=True)})) is Disruption.NONE


def test_a_port_that_is_put_back_has_every_directory_of_its_groups() -> None:
    """``02`` is another directory of group 2, and whoever made it may look there."""
    machine = Bench()
    machine.run(machine.plan(exported("2", g2="optimized")))
    machine.files.mkdir(f"{ROOT}/ports/1/ana_groups/02")
    live, before = machine.read(), machine.tree()
    machine.run(machine.plan(Wishes(ports={1: PortWish(absent=True)})))
    machine.run(plan(machine.read(), live))
    assert machine.tree() == before


def raw(nqn: str, *, on: bool) -> Wishes:
    return Wishes(subsystems={nqn: SubsystemWish(passthru=CONTROLLER if on else {"enable": "0"})})


def test_a_controller_is_free_before_another_subsystem_hands_it_through() -> None:
    """Whichever of the two the document names first: the kernel exports a controller once."""
    for giver, taker in ((A, B), (B, A)):
        machine = Bench()
        machine.run(machine.plan(Wishes(subsystems={A: SubsystemWish(), B: SubsystemWish()})))
        machine.run(machine.plan(raw(giver, on=True)))
        machine.run(machine.plan(Wishes({}, {}, {**raw(giver, on=False).subsystems, **raw(taker, on=True).subsystems})))
        assert machine.value(f"subsystems/{giver}/passthru/enable") == "0"
        assert machine.value(f"subsystems/{taker}/passthru/enable") == "1"


def test_the_version_is_set_when_passthru_is_off_for_good() -> None:
    """While it is on the kernel takes none, and when it is switched off it sets its own."""
    machine = Bench()
    machine.run(machine.plan(raw(A, on=True)))
    have = machine.value(f"subsystems/{A}/attr_version")
    for wanted in ("1.3", have):
        off = SubsystemWish(attributes={"attr_version": wanted}, passthru={"enable": "0"})
        machine.run(machine.plan(Wishes(subsystems={A: off})))
        assert machine.value(f"subsystems/{A}/attr_version") == wanted
        assert machine.plan(Wishes(subsystems={A: off})) == Plan()
        machine.run(machine.plan(raw(A, on=True)))


class Unrecorded:
    """A recorder of nothing."""

    def begins(self, number: int, step: Step) -> None:
        """Nothing."""

    def failed(self, number: int, step: Step) -> None:
        """Nothing."""


def test_a_version_that_the_kernel_sets_by_itself_is_not_written() -> None:
    """A host has seen the subsystem, so the kernel would refuse even the same version."""
    drive = Opened("controller", number=7, version=(2, 1, 0))
    machine = Bench(replace(ENVIRONMENT, devices={**ENVIRONMENT.devices, "/dev/nvme7": drive}))
    one = SubsystemWish(attributes={"attr_allow_any_host": "1"}, passthru=CONTROLLER)
    loop = PortWish(attributes={"addr_trtype": "loop"}, subsystems=(A,))
    machine.run(machine.plan(Wishes(subsystems={A: one}, ports={1: loop})))
    machine.kernel.connect("1", A, "nqn.2026-11.org.example:host")
    off = SubsystemWish(attributes={"attr_version": "2.1"}, passthru={"enable": "0"})
    live = machine.read()
    todo = plan(live, merge(live, Wishes(subsystems={A: off})).wanted, locked={A})
    done = Executor(machine.files, machine.kernel.log).run(todo.steps, Unrecorded())
    assert done.error is None
    assert machine.value(f"subsystems/{A}/attr_version") == "2.1"
