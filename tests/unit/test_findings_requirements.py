"""What uses need: each requirement is met, failed or unknown on some host, and says where that is known from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from p2pctl.findings.requirements import USES, Requirement, requirements
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Gap
from p2pctl.model.machine import Machine, Module, Nvidia
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.simulator.door import DemoDoor
from p2pctl.target.port_state import port_states
from tests.unit.finding_hosts import function, gpus, with_cmb
from tests.unit.port_hosts import machine, namespace, simple

DEMO = take(DemoDoor(lambda: 0.0), ALL_PARTS)
USER = take(DemoDoor(lambda: 0.0, privileged=False), ALL_PARTS)
NOTHING = Snapshot(Source("sysroot", ABSENT, ABSENT, ABSENT), 0.0)


def asked(snapshot: Snapshot, use: str) -> dict[str, Requirement]:
    return {one.code: one for one in requirements(snapshot, use, port_states(snapshot))}  # type: ignore[arg-type]


def words(snapshot: Snapshot, use: str) -> dict[str, str]:
    return {code: one.word for code, one in asked(snapshot, use).items()}


def of_machine(snapshot: Snapshot, **facts: Any) -> Snapshot:
    known = {"options": {}, "modules": {}, "options_file": "/boot/config", **facts}
    return replace(snapshot, machine=Machine(0.0, **known))


def nvidia(version: str = "570.86.15", registry: str | None = "RMForceStaticBar1=1;RmForceDisableIomapWC=1;",
           *, opened: bool = True) -> Snapshot:  # fmt: skip
    """The demo host, whose data-centre GPU is driven by NVIDIA's driver."""
    found = of_machine(
        DEMO,
        modules={"nvidia": Module(version)},
        nvidia=Nvidia(opened, UNREADABLE if registry is None else registry),
    )
    return function(found, "0000:bd:00.0", driver="nvidia")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("snapshot", [DEMO, USER, NOTHING, machine()], ids=["demo", "user", "nothing", "small"])
def test_every_line_says_where_it_comes_from(snapshot: Snapshot, use: str) -> None:
    """And what to do where it is not met; codes are told apart."""
    found = list(requirements(snapshot, use, port_states(snapshot)))  # type: ignore[arg-type]
    assert len({one.code for one in found}) == len(found)
    assert found
    for one in found:
        assert one.title
        assert one.text
        assert one.evidence


@pytest.mark.parametrize("use", USES)
def test_a_host_that_was_not_read_meets_nothing(use: str) -> None:
    """Nor is anything that takes reading said to fail that may be there."""
    assert "pass" not in words(NOTHING, use).values()


def test_the_target_on_the_demo_host() -> None:
    """All is there, and two namespaces fall short."""
    found = words(DEMO, "nvmet")
    assert {code for code, word in found.items() if word != "pass"} == {"carried"}
    assert found["carried"] == "fail"
    assert set(words(simple(), "nvmet").values()) >= {"pass"}


@pytest.mark.parametrize(
    ("snapshot", "code", "word"),
    [
        (replace(machine(), nvmet=Nvmet(0.0, present=False, loaded=False, built=True)), "target", "fail"),
        (replace(machine(), nvmet=Nvmet(0.0, present=False, loaded=False, built=False)), "target", "fail"),
        (replace(machine(), nvmet=Nvmet(0.0, present=False, loaded=True)), "target", "fail"),
        (replace(machine(), nvmet=Nvmet(0.0, present=UNREADABLE, loaded=True)), "target", "unknown"),
        (simple(), "target", "pass"),
        (of_machine(simple(), modules={"nvmet_rdma": Module()}), "rdma-transport", "pass"),
        (of_machine(simple(), options={"NVME_TARGET_RDMA": True}), "rdma-transport", "pass"),
        (of_machine(simple(), options={"NVME_TARGET_RDMA": False}), "rdma-transport", "fail"),
        (of_machine(simple()), "rdma-transport", "unknown"),
        (simple(), "rdma-device", "pass"),
        (simple(), "pool", "pass"),
        (machine(published={}), "pool", "fail"),
        (machine(published={"03:00.0": False}), "pool", "fail"),
        (machine(published={"03:00.0": UNREADABLE}), "pool", "unknown"),
        (simple(), "drive", "pass"),
        (simple(), "reach", "pass"),
        (machine(card=0x1D, drives=0x1D, published={"03:00.0": True}), "reach", "fail"),
        (simple(), "namespace", "pass"),
        (simple(namespace(p2pmem="0")), "namespace", "fail"),
        (simple(), "carried", "pass"),
        (simple(snapshot=machine(card=0x1D)), "carried", "fail"),
        (simple(namespace(p2pmem="0")), "carried", "fail"),
    ],
)
def test_the_target(snapshot: Snapshot, code: str, word: str) -> None:
    assert words(snapshot, "nvmet")[code] == word


def test_only_virtual_dma_is_no_adapter() -> None:
    """And a card of which the driver is not known may be one."""
    base = simple()
    assert base.rdma is not None
    one = base.rdma.devices["mlx5_0"]
    for virtual, word in ((True, "fail"), (NOT_READ, "unknown")):
        cards = replace(base.rdma, devices={"mlx5_0": replace(one, virtual_dma=virtual)})
        assert words(replace(base, rdma=cards), "nvmet")["rdma-device"] == word
    none = replace(base, rdma=replace(base.rdma, devices={}))
    assert asked(none, "nvmet")["rdma-device"].text == "there is no RDMA device"


@pytest.mark.parametrize(
    ("make", "code", "word"),
    [
        (nvidia, "driver", "pass"),
        (lambda: nvidia("550.54.14"), "driver", "fail"),
        (lambda: nvidia(opened=False), "driver", "fail"),
        (lambda: nvidia("git"), "driver", "unknown"),
        (lambda: DEMO, "driver", "fail"),
        (nvidia, "static-bar1", "pass"),
        (lambda: nvidia(registry="RMForceStaticBar1=1"), "static-bar1", "fail"),
        (lambda: nvidia(registry=""), "static-bar1", "fail"),
        (lambda: nvidia(registry=None), "static-bar1", "unknown"),
        (nvidia, "gpu", "pass"),
        (lambda: function(nvidia(), "0000:bd:00.0", device=0x1DB6), "gpu", "fail"),
        (
            lambda: function(nvidia(), "0000:bd:00.0", device=0x2204, device_name="GA102 [GeForce RTX 3090]"),
            "gpu",
            "fail",
        ),
        (lambda: function(nvidia(), "0000:bd:00.0", device=0x2204, device_name=None), "gpu", "unknown"),
        (lambda: function(nvidia(), "0000:bd:00.0", device=0x2235, device_name=None), "gpu", "pass"),
        (lambda: function(nvidia(), "0000:bd:00.0", device=UNREADABLE, device_name=None), "gpu", "unknown"),
        (machine, "gpu", "fail"),
        (nvidia, "bar", "pass"),
        (nvidia, "kernel-release", "pass"),
        (nvidia, "multipath", "pass"),
        (lambda: released(nvidia(), "6.8.0-45-generic"), "multipath", "fail"),
        (lambda: released(nvidia(), "6.1.0-18-amd64"), "kernel-release", "fail"),
        (nvidia, "nvme-drive", "pass"),
        (nvidia, "reach", "fail"),
    ],
)
def test_gpudirect_storage(make: Callable[[], Snapshot], code: str, word: str) -> None:
    assert words(make(), "gds")[code] == word


def released(snapshot: Snapshot, release: str) -> Snapshot:
    assert snapshot.kernel is not None
    return replace(snapshot, kernel=replace(snapshot.kernel, release=release))


def amd(value: str = "Y", *, option: bool = True, peers: bool = True, **others: Any) -> Snapshot:
    """Two GPUs of amdgpu in a host that has all of it."""
    found = gpus(**others)
    assert found.exporters is not None
    cards = found.exporters.exporters
    approved = {
        at: replace(one, peers=tuple(other for other in cards if other != at) if peers else ())
        for at, one in cards.items()
    }
    found = replace(found, exporters=replace(found.exporters, exporters=approved))
    return of_machine(
        found, options={"HSA_AMD_P2P": option}, modules={"amdgpu": Module(ABSENT, {"pcie_p2p": value})}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("snapshot", "failing"),
    [
        (amd(), set()),
        (amd("N"), {"driver"}),
        (amd(option=False), {"hsa-amd-p2p"}),
        (amd(peers=False), {"approved"}),
        (amd(visible=1 << 28), {"bar"}),
        (amd(group="DMA"), {"iommu"}),
        (machine(), {"hsa-amd-p2p", "driver", "gpus", "bar", "reach", "approved"}),
    ],
)
def test_rocm(snapshot: Snapshot, failing: set[str]) -> None:
    """Everything but one thing, and a host without GPUs."""
    found = words(snapshot, "rocm")
    assert {code for code, word in found.items() if word == "fail"} == failing - {
        code for code, word in found.items() if word == "unknown"
    }


def test_spdk() -> None:
    """A buffer for data, an IOMMU, huge pages and a way."""
    able = of_machine(with_cmb(), modules={"vfio_pci": Module()}, huge_pages=1 << 30)
    found = words(able, "spdk")
    assert {code for code, word in found.items() if word != "pass"} == {"iommu"}
    none = words(of_machine(with_cmb(), huge_pages=0), "spdk")
    assert (none["driver"], none["huge-pages"]) == ("fail", "fail")
    taken = function(able, "03:00.0", driver="vfio-pci")
    assert words(replace(taken, nvme=None), "spdk")["cmb"] == "unknown"


def test_a_gap_makes_no_verdict() -> None:
    """Whoever may not read ACS is not told that the way is closed."""
    assert words(USER, "nvmet")["reach"] in {"unknown", "pass"}
    rdma = DEMO.rdma
    assert rdma is not None
    hidden = replace(rdma, devices={}, gaps=(Gap("rdma devices", None, "/sys/class/infiniband", 13, "root"),))
    assert words(replace(DEMO, rdma=hidden), "nvmet")["rdma-device"] == "unknown"
    assert isinstance(next(iter(DEMO.pci.functions)) if DEMO.pci else None, Address)
