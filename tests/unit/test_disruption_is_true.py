"""What a plan says that hosts notice is the most that happens to them, whatever is wished of whatever target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import assume, event
from hypothesis import strategies as st

from p2pctl.errors import P2pctlError
from p2pctl.model.nvmet import ROOT
from p2pctl.simulator.nvmet.connections import Controller
from p2pctl.simulator.nvmet.ports import Port
from p2pctl.simulator.nvmet.subsystems import Subsystem
from p2pctl.target.diff import plan
from p2pctl.target.merge import merge
from p2pctl.target.plan import Disruption, Plan, Step
from p2pctl.target.pruning import Prune
from p2pctl.target.touched import ripples
from p2pctl.target.wishes import GroupWish, HostWish, NamespaceWish, PortWish, SubsystemWish, Wishes
from tests.properties import tried
from tests.unit.test_target_plan import DISKS, HOSTS, SUBSYSTEMS, Machine, ports, subsystems, wishes

ACCESSIBLE = {b"optimized", b"non-optimized"}


@st.composite
def served(draw: st.DrawFn) -> Wishes:
    """A target with something for hosts to notice: a port that exports a subsystem with an enabled namespace."""
    found = draw(wishes())
    nqn = SUBSYSTEMS[0]
    one = found.subsystems.get(nqn) or SubsystemWish(attributes={"attr_allow_any_host": "1"})
    if not one.allowed_hosts:
        one = one._replace(attributes={**one.attributes, "attr_allow_any_host": "1"})
    group = draw(st.sampled_from((1, 2)))
    disk = NamespaceWish(attributes={"device_path": DISKS[0], "ana_grpid": str(group), "enable": "1"})
    port = found.ports.get(1) or draw(ports(1, (nqn,)))
    port = port._replace(
        subsystems=tuple({*(port.subsystems or ()), nqn}),
        ana_groups={**port.ana_groups, group: GroupWish(state=draw(st.sampled_from(("optimized", "non-optimized"))))},
    )
    return found._replace(
        subsystems={**found.subsystems, nqn: one._replace(namespaces={**one.namespaces, 1: disk})},
        ports={**found.ports, 1: port},
    )


@st.composite
def adjustments(draw: st.DrawFn) -> Wishes:
    """What a few commands or a small document ask for: some objects only, and only some of what there is to say."""

    def of_subsystem() -> SubsystemWish:
        whole = draw(subsystems(HOSTS))
        if draw(st.booleans()):
            return SubsystemWish(absent=True)
        namespaces: dict[int, NamespaceWish] = {
            nsid: NamespaceWish(absent=True) if draw(st.booleans()) else one for nsid, one in whole.namespaces.items()
        }
        return whole._replace(
            namespaces=namespaces,
            attributes={file: text for file, text in whole.attributes.items() if draw(st.booleans())},
            allowed_hosts=whole.allowed_hosts if draw(st.booleans()) else None,
        )

    def of_port(number: int) -> PortWish:
        whole = draw(ports(number, SUBSYSTEMS))
        if draw(st.integers(0, 3)) == 0:
            return PortWish(absent=True)
        return whole._replace(
            attributes=whole.attributes if draw(st.booleans()) else {},
            subsystems=whole.subsystems if draw(st.booleans()) else None,
            unlink=draw(st.sampled_from(((), SUBSYSTEMS[:1]))),
            ana_groups={
                group: GroupWish(absent=True) if group > 1 and draw(st.booleans()) else one
                for group, one in whole.ana_groups.items()
            },
        )

    return Wishes(
        hosts={nqn: HostWish(absent=True) for nqn in draw(st.sets(st.sampled_from(HOSTS), max_size=1))},
        subsystems={nqn: of_subsystem() for nqn in draw(st.sets(st.sampled_from(SUBSYSTEMS), max_size=2))},
        ports={number: of_port(number) for number in draw(st.sets(st.integers(1, 3), max_size=2))},
    )


SECOND = st.one_of(served(), wishes(), adjustments())
"""What is asked of a target that is there: a whole one, or a part."""


@dataclass(frozen=True)
class Seen:
    """What hosts have: their controllers, the namespaces in them, and those that they can reach, by controller."""

    controllers: frozenset[int]
    namespaces: frozenset[tuple[int, int]]
    reachable: frozenset[tuple[int, int]]


class Served(Machine):
    """A machine with a host on every path that is open."""

    def connect(self) -> frozenset[str]:
        """Connects every host everywhere; returns the subsystems that a host has ever seen."""
        for port in self.kernel.each_port():
            for one in port.exports.targets():
                assert isinstance(one, Subsystem)
                allowed = [HOSTS[0]] if one.any_host else [host.name for host in one.hosts.targets()]
                for host in allowed:
                    self.kernel.connect(port.name, one.name, host)
        return frozenset(one.name for one in self.kernel.each_subsystem() if one.discovered)

    def seen(self) -> Seen:
        """As it is now."""
        pairs = [(id(one), space) for one in self.kernel.controllers() for space in one.subsystem.namespaces.enabled()]
        by_id = {id(one): one for one in self.kernel.controllers()}
        return Seen(
            frozenset(by_id),
            frozenset((number, space.nsid) for number, space in pairs),
            frozenset((number, space.nsid) for number, space in pairs if _reaches(by_id[number], space.group)),
        )

    def step(self, step: Step) -> None:
        """One of a plan."""
        self.run(Plan((step,)))


def _reaches(controller: Controller, group: int) -> bool:
    port: Port = controller.port
    return port.states[group] in ACCESSIBLE


def least(before: Seen, after: Seen) -> Disruption:
    """The class that what has happened to the hosts is of, at least."""
    stayed = before.controllers & after.controllers
    if stayed != before.controllers:
        return Disruption.PORT
    if before.namespaces - after.namespaces or before.reachable - after.reachable:
        return Disruption.NAMESPACE
    return Disruption.NONE


def proposed(machine: Machine, asked: Wishes, prune: Prune, locked: Iterable[str]) -> Plan:
    """The plan; examples whose wishes contradict what is there are no examples."""
    live = machine.read()
    try:
        wanted = merge(live, asked, prune=prune).wanted
    except P2pctlError:
        assume(False)
        raise
    return plan(live, wanted, locked=frozenset(locked))


@tried(served(), SECOND, st.sampled_from(("none", "all")), few=50, many=150)
def test_no_step_does_more_to_hosts_than_it_says(first: Wishes, second: Wishes, prune: Prune) -> None:
    """A step of class ``none`` ends no controller, and takes no namespace from any; one of ``namespace`` ends none.

    Nor does a host lose a namespace because its ANA group becomes inaccessible on the way.
    """
    machine = Served()
    machine.apply(first)
    locked = machine.connect()
    todo = proposed(machine, second, prune, locked)
    event(f"class {todo.disruption.name}")
    for step in todo.steps:
        before = machine.seen()
        try:
            machine.step(step)
        except OSError:
            # What the kernel cannot do at all, such as two ports with one address, is another test's.
            assume(False)
        noticed = least(before, machine.seen())
        assert noticed <= step.disruption, (step, noticed)


@tried(served(), SECOND, st.sampled_from(("none", "all")), few=50, many=150)
def test_no_step_frightens_without_reason(first: Wishes, second: Wishes, prune: Prune) -> None:
    """What is said to disturb hosts is about a subsystem that a port exports, or a port that is open."""
    machine = Served()
    machine.apply(first)
    live = machine.read()
    exported = {nqn for port in live.ports.values() for nqn in port.links.values()}
    for step in proposed(machine, second, prune, machine.connect()).steps:
        if step.disruption is Disruption.NONE:
            continue
        match step.path[len(ROOT) + 1 :].split("/"):
            case ["subsystems", nqn, *_]:
                assert nqn in exported, step
            case ["ports", name, *_]:
                assert live.ports[name].links, step
            case _:
                raise AssertionError(step)


def named(asked: Wishes, machine: Machine) -> tuple[set[str], set[str]]:  # noqa: C901  one branch a kind of object
    """Paths that the wishes name, and objects that they name whole: what is deleted, with all that is in it."""
    exact: set[str] = {f"{ROOT}/{file}" for file in asked.attributes}
    whole: set[str] = set()

    def put(path: str, wish: Any, values: Any) -> None:
        exact.add(path)
        exact.update(f"{path}/{file}" for file in values)
        if wish.absent:
            whole.add(path)

    for nqn, host in asked.hosts.items():
        put(f"{ROOT}/hosts/{nqn}", host, host.attributes)
    for nqn, one in asked.subsystems.items():
        path = f"{ROOT}/subsystems/{nqn}"
        put(path, one, one.attributes)
        for nsid, namespace in one.namespaces.items():
            put(f"{path}/namespaces/{nsid}", namespace, (*namespace.attributes, "enable"))
        if one.allowed_hosts is not None:
            whole.add(f"{path}/allowed_hosts")
            exact.update(f"{ROOT}/hosts/{host}" for host in one.allowed_hosts)
    for number, port in asked.ports.items():
        path = f"{ROOT}/ports/{number}"
        put(path, port, port.attributes)
        if port.attributes:
            whole.add(f"{path}/subsystems")  # exported again where they must be taken down for it
        for group, wish in port.ana_groups.items():
            put(f"{path}/ana_groups/{group}", wish, ("ana_state",))
        for name, referral in port.referrals.items():
            put(f"{path}/referrals/{name}", referral, (*referral.attributes, "enable"))
        if port.subsystems is not None:
            whole.add(f"{path}/subsystems")
        whole.update(f"{path}/subsystems/{nqn}" for nqn in (*port.link, *port.unlink))
    for name in machine.read().ports:
        whole.update(f"{ROOT}/ports/{name}/subsystems/{nqn}" for nqn, one in asked.subsystems.items() if one.absent)
    for nqn in machine.read().subsystems:
        gone = [host for host, one in asked.hosts.items() if one.absent]
        whole.update(f"{ROOT}/subsystems/{nqn}/allowed_hosts/{host}" for host in gone)
    return exact, whole


@tried(served(), SECOND, few=50, many=150)
def test_without_pruning_only_what_is_named_is_touched(first: Wishes, second: Wishes) -> None:
    """By the steps, and by what the kernel does with them; the rest of the target reads to the byte as before.

    What follows from what is named: links to what is deleted, ``enable`` of what must be off meanwhile, exports of a
    port whose address changes, and attributes that the kernel sets when it is told another.
    """
    machine = Machine()
    machine.apply(first)
    exact, whole = named(second, machine)
    todo = proposed(machine, second, "none", ())

    def is_named(path: str) -> bool:
        return path in exact or any(path == one or path.startswith(f"{one}/") for one in whole)

    for step in todo.steps:
        assert is_named(step.path), step
    before = machine.tree()
    try:
        machine.run(todo)
    except OSError:
        assume(False)
    follows = {path for step in todo.steps for path in ripples(step)}
    made = [step.path for step in todo.steps if step.operation == "mkdir"]
    after = machine.tree()
    for path in sorted(before | after):
        if before.get(path) != after.get(path):
            in_new = any(path.startswith(f"{one}/") for one in made)
            assert is_named(path) or path in follows or in_new, (path, before.get(path), after.get(path))
