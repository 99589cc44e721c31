"""Which keys can be given another place, and what counts as a key."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys

FIXED = frozenset({"app.interrupt"})
"""Bindings that stay what they are, whose keys nothing else can have: ctrl+c always quits."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMES = frozenset(key.value for key in Keys)


def binding_ids() -> frozenset[str]:
    """The ids of all bindings of the screen, its views, lists and dialogs. They must have been imported."""
    return frozenset(binding.id for binding in _bindings(DOMNode) if binding.id) - FIXED


def fixed_keys() -> frozenset[str]:
    """The keys of the bindings that stay what they are. The screen must have been imported."""
    fixed = [binding for binding in _bindings(DOMNode) if binding.id in FIXED]
    return frozenset(key.strip() for binding in fixed for key in binding.key.split(","))


def _bindings(above: type[DOMNode]) -> Iterator[Binding]:
    for one in above.__subclasses__():
        if one.__module__.startswith("p2pctl."):
            for binding in one.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding):
                    yield binding
        yield from _bindings(one)


def is_key(text: str) -> bool:
    """Whether a terminal could send it: ``x``, ``G``, ``ctrl+x``, ``f5``, ``question_mark``."""
    *modifiers, key = text.split("+") if text != "+" else [text]
    if not set(modifiers) <= _MODIFIERS or not key:
        return False
    if len(key) == 1:
        return key.isprintable()
    if key in _NAMES:
        return True
    try:
        unicodedata.lookup(key.replace("_", " "))
    except KeyError:
        return key in {"plus", "minus", "slash", "underscore", "question_mark"}
    return True
