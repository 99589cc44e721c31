"""The simulated target gives, write for write, what two kernels gave when they were probed.

The logs hold what a prober printed in a virtual machine. The same operations are done here in the same order, and
every line that was printed then must come out again, the kernel's own messages included.
"""

from __future__ import annotations

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pctl.simulator.log import MemoryLog
from p2pctl.simulator.nodes import Directory, nest
from p2pctl.simulator.nvmet.environment import Environment, Function, Opened
from p2pctl.simulator.nvmet.kernel import NvmetKernel
from p2pctl.simulator.tree import MemoryFiles

DATA = Path(__file__).parent / "data"
ROOT = "/sys/kernel/config/nvmet"
T1, P1, H1 = f"{ROOT}/subsystems/t1", f"{ROOT}/ports/1", f"{ROOT}/hosts/h1"
NS = f"{T1}/namespaces/1"
LOOPBACK = frozenset({"127.0.0.1", "::1"})

DEVICES = {
    "/tmp": Opened("directory"),
    "/tmp/f.img": Opened("file"),
    "/dev/null": Opened("character"),
    "/dev/nullb0": Opened("block"),
    "/dev/nvme0n1": Opened("block", p2p=True, pci="0000:01:00.0"),
    "/dev/nvme1n1": Opened("block", p2p=True, pci="0000:02:00.0"),
}


class Probe:
    """Does what the prober did and holds the log to it."""

    def __init__(self, log: Path, environment: Environment) -> None:
        printed, _, messages = log.read_bytes().decode().partition("==== dmesg\n")
        self.lines = printed.splitlines()
        self.messages = [
            line.split("] ", 1)[1].replace("\\x01", "\x01")
            for line in messages.splitlines()
            if line.startswith("[") and not re.match(r"\[ *[\d.]+\] nvme (nvme\d|[\d:.]+: added)", line)
        ]
        self.kernel = NvmetKernel(environment, MemoryLog(lambda: 0.0))
        root = nest({"/sys/kernel/config": self.kernel.configfs, "/tmp": Directory()})
        self.files = MemoryFiles(root)
        self.at = 0

    def next(self) -> str:
        """The next line of the log."""
        self.at += 1
        return self.lines[self.at - 1]

    def printed(self, *words: object) -> None:
        """What the prober prints now."""
        assert " ".join(str(one) for one in words) == self.next()

    def all_was_replayed(self) -> None:
        """Nothing is left of the log, and the kernel said nothing more and nothing less."""
        assert self.at == len(self.lines)
        # The prober kept the first line of each message, and none about namespaces that come.
        said = [line.text.split("\n")[0] for line in self.kernel.log.since().lines]
        assert [one for one in said if not one.startswith("nvmet: adding nsid")] == self.messages

    def do(self, operation: str, *arguments: object) -> str:
        """One operation: ``ok`` or the name of its errno."""
        try:
            getattr(self.files, operation)(*arguments)
        except OSError as problem:
            return errno.errorcode[problem.errno or 0]
        return "ok"

    def write(self, path: str, value: str | bytes, end: str = "\n") -> str:
        """One write."""
        raw = value if isinstance(value, bytes) else value.encode() + end.encode()
        return self.do("write", path, raw)

    def mkdir(self, path: str) -> str:
        return self.do("mkdir", path)

    def rmdir(self, path: str) -> str:
        return self.do("rmdir", path)

    def link(self, target: str, path: str) -> str:
        return self.do("symlink", target, path)

    def read(self, path: str) -> bytes | str:
        try:
            return self.files.read(path)
        except OSError as problem:
            return errno.errorcode[problem.errno or 0]

    def writes(self, label: str, path: str, *, end: str = "\n") -> None:
        """Every write under a label, with the value that the log tells and what was read afterwards."""
        done = 0
        while self.at < len(self.lines) and self.lines[self.at].startswith(f"{label}: write "):
            found = re.fullmatch(rf"{re.escape(label)}: write (.*) -> (\S+) ; reads (.*)", self.next())
            assert found is not None
            value = ast.literal_eval(found[1])
            result = self.write(path, value, end)
            if found[2].startswith("open:"):
                result = f"open:{result}"
            assert (value, result, repr(self.read(path))) == (value, found[2], found[3])
            done += 1
        assert done, label

    def tree(self, path: str = ROOT) -> Iterator[str]:
        """The lines for a directory and all below it."""
        yield f"DIR {path}"
        names = self.files.list(path)
        directories = []
        for name in names:
            below = f"{path}/{name}"
            stat = self.files.stat(below)
            if stat.kind == "directory":
                directories.append(below)
                continue
            value = self.read(below)
            yield f"   {oct(stat.mode)} {name} {value if value == 'EACCES' else repr(value)}"
        for below in directories:
            yield from self.tree(below)


RANDOM = re.compile(r"(attr_serial b'|device_uuid b')[0-9a-f-]+")


def functions(lines: list[str]) -> dict[str, Function]:
    """The PCI functions that the log lists, with the drivers that its messages name."""
    drivers = {"0000:00:01.0": "virtio-pci", "0000:01:00.0": "nvme", "0000:02:00.0": "nvme"}
    found = {}
    for line in lines:
        words = line.split(" ", 4)
        if words[0] == "pci" and re.fullmatch(r"[0-9a-f:.]+", words[1]):
            found[words[1]] = Function(drivers.get(words[1], "pci"), published="('published', b'1\\n')" in line)
    return found


@pytest.mark.parametrize("release", ["6.18.15", "7.3.4"])
def test_every_result_of_the_probe_comes_out_again(release: str) -> None:
    """About 350 operations a kernel, their errno, what was read afterwards, and what the kernel said."""
    log = DATA / f"configfs-probe-{release}.log"
    lines = log.read_text().splitlines()
    probe = Probe(
        log,
        Environment(release=f"{release}+deb13-amd64", devices=DEVICES, functions=functions(lines), addresses=LOOPBACK),
    )
    probe.printed("== uname", probe.kernel.environment.release)
    # The kernel lists a directory in another order than the simulator.
    assert sorted(probe.files.list(ROOT)) == sorted(ast.literal_eval(probe.next().split("== root ")[1].split(" b'")[0]))
    tree(probe)
    names(probe)
    namespace_attributes(probe)
    namespaces_enabled(probe)
    subsystem_attributes(probe)
    port_attributes(probe)
    transport_security(probe)
    port_parameters(probe)
    links(probe)
    discovery(probe)
    secrets(probe)
    connected(probe)
    tcp(probe)
    probe.all_was_replayed()


def tree(probe: Probe) -> None:
    """The tree with one of everything in it: every attribute, its mode and its default."""
    for path in (H1, T1, NS, P1, f"{P1}/referrals/ref1", f"{P1}/ana_groups/2"):
        assert probe.mkdir(path) == "ok"
    for line in probe.tree():
        assert RANDOM.sub(r"\1", line) == RANDOM.sub(r"\1", probe.next())
    probe.printed("== attr lstat size", probe.files.stat(f"{P1}/addr_traddr").size)


def names(probe: Probe) -> None:
    """What a directory may be called."""
    probe.printed("== subsys mkdir")
    made = ["nqn.2014-08.org.nvmexpress.discovery", "a" * 223, "a" * 224, "b" * 255, "c" * 256, " ", "sp ace", "x:y_.."]
    for name in made:
        probe.printed(len(name), name[:40], probe.mkdir(f"{ROOT}/subsystems/{name}"))
    probe.printed("dup", probe.mkdir(T1))
    for name in made[1:]:
        probe.rmdir(f"{ROOT}/subsystems/{name}")
    hosts = ("h" * 255, "h" * 256, "not an nqn")
    probe.printed("== host mkdir", *(probe.mkdir(f"{ROOT}/hosts/{one}") for one in hosts))
    above = f"{T1}/namespaces"
    numbered(probe, "== ns mkdir", above, until="[")
    probe.printed(list(probe.kernel.directory.entries["subsystems"].entries["t1"].entries["namespaces"].entries))  # type: ignore[union-attr]
    probe.printed("max ns: failed at 2", probe.mkdir(f"{above}/2"))
    for name in ("2", "4294967294", "8193", "010", "+7"):
        assert probe.rmdir(f"{above}/{name}") == "ok"
    numbered(probe, "== port mkdir", f"{ROOT}/ports", until="==")
    for name in ("0", "65535", "01", "0x1"):
        assert probe.rmdir(f"{ROOT}/ports/{name}") == "ok"
    groups = f"{P1}/ana_groups"
    numbered(probe, "== ana mkdir", groups, until="{")
    probe.printed({one: probe.read(f"{groups}/{one}/ana_state") for one in probe.files.list(groups)})
    probe.printed("rmdir ana 1", probe.rmdir(f"{groups}/1"))
    probe.printed("rmdir port while ana groups", probe.rmdir(P1))
    for name in ("2", "02", "128", "127"):
        probe.printed("rmdir", name, probe.rmdir(f"{groups}/{name}"))
    probe.printed("rmdir port with referral", probe.rmdir(P1))
    places = (ROOT, T1, f"{T1}/allowed_hosts", f"{P1}/subsystems", H1, NS, f"{P1}/referrals/ref1")
    probe.printed("== mkdir where not allowed:", *(probe.mkdir(f"{one}/x") for one in places))
    made_by_kernel = (f"{ROOT}/subsystems", f"{T1}/namespaces", f"{P1}/referrals")
    probe.printed("rmdir default groups", *(probe.rmdir(one) for one in made_by_kernel))
    # The door has no call that renames, and none that creates a file.
    probe.printed("unlink attr", probe.do("unlink", f"{T1}/attr_serial"), "rename EPERM create file EACCES")


def numbered(probe: Probe, title: str, above: str, until: str) -> None:
    """Directories whose names are numbers."""
    probe.printed(title)
    while not probe.lines[probe.at].startswith((until, "==")):
        line = probe.next()
        name = ast.literal_eval(line.rpartition(" ")[0])
        assert f"{name!r} {probe.mkdir(f'{above}/{name}')}" == line


def namespace_attributes(probe: Probe) -> None:
    """A namespace that is disabled."""
    probe.printed("== ns attrs disabled")
    probe.writes("p2pmem", f"{NS}/p2pmem")
    probe.writes("p2pmem nonl", f"{NS}/p2pmem", end="")
    for address in probe.kernel.environment.functions:
        assert probe.next().startswith(f"pci {address} ")
    for label, name in (("ana_grpid", "ana_grpid"), ("nguid", "device_nguid"), ("uuid", "device_uuid"),
                        ("buffered_io", "buffered_io"), ("resv_enable", "resv_enable")):  # fmt: skip
        probe.writes(label, f"{NS}/{name}")
    size = f"{NS}/revalidate_size"
    probe.printed("revalidate read", probe.read(size), "write disabled", probe.write(size, "1"), probe.write(size, "0"))
    probe.printed("enable nopath", probe.write(f"{NS}/enable", "1"))
    probe.writes("path empty", f"{NS}/device_path")
    while probe.lines[probe.at].startswith("device_path: "):
        found = re.fullmatch(r"device_path: write (.*) -> ok ; reads .*", probe.lines[probe.at])
        assert found is not None
        path = ast.literal_eval(found[1])
        probe.writes("device_path", f"{NS}/device_path")
        what = "enable file" if path.endswith("f.img") else "enable"
        probe.printed("  ", what, "->", probe.write(f"{NS}/enable", "1"), probe.read(f"{NS}/enable"))
        assert probe.write(f"{NS}/enable", "0") == "ok"
    assert probe.write(f"{NS}/buffered_io", "1") == "ok"
    probe.printed("  ", "enable file buffered ->", probe.write(f"{NS}/enable", "1"), probe.read(f"{NS}/enable"))
    probe.write(f"{NS}/enable", "0")
    probe.write(f"{NS}/device_path", "/dev/nullb0")
    probe.printed("  ", "enable blk buffered ->", probe.write(f"{NS}/enable", "1"))
    probe.write(f"{NS}/enable", "0")
    probe.write(f"{NS}/buffered_io", "0")


def namespaces_enabled(probe: Probe) -> None:
    """With P2P memory, and while it is enabled."""
    probe.printed("== p2pmem enable paths")
    path, p2pmem, enable = f"{NS}/device_path", f"{NS}/p2pmem", f"{NS}/enable"
    file = probe.write(path, "/tmp/f.img")
    probe.printed(" file p2pmem", file, probe.write(p2pmem, "1"), probe.write(enable, "1"), probe.read(enable))
    probe.printed(" nullb p2pmem", probe.write(path, "/dev/nullb0"), probe.write(enable, "1"), probe.read(enable))
    for _ in range(4):
        device, _, value = probe.lines[probe.at].split()[:3]
        results = probe.write(path, device), probe.write(p2pmem, value), probe.write(enable, "1")
        probe.printed(f"  {device} p2pmem", value, *results, probe.read(enable), probe.read(p2pmem))
        probe.write(enable, "0")
    probe.write(p2pmem, "0")
    probe.printed("enable", probe.write(enable, "1"), "again", probe.write(enable, "1"))
    probe.printed("== ns attrs while enabled")
    values = {"device_path": "/dev/nullb0", "device_uuid": "5a0b1c2d-0000-4000-8000-000000000001",
              "device_nguid": "0" * 32, "p2pmem": "1", "buffered_io": "1", "resv_enable": "1", "ana_grpid": "1",
              "revalidate_size": "1", "enable": "2"}  # fmt: skip
    for name, value in values.items():
        probe.printed(name, probe.write(f"{NS}/{name}", value))


def subsystem_attributes(probe: Probe) -> None:
    """What a subsystem says that it is."""
    probe.printed("== subsystem attrs")
    for label, name in (("allow_any", "allow_any_host"), ("version", "version"), ("serial", "serial"),
                        ("model", "model"), ("firmware", "firmware"), ("oui", "ieee_oui"), ("vid", "vendor_id"),
                        ("ssvid", "subsys_vendor_id"), ("cntlid_min", "cntlid_min")):  # fmt: skip
        probe.writes(label, f"{T1}/attr_{name}")
    assert probe.write(f"{T1}/attr_cntlid_min", "5") == "ok"
    for name in ("cntlid_max", "qid_max", "pi_enable"):
        probe.writes(name, f"{T1}/attr_{name}")


def port_attributes(probe: Probe) -> None:
    """Addresses."""
    probe.printed("== port attrs")
    probe.writes("adrfam", f"{P1}/addr_adrfam")
    for value in ("192.168.0.1", "a" * 255, "a" * 256, "abc def g", ""):
        result = probe.write(f"{P1}/addr_traddr", value)
        probe.printed("traddr", len(value), result, len(probe.read(f"{P1}/addr_traddr")))
    for value in ("4420", "9" * 31, "9" * 32, ""):
        result = probe.write(f"{P1}/addr_trsvcid", value)
        probe.printed("trsvcid", len(value), result, probe.read(f"{P1}/addr_trsvcid"))
    probe.writes("treq", f"{P1}/addr_treq")


def transport_security(probe: Probe) -> None:
    """What each transport makes of ``tsas``, and what that makes of ``treq``."""
    tsas, treq = f"{P1}/addr_tsas", f"{P1}/addr_treq"
    while probe.lines[probe.at].startswith("trtype: "):
        # One line at a time: the next write of trtype undoes what the writes of tsas did.
        rest, probe.lines = probe.lines, probe.lines[: probe.at + 1]
        probe.writes("trtype", f"{P1}/addr_trtype")
        probe.lines = rest
        after = probe.read(tsas)
        tried = ast.literal_eval(probe.lines[probe.at].partition(" [")[2].join("[]")[:-1])
        probe.printed("   tsas after", after, [(one, probe.write(tsas, one)) for one, _ in tried])
    assert probe.write(f"{P1}/addr_trtype", "tcp") == "ok"
    probe.writes("treq req", treq)
    probe.writes("tsas none", tsas)
    probe.printed("treq after tsas none", probe.read(treq))
    probe.writes("tsas tls", tsas)
    probe.printed("treq after tls", probe.read(treq))
    probe.writes("treq ns", treq)
    probe.writes("treq nr", treq)


def port_parameters(probe: Probe) -> None:
    """Parameters, and the attributes of a referral."""
    for label, name in (("inline", "inline_data_size"), ("mqs", "max_queue_size"), ("mdts", "mdts"),
                        ("pi", "pi_enable")):  # fmt: skip
        probe.writes(label, f"{P1}/param_{name}")
    probe.printed("portid attr on port exists", "addr_portid" in probe.files.list(P1))
    referral = f"{P1}/referrals/ref1"
    probe.writes("ref portid", f"{referral}/addr_portid")
    probe.printed(
        "ref enable", probe.write(f"{referral}/enable", "1"), "addr while enabled",
        probe.write(f"{referral}/addr_traddr", "1.2.3.4"), probe.write(f"{referral}/addr_portid", "4"),
        "rmdir enabled", probe.rmdir(referral),
    )  # fmt: skip


def links(probe: Probe) -> None:
    """What may be linked where, and what a link holds."""
    probe.printed("== symlink rules")
    hosts, exports = f"{T1}/allowed_hosts", f"{P1}/subsystems"
    probe.printed("allowed_hosts with any", probe.link(H1, f"{hosts}/h1"))
    probe.write(f"{T1}/attr_allow_any_host", "0")
    probe.printed("allowed_hosts", probe.link(H1, f"{hosts}/h1"), probe.files.readlink(f"{hosts}/h1"))
    probe.printed("dup other name", probe.link(H1, f"{hosts}/other"))
    probe.printed("allow_any with hosts", probe.write(f"{T1}/attr_allow_any_host", "1"))
    probe.printed(
        "wrong type into allowed_hosts", probe.link(T1, f"{hosts}/w"), "file", probe.link(f"{T1}/attr_serial",
        f"{hosts}/f"), "foreign", probe.link("/tmp", f"{hosts}/t"),
        "dangling", probe.link(f"{ROOT}/hosts/none", f"{hosts}/d"),
    )  # fmt: skip
    probe.printed("rmdir host linked", probe.rmdir(H1), "rmdir subsys with ns+hosts", probe.rmdir(T1))
    probe.mkdir(f"{ROOT}/ports/2")
    probe.printed("link port no trtype", probe.link(T1, f"{ROOT}/ports/2/subsystems/t1"))
    probe.rmdir(f"{ROOT}/ports/2")
    probe.write(f"{P1}/addr_tsas", "none")
    probe.write(f"{P1}/addr_trtype", "loop")
    probe.printed("relative from cwd None", probe.link("../../../subsystems/t1", f"{exports}/t1"))
    # From the directory itself the kernel finds it; here a path is resolved by who gives it.
    absolute = os.path.normpath(f"{exports}/../../../subsystems/t1")
    result = probe.link(absolute, f"{exports}/renamed")
    names_in_it = list(probe.files.list(exports))
    probe.printed("relative with cwd there", result, names_in_it, probe.files.readlink(f"{exports}/renamed"))
    probe.printed("dup link", probe.link(T1, f"{exports}/t1"), "wrong", probe.link(H1, f"{exports}/h1"))
    told = ast.literal_eval(probe.next().removeprefix("port vals after enable "))
    assert told == {one: probe.read(f"{P1}/{one}") for one in told}
    assert set(told) == {one for one in probe.files.list(P1) if one.startswith(("addr_", "param_"))}
    values = {"adrfam": "ipv4", "treq": "required", "tsas": "none"}
    while probe.lines[probe.at].startswith(" enabled "):
        name = probe.lines[probe.at].split()[1]
        result = probe.write(f"{P1}/{name}", values.get(name.removeprefix("addr_"), "1"))
        probe.printed(" enabled", name, f"open:{result}" if result == "ENOENT" else result)
    probe.printed("rmdir port linked", probe.rmdir(P1), "rmdir subsys linked", probe.rmdir(T1))


def discovery(probe: Probe) -> None:
    """The discovery service's name, the one store that takes less than it was given."""
    probe.printed("discovery_nqn tests")
    path = f"{ROOT}/discovery_nqn"
    for value, bare in (("nqn.2024-01.x:disc", False), ("nqn.2024-01.y:disc", True), ("t", True), ("t1", True),
                        ("t1x", True), ("d" * 255, True), ("d" * 256, True), ("", False)):  # fmt: skip
        result = probe.write(path, value, "" if bare else "\n")
        # A door answers a short write with EIO.
        shown = f"short({len(value)}/{len(value) + 1})" if result == "EIO" else result
        value_read = probe.read(path)
        assert isinstance(value_read, bytes)
        probe.printed(" ", len(value), bare, shown, str(value_read[:40]))
    probe.printed(" subsys mkdir of disc nqn", probe.mkdir(f"{ROOT}/subsystems/{'d' * 255}"))


def secrets(probe: Probe) -> None:
    """Keys for DH-CHAP."""
    probe.printed("== dhchap")
    probe.writes("key", f"{H1}/dhchap_key")
    probe.writes("key nul", f"{H1}/dhchap_key")
    probe.writes("hash", f"{H1}/dhchap_hash")
    probe.writes("dhg", f"{H1}/dhchap_dhgroup")
    probe.printed("zero-length write", probe.write(f"{H1}/dhchap_key", b""))


def connected(probe: Probe) -> None:
    """A host on a loop port, what it locks, and how it goes."""
    probe.printed("== connect loop")
    probe.do("unlink", f"{T1}/allowed_hosts/h1")
    probe.write(f"{T1}/attr_allow_any_host", "1")
    hostnqn = next(one for one in probe.messages if "Created nvm" in one).rpartition(" for NQN ")[2].removesuffix(".")
    number = probe.kernel.connect("1", "t1", hostnqn).number
    assert f",cntlid={number}\\n" in probe.next()
    values = {"attr_version": "1.4", "attr_ieee_oui": "0x1", "attr_vendor_id": "1", "attr_cntlid_min": "1",
              "attr_allow_any_host": "1", "attr_pi_enable": "0"}  # fmt: skip
    while probe.lines[probe.at].startswith(" connected "):
        name = probe.lines[probe.at].split()[1]
        probe.printed(" connected", name, probe.write(f"{T1}/{name}", values.get(name, "X")))
    # The controllers of the probed machine as a host, which is not the target's side.
    for one in ("nvme0", "nvme1", "nvme2"):
        probe.printed(one)
    assert not probe.kernel.has_debugfs
    assert probe.next().startswith("ls: cannot access '/sys/kernel/debug/nvmet'")
    probe.printed()
    probe.printed("disable ns while connected", probe.write(f"{NS}/enable", "0"), probe.read(f"{NS}/enable"))
    probe.printed("reenable", probe.write(f"{NS}/enable", "1"))
    assert probe.kernel.controllers()
    probe.printed("unlink subsys from port while connected", probe.do("unlink", f"{P1}/subsystems/renamed"))
    assert not probe.kernel.controllers()
    assert "nvme2" not in probe.next()
    probe.printed(" serial after disconnect", probe.write(f"{T1}/attr_serial", "X"))
    probe.printed("rmdir ns enabled", probe.rmdir(NS), "rmdir subsys", probe.rmdir(T1))


def tcp(probe: Probe) -> None:
    """Ports that listen, and what refuses."""
    probe.printed("== tcp port")
    subsystem = f"{ROOT}/subsystems/t2"
    probe.mkdir(subsystem)
    port = f"{ROOT}/ports/3"
    while not probe.lines[probe.at].startswith("same addr"):
        line = probe.next()
        family, address, service, result, values = line.split(" ", 4)
        probe.rmdir(port)
        probe.mkdir(port)
        probe.write(f"{port}/addr_trtype", "tcp")
        if family != "None":
            assert probe.write(f"{port}/addr_adrfam", family) == "ok"
        probe.write(f"{port}/addr_traddr", address)
        probe.write(f"{port}/addr_trsvcid", service)
        told = ast.literal_eval(values)
        assert probe.link(subsystem, f"{port}/subsystems/t2") == result
        assert {one: probe.read(f"{port}/{one}") for one in told} == told
    port = f"{ROOT}/ports/4"
    probe.mkdir(port)
    for name, value in (("trtype", "tcp"), ("adrfam", "ipv4"), ("traddr", "127.0.0.1"), ("trsvcid", "4420")):
        assert probe.write(f"{port}/addr_{name}", value) == "ok"
    link = f"{port}/subsystems/t2"
    probe.printed("same addr", probe.link(subsystem, link))
    zero = probe.write(f"{port}/addr_trsvcid", "0")
    probe.printed("no trsvcid set:", zero, probe.link(subsystem, link), probe.do("unlink", link))
    probe.write(f"{port}/addr_trtype", "rdma")
    probe.printed("rdma", probe.link(subsystem, link))
    attempts = {
        "fc": ("addr_trtype", "addr_adrfam", "addr_traddr"),
        "fc good syntax": ("addr_traddr",),
        "pci": ("addr_trtype",),
    }
    for what, attributes in attempts.items():
        assert {probe.write(f"{port}/{one}", "pci") for one in attributes} == {"EACCES"}
        probe.printed(what, probe.link(subsystem, link))
    for one in ("addr_trtype", "addr_adrfam", "addr_traddr", "addr_trsvcid"):
        assert probe.write(f"{port}/{one}", "tcp") == "EACCES"
    probe.printed("pi on tcp", probe.write(f"{port}/param_pi_enable", "1"), probe.link(subsystem, link))
    probe.printed("no subsys dir for port without links: pending")
    # There the prober ended, for the reason that it prints.
    ending = [probe.next() for _ in range(4)]
    assert ending[-1] == f"OSError: [Errno {errno.ENOTEMPTY}] Directory not empty: '{port}'"
    assert probe.rmdir(port) == "ENOTEMPTY"


def test_every_result_of_the_second_probe_comes_out_again() -> None:
    """Devices exported twice, RDMA without a device, what a port keeps, addresses that clash."""
    devices = {f"/dev/nvme{one}n1": Opened("block", p2p=True, pci=f"0000:0{one + 1}:00.0") for one in range(2)}
    probe = Probe(
        DATA / "misc-7.3.4.log",
        Environment(release="7.3.4+deb13-amd64", devices=devices, addresses=LOOPBACK | {"10.77.0.1"}),
    )
    assert probe.mkdir(T1) == "ok"
    for nsid in ("1", "2"):
        probe.mkdir(f"{T1}/namespaces/{nsid}")
        probe.write(f"{T1}/namespaces/{nsid}/device_path", "/dev/nvme0n1")
    first, second = (probe.write(f"{T1}/namespaces/{one}/enable", "1") for one in ("1", "2"))
    probe.printed("enable while O_EXCL held", first, "second export of the same dev", second)
    # What others do with the device is none of the target's.
    probe.printed("O_EXCL open while exported: ok")
    while not probe.lines[probe.at].startswith("enable while mounted"):
        probe.next()
    probe.write(f"{NS}/enable", "0")
    probe.printed("enable while mounted", probe.write(f"{NS}/enable", "1"))
    probe.printed()
    port = f"{ROOT}/ports/5"
    probe.mkdir(port)
    link = f"{port}/subsystems/t1"
    for name, value in (("trtype", "rdma"), ("adrfam", "ipv4"), ("trsvcid", "4420")):
        probe.write(f"{port}/addr_{name}", value)
    for address in ("10.77.0.1", "127.0.0.1", "0.0.0.0", "10.1.2.3"):  # noqa: S104
        probe.write(f"{port}/addr_traddr", address)
        probe.printed("rdma without device", address, probe.link(T1, link))
        probe.do("unlink", link)
    for what in ("params after disable", "loop ok"):
        told = ast.literal_eval(probe.next().removeprefix(f"{what} "))
        if what == "loop ok":
            assert (probe.write(f"{port}/addr_trtype", "loop"), probe.link(T1, link)) == ("ok", "ok")
        assert {one: probe.read(f"{port}/{one}") for one in told} == told
    # Modules are held by what uses them, which a kernel in memory has no call to undo.
    while not probe.lines[probe.at].startswith("link name"):
        assert "rmmod" in probe.lines[probe.at] or not probe.lines[probe.at]
        probe.next()
    probe.mkdir(H1)
    probe.link(H1, f"{T1}/allowed_hosts/h1")
    probe.printed("link name vs allowed", probe.link(H1, f"{T1}/allowed_hosts/h1"))
    for number in range(20, 24):
        _, address, service, _ = probe.lines[probe.at].split()
        port = f"{ROOT}/ports/{number}"
        probe.mkdir(port)
        family = "ipv6" if ":" in address else "ipv4"
        for name, value in (("trtype", "tcp"), ("adrfam", family), ("traddr", address), ("trsvcid", service)):
            probe.write(f"{port}/addr_{name}", value)
        probe.printed("tcp", address, service, probe.link(T1, f"{port}/subsystems/t1"))
    probe.all_was_replayed()
