"""The target's configuration, as configfs may show it: aliases, links of any name, torn objects, unknown attributes."""

from __future__ import annotations

import errno
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.reading import Reader
from p2pctl.model.facts import NOT_READ, UNREADABLE
from p2pctl.model.nvmet import AnaGroup, Nvmet, TargetNamespace
from p2pctl.simulator.nodes import Contents, File, Link, refused
from tests.trees import tree

Entries = Mapping[str, Contents | Link | File | None]

ROOT = "/sys/kernel/config/nvmet"
SUBSYSTEM = f"{ROOT}/subsystems/nqn.s1"
PORT = f"{ROOT}/ports/1"
HOSTS = "../../../../nvmet/hosts"


def nvmet(entries: Entries, *, secrets: bool = False) -> Nvmet:
    return read_nvmet(Reader(tree(entries)), 0.0, secrets=secrets)


def test_two_directories_of_one_ana_group_are_one_group() -> None:
    """The kernel takes ``02`` beside ``2``; both are remembered, so that both can be removed."""
    found = nvmet({f"{PORT}/ana_groups/{name}/ana_state": b"optimized\n" for name in ("02", "2", "0x2", "03", "10")})
    state = {"ana_state": "optimized"}
    assert found.ports["1"].ana_groups == {
        2: AnaGroup(2, state, "", ("02", "0x2")),
        3: AnaGroup(3, state, "03"),
        10: AnaGroup(10, state),
    }
    assert found.ports["1"].ana_groups[3].directory == "03"
    assert found.gaps == ()


def test_two_directories_of_one_namespace_are_a_gap() -> None:
    """The kernel refuses the second; where a tree has it all the same, the plain one counts."""
    found = nvmet({f"{SUBSYSTEM}/namespaces/{name}/enable": f"{name}\n".encode() for name in ("01", "1", "010")})
    namespaces = found.subsystems["nqn.s1"].namespaces
    assert namespaces == {
        1: TargetNamespace(1, {"enable": "1"}),
        8: TargetNamespace(8, {"enable": "010"}, "010"),
    }
    assert [(gap.fact, gap.address) for gap in found.gaps] == [("nvmet", "01")]


def test_ports_of_one_number_are_two_ports() -> None:
    """``1`` and ``01`` are different objects of the kernel's, which it tells hosts of by one number."""
    found = nvmet({f"{ROOT}/ports/{name}/addr_trtype": b"tcp\n" for name in ("1", "01")})
    assert {name: port.number for name, port in found.ports.items()} == {"1": 1, "01": 1}


def test_a_directory_that_is_no_number_is_a_gap() -> None:
    found = nvmet({f"{SUBSYSTEM}/namespaces/one/enable": b"1\n"})
    assert found.subsystems["nqn.s1"].namespaces == {}
    assert [gap.address for gap in found.gaps] == ["one"]


def test_links_count_by_where_they_lead() -> None:
    """Whatever they are called; one that leads to another kind of object, or cannot be read, is a gap."""
    found = nvmet(
        {
            f"{SUBSYSTEM}/allowed_hosts/friend": Link(f"{HOSTS}/nqn.h1"),
            f"{SUBSYSTEM}/allowed_hosts/nqn.h2": Link(f"{ROOT}/hosts/nqn.h3"),
            f"{SUBSYSTEM}/allowed_hosts/stray": Link("../../../../nvmet/subsystems/nqn.s2"),
            f"{SUBSYSTEM}/allowed_hosts/bare": Link("nqn.h4"),
            f"{PORT}/subsystems/x": Link("../../../../nvmet/subsystems/nqn.s1"),
        }
    )
    assert found.subsystems["nqn.s1"].host_links == {"friend": "nqn.h1", "nqn.h2": "nqn.h3"}
    assert found.subsystems["nqn.s1"].allowed_hosts == ("nqn.h1", "nqn.h3")
    assert found.ports["1"].subsystems == ("nqn.s1",)
    assert [(gap.fact, gap.address) for gap in found.gaps] == [("nvmet link", "bare"), ("nvmet link", "stray")]


def test_what_is_torn_down_meanwhile_is_left_out() -> None:
    """Objects that a listing still showed, and attributes whose object has gone; neither is an error."""
    files = tree(
        {
            f"{SUBSYSTEM}/attr_model": b"Linux\n",
            f"{SUBSYSTEM}/attr_serial": refused(errno.ENODEV),
            f"{SUBSYSTEM}/namespaces/1/enable": b"1\n",
            f"{ROOT}/hosts/nqn.h1": None,
            f"{PORT}/referrals/r/enable": b"0\n",
        }
    )

    class Torn:
        """Each directory of these names is there in its parent's listing and gone when it is looked into."""

        def list(self, path: str) -> tuple[str, ...]:
            if path.endswith(("/namespaces/1", "/hosts/nqn.h1", "/referrals/r", "/allowed_hosts")):
                raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
            return files.list(path)

        def __getattr__(self, name: str) -> object:
            return getattr(files, name)

    found = read_nvmet(Reader(Torn()), 0.0)  # type: ignore[arg-type]
    assert found.subsystems["nqn.s1"].attributes == {"attr_model": "Linux"}
    assert found.subsystems["nqn.s1"].namespaces == {}
    assert (found.hosts, found.ports["1"].referrals, found.gaps) == ({}, {}, ())


def test_attributes_of_other_kernels_are_kept() -> None:
    """Those of the proposals of 2017 and 2018, of vendors, of tomorrow; a group that nobody knows is no attribute."""
    found = nvmet(
        {
            f"{PORT}/allow_p2pmem": b"1\n",
            f"{PORT}/p2pmem": b"p2pmem0\n",
            f"{PORT}/group_of_tomorrow/x": b"",
            f"{SUBSYSTEM}/attr_offload": b"0\n",
            f"{SUBSYSTEM}/attr_closed": refused(errno.EACCES),
            f"{ROOT}/discovery_nqn": b"nqn.d\n",
        }
    )
    assert found.ports["1"].attributes == {"allow_p2pmem": "1", "p2pmem": "p2pmem0"}
    assert found.subsystems["nqn.s1"].attributes == {"attr_offload": "0", "attr_closed": UNREADABLE}
    assert found.attributes == {"discovery_nqn": "nqn.d"}
    assert [gap.errno for gap in found.gaps] == [errno.EACCES]


def test_secrets_are_for_who_asks() -> None:
    """A key is read only then; how it is used is no secret."""
    host = f"{ROOT}/hosts/nqn.h1"
    entries: Entries = {
        f"{host}/dhchap_key": b"DHHC-1:00:x:\n",
        f"{host}/dhchap_ctrl_key": b"\n",
        f"{host}/dhchap_hash": b"hmac(sha256)\n",
        f"{SUBSYSTEM}/namespaces/1/revalidate_size": refused(errno.EACCES),
    }
    assert nvmet(entries).hosts["nqn.h1"].attributes == {
        "dhchap_key": NOT_READ, "dhchap_ctrl_key": NOT_READ, "dhchap_hash": "hmac(sha256)",
    }  # fmt: skip
    found = nvmet(entries, secrets=True)
    assert found.hosts["nqn.h1"].attributes["dhchap_key"] == "DHHC-1:00:x:"
    assert found.hosts["nqn.h1"].attributes["dhchap_ctrl_key"] == ""
    assert found.subsystems["nqn.s1"].namespaces[1].attributes == {"revalidate_size": NOT_READ}
    assert found.gaps == ()


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=40))
def test_names_are_what_people_make_of_them(name: str) -> None:
    """NQNs with spaces, escapes and newlines come out as they are."""
    if name in {".", ".."}:
        return
    found = nvmet(
        {
            f"{ROOT}/subsystems/{name}/attr_model": b"x\n",
            f"{ROOT}/hosts/{name}": None,
            f"{PORT}/subsystems/{name}": Link(f"../../../../nvmet/subsystems/{name}"),
        }
    )
    assert (set(found.subsystems), set(found.hosts), found.ports["1"].subsystems) == ({name}, {name}, (name,))
    assert found.gaps == ()


@pytest.mark.parametrize(
    ("entries", "loaded", "built"),
    [
        ({}, False, NOT_READ),
        ({"/sys/module/nvmet": None}, True, NOT_READ),
        ({"/proc/sys/kernel/osrelease": b"7.3\n", "/boot/config-7.3": b"CONFIG_NVME_TARGET=m\n"}, False, True),
        ({"/proc/sys/kernel/osrelease": b"7.3\n", "/boot/config-7.3": b"CONFIG_PCI=y\n"}, False, False),
    ],
)
def test_a_host_without_the_target(entries: Entries, loaded: bool, built: object) -> None:
    """What it lacks: the mount, the module, or a kernel that has one; none of that is a gap."""
    found = nvmet(entries)
    assert (found.present, found.loaded, found.built, found.gaps) == (False, loaded, built, ())


def test_a_thousand_namespaces_are_read_once_each() -> None:
    """One listing an object and one read an attribute: nothing is asked for twice."""
    count = 1000
    files = tree({f"{SUBSYSTEM}/namespaces/{number}/enable": b"1\n" for number in range(1, count + 1)})
    calls: list[str] = []

    class Counting:
        def list(self, path: str) -> tuple[str, ...]:
            calls.append(path)
            return files.list(path)

        def read(self, path: str, limit: int = 1 << 20) -> bytes:
            calls.append(path)
            return files.read(path, limit)

    found = read_nvmet(Reader(Counting()), 0.0)  # type: ignore[arg-type]
    assert len(found.subsystems["nqn.s1"].namespaces) == count
    below = [path for path in calls if "/namespaces/" in path]
    assert len(below) == len(set(below)) == 2 * count
