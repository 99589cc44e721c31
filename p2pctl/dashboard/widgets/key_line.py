"""The line at the bottom: keys that work here, as many as there is room for, and always the way to the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from p2pctl.render.layout import kept
from p2pctl.render.text import clean, width

GAP = 2
EDGE = 1
"""Cells that stay free at either end."""
ALWAYS = ("app.help", "app.quit", ".close", ".cancel")
"""How the ids of those bindings end without which nobody finds the other keys, or the way out."""
CHANGE = "change("
"""How the action of a change begins."""


class Key(NamedTuple):
    """A key with what it does."""

    key: str
    """What textual calls it."""
    shown: str
    text: str
    priority: int
    """0 always stands there; on a narrow screen the highest number goes first."""
    enabled: bool = True

    @property
    def cells(self) -> int:
        """How wide it is."""
        return width(self.shown) + 1 + width(self.text)


class KeyLine(Widget):
    """Whole keys, never a part of one. Those that are dimmed do nothing now."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--off"}
    DEFAULT_CSS = """
    KeyLine { height: 1; dock: bottom; color: $footer-foreground; background: $footer-background; }
    KeyLine > .key-line--key { color: $footer-key-foreground; text-style: bold; }
    KeyLine > .key-line--off { text-style: dim; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(id=id)
        self.keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        """Follows the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self._follow(self.screen)

    def _follow(self, screen: Screen[Any]) -> None:
        """Shows the keys that work now; where they are the same, nothing is drawn."""
        if not self.is_attached or screen is not self.screen:
            return
        found = tuple(self._keys(screen.active_bindings.values()))
        if found != self.keys:
            self.keys = found
            self.refresh()

    def _keys(self, active: Iterable[ActiveBinding]) -> Iterable[Key]:
        """Each action once; changes, and then what is always there, last."""
        actions: dict[str, ActiveBinding] = {}
        for one in active:
            if one.binding.show and one.binding.description:
                actions.setdefault(one.binding.action, one)
        for one in sorted(actions.values(), key=_rank):
            binding = one.binding
            yield Key(
                binding.key,
                clean(self.app.get_key_display(binding)),
                clean(binding.description),
                _priority(one, self.screen.focused),
                one.enabled,
            )

    @property
    def shown(self) -> tuple[tuple[int, Key], ...]:
        """The keys for which there is room, and where each begins."""
        room = self.size.width - 2 * EDGE
        places = kept([key.priority for key in self.keys], [key.cells for key in self.keys], room, GAP)
        found, start = [], EDGE
        for place in places:
            found.append((start, self.keys[place]))
            start += self.keys[place].cells + GAP
        return tuple(found)

    def render_line(self, y: int) -> Strip:
        """The only line."""
        del y
        style = self.rich_style
        bold = style + self.get_component_rich_style("key-line--key", partial=True)
        off = style + self.get_component_rich_style("key-line--off", partial=True)
        segments = [Segment(" " * EDGE, style)]
        for number, (_, key) in enumerate(self.shown):
            segments += [Segment(" " * GAP, style)] * bool(number)
            segments.append(Segment(key.shown, bold if key.enabled else off))
            segments.append(Segment(f" {key.text}", style if key.enabled else off))
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def on_click(self, event: events.Click) -> None:
        """As if the key under the mouse was pressed."""
        for start, key in self.shown:
            if start <= event.x < start + key.cells:
                if key.enabled:
                    self.app.simulate_key(key.key)
                else:
                    self.app.bell()


def _rank(one: ActiveBinding) -> int:
    return 2 if _always(one) else 1 if one.binding.action.startswith(CHANGE) else 0


def _priority(one: ActiveBinding, focused: Widget | None) -> int:
    """What the focused widget itself, its filter and changes are good for comes before ways to elsewhere."""
    if _always(one):
        return 0
    if not one.enabled:
        return 3
    near = one.node is focused or one.binding.action.startswith(CHANGE)
    return 1 if near or (one.binding.id or "").startswith("list.") else 2


def _always(one: ActiveBinding) -> bool:
    return (one.binding.id or "").endswith(ALWAYS)
