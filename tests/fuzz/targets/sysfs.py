r"""Everything that the kernel shows of a host: files of the demo host with other contents.

Pieces of ``PATH\nCONTENTS`` with the line ``%%`` between them. A path may begin with ``*``: then it is all that end so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from p2pctl.findings.rules import findings
from p2pctl.findings.scene import Scene
from p2pctl.findings.undecided import Undecided
from p2pctl.hardware.archive import BytesHandle
from p2pctl.hardware.pci import DEVICES
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.kernel import READ_LIMIT, Handle
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.devices import device_report
from p2pctl.render.doctor import doctor_report
from p2pctl.render.pools import pool_report
from p2pctl.render.status import status_page
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.nodes import File, Special, walk
from tests.fuzz.sound import check_result

_MOST = 8


_KEPT = re.compile(r"0000:(15:01|16:00|17:0[012]|18:00|19:00|1a:00)\.[01]")
"""PCI functions that are there: a switch with drives and a network card. All of them would take six times as long."""


class Changed:
    """A door, and its files, of which some have other contents."""

    def __init__(self, door: DemoDoor, contents: dict[str, bytes]) -> None:
        self._door = door
        self._inner = door.files
        self._contents = contents

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door if hasattr(self._door, name) else self._inner, name)

    @property
    def files(self) -> Changed:
        return self

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        found = self._contents.get(self._inner.realpath(path))
        return self._inner.read(path, limit) if found is None else found[:limit]

    def list(self, path: str) -> tuple[str, ...]:
        names = self._inner.list(path)
        return tuple(filter(_KEPT.match, names)) if path == DEVICES else names

    def open(self, path: str) -> Handle:
        found = self._contents.get(self._inner.realpath(path))
        return self._inner.open(path) if found is None else BytesHandle(found)


@cache
def _host() -> tuple[DemoDoor, tuple[str, ...]]:
    door = DemoDoor(lambda: 0.0)
    nodes = walk(door._root)
    return door, tuple(path for path, node in nodes if isinstance(node, File) and not isinstance(node, Special))


def check(data: bytes) -> None:
    """The host is read, and shown in every format; what makes no sense is a gap."""
    door, paths = _host()
    contents: dict[str, bytes] = {}
    for piece in data.split(b"\n%%\n")[:_MOST]:
        name, _, new = piece.partition(b"\n")
        contents |= dict.fromkeys(_named(paths, name.decode("utf-8", "surrogateescape")), new)
    if contents:
        show(take(Changed(door, contents), ALL_PARTS))


def show(snapshot: Snapshot) -> None:
    """All that is said of a host, in the formats that differ in what they escape."""
    check_result(status_page(snapshot), "plain", "json")
    check_result(device_report(snapshot, everything=True), "csv")
    check_result(pool_report(snapshot), "yaml")
    scene = Scene(snapshot)
    check_result(doctor_report(snapshot, findings(scene), Undecided(scene)), "table", "jsonl")


def _named(paths: Iterable[str], name: str) -> list[str]:
    if name.startswith("*") and len(name) > 2:
        return [path for path in paths if path.endswith(name[1:])]
    return [path for path in paths if path == name]
