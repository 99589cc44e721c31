"""From any target to any other: the plan ends there, in steps that the kernel takes, and has none to spare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.reading import Reader
from p2pctl.model.nvmet import ROOT, Nvmet
from p2pctl.simulator.nodes import nest
from p2pctl.simulator.nvmet.environment import Environment, Function, Opened
from p2pctl.simulator.nvmet.kernel import CONFIGFS, NvmetKernel
from p2pctl.simulator.tree import MemoryFiles
from p2pctl.target.diff import plan
from p2pctl.target.merge import merge
from p2pctl.target.plan import Plan, Step
from p2pctl.target.schema import canonical, encoded, kind_of, same, spec
from p2pctl.target.wishes import (
    GroupWish,
    HostWish,
    NamespaceWish,
    PortWish,
    ReferralWish,
    SubsystemWish,
    Wishes,
)
from tests.properties import tried

DISKS = tuple(f"/dev/nvme{number}n1" for number in range(6))
POOL = "0000:03:00.0"
ENVIRONMENT = Environment(
    devices={
        **{
            disk: Opened("block", p2p=True, pci=f"0000:0{number + 3}:00.0", number=number)
            for number, disk in enumerate(DISKS)
        },
        "/srv/image": Opened("file"),
    },
    functions={POOL: Function("nvme", published=True)},
    distance=lambda _provider, _client: 2,
)
HOSTS = tuple(f"nqn.2026-11.org.example:host{number}" for number in range(3))
SUBSYSTEMS = tuple(f"nqn.2026-11.org.example:{name}" for name in ("a", "b", "c"))
KEY = "DHHC-1:00:c2VjcmV0"


class Machine:
    """A simulated kernel, and the steps carried out on it as anybody would who checks before each write."""

    def __init__(self) -> None:
        self.kernel = NvmetKernel(ENVIRONMENT)
        self.files = MemoryFiles(nest({CONFIGFS: self.kernel.configfs}))

    def read(self) -> Nvmet:
        return read_nvmet(Reader(self.files), 0.0, secrets=True)

    def run(self, steps: Plan) -> int:
        """Carries a plan out and returns how many operations it took."""
        return sum(self._step(step) for step in steps.steps)

    def _step(self, step: Step) -> int:
        match step.operation:
            case "mkdir":
                self.files.mkdir(step.path)
            case "rmdir":
                self.files.rmdir(step.path)
            case "symlink":
                self.files.symlink(step.value, step.path)
            case "unlink":
                self.files.unlink(step.path)
            case "chmod":
                self.files.chmod(step.path, int(step.value, 8))
            case "write":
                return self._write(step)
        return 1

    def _write(self, step: Step) -> int:
        kind = kind_of(step.path)
        assert kind is not None, step.path
        if step.name != "revalidate_size":
            text = self.files.read(step.path).decode().removesuffix("\n")
            if step.before is not None:
                assert text == step.before or same(kind, step.name, step.before, text), (step, text)
            if step.before is not None and same(kind, step.name, step.value, text):
                return 0
        self.files.write(step.path, encoded(kind, step.name, step.value))
        return 1

    def apply(self, wishes: Wishes) -> int:
        live = self.read()
        wanted = merge(live, wishes, prune="all").wanted
        return self.run(plan(live, wanted))

    def tree(self, path: str = ROOT) -> dict[str, str]:
        """Every user-made directory, every link, and every attribute that can be read."""
        found: dict[str, str] = {}
        for name in self.files.list(path):
            below = f"{path}/{name}"
            kind = self.files.stat(below).kind
            if kind == "directory":
                found[below] = "directory"
                found.update(self.tree(below))
            elif kind == "link":
                found[below] = self.files.realpath(below)
            elif name != "revalidate_size":
                found[below] = self.files.read(below).decode().removesuffix("\n")
        return found


FLAG = st.sampled_from(("0", "1"))


def some(strategies: Mapping[str, st.SearchStrategy[str]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional=dict(strategies))


@st.composite
def namespaces(draw: st.DrawFn) -> dict[int, NamespaceWish]:
    found = {}
    for nsid in draw(st.sets(st.integers(1, 4), max_size=3)):
        values = draw(
            some(
                {
                    "device_uuid": st.uuids().map(str),
                    "device_nguid": st.uuids().map(str),
                    "ana_grpid": st.sampled_from(("1", "2", "7")),
                    "resv_enable": FLAG,
                }
            )
        )
        if draw(st.booleans()):
            values["device_path"] = draw(st.sampled_from((*DISKS, "/srv/image")))
            values["enable"] = draw(FLAG)
            on_disk = values["device_path"] in DISKS
            values["p2pmem"] = draw(st.sampled_from(("0", "1", POOL))) if on_disk else "0"
        found[nsid] = NamespaceWish(attributes=values)
    return found


@st.composite
def subsystems(draw: st.DrawFn, hosts: tuple[str, ...]) -> SubsystemWish:
    values = draw(
        some(
            {
                "attr_serial": st.sampled_from(("A", "SERIAL 1", "99")),
                "attr_model": st.sampled_from(("Example", "Linux")),
                "attr_vendor_id": st.sampled_from(("0x1", "0x10ec")),
                "attr_cntlid_min": st.sampled_from(("1", "100")),
                "attr_qid_max": st.sampled_from(("8", "128")),
            }
        )
    )
    allowed = tuple(draw(st.lists(st.sampled_from(hosts), unique=True))) if hosts else ()
    values["attr_allow_any_host"] = "0" if allowed else draw(FLAG)
    return SubsystemWish(attributes=values, allowed_hosts=allowed, namespaces=draw(namespaces()))


@st.composite
def ports(draw: st.DrawFn, number: int, names: tuple[str, ...]) -> PortWish:
    transport = draw(st.sampled_from(("tcp", "loop")))
    values = {"addr_trtype": transport}
    if transport == "tcp":
        values |= {"addr_adrfam": "ipv4", "addr_traddr": "127.0.0.1"}
        values["addr_trsvcid"] = str(draw(st.integers(0, 1)) * 10 + 4420 + number)
        if draw(st.booleans()):
            values["addr_treq"] = draw(st.sampled_from(("not specified", "not required", "required")))
    values |= draw(
        some({"param_inline_data_size": st.sampled_from(("0", "4096")), "param_max_queue_size": st.just("64")})
    )
    groups = {
        number: GroupWish(state=draw(st.sampled_from(("optimized", "inaccessible"))))
        for number in draw(st.sets(st.sampled_from((1, 2, 7))))
    }
    referrals = {
        name: ReferralWish(
            attributes={
                "addr_trtype": "tcp",
                "addr_traddr": draw(st.sampled_from(("192.0.2.1", "192.0.2.2"))),
                "enable": draw(FLAG),
            }
        )
        for name in draw(st.sets(st.sampled_from(("r1", "r2"))))
    }
    links = tuple(draw(st.lists(st.sampled_from(names), unique=True))) if names else ()
    return PortWish(attributes=values, subsystems=links, ana_groups=groups, referrals=referrals)


@st.composite
def wishes(draw: st.DrawFn) -> Wishes:
    """A whole target that the kernel would take."""
    hosts = tuple(draw(st.lists(st.sampled_from(HOSTS), unique=True)))
    names = tuple(draw(st.lists(st.sampled_from(SUBSYSTEMS), unique=True)))
    keys = some({"dhchap_key": st.just(KEY), "dhchap_hash": st.sampled_from(("hmac(sha256)", "hmac(sha512)"))})
    return Wishes(
        attributes=draw(some({"discovery_nqn": st.sampled_from(("nqn.2026-11.org.example.discovery", "nqn.x"))})),
        hosts={nqn: HostWish(attributes=draw(keys)) for nqn in hosts},
        subsystems={nqn: draw(subsystems(hosts)) for nqn in names},
        ports={number: draw(ports(number, names)) for number in draw(st.sets(st.integers(1, 3)))},
    )


def wished(everything: Wishes) -> dict[str, str]:
    """All that the wishes say, as kernel paths."""
    found: dict[str, str] = {}

    def put(path: str, values: Mapping[str, str]) -> None:
        found.update({f"{path}/{file}": value for file, value in values.items()})

    put(ROOT, everything.attributes)
    for nqn, host in everything.hosts.items():
        found[f"{ROOT}/hosts/{nqn}"] = "directory"
        put(f"{ROOT}/hosts/{nqn}", host.attributes)
    for nqn, subsystem in everything.subsystems.items():
        path = f"{ROOT}/subsystems/{nqn}"
        found[path] = "directory"
        put(path, subsystem.attributes)
        for nqn_of_host in subsystem.allowed_hosts or ():
            found[f"{path}/allowed_hosts/{nqn_of_host}"] = f"{ROOT}/hosts/{nqn_of_host}"
        for nsid, namespace in subsystem.namespaces.items():
            found[f"{path}/namespaces/{nsid}"] = "directory"
            put(f"{path}/namespaces/{nsid}", namespace.attributes)
    for number, port in everything.ports.items():
        path = f"{ROOT}/ports/{number}"
        found[path] = "directory"
        put(path, port.attributes)
        for nqn in port.subsystems or ():
            found[f"{path}/subsystems/{nqn}"] = f"{ROOT}/subsystems/{nqn}"
        for group, wish in port.ana_groups.items():
            found[f"{path}/ana_groups/{group}"] = "directory"
            put(f"{path}/ana_groups/{group}", {"ana_state": wish.state or ""})
        for name, referral in port.referrals.items():
            found[f"{path}/referrals/{name}"] = "directory"
            put(f"{path}/referrals/{name}", referral.attributes)
    return found


def objects(tree: Mapping[str, str]) -> set[str]:
    """User-made directories and links."""
    default = {"hosts", "subsystems", "ports", "allowed_hosts", "namespaces", "passthru", "ana_groups", "referrals"}
    return {
        path
        for path, value in tree.items()
        if kind_of(path) is None and path.rsplit("/", 1)[1] not in default and not path.endswith("/ana_groups/1")
        if value
    }


def meant(path: str, value: str) -> str | None:
    kind = kind_of(path)
    return value if kind is None else canonical(kind, path.rsplit("/", 1)[1], value)


@tried(wishes(), wishes(), few=70, many=200)
def test_any_target_becomes_any_other(first: Wishes, second: Wishes) -> None:
    """After the second document everything is as it says, nothing else is there, and a third run writes nothing."""
    machine = Machine()
    machine.apply(first)
    before = machine.tree()
    count = machine.apply(second)
    after = machine.tree()
    asked = wished(second)
    for path, value in asked.items():
        kind = kind_of(path)
        if kind is None:
            assert after.get(path) == value, path
        else:
            assert same(kind, path.rsplit("/", 1)[1], value, after[path]), (path, value, after[path])
    assert objects(after) == objects(asked)
    assert count <= fewest(before, after, asked)
    live = machine.read()
    assert plan(live, merge(live, second, prune="all").wanted) == Plan()


@tried(wishes(), wishes(), few=70, many=200)
def test_every_plan_can_be_taken_back(first: Wishes, second: Wishes) -> None:
    """From what was read before, the same function makes the way back: uuids and serial numbers included.

    Only ``param_mdts`` cannot be told to be automatic again, and becomes what the kernel makes of that anyway.
    """
    machine = Machine()
    machine.apply(first)
    live, before = machine.read(), machine.tree()
    machine.apply(second)
    machine.run(plan(machine.read(), live))
    after = machine.tree()
    differing = {
        path: (before.get(path), after.get(path))
        for path in before | after
        if before.get(path) != after.get(path) and not path.endswith("/param_mdts")
    }
    assert differing == {}


def by_itself(path: str, value: str) -> bool:
    """Whether a new object has this value, or whether it is no attribute."""
    kind = kind_of(path)
    if kind is None:
        return True
    if kind == "ana-group":
        return value == "inaccessible"
    known = spec(kind, path.rsplit("/", 1)[1])
    return known is not None and known.default is not None and same(kind, known.file, value, known.default)


LOCKED_WHILE_ENABLED = {"device_path", "device_uuid", "device_nguid", "p2pmem", "buffered_io", "resv_enable"}


def fewest(before: Mapping[str, str], after: Mapping[str, str], asked: Mapping[str, str]) -> int:
    """What the kernel asks for at least: one operation for each thing that differs, and the switching that it needs.

    Counted on the two trees alone, without a word from the plan.
    """
    made, gone = objects(after) - objects(before), objects(before) - objects(after)
    changed = {path for path in before.keys() & after.keys() if meant(path, before[path]) != meant(path, after[path])}
    count = len(made) + len(gone) + len(changed)
    count += sum(path.rsplit("/", 1)[0] in made and not by_itself(path, value) for path, value in asked.items())
    main = [path for path in asked if path.endswith("/ana_groups/1/ana_state") and path.split("/ana_groups")[0] in made]
    count += sum(asked[path] != "optimized" for path in main)
    count += sum(
        path.rsplit("/", 1)[1] == "dhchap_key"
        for path in changed | asked.keys() & after.keys()
        if before.get(path) != after[path]
    )
    for path in objects(before) & objects(after):
        count += switching(path, before, after, changed)
    return count


def switching(path: str, before: Mapping[str, str], after: Mapping[str, str], changed: set[str]) -> int:
    """Operations beyond the changes themselves that one object needs which was there and stays."""
    mine = {one.rsplit("/", 1)[1] for one in changed if one.rsplit("/", 1)[0] == path}
    parts: Any = path.split("/")
    if "namespaces" in parts or "referrals" in parts:
        locked = mine & LOCKED_WHILE_ENABLED if "namespaces" in parts else mine - {"enable"}
        return 2 if locked and before[f"{path}/enable"] == after[f"{path}/enable"] == "1" else 0
    if parts[-2] == "ports":
        kept = [
            link
            for link in objects(before) & objects(after)
            if link.startswith(f"{path}/subsystems/") and before[link] == after[link]
        ]
        live = any(link.startswith(f"{path}/subsystems/") for link in objects(before))
        resets = 2 if {"addr_trtype", "addr_tsas"} & mine else 0  # what the kernel sets back must be set again
        return (2 * len(kept) if live and mine else 0) + resets
    return 0
