"""What carries the I/O of each namespace by each port, as a panel, and each state as a page."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import NamedTuple

from p2pctl.dashboard.glyphs import Glyphs
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture, Verdicts
from p2pctl.errors import P2pctlError
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.render.explain import explain_page
from p2pctl.render.explain_case import Question
from p2pctl.render.page import Lines, Page, Section
from p2pctl.render.port_states import STATE_TONES, port_state_page, port_state_report, state_item
from p2pctl.render.report import Column, Item, Value
from p2pctl.render.text import Span, Tone, spans
from p2pctl.render.verdicts import find_client, providers_page
from p2pctl.resolver.ports import port_devices
from p2pctl.resolver.providers import rank_providers
from p2pctl.resolver.verdict import Client
from p2pctl.target.port_state import PortState, StateWord

WORST_FIRST: tuple[StateWord, ...] = (
    "falls-back", "not-eligible", "possibly-exhausted", "unknown", "predicted", "confirmed", "transport-cannot", "off",
)  # fmt: skip
STALE = "stale"
_ASKED = {"falls-back", "predicted", "possibly-exhausted", "unknown"}
"""States of which one wants to know what memory there is for them."""


def state_key(state: PortState) -> str:
    """What a state is known by: ``1/nqn.2026-11.org.example:pool0/2``."""
    return f"{state.port}/{state.subsystem}/{'passthru' if state.nsid is None else state.nsid}"


@cache
def columns(glyphs: Glyphs, *, live: bool = False) -> tuple[Column, ...]:
    """Of the list of states. The same for the same letters, so that the list knows them again.

    Where one may press Enter, ``live``, long names leave their room to the reasons.
    """
    marks = {
        "falls-back": glyphs.no, "not-eligible": glyphs.no, "possibly-exhausted": "!", "unknown": "?",
        "predicted": "~", "confirmed": glyphs.yes,
    }  # fmt: skip
    return (
        Column("port", "port", style="name"),
        Column("transport", "type", style="name", priority=3),
        *(() if live else (Column("subsystem", "nqn", style="name", priority=6),)),
        Column("name", "subsystem", style="name", priority=2),
        Column("nsid", "ns", style="number"),
        Column("p2pmem", "p2pmem", style="name", priority=5),
        Column("shown", "P2P state", style="name", tone=_tone, show=lambda value: f"{_mark(marks, value)} {value}"),
        Column("providers", "provider", style="name", priority=3, show=_listed),
        Column("since", "since", style="name", priority=4, show=lambda value: str(value).replace("T", " ")[:16]),
        Column("why", "why", least=36),
    )


def _word(value: Value) -> str:
    return str(value).partition(",")[0]


def _mark(marks: dict[str, str], value: Value) -> str:
    return marks.get(_word(value), "-")


def _tone(value: Value) -> Tone | None:
    return "warning" if str(value).endswith(STALE) else STATE_TONES.get(_word(value))


def _listed(value: Value) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def states_panel(picture: Picture, glyphs: Glyphs, *, live: bool = False) -> Panel:
    """Every namespace by every port, those first that fare worst."""
    order = {word: place for place, word in enumerate(WORST_FIRST)}
    states = sorted(picture.ports, key=lambda one: order[one.state])
    counts = Counter(one.state for one in states)
    told = ", ".join(f"{counts[word]} {word}" for word in WORST_FIRST if counts[word])
    stale = sum(one.stale is not None for one in states)
    told += f"; {stale} perhaps out of date" if stale else ""
    empty = port_state_report(picture.snapshot, followed=picture.links).report.empty if not states else ""
    return Panel("ports", "P2P by port", columns(glyphs, live=live), [_record(one) for one in states],
                 [state_key(one) for one in states], empty, summary=told)  # fmt: skip


def _record(state: PortState) -> Item:
    return {
        **state_item(state),
        "name": state.subsystem.rpartition(":")[2] or state.subsystem,
        "shown": f"{state.state}, {STALE}" if state.stale else state.state,
    }


class _Explained(NamedTuple):
    """Sections about what memory could serve a state."""

    first: tuple[Section, ...] = ()
    """Why the nearest may not, and what to do."""
    later: tuple[Section, ...] = ()


class StatePages:
    """Makes the page of one state: its evidence, what memory could serve it, and why the nearest may not."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._known: tuple[Verdicts, str, _Explained] | None = None

    def state(self, picture: Picture) -> PortState | None:
        """The state that it is about."""
        return next((one for one in picture.ports if state_key(one) == self.key), None)

    def __call__(self, picture: Picture, *, answer_first: bool = False) -> Page | None:
        """The page; None once nothing is exported under this key. Why, and what to do, may come before the state."""
        state = self.state(picture)
        if state is None:
            return None
        page = port_state_page(picture.snapshot, state)
        if state.state not in _ASKED:
            return page
        # To look for remedies takes a while, and they change with the devices only.
        if self._known is None or self._known[0] is not picture.verdicts or self._known[1] != self.key:
            self._known = (picture.verdicts, self.key, _explained(picture, state))
        # Why and what to do come right after the state: few read to the end of a page.
        first, later = self._known[2]
        head = (*first, page.sections[0]) if answer_first else (page.sections[0], *first)
        return page._replace(sections=(*head, *page.sections[1:], *later))


def _explained(picture: Picture, state: PortState) -> _Explained:
    verdicts = picture.verdicts
    try:
        clients = _clients(picture, state)
        if not clients:
            return _Explained()
        ranking = providers_page(picture.snapshot, verdicts.selection, verdicts.resolver, clients)
        nearest = _nearest(picture, clients)
    except P2pctlError as error:
        told = Lines((Span(f"not known: {error.message}", "warning"),))
        return _Explained(later=(Section("Which memory could serve it", (told,)),))
    if not nearest:
        return _Explained(later=ranking.sections)
    head = nearest[0]._replace(title=("The nearest memory: ", *spans(nearest[0].title)))
    what = tuple(one for one in nearest if isinstance(one.title, str) and one.title.startswith("What to do"))
    rest = tuple(one for one in nearest[1:] if one not in what)
    return _Explained((head, *what), (*ranking.sections, *rest))


def _clients(picture: Picture, state: PortState) -> tuple[Client, ...]:
    """The network card and the drive that both have to reach the memory."""
    snapshot = picture.snapshot
    port = snapshot.nvmet.ports.get(state.port) if snapshot.nvmet else None
    if port is None or isinstance(state.device, Missing):
        return ()
    cards = port_devices(port, snapshot.rdma, picture.verdicts.selection.rules).clients
    drive = find_client(snapshot, picture.links.get(state.device, state.device))
    return (*cards, drive) if cards and isinstance(drive, Address) else ()


def _nearest(picture: Picture, clients: tuple[Client, ...]) -> tuple[Section, ...]:
    """Why the nearest pool may not serve them, where none may, and what to do."""
    snapshot, verdicts = picture.snapshot, picture.verdicts
    pools = snapshot.pools.pools.values() if snapshot.pools else ()
    ranking = rank_providers(verdicts.resolver, pools, clients)
    near = [one for one in ranking.candidates if one.published and one.joint.verdict == "denied"]
    if ranking.chosen or not near:
        return ()
    nearest = min(near, key=lambda one: one.joint.distance or 0)
    denied = tuple(
        client for client, answer in zip(clients, nearest.joint.outcomes, strict=True) if answer.verdict == "denied"
    )
    return explain_page(snapshot, Question(nearest.address, denied, verdicts.selection)).page.sections
