"""What the signs and words of each view mean, for the end of its help."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from p2pctl.dashboard.glyphs import Glyphs
from p2pctl.render.matrix import MEANINGS, NOT_ASKED
from p2pctl.render.topology import LEGEND
from p2pctl.target.port_state import StateWord

STATES: Mapping[StateWord, str] = MappingProxyType({
    "confirmed": "the kernel said so: it uses P2P memory",
    "falls-back": "asked for, but the kernel cannot: it uses system memory",
    "predicted": "what the rules say; nothing was observed",
    "possibly-exhausted": "the pool has little left: requests may use system memory",
    "not-eligible": "no P2P memory may serve it: its device cannot take part",
    "transport-cannot": "only RDMA ports use P2P memory; this one does not",
    "off": "not asked for",
    "unknown": "what decides it cannot be read",
})  # fmt: skip
"""What the state of a namespace by a port means."""
_POOLS = (
    "published: the kernel may give it to others; private: only its own driver uses it; unregistered: no pool.",
    "full: what asks for more falls back to system memory; tight: one request may take what is left.",
    "rate: bytes taken or given back a second, as seen from one look to the next.",
)
_GAPS = ("-: there is none.", "?: not known: it could not be read, or was not.")


def legend(view: str, glyphs: Glyphs) -> tuple[str, ...]:
    """Lines about the signs and words of a view; what stands in every list comes last."""
    states = (*(f"{word}: {text}." for word, text in STATES.items()), "stale: observed, but perhaps past.")
    lists = (
        *_GAPS,
        f"{glyphs.cut}: the text goes on; {glyphs.more} at the right: there are more columns.",
    )
    by_view: Mapping[str, tuple[str, ...]] = {
        "overview": (*_POOLS, *states),
        "pools": _POOLS,
        "topology": (*LEGEND, f"{glyphs.path}: on the way between the two marked devices; {glyphs.dot}: marked."),
        "matrix": (*(text for sign, text in MEANINGS.items() if sign != NOT_ASKED), "The number: steps between both."),
        "target": (*states, "3: falls-back: so by port 3 only.", "2?: two, as far as can be concluded."),
        "log": ("warning, error: what deserves a look.", "age: how long ago, by the clock of that host."),
    }
    found = by_view.get(view, ())
    return (*found, *(line for line in lists if line[0] not in {one[0] for one in found if one[1:2] == ":"}))
