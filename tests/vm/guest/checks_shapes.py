"""Proves that each named topology gives the guest the hardware that its description promises."""

from __future__ import annotations

from pathlib import Path

from tests.vm.guest.api import PCI, Context

ACS = 0x000D
IOMMUS = Path("/sys/class/iommu")


def check_every_drive_has_the_pool_it_should(context: Context) -> None:
    """Each CMB is a pool of its size, but for the one that is too small to be registered."""
    for drive in context.drives:
        pool = context.pci(drive.id) / "p2pmem"
        if drive.cmb_mb >= 2:
            assert int((pool / "size").read_text()) == drive.cmb_mb << 20, drive
        else:
            assert not pool.exists(), drive


def check_the_shape(context: Context) -> None:
    """What sets this topology apart is there."""
    SHAPES[context.topology](context)


def _one_switch(context: Context) -> None:
    ports = {_parent(context, identity).parent for identity in ("n1", "n2", "n3")}
    assert len(ports) == 1
    assert _parent(context, "n4").parent not in ports
    assert _has_acs(_parent(context, "n1")) == context.topology.startswith("switch-acs")
    assert any(IOMMUS.iterdir()) == ("iommu" in context.topology)


def _two_sockets(context: Context) -> None:
    buses = [context.bdf(drive.id)[5:6] for drive in context.drives]
    assert buses == ["4", "4", "8", "8"]
    nodes = [int((context.pci(drive.id) / "numa_node").read_text()) for drive in context.drives]
    assert nodes == [0, 0, 1, 1]


def _cascade(context: Context) -> None:
    depths = [len(context.pci(drive.id).resolve().parts) for drive in context.drives]
    assert depths == [depths[0], depths[0] + 2, depths[0] + 2, depths[0] + 2]
    assert [_has_acs(_parent(context, drive.id)) for drive in context.drives] == [False, False, True, True]


def _multifunction(context: Context) -> None:
    first, second = context.bdf("n1"), context.bdf("n2")
    assert first[:-2] == second[:-2]
    assert (first[-1], second[-1]) == ("0", "1")


def _integrated(context: Context) -> None:
    assert [_parent(context, identity).name for identity in ("n1", "n2")] == ["pci0000:00", "pci0000:00"]
    other = _parent(context, "n4").parents[1]
    assert (other.name, [path.name for path in other.glob("0000:*")]) == ("pci0000:40", ["0000:40:01.0"])


def _rdma(context: Context) -> None:
    cards = [path.resolve().parents[1] for path in (PCI / "drivers/e1000e").glob("0*")]
    assert [card.parent for card in cards] == [_parent(context, "n1").parent.parent]


def _hostile(context: Context) -> None:
    serials = [path.read_text() for path in context.pci("n1").glob("nvme/nvme*/serial")]
    assert len(serials) == 1
    assert "\x1b]0;x\x07\x1b[31m[red]" in serials[0]


def _unaligned(context: Context) -> None:
    attributes = list(context.pci("n1").glob("nvme/nvme*/cmb"))
    assert len(attributes) == 1
    assert "cmbsz" in attributes[0].read_text()


def _sriov(context: Context) -> None:
    device = context.pci("n1")
    assert (device / "sriov_totalvfs").read_text().strip() == "2"
    # A virtual function has no queues until its controller is told so, and no driver would take it.
    (device / "sriov_drivers_autoprobe").write_text("0")
    (device / "sriov_numvfs").write_text("2")
    functions = [(device / f"virtfn{number}").resolve() for number in range(2)]
    assert [(function / "physfn").resolve() for function in functions] == [device.resolve()] * 2
    (device / "sriov_numvfs").write_text("0")
    assert not (device / "virtfn0").exists()


def _nothing(context: Context) -> None:
    assert len({_parent(context, drive.id) for drive in context.drives}) == len(context.drives)


SHAPES = {
    "flat": _nothing,
    "flat-amd": _nothing,
    "bare": _nothing,
    "switch": _one_switch,
    "switch-acs": _one_switch,
    "switch-acs-iommu": _one_switch,
    "switch-acs-iommu-fixed": _one_switch,
    "two-sockets": _two_sockets,
    "two-sockets-amd": _two_sockets,
    "cascade": _cascade,
    "multifunction": _multifunction,
    "integrated": _integrated,
    "rdma-switch": _rdma,
    "hostile": _hostile,
    "unaligned": _unaligned,
    "hotplug": _nothing,
    "sriov": _sriov,
}


def _parent(context: Context, identity: str) -> Path:
    return context.pci(identity).resolve().parent


def _has_acs(device: Path) -> bool:
    """Walks a device's extended capabilities for access control services."""
    config = (device / "config").read_bytes()
    offset, seen = 0x100, 0
    while offset >= 0x100 and seen < 64:
        header = int.from_bytes(config[offset : offset + 4], "little")
        if header & 0xFFFF == ACS:
            return True
        offset, seen = header >> 20, seen + 1
    return False
