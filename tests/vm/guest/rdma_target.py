"""A target that exports drives by RDMA, and hosts that connect to it; nothing here is p2pctl's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.vm.guest.api import NVMET, reset_nvmet, wait
from tests.vm.guest.rdma_cards import Card

FABRICS = Path("/dev/nvme-fabrics")
SUBSYSTEMS = Path("/sys/class/nvme-subsystem")
NQN = "nqn.2026-01.io.example:rdma"
SERVICE = "4420"


def disk(address: str) -> str:
    """The block device of the only namespace of a drive."""
    (name,) = [
        path.name for path in Path("/sys/block").glob("nvme*n*") if (path / "device/device").resolve().name == address
    ]
    return f"/dev/{name}"


class Target:
    """One subsystem with a namespace for each drive, and a port on each card, so that all go through P2P memory."""

    def __init__(self, cards: Sequence[Card], drives: Sequence[str], inline: int, nqn: str) -> None:
        """Nothing is enabled, and no port exports it yet; `inline` is what its ports take in a capsule."""
        self.nqn = nqn
        self.cards = list(cards)
        self.subsystem = NVMET / "subsystems" / nqn
        self.subsystem.mkdir()
        write(self.subsystem / "attr_allow_any_host", "1")
        self.nsids = {drive: nsid for nsid, drive in enumerate(drives, 1)}
        for drive, nsid in self.nsids.items():
            self.namespace(nsid).mkdir()
            write(self.namespace(nsid) / "device_path", disk(drive))
        for card in self.cards:
            self._port(card, inline)

    def _port(self, card: Card, inline: int) -> None:
        port = NVMET / f"ports/{card.port}"
        if port.exists():
            return
        port.mkdir()
        for name, value in (
            ("addr_trtype", "rdma"),
            ("addr_adrfam", "ipv4"),
            ("addr_traddr", card.ip),
            ("addr_trsvcid", SERVICE),
            ("param_inline_data_size", str(inline)),
        ):
            write(port / name, value)

    def namespace(self, nsid: int) -> Path:
        """A namespace's directory."""
        return self.subsystem / "namespaces" / str(nsid)

    def set(self, nsid: int, p2pmem: str) -> None:
        """Disables a namespace and sets its P2P memory."""
        write(self.namespace(nsid) / "enable", "0")
        write(self.namespace(nsid) / "p2pmem", p2pmem)

    def enable(self, nsid: int) -> int:
        """Enables a namespace; returns the errno of a kernel that does not, else 0."""
        try:
            write(self.namespace(nsid) / "enable", "1")
        except OSError as error:
            return error.errno or -1
        return 0

    def link(self, cards: Sequence[Card]) -> None:
        """Has the ports on some cards export it."""
        for card in cards:
            (NVMET / f"ports/{card.port}/subsystems/{self.nqn}").symlink_to(self.subsystem)

    def unlink(self) -> None:
        """Has no port export it any more, which ends every connection."""
        for link in NVMET.glob(f"ports/*/subsystems/{self.nqn}"):
            link.unlink()


@contextmanager
def target(cards: Sequence[Card], drives: Sequence[str], inline: int = 0, nqn: str = NQN) -> Iterator[Target]:
    """A target that no port exports yet; afterwards there is none."""
    try:
        yield Target(cards, drives, inline, nqn)
    finally:
        reset_nvmet()


@contextmanager
def connected(card: Card, namespaces: int, words: str = "", nqn: str = NQN) -> Iterator[dict[int, Path]]:
    """A host that is connected through a card; yields its disks by namespace, once it has so many of them.

    `words` say how to connect otherwise.
    """
    way = words or f"transport=rdma,traddr={card.ip},trsvcid={SERVICE}"
    words = f"{way},nqn={nqn},nr_io_queues=1,queue_size=32,ctrl_loss_tmo=1"
    descriptor = os.open(FABRICS, os.O_RDWR)
    try:
        os.write(descriptor, words.encode())
        told = dict(word.split("=", 1) for word in os.read(descriptor, 256).decode().strip().split(",") if "=" in word)
    finally:
        os.close(descriptor)
    controller = Path(f"/sys/class/nvme/nvme{told['instance']}")
    try:
        assert wait(lambda: len(_disks(nqn)) == namespaces, 30), f"{_disks(nqn)} of {namespaces} disks"
        yield _disks(nqn)
    finally:
        write(controller / "delete_controller", "1")
        assert wait(lambda: not controller.exists() and not _disks(nqn), 30)


def _disks(nqn: str) -> dict[int, Path]:
    found = {}
    for path in SUBSYSTEMS.glob("*/nvme*n*/nsid"):
        try:
            if (path.parents[1] / "subsysnqn").read_text().strip() == nqn:
                device = Path("/dev", path.parent.name)
                if device.exists():
                    found[int(path.read_text())] = device
        except OSError:
            continue  # it has gone meanwhile
    return found


def write(path: Path, text: str) -> None:
    """One write and no more: a Python file would repeat a write that was refused."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
