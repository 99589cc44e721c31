"""Hosts that were recorded in virtual machines, with what their kernels decided.

``data/NAME/tree.tar.xz`` is ``sys`` and ``proc`` as the kernel showed them at boot, ``verdicts.json`` what it answered:
``rounds``, the first in the state of the tree, later ones with other values in the ACS Control registers (``acs``).
``map_type`` and ``distance`` are what the kernel's own functions returned.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from p2pctl.hardware.snapshot import take
from p2pctl.model.address import Address
from p2pctl.model.facts import UNREADABLE, Missing
from p2pctl.model.pci import Acs
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.nodes import Contents, File, Link
from tests.trees import TreeDoor, tree

DATA = Path(__file__).parent / "data"

NAMES = tuple(sorted(path.name for path in DATA.iterdir()))

MAP_TYPES = {2: "not-supported", 3: "bus-address", 4: "through-host-bridge"}
"""``enum pci_p2pdma_map_type`` of these kernels (include/linux/pci-p2pdma.h)."""


@dataclass(frozen=True)
class Pair:
    """One pair, and the kernel's answer."""

    provider: Address
    client: Address
    allowed: bool
    map_type: str
    distance: int | None
    """None for a denied pair: the kernel tells no distance then."""


@dataclass(frozen=True)
class Round:
    """The pairs under one setting of the ACS Control registers."""

    number: int
    acs: Mapping[Address, int]
    pairs: tuple[Pair, ...]


@cache
def snapshot_of(name: str) -> Snapshot:
    """The host at boot."""
    entries: dict[str, Contents | Link | File | None] = {}
    with tarfile.open(DATA / name / "tree.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            contents = file.read() if file else None
            entries[member.name.removeprefix(".")] = Link(member.linkname) if member.issym() else contents
    return take(TreeDoor(tree(entries)), {"pci", "kernel", "pools"})


def rounds_of(name: str) -> tuple[Round, ...]:
    """What its kernel decided."""
    recorded = json.loads((DATA / name / "verdicts.json").read_text())
    return tuple(
        Round(
            number,
            {address(text): int(value, 16) for text, value in one["acs"].items()},
            tuple(map(_pair, one["pairs"])),
        )
        for number, one in enumerate(recorded["rounds"])
    )


def address(text: str) -> Address:
    found = Address.parse(text)
    assert found is not None, text
    return found


def _pair(entry: Mapping[str, Any]) -> Pair:
    allowed = entry["nvmet"] == "ok"
    assert allowed == (entry["dma"] == "ok") == (entry["map_type"] != 2) == (entry["distance"] >= 0), entry
    return Pair(
        address(entry["provider"]),
        address(entry["client"]),
        allowed,
        MAP_TYPES[entry["map_type"]],
        entry["distance"] if allowed else None,
    )


def with_acs(snapshot: Snapshot, control: Mapping[Address, int]) -> Snapshot:
    """The snapshot with these values in the ACS Control registers."""
    assert snapshot.pci is not None
    functions = dict(snapshot.pci.functions)
    for where, value in control.items():
        function = functions[where]
        assert not isinstance(function.config.acs, Missing), where
        acs = Acs(function.config.acs.capability, value)
        functions[where] = function._replace(config=function.config._replace(acs=acs))
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))


def without_acs(snapshot: Snapshot) -> Snapshot:
    """What a user without privileges would have read of it: no ACS register at all."""
    assert snapshot.pci is not None
    functions = {
        where: function._replace(config=function.config._replace(acs=UNREADABLE))
        for where, function in snapshot.pci.functions.items()
    }
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))
