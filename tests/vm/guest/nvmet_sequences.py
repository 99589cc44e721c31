"""Random sequences of operations on the NVMe target's configfs: right ones, wrong ones, and what lies between.

Nothing here looks at a kernel: what there is to point at comes in a `World`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.vm.guest.nvmet_values import (
    DIRECTORIES,
    GROUPS,
    HOST,
    HOSTS,
    JUNK,
    KEYS,
    MODES,
    NAMESPACE,
    NAMESPACES,
    NUMBERS,
    ODD_GROUPS,
    ODD_HOSTS,
    ODD_NAMESPACES,
    ODD_PORTS,
    ODD_REFERRALS,
    ODD_SUBSYSTEMS,
    PASSTHRU,
    PORT,
    PORTS,
    REFERRAL,
    REFERRALS,
    STATES,
    SUBSYSTEM,
    SUBSYSTEMS,
    World,
    values,
)  # fmt: skip

Kind = Literal[
    "mkdir", "rmdir", "write", "read", "symlink", "unlink", "readlink", "list", "stat", "chmod", "late write",
    "held read", "second read", "connect", "disconnect",
]  # fmt: skip


class Operation(NamedTuple):
    """One system call, or a race of some: a file is opened, `inner` happens, and only then is the file used."""

    kind: Kind
    path: str
    """Below the target's directory; "" is the directory itself."""
    data: bytes = b""
    """What is written; where a link leads to, below the target's directory unless it begins with a slash; a mode."""
    inner: tuple[Operation, ...] = ()

    def __str__(self) -> str:
        what = f" {self.data[:60]!r}{f'...({len(self.data)})' if len(self.data) > 60 else ''}" if self.data else ""
        return f"{self.kind} {self.path}{what}{''.join(f' [{one}]' for one in self.inner)}"


Operations = list[Operation]
T = TypeVar("T")


@st.composite
def sequences(draw: DrawFn, world: World) -> Operations:
    """A few dozen operations: first what most of the others need, most times."""
    found = draw(_scaffold())
    for pieces in draw(st.lists(_pieces(world), min_size=4, max_size=9)):
        found += pieces
    return found


def remembered() -> list[Operations]:
    """Sequences that chance would hardly find: limits, and ports that may or may not be in each other's way."""
    made = [Operation("mkdir", "subsystems/a")]
    spaces = [Operation("mkdir", f"subsystems/a/namespaces/{nsid}") for nsid in range(1, 1027)]
    pairs = [
        (("tcp", "ipv6", "::ffff:127.0.0.1"), ("tcp", "ipv4", "127.0.0.1")),
        (("tcp", "ipv6", "::ffff:127.0.0.1"), ("tcp", "ipv4", "0.0.0.0")),  # noqa: S104
        (("tcp", "ipv6", "::ffff:127.0.0.1"), ("tcp", "ipv6", "::")),
        (("tcp", "ipv6", "::ffff:127.0.0.1"), ("tcp", "ipv6", "::1")),
        (("tcp", "ipv6", "::"), ("tcp", "ipv4", "127.0.0.1")),
        (("tcp", "ipv6", "::"), ("tcp", "ipv4", "255.255.255.255")),
        (("tcp", "ipv4", "0.0.0.0"), ("tcp", "ipv4", "127.0.0.1")),  # noqa: S104
        (("tcp", "ipv4", "0.0.0.0"), ("tcp", "ipv6", "::1")),  # noqa: S104
        (("rdma", "ipv4", "127.0.0.1"), ("rdma", "ipv4", "127.0.0.1")),
        (("rdma", "ipv4", "127.0.0.1"), ("rdma", "ipv4", "0.0.0.0")),  # noqa: S104
        (("rdma", "ipv4", "127.0.0.1"), ("rdma", "ipv6", "::1")),
        (("rdma", "ipv4", "127.0.0.1"), ("tcp", "ipv4", "127.0.0.1")),
        (("loop", "ipv4", "x"), ("loop", "ipv4", "x")),
    ]
    found = [[*made, *spaces]]
    for pair in (*pairs, *((other, one) for one, other in pairs)):
        found.append(list(made))
        for number, (transport, family, address) in enumerate(pair, start=1):
            port = f"ports/{number}"
            values = {"trtype": transport, "adrfam": family, "traddr": address, "trsvcid": "4420"}
            found[-1].append(Operation("mkdir", port))
            found[-1] += [Operation("write", f"{port}/addr_{name}", _line(value)) for name, value in values.items()]
            found[-1].append(Operation("symlink", f"{port}/subsystems/a", b"subsystems/a"))
    return found


@st.composite
def connected(draw: DrawFn, world: World) -> Operations:
    """The same, with a host that is connected before the rest happens: by the loop transport, to a file."""
    path, port = "subsystems/a", "ports/1"
    found = [
        Operation("mkdir", path),
        Operation("mkdir", f"{path}/namespaces/1"),
        Operation("write", f"{path}/namespaces/1/device_path", _line(world.others[0])),
        Operation("write", f"{path}/namespaces/1/enable", b"1"),
        Operation("write", f"{path}/attr_allow_any_host", b"1"),
        Operation("mkdir", port),
        Operation("write", f"{port}/addr_trtype", b"loop"),
        Operation("symlink", f"{port}/subsystems/a", path.encode()),
        Operation("connect", port, b"a"),
    ]
    if draw(_BOOLEAN):
        found.append(Operation("disconnect", ""))
    for pieces in draw(st.lists(_settings(world), min_size=4, max_size=8)):
        found += pieces
    return found + draw(sequences(world))


@cache
def _scaffold() -> SearchStrategy[Operations]:
    subsystems, ports = (["subsystems/" + name for name in SUBSYSTEMS], ["ports/" + name for name in PORTS])
    rest = [f"subsystems/{one}/namespaces/{nsid}" for one in SUBSYSTEMS for nsid in NAMESPACES]
    every = [Operation("mkdir", path) for path in (*subsystems, *ports, *(f"hosts/{one}" for one in HOSTS), *rest)]
    return st.sets(_pick(range(len(every))), max_size=4).map(
        lambda absent: [one for number, one in enumerate(every) if number not in absent]
    )


@cache
def _pieces(world: World) -> SearchStrategy[Operations]:
    one = st.one_of(
        _namespace(world), _namespace(world), _port(world), _port(world), _host(), _passthru(world), _group(),
        _referral(world), _settings(world), _settings(world), _settings(world), _any(world), _any(world),
    )  # fmt: skip
    return st.one_of(
        one, one, one, st.tuples(one, one, st.integers(0, 2**12 - 1)).map(lambda pair: _interleaved(*pair))
    )


@cache
def _some_of(options: tuple[str, ...]) -> SearchStrategy[list[str]]:
    return st.lists(_pick(options), max_size=3)


@cache
def _number(most: int) -> SearchStrategy[int]:
    return st.integers(0, most)


@cache
def _pick(options: Sequence[T]) -> SearchStrategy[T]:
    # Made once: to make a strategy takes longer than to draw from it.
    return st.sampled_from(options)


def _interleaved(one: Operations, other: Operations, order: int) -> Operations:
    """Two users at work at the same time: whose turn it is, bit by bit."""
    left, right, found = list(one), list(other), []
    while left and right:
        found.append((left if order & 1 else right).pop(0))
        order >>= 1
    return [*found, *left, *right]


@st.composite
def _carelessly(draw: DrawFn, steps: Sequence[Operation]) -> Operations:
    """The steps, of which one may be forgotten and one may come too early."""
    found = list(steps)
    fault = draw(_pick(("", "", "", "forgotten", "early", "twice")))
    if fault and found:
        number = draw(_number(len(found) - 1))
        step = found[number]
        if fault != "twice":
            del found[number]
        if fault != "forgotten":
            found.insert(draw(_number(number)), step)
    return found


@cache
def _name(plain: tuple[str, ...], odd: tuple[str, ...]) -> SearchStrategy[str]:
    return _pick((*plain * (5 * len(odd) // len(plain)), *odd))


@cache
@st.composite
def _namespace(draw: DrawFn, world: World) -> Operations:
    """A namespace made, set and enabled, and what one does to it then."""
    nqn = draw(_pick(SUBSYSTEMS))
    path = f"subsystems/{nqn}/namespaces/{draw(_name(NAMESPACES, ODD_NAMESPACES))}"
    device = draw(_pick((*world.disks * 2, *world.others)))
    memory = draw(_pick(("", "", "0", "1", *world.pools * 2, *world.functions)))
    steps = [Operation("mkdir", path), Operation("write", f"{path}/device_path", _line(device))]
    if memory:
        steps += [Operation("write", f"{path}/p2pmem", _line(memory)), Operation("read", f"{path}/p2pmem")]
    if draw(_pick((False, False, False, True))):
        steps.append(Operation("write", f"{path}/buffered_io", b"1\n"))
    before = draw(_pick(("device_nguid", "device_uuid", "resv_enable", "ana_grpid", "", "", "")))
    if before:
        steps += [
            Operation("write", f"{path}/{before}", draw(_value(before, world))), Operation("read", f"{path}/{before}"),
        ]  # fmt: skip
    steps += [Operation("write", f"{path}/enable", b"1"), Operation("read", f"{path}/enable")]
    then = draw(_pick((*NAMESPACE, "enable", "revalidate_size", "revalidate_size", "")))
    if then:
        steps += [Operation("write", f"{path}/{then}", draw(_value(then, world))), Operation("read", f"{path}/{then}")]
    after = draw(_pick(("", "", "remove", "late", "off")))
    if after == "remove":
        steps.append(Operation("rmdir", path))
    elif after == "late":
        late = draw(_pick(NAMESPACE))
        steps.append(_race(path, f"{path}/{late}", draw(_value(late, world))))
    elif after == "off":
        steps += [Operation("write", f"{path}/enable", b"0"), Operation("read", f"{path}/enable")]
    return draw(_carelessly(steps))


@cache
@st.composite
def _port(draw: DrawFn, world: World) -> Operations:
    """A port made, set and linked, and what one does to it then."""
    path = f"ports/{draw(_name(PORTS, ODD_PORTS))}"
    family, address = draw(_pick(world.addresses))
    transport = draw(_pick(("tcp", "tcp", "tcp", "tcp", "loop", "loop", "rdma", "rdma", "fc", "pci")))
    service = draw(_pick(world.services))
    steps = [
        Operation("mkdir", path),
        Operation("write", f"{path}/addr_trtype", _line(transport)),
        Operation("write", f"{path}/addr_adrfam", _line(family)),
        Operation("write", f"{path}/addr_traddr", _line(address)),
        Operation("write", f"{path}/addr_trsvcid", _line(service)),
    ]
    for attribute in draw(_some_of((*PORT[-5:], "addr_treq"))):
        steps += [Operation("write", f"{path}/{attribute}", draw(_value(attribute, world)))]
        steps += [Operation("read", f"{path}/addr_treq")]
    nqn = draw(_pick(SUBSYSTEMS))
    link = f"{path}/subsystems/{draw(_pick((nqn, nqn, 'other name')))}"
    steps.append(Operation("symlink", link, f"subsystems/{nqn}".encode()))
    steps += [Operation("read", f"{path}/{attribute}") for attribute in PORT[-4:]]
    then = draw(_pick((*PORT, "", "")))
    if then:
        steps.append(Operation("write", f"{path}/{then}", draw(_value(then, world))))
    if draw(_BOOLEAN):
        steps += [Operation("unlink", link), Operation("read", f"{path}/param_max_queue_size")]
    return draw(_carelessly(steps))


@cache
@st.composite
def _host(draw: DrawFn) -> Operations:
    """A host made, given keys and let in."""
    name = draw(_name(HOSTS, ODD_HOSTS))
    nqn = draw(_pick(SUBSYSTEMS))
    link = f"subsystems/{nqn}/allowed_hosts/{draw(_pick((name, name, 'other name')))}"
    steps = [
        Operation("mkdir", f"hosts/{name}"),
        Operation("write", f"hosts/{name}/dhchap_key", draw(_pick((*KEYS, b"\0")))),
        Operation("chmod", f"hosts/{name}/dhchap_key", b"600"),
        Operation("read", f"hosts/{name}/dhchap_key"),
        Operation("write", f"subsystems/{nqn}/attr_allow_any_host", draw(_pick((b"0", b"0", b"1")))),
        Operation("symlink", link, f"hosts/{name}".encode()),
        Operation("readlink", link),
        Operation("write", f"subsystems/{nqn}/attr_allow_any_host", draw(_pick((b"0", b"1")))),
        Operation("rmdir", f"hosts/{name}"),
    ]
    if draw(_BOOLEAN):
        steps += [Operation("unlink", link), Operation("rmdir", f"hosts/{name}")]
    return draw(_carelessly(steps))


@cache
@st.composite
def _passthru(draw: DrawFn, world: World) -> Operations:
    """A subsystem that hands a controller through."""
    nqn = draw(_pick(SUBSYSTEMS))
    path = f"subsystems/{nqn}/passthru"
    device = draw(_pick((*world.controllers * 3, *world.disks, *world.others)))
    steps = [Operation("rmdir", f"subsystems/{nqn}/namespaces/{nsid}") for nsid in NAMESPACES]
    steps += [
        Operation("write", f"{path}/device_path", _line(device)),
        Operation("write", f"{path}/enable", b"1"),
        Operation("read", f"{path}/enable"),
        Operation("read", f"subsystems/{nqn}/attr_version"),
        Operation("write", f"{path}/{draw(_pick(PASSTHRU))}", draw(_pick((*NUMBERS, b"/x")))),
        Operation("mkdir", f"subsystems/{nqn}/namespaces/1"),
        Operation("write", f"subsystems/{nqn}/namespaces/1/device_path", _line(world.disks[0])),
        Operation("write", f"subsystems/{nqn}/namespaces/1/enable", b"1"),
        Operation("read", f"subsystems/{nqn}/namespaces/1/enable"),
        Operation("write", f"subsystems/{nqn}/attr_version", b"1.3"),
    ]
    if draw(_BOOLEAN):
        steps += [Operation("write", f"{path}/enable", b"0"), Operation("read", f"subsystems/{nqn}/attr_version")]
    return draw(_carelessly(steps))


@cache
@st.composite
def _group(draw: DrawFn) -> Operations:
    """An ANA group of a port."""
    path = f"ports/{draw(_pick(PORTS))}/ana_groups/{draw(_name(GROUPS, ODD_GROUPS))}"
    steps = [
        Operation("mkdir", path),
        Operation("read", f"{path}/ana_state"),
        Operation("write", f"{path}/ana_state", draw(_pick((*STATES, *JUNK)))),
        Operation("read", f"{path}/ana_state"),
        Operation("rmdir", path),
    ]
    return draw(_carelessly(steps))


@cache
@st.composite
def _referral(draw: DrawFn, world: World) -> Operations:
    """A referral made, set and enabled, and changed while it is."""
    path = f"ports/{draw(_pick(PORTS))}/referrals/{draw(_name(REFERRALS, ODD_REFERRALS))}"
    steps = [Operation("mkdir", path)]
    steps += [
        Operation("write", f"{path}/{attribute}", draw(_value(attribute, world)))
        for attribute in draw(_some_of(REFERRAL))
    ]
    steps += [Operation("write", f"{path}/enable", b"1"), Operation("read", f"{path}/enable")]
    then = draw(_pick(REFERRAL))
    steps += [Operation("write", f"{path}/{then}", draw(_value(then, world))), Operation("read", f"{path}/{then}")]
    if draw(_BOOLEAN):
        steps.append(Operation("rmdir", path))
    return draw(_carelessly(steps))


@cache
@st.composite
def _settings(draw: DrawFn, world: World) -> Operations:
    """One thing's attributes, set and read one after another."""
    directory, names = draw(_pick(_SETTABLE))
    path = draw(directory)
    found = []
    for _ in range(draw(_number(5)) + 1):
        name = draw(_pick(names))
        found += [Operation("write", f"{path}{name}", draw(_value(name, world))), Operation("read", f"{path}{name}")]
    return found


@cache
@st.composite
def _any(draw: DrawFn, world: World) -> Operations:
    """Anything done to anything."""
    return draw(st.lists(_single(world), min_size=1, max_size=6))


@cache
@st.composite
def _single(draw: DrawFn, world: World) -> Operation:
    kind = draw(_pick(_KINDS))
    if kind in {"write", "read", "late write", "held read", "second read"}:
        path = draw(_attribute())
        attribute = path.rpartition("/")[2]
        data = draw(_value(attribute, world)) if kind in {"write", "late write"} else b""
        if kind in {"write", "read"}:
            return Operation(kind, path, data)
        above = path.rpartition("/")[0]
        inner = (
            Operation("rmdir", above) if draw(_BOOLEAN) else Operation("write", path, draw(_value(attribute, world)))
        )
        return Operation(kind, path, data, (inner,))
    if kind == "symlink":
        return Operation("symlink", draw(_links()), draw(_targets()))
    if kind == "chmod":
        return Operation("chmod", draw(_attribute() if draw(_BOOLEAN) else _directory()), draw(_pick(MODES)))
    if kind == "odd":
        odd: Operation = draw(_pick(_ODD))
        return odd
    if kind in {"unlink", "readlink"}:
        return Operation(kind, draw(_links_mostly()))
    return Operation(kind, draw(_directories_mostly()))


_SUBSYSTEM = _name(SUBSYSTEMS, ODD_SUBSYSTEMS).map("subsystems/{}".format)
_NAMESPACE = st.builds("{}/namespaces/{}".format, _SUBSYSTEM, _name(NAMESPACES, ODD_NAMESPACES))
_PORT = _name(PORTS, ODD_PORTS).map("ports/{}".format)
_HOST = _name(HOSTS, ODD_HOSTS).map("hosts/{}".format)
_GROUP = st.builds("{}/ana_groups/{}".format, _PORT, _name(GROUPS, ODD_GROUPS))
_REFERRAL = st.builds("{}/referrals/{}".format, _PORT, _name(REFERRALS, ODD_REFERRALS))


@cache
def _directory() -> SearchStrategy[str]:
    below_subsystem = st.builds("{}/{}".format, _SUBSYSTEM, _pick(("namespaces", "allowed_hosts", "passthru", "x")))
    below_port = st.builds("{}/{}".format, _PORT, _pick(("subsystems", "referrals", "ana_groups", "x")))
    top = _pick(("", *DIRECTORIES, "x", "subsystems/", "ports/1/"))
    return st.one_of(
        _SUBSYSTEM, _SUBSYSTEM, _NAMESPACE, _NAMESPACE, _PORT, _PORT, _HOST, _GROUP, _REFERRAL, below_subsystem,
        below_port, top,
    )  # fmt: skip


@cache
def _attribute() -> SearchStrategy[str]:
    def of(directory: SearchStrategy[str], names: Sequence[str]) -> SearchStrategy[str]:
        return st.builds("{}/{}".format, directory, _pick((*names, *names, *names, "nope")))

    passthru = st.builds("{}/passthru".format, _SUBSYSTEM)
    return st.one_of(
        of(_SUBSYSTEM, SUBSYSTEM), of(_SUBSYSTEM, SUBSYSTEM), of(_NAMESPACE, NAMESPACE), of(_NAMESPACE, NAMESPACE),
        of(_PORT, PORT), of(_PORT, (*PORT, "addr_portid")), of(_HOST, HOST), of(passthru, PASSTHRU),
        of(_GROUP, ("ana_state",)), of(_REFERRAL, REFERRAL), st.just("discovery_nqn"),
    )  # fmt: skip


@cache
def _links() -> SearchStrategy[str]:
    names = _pick((*SUBSYSTEMS * 8, "other name", "third", "m" * 256))
    hosts = _pick((*HOSTS * 8, "other name", "third"))
    return st.one_of(
        st.builds("{}/subsystems/{}".format, _PORT, names),
        st.builds("{}/allowed_hosts/{}".format, _SUBSYSTEM, hosts),
        st.builds("{}/{}".format, _directory(), _pick(("link", "1"))),
    )


@cache
def _links_mostly() -> SearchStrategy[str]:
    return st.one_of(_links(), _links(), _links(), _attribute(), _directory())


@cache
def _directories_mostly() -> SearchStrategy[str]:
    return st.one_of(_directory(), _directory(), _directory(), _links(), _attribute())


@cache
def _targets() -> SearchStrategy[bytes]:
    odd = _pick(("", "/sys", "/nowhere", "/", "subsystems", "discovery_nqn", "subsystems/a/", "ports/1/subsystems/a"))
    return st.one_of(_SUBSYSTEM, _SUBSYSTEM, _HOST, _HOST, _directory(), odd).map(str.encode)


@cache
@st.composite
def _value(draw: DrawFn, attribute: str, world: World) -> bytes:
    """What to write: mostly something for this attribute, most times on a line of its own."""
    found: bytes = draw(_pick(_pool(attribute, world)))
    ending: bytes = draw(_pick((b"\n", b"", b"\n", b"", b"\n\n", b" ", b"\0")))
    return found + ending if found else found


def _pool(attribute: str, world: World) -> tuple[bytes, ...]:
    key = (attribute, world)
    if key not in _POOLS:
        good = values(attribute, world)
        _POOLS[key] = (*good * max(1, 3 * len(JUNK) // len(good)), *JUNK)
    return _POOLS[key]


_KINDS = (
    "write", "write", "write", "write", "write", "read", "mkdir", "rmdir", "symlink", "unlink", "stat", "list",
    "chmod", "readlink", "late write", "held read", "second read", "odd",
)  # fmt: skip
_SETTABLE = (
    (_pick(SUBSYSTEMS).map("subsystems/{}/".format), SUBSYSTEM),
    (_pick(SUBSYSTEMS).map("subsystems/{}/".format), SUBSYSTEM),
    (st.builds("subsystems/{}/namespaces/{}/".format, _pick(SUBSYSTEMS), _pick(NAMESPACES)), NAMESPACE),
    (_pick(PORTS).map("ports/{}/".format), PORT),
    (_pick(HOSTS).map("hosts/{}/".format), HOST),
    (_pick(SUBSYSTEMS).map("subsystems/{}/passthru/".format), PASSTHRU),
    (st.just(""), ("discovery_nqn",)),
)

_BOOLEAN = st.booleans()
_POOLS: dict[tuple[str, World], tuple[bytes, ...]] = {}

_ODD_PATHS: dict[Kind, tuple[str, ...]] = {
    "mkdir": (
        "subsystems/a/..", "nope/..", "subsystems/.", "hosts/h/", "", "discovery_nqn",
        "discovery_nqn/x", "nope/x/y", "ports/1/subsystems/a",
        "ports/1/subsystems/a/namespaces/2",
    ),
    "rmdir": (
        "subsystems/a/.", "subsystems/a/..", "subsystems/a/", "", "ports/1/ana_groups/1",
        "discovery_nqn", "ports/1/subsystems/a",
    ),
    "unlink": ("subsystems/a/", "", "discovery_nqn", "subsystems/a/..", "subsystems/.", "nope/.."),
    "list": ("discovery_nqn", "ports/1/subsystems/a"),
    "stat": ("subsystems/a/../b",),
    "read": (
        "subsystems", "discovery_nqn/x", "subsystems/a/../../discovery_nqn", "ports/1/subsystems/a/attr_model",
        "a" * 300,
    ),
    "write": ("subsystems", "nope", "ports/1/subsystems/a/attr_model"),
    "symlink": ("subsystems/a/attr_model", "nope/x", "discovery_nqn/x", "subsystems/b/allowed_hosts/via"),
    "chmod": ("ports/1/subsystems/a",),
}  # fmt: skip
_ODD_DATA: dict[Kind, tuple[bytes, ...]] = {
    "write": (b"x", b"through a link\n"),
    "symlink": (b"hosts/h", b"subsystems/a/allowed_hosts/h"),
    "chmod": (b"700",),
}
_ODD = tuple(
    Operation(kind, path, data)
    for kind, paths in _ODD_PATHS.items()
    for path in paths
    for data in _ODD_DATA.get(kind, (b"",))
)


def _race(above: str, path: str, data: bytes) -> Operation:
    return Operation("late write", path, data, (Operation("rmdir", above),))


def _line(text: str) -> bytes:
    return f"{text}\n".encode()
