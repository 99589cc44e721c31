"""A simulated target with every kind of object, a change of it of every kind, and doors at which things go wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.reading import Reader
from p2pctl.kernel import READ_LIMIT, Files, Handle, Stat
from p2pctl.model.nvmet import Nvmet
from p2pctl.simulator.nodes import nest, text
from p2pctl.simulator.nvmet.environment import Environment, Function, Opened, RdmaDevice
from p2pctl.simulator.nvmet.kernel import CONFIGFS, NvmetKernel
from p2pctl.simulator.tree import MemoryFiles
from p2pctl.target.change import Proposal
from p2pctl.target.diff import plan
from p2pctl.target.flat import Link, Value, flat
from p2pctl.target.merge import merge
from p2pctl.target.wishes import (
    GroupWish,
    HostWish,
    NamespaceWish,
    PortWish,
    ReferralWish,
    SubsystemWish,
    Wishes,
)
from p2pctl.target.workplace import BOOT_ID, Workplace

BOOT = "5f0c2a8e-9d64-4a51-8d0b-6b7f3c1e2d94"
POOL = "0000:03:00.0"
KEY, OTHER_KEY = "DHHC-1:00:canaryAAAA:", "DHHC-1:00:canaryBBBB:"
NOW = 1_793_610_000.0

HOST_A, HOST_B, HOST_C = (f"nqn.2026-11.org.example:host-{name}" for name in "abc")
KEPT, GONE, NEW, RAW, SEEN = (f"nqn.2026-11.org.example:{name}" for name in ("kept", "gone", "new", "raw", "seen"))

ENVIRONMENT = Environment(
    devices={
        **{
            f"/dev/nvme{number}n1": Opened("block", p2p=True, pci=f"0000:0{number + 3}:00.0", number=number)
            for number in range(6)
        },
        "/srv/image": Opened("file"),
        "/dev/nvme7": Opened("controller", number=7),
    },
    functions={POOL: Function("nvme", published=True)},
    distance=lambda _provider, _client: 2,
    addresses=frozenset({"127.0.0.1", "::1", "192.0.2.10"}),
    rdma={"192.0.2.10": RdmaDevice("mlx5_0", "0000:05:00.0")},
)


def tcp(service: int, **more: str) -> dict[str, str]:
    """Attributes of a TCP port."""
    values = {"addr_trtype": "tcp", "addr_adrfam": "ipv4", "addr_traddr": "192.0.2.10", "addr_trsvcid": str(service)}
    return values | more


BEFORE = Wishes(
    hosts={HOST_A: HostWish(attributes={"dhchap_key": KEY, "dhchap_hash": "hmac(sha384)"}), HOST_B: HostWish()},
    subsystems={
        KEPT: SubsystemWish(
            attributes={"attr_serial": "BEFORE", "attr_qid_max": "16"},
            allowed_hosts=(HOST_A, HOST_B),
            namespaces={
                1: NamespaceWish(attributes={"device_path": "/dev/nvme0n1", "p2pmem": POOL, "enable": "1"}),
                2: NamespaceWish(attributes={"device_path": "/srv/image", "buffered_io": "1", "enable": "1"}),
                3: NamespaceWish(),
            },
        ),
        GONE: SubsystemWish(
            attributes={"attr_allow_any_host": "1"},
            namespaces={
                nsid: NamespaceWish(attributes={"device_path": f"/dev/nvme{nsid}n1", "enable": "1"}) for nsid in (1, 2)
            },
        ),
        SEEN: SubsystemWish(
            attributes={"attr_allow_any_host": "1"},
            namespaces={1: NamespaceWish(attributes={"device_path": "/dev/nvme5n1", "enable": "1"})},
        ),
        RAW: SubsystemWish(),
    },
    ports={
        1: PortWish(
            attributes=tcp(4420),
            subsystems=(KEPT, GONE),
            ana_groups={2: GroupWish(state="optimized")},
            referrals={"peer": ReferralWish(attributes=tcp(4429, enable="1"))},
        ),
        2: PortWish(attributes={"addr_trtype": "loop"}, subsystems=(SEEN,)),
        3: PortWish(attributes=tcp(4430)),
        4: PortWish(),
    },
)

CHANGE = Wishes(
    attributes={"discovery_nqn": "nqn.2026-11.org.example:discovery"},
    hosts={
        HOST_A: HostWish(attributes={"dhchap_key": OTHER_KEY, "dhchap_ctrl_key": KEY}),
        HOST_B: HostWish(absent=True),
        HOST_C: HostWish(attributes={"dhchap_key": KEY}),
    },
    subsystems={
        KEPT: SubsystemWish(
            attributes={"attr_serial": "AFTER", "attr_qid_max": "32", "attr_model": "Example"},
            allowed_hosts=(HOST_A, HOST_C),
            namespaces={
                1: NamespaceWish(attributes={"p2pmem": "1", "ana_grpid": "2"}),
                2: NamespaceWish(absent=True),
                3: NamespaceWish(attributes={"device_path": "/dev/nvme3n1"}),
                7: NamespaceWish(attributes={"device_path": "/dev/nvme4n1", "p2pmem": POOL, "enable": "1"}),
            },
        ),
        GONE: SubsystemWish(absent=True),
        NEW: SubsystemWish(
            attributes={"attr_serial": "NEW"},
            allowed_hosts=(HOST_C,),
            namespaces={
                1: NamespaceWish(
                    attributes={
                        "device_path": "/dev/nvme1n1",
                        "device_uuid": "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11",
                        "enable": "1",
                    }
                )
            },
        ),
        SEEN: SubsystemWish(attributes={"attr_serial": "SEEN"}),
        RAW: SubsystemWish(passthru={"device_path": "/dev/nvme7", "enable": "1"}),
    },
    ports={
        1: PortWish(
            attributes={"addr_trsvcid": "4421"},
            subsystems=(KEPT, NEW),
            ana_groups={2: GroupWish(absent=True), 3: GroupWish(state="non-optimized")},
            referrals={
                "peer": ReferralWish(attributes={"addr_trsvcid": "4428"}),
                "other": ReferralWish(attributes=tcp(4427, enable="1")),
            },
        ),
        3: PortWish(attributes={"param_inline_data_size": "0"}, subsystems=(RAW,)),
        4: PortWish(attributes={"addr_trtype": "loop"}, subsystems=(NEW,)),
        5: PortWish(attributes=tcp(4425, addr_trtype="rdma"), subsystems=(NEW,)),
    },
)


@dataclass
class Door:
    """`p2pctl.kernel.Files` that counts what changes the kernel, and fails or dies where it is told to."""

    inner: Files
    fail: Callable[[int, str, str], int | None] = lambda _number, _operation, _path: None
    before: Callable[[int], None] = lambda _number: None
    after: Callable[[int], None] = lambda _number: None
    made: list[tuple[str, str, str]] = field(default_factory=list)
    """Operations that were asked for: which, where, with what."""

    def _change(self, operation: str, path: str, value: str, do: Callable[[], None]) -> None:
        number = len(self.made)
        self.made.append((operation, path, value))
        self.before(number)
        code = self.fail(number, operation, path)
        if code is not None:
            raise OSError(code, os.strerror(code), path)
        do()
        self.after(number)

    def write(self, path: str, data: bytes) -> None:
        self._change("write", path, data.decode("latin-1"), lambda: self.inner.write(path, data))

    def mkdir(self, path: str) -> None:
        self._change("mkdir", path, "", lambda: self.inner.mkdir(path))

    def rmdir(self, path: str) -> None:
        self._change("rmdir", path, "", lambda: self.inner.rmdir(path))

    def symlink(self, target: str, path: str) -> None:
        self._change("symlink", path, target, lambda: self.inner.symlink(target, path))

    def unlink(self, path: str) -> None:
        self._change("unlink", path, "", lambda: self.inner.unlink(path))

    def chmod(self, path: str, mode: int) -> None:
        self._change("chmod", path, str(mode), lambda: self.inner.chmod(path, mode))

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        return self.inner.read(path, limit)

    def open(self, path: str) -> Handle:
        return self.inner.open(path)

    def list(self, path: str) -> tuple[str, ...]:
        return self.inner.list(path)

    def readlink(self, path: str) -> str:
        return self.inner.readlink(path)

    def realpath(self, path: str) -> str:
        return self.inner.realpath(path)

    def stat(self, path: str) -> Stat:
        return self.inner.stat(path)


def replay(files: Files, made: list[tuple[str, str, str]]) -> None:
    """Does again what a door has noted."""
    for operation, path, value in made:
        match operation:
            case "write":
                files.write(path, value.encode("latin-1"))
            case "symlink":
                files.symlink(value, path)
            case "chmod":
                files.chmod(path, int(value))
            case "mkdir":
                files.mkdir(path)
            case "rmdir":
                files.rmdir(path)
            case _:
                files.unlink(path)


class Workshop:
    """A kernel whose target is ``BEFORE``, a door onto it, and a run directory."""

    _setup: tuple[tuple[str, str, str], ...] = ()

    def __init__(self, directory: Path, environment: Environment = ENVIRONMENT) -> None:
        self.kernel = NvmetKernel(environment)
        self.files = MemoryFiles(nest({CONFIGFS: self.kernel.configfs, BOOT_ID: text(BOOT)}))
        self.door = Door(self.files)
        if not Workshop._setup:
            self._first(directory)
        else:
            replay(self.files, list(Workshop._setup))
        self.see()
        self.door = Door(self.files)
        self.directory = directory / "run"
        self.before = self.read()

    def _first(self, directory: Path) -> None:
        from p2pctl.target.change import take_turn

        self.directory = directory / "setup"
        with take_turn(self.place(), command="setup") as turn:
            outcome = turn.carry_out(self.proposal(BEFORE))
        assert outcome.error is None, outcome
        Workshop._setup = tuple(self.door.made)

    def see(self) -> None:
        """A host has connected to a subsystem: its identity is fixed until it is made anew."""
        controller = self.kernel.connect("2", SEEN, HOST_B)
        self.kernel.disconnect(controller)

    def read(self) -> Nvmet:
        return read_nvmet(Reader(self.files), NOW, secrets=True)

    def place(self, **more: Any) -> Workplace:
        files: Files = self.door
        place = Workplace(files, self.kernel.log, self.read, lambda: NOW, str(self.directory))
        return replace(place, **more)

    def proposal(self, wishes: Wishes = CHANGE) -> Proposal:
        live = self.read()
        wanted = merge(live, wishes).wanted
        return Proposal(live, wanted, plan(live, wanted, locked={SEEN}))


def tree(nvmet: Nvmet) -> Mapping[str, str]:
    """All that configfs shows, as text."""
    return {
        path: entry.target if isinstance(entry, Link) else str(entry.text) if isinstance(entry, Value) else "directory"
        for path, entry in flat(nvmet).items()
    }
