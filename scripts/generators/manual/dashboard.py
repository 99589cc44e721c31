"""The keys of the dashboard, from its bindings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scripts.generators.manual import mdoc

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.dom import DOMNode

_NAMES = {
    "plus": "+",
    "minus": "-",
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
}
"""What people call keys, where Textual calls them something else."""

_GROUPS = {
    "view": "Views",
    "app": "Everywhere",
    "list": "In lists",
    "overview": "In the overview",
    "topology": "In the topology",
    "matrix": "In the matrix",
    "target": "In the target",
    "page": "On pages",
}
"""Headings by the first part of a binding's name; what has none is about dialogs."""


def key_list() -> Iterator[str]:
    """Every key with its name, once, by the places where it works."""
    # What lists no keys imports no Textual; and the modules of the screen define what is looked for.
    from textual.dom import DOMNode  # noqa: PLC0415

    import p2pctl.dashboard.app  # noqa: F401, PLC0415

    found: dict[str, Binding] = {}
    for one in _bindings(DOMNode):
        if one.id and one.tooltip:
            # What a view makes of a key comes after what the key is in all of them.
            found.setdefault(one.id, one)
    for group, title in (*_GROUPS.items(), (None, "In dialogs")):
        mine = [one for name, one in found.items() if _group(name) == group]
        yield f".Ss {mdoc.arguments(title)}"
        yield ".Bl -tag -width Ds"
        for one in sorted(mine, key=lambda one: one.key if group == "view" else ""):
            keys = " , ".join(mdoc.arguments(_NAMES.get(key.strip(), key.strip())) for key in one.key.split(","))
            yield f".It Sy {keys} Pq {one.id}"
            yield from mdoc.paragraph(f"{one.tooltip}.")
        yield ".El"


def _group(name: str) -> str | None:
    first = name.partition(".")[0]
    return first if first in _GROUPS else None


def _bindings(above: type[DOMNode]) -> Iterator[Binding]:
    from textual.binding import Binding  # noqa: PLC0415

    for one in above.__subclasses__():
        if one.__module__.startswith("p2pctl."):
            yield from (binding for binding in one.__dict__.get("BINDINGS", ()) if isinstance(binding, Binding))
        yield from _bindings(one)
