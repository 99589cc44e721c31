"""p2pctl against running kernels: every verdict the same, every port state over RDMA, every remedy one that works.

The machines are made up from a seed, the same in every run unless P2PCTL_VM_SEED says another.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.vm import random_topology, rdma_driver, topologies
from tests.vm.cache import UnavailableError
from tests.vm.guest import checks_rdma_random, checks_verdicts
from tests.vm.suite import Fleet, Guest, GuestCheck, check_names, required

SEED = os.environ.get("P2PCTL_VM_SEED", "1")
LEAST_VERDICTS = 2000
LEAST_COMBINATIONS = 300
"""Of random topology, card, ACS controls and `p2pmem`, whose port state is compared with what the kernel does."""
LEAST_OPENED = 3
"""Denied pairs that one parameter opens; with two machines these are six."""


def machine_name(number: int) -> str:
    return f"{random_topology.PREFIX}{SEED}-{number}"


def guest(number: int) -> Guest:
    """Verdicts on each machine; hosts over RDMA where there is a driver for the kernel."""
    name = machine_name(number)
    if number % 2:
        return Guest("6.18", name, "checks_verdicts", seconds=900)
    # The driver takes DMA addresses for physical ones: an IOMMU may be there, and must not translate.
    untranslated = "iommu=pt" if random_topology.SETTINGS[number].iommu else ""
    return Guest("7.3", name, "checks_verdicts checks_rdma_random", seconds=1200, append=untranslated)


GUESTS = [guest(number) for number in range(len(random_topology.SETTINGS))]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()


def test_enough_verdicts_are_compared() -> None:
    """Each guest fails when it compares fewer than its share; the machines differ in what decides."""
    assert len(GUESTS) * checks_verdicts.LEAST_VERDICTS >= LEAST_VERDICTS
    assert {guest.series for guest in GUESTS} == {"7.3", "6.18"}


def test_enough_port_states_are_compared() -> None:
    """Each guest with RDMA fails when it compares fewer than its share."""
    machines = [guest for guest in GUESTS if "checks_rdma_random" in guest.checks]
    assert {guest.series for guest in machines} == set(rdma_driver.SERIES)
    assert len(machines) * checks_rdma_random.LEAST_COMBINATIONS >= LEAST_COMBINATIONS


@pytest.mark.parametrize("number", range(len(random_topology.SETTINGS)))
@pytest.mark.parametrize("seed", ["1", "2", "x"])
def test_a_seed_makes_the_same_machine_every_time(seed: str, number: int) -> None:
    name = f"random-{seed}-{number}"
    one, again = topologies.named(name), topologies.named(name)
    assert (one.cpu, one.append, one.devices) == (again.cpu, again.append, again.devices)
    assert one.name == name
    assert len(one.drives) == random_topology.DRIVES
    assert sum(1 for drive in one.drives if drive.cmb_mb) == random_topology.POOLS
    drivers = [device["driver"] for device in one.devices]
    assert drivers.count("e1000e") == len(one.nets) == random_topology.CARDS
    assert drivers.count("pxb-pcie") >= 1
    assert drivers.count("x3130-upstream") >= random_topology.DEPTH
    assert any(device["driver"] == "nvme" and device["bus"] == "pcie.0" for device in one.devices)
    assert any(device["driver"] == "nvme" and device.get("addr") == "0.1" for device in one.devices)


@pytest.mark.parametrize("name", ["random-1", "random--1", "random-1-x", "random-"])
def test_other_names_make_none(name: str) -> None:
    with pytest.raises(ValueError, match="random topology"):
        topologies.named(name)


@pytest.mark.vm
@pytest.mark.parametrize(("series", "number"), [("7.3", 1), ("6.18", 4)])
def test_closed_loop(vm_fleet: Fleet, series: str, number: int) -> None:
    """Booted again with exactly the parameter that the remedies print, the kernel does as predicted."""
    before = Guest(series, machine_name(number), "checks_loop")
    plan, said = _boot(vm_fleet, before, "plan.json"), _boot(vm_fleet, before, "said.json")
    assert len(plan["opens"]) >= LEAST_OPENED, plan
    after = before._replace(append=plan["parameter"])
    told = _boot(vm_fleet, after, "said.json")
    was, now = _by_pair(said["answers"]), _by_pair(told["answers"])
    for pair in plan["opens"]:
        assert was[tuple(pair)][0] is False, (plan["parameter"], pair)
        assert now[tuple(pair)][0] is True, (plan["parameter"], pair)
    assert now == _by_pair(plan["answers"]), plan["parameter"]
    assert told["groups"] == plan["groups"], plan["parameter"]
    assert [members for members in plan["merged"] if members not in told["groups"]] == []


def _boot(fleet: Fleet, guest: Guest, file: str) -> Any:
    """What the guest wrote there. Skips where no virtual machine can be had."""
    for check in check_names(guest.checks):
        try:
            error = fleet.outcome(guest, check).error
        except UnavailableError as reason:
            if required():
                raise
            pytest.skip(f"no virtual machine here: {reason}")
        assert error is None, error
    (booted,) = [one for one in fleet.booted if one["guest"] == guest.group]
    return json.loads((Path(booted["out"]) / file).read_text())


def _by_pair(answers: list[Any]) -> dict[tuple[str, str], list[Any]]:
    return {tuple(pair): its for pair, its in answers}
