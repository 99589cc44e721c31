"""What the NVMe target exports, as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import Attributes, Nvmet, Port, Subsystem
from p2pctl.render.page import Block, Grid, Lines
from p2pctl.render.port_states import STATE, state_item
from p2pctl.render.report import Column, Item, Value
from p2pctl.render.target_attributes import where
from p2pctl.render.text import Tone
from p2pctl.target.port_state import PortState

_ENABLED_TONES: Mapping[str, Tone] = {"no": "dim"}
_PORT_COLUMNS = (
    Column("port", "port", style="name"),
    Column("transport", "transport", style="name"),
    Column("address", "address", style="name"),
    Column("subsystem", "subsystem", style="name", priority=2),
    Column("nsid", "ns", style="number"),
    Column("enabled", "enabled", tones=_ENABLED_TONES, priority=1),
    Column("p2pmem", "p2pmem", style="name"),
    STATE,
    Column("device", "device", style="name", priority=3),
)
_WORDS = {"0": "off", "1": "auto"}


def export_items(nvmet: Nvmet | None, states: Iterable[PortState] = ()) -> tuple[Item, ...]:
    """A row for each namespace of each port; ports without any, and subsystems without a port, have one too.

    Rows that have a P2P state carry its keys.
    """
    known = {(state.port, state.subsystem, state.nsid): state_item(state) for state in states}
    return tuple({**row, **_state(row, known)} for row in _plain_items(nvmet))


def _state(row: Item, known: Mapping[tuple[str, str, int | None], Item]) -> Item:
    port, subsystem, nsid = row["port"], row["subsystem"], row["nsid"]
    number = nsid if isinstance(nsid, int) else None
    if not isinstance(port, str) or not isinstance(subsystem, str):
        return {"state": None}
    return known.get((port, subsystem, number), {"state": None})


def _plain_items(nvmet: Nvmet | None) -> tuple[Item, ...]:
    if nvmet is None:
        return ()
    rows: list[Item] = []
    exported: set[str] = set()
    for port in nvmet.ports.values():
        exported.update(port.subsystems)
        subsystems = [nvmet.subsystems[nqn] for nqn in port.subsystems if nqn in nvmet.subsystems]
        rows += [row for subsystem in subsystems for row in _rows(port, subsystem)]
        if not subsystems:
            rows.append(_row(port, None, ABSENT, {}))
    for nqn, subsystem in nvmet.subsystems.items():
        if nqn not in exported:
            rows += _rows(None, subsystem)
    return tuple(rows)


def _rows(port: Port | None, subsystem: Subsystem) -> list[Item]:
    rows = [
        _row(port, subsystem.nqn, namespace.nsid, namespace.attributes) for namespace in subsystem.namespaces.values()
    ]
    return rows or [_row(port, subsystem.nqn, ABSENT, subsystem.passthru)]


def _row(port: Port | None, nqn: str | None, nsid: Fact[int], attributes: Attributes) -> Item:
    enabled = attributes.get("enable", ABSENT)
    setting = attributes.get("p2pmem", ABSENT)
    device = attributes.get("device_path", ABSENT)
    ours: Attributes = port.attributes if port else {}
    return {
        "port": port.name if port else None,
        "transport": ours.get("addr_trtype", ABSENT),
        "address": where(ours.get("addr_traddr", ABSENT), ours.get("addr_trsvcid", ABSENT)),
        "subsystem": nqn,
        "nsid": nsid,
        "enabled": _flag(enabled),
        "p2pmem": setting if isinstance(setting, Missing) else _WORDS.get(setting, setting),
        "device": ABSENT if device == "(null)" else device,
    }


def target_block(nvmet: Nvmet | None, exports: tuple[Item, ...]) -> Block:
    """The exports as a table, or why there is none."""
    if nvmet is None or nvmet.present is not True:
        present = nvmet.present if nvmet else Missing.NOT_READ
        if present is False and nvmet is not None and nvmet.loaded is True:
            return Lines(("The module is loaded, configfs is not mounted: mount -t configfs none /sys/kernel/config",))
        if present is False:
            return Lines(("Not loaded: modprobe nvmet brings it.",))
        return Lines(("Not known: its configuration could not be read.",))
    return Grid(_PORT_COLUMNS, exports, empty="Nothing is configured.")


def target_item(nvmet: Nvmet | None) -> dict[str, Value]:
    """The keys ``subsystems`` and ``hosts``: who may use what."""
    subsystems = nvmet.subsystems.values() if nvmet else ()
    return {
        "subsystems": [
            {
                "nqn": subsystem.nqn,
                "allow_any_host": _flag(subsystem.attributes.get("attr_allow_any_host", ABSENT)),
                "allowed_hosts": list(subsystem.allowed_hosts),
                "namespaces": list(subsystem.namespaces),
            }
            for subsystem in subsystems
        ],
        "hosts": list(nvmet.hosts) if nvmet else [],
    }


def _flag(text: Fact[str]) -> Fact[bool]:
    return text if isinstance(text, Missing) else text == "1"
