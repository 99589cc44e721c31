"""Records with what every format needs to show them.

An item is a plain mapping with ``snake_case`` keys. A value that is not known stays a ``Missing`` member until it is
rendered: the machine formats write null, the text formats ``-`` for what the host does not have and ``?`` for what
could not be told. Sizes are bytes, addresses are strings.

The classes are named tuples because every command builds them before it does anything: a frozen dataclass takes eight
times as long to define.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Gap, Missing
from p2pctl.render.text import Tone

if TYPE_CHECKING:
    from p2pctl.model.snapshot import Snapshot, Source

Value: TypeAlias = "str | int | float | Missing | Sequence[Value] | Mapping[str, Value] | None"
"""What an item may hold. None and ``Missing.ABSENT`` show alike."""

Item: TypeAlias = Mapping[str, Value]

Style = Literal["text", "name", "number", "bytes"]
"""``text`` may wrap in a narrow table, ``name`` (an address, an NQN, a path) never does; ``number`` and ``bytes`` align
right, and ``bytes`` show in binary units in tables and as they are in plain lists."""


class Column(NamedTuple):
    """One column of a list for people."""

    key: str
    """Key of the item; dots go into nested mappings, and through a list to all of its members."""
    title: str
    style: Style = "text"
    priority: int = 0
    """0 is always shown; in a narrow terminal the highest number goes first."""
    align: Literal["left", "right"] | None = None
    """None: as the style asks."""
    show: Callable[[Value], str] | None = None
    """Words for a value that is known, where the style's own would not do. Machine formats never see them."""
    tones: Mapping[str, Tone] | None = None
    """Emphasis by the text shown."""
    least: int = 24
    """Cells that a column of text keeps when it has to wrap."""
    tone: Callable[[Value], Tone | None] | None = None
    """Emphasis by the value, where it is known and the text shown has none."""

    @property
    def right(self) -> bool:
        """Whether it aligns at its right."""
        return self.align == "right" if self.align else self.style in {"number", "bytes"}


class Report(NamedTuple):
    """Records of one kind: a document to machines, a list to people."""

    kind: str
    """``pool``: the schema is ``p2pctl.pool/1``."""
    items: Sequence[Item]
    columns: tuple[Column, ...]
    source: Source
    generated: float
    """When the facts were read: seconds since 1970 on the source."""
    summary: Item | None = None
    gaps: tuple[Gap, ...] = ()
    flat: bool = True
    """Whether the items make rows of a CSV file."""
    empty: str = "Nothing to show."
    """What people are told when there are no items."""
    notes: tuple[str, ...] = ()
    """Lines for people, below the table or beside a plain list."""

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        kind: str,
        items: Iterable[Item],
        columns: tuple[Column, ...],
        *,
        summary: Item | None = None,
        gaps: Iterable[Gap] | None = None,
        flat: bool = True,
        empty: str = "Nothing to show.",
        notes: tuple[str, ...] = (),
    ) -> Report:
        """A report about a snapshot: its source, its time and, unless given, its gaps."""
        found = snapshot.gaps if gaps is None else tuple(gaps)
        return cls(kind, tuple(items), columns, snapshot.source, snapshot.taken, summary, found, flat, empty, notes)


def jsonable(fact: object) -> Value:
    """A fact as an item holds it: addresses as strings, tuples and sets as lists, ``Missing`` as it is."""
    if fact is None or isinstance(fact, (str, int, float, Missing)):
        return fact
    if isinstance(fact, Address):
        return str(fact)
    if isinstance(fact, Mapping):
        return {str(key): jsonable(value) for key, value in fact.items()}
    if isinstance(fact, (set, frozenset)):
        return [jsonable(value) for value in sorted(fact)]
    if isinstance(fact, Iterable):
        return [jsonable(value) for value in fact]
    raise TypeError(f"no place in an item for a {type(fact).__name__}")


def lookup(item: Item, key: str) -> Value:
    """The value under a dotted key; ABSENT where the item has none, the same ``Missing`` where the way ends early."""
    value: Value = item
    for name in key.split("."):
        value = _step(value, name)
    return value


def _step(value: Value, name: str) -> Value:
    if isinstance(value, Mapping):
        return value.get(name, ABSENT)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_step(member, name) for member in value]
    return value if value is None or isinstance(value, Missing) else ABSENT
