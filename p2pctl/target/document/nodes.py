"""YAML or JSON as a tree of nodes, each with its place. No value is interpreted: ``off`` and ``010`` stay as they are.

The tree is built from the parser's events, so hostile input meets the limits before it costs anything: nothing here
recurses, and an alias is the node that it stands for, counted as often as it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from p2pctl.target.document.problems import Flaw
from p2pctl.target.grammar import quoted
from p2pctl.target.wishes import Place

SIZE_MAX = 16 << 20
"""Bytes of a document: 10,000 namespaces with all their attributes take 4 MiB."""

NODES_MAX = 250_000
DEPTH_MAX = 16

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_START = Place(1, 1)


@dataclass(slots=True)
class Scalar:
    """A word as it stands in the text."""

    text: str
    place: Place
    plain: bool
    """Without quotes."""
    size: int = 1
    height: int = 0

    @property
    def null(self) -> bool:
        """Whether it is what YAML writes for "nothing"."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}


@dataclass(slots=True)
class Items:
    """A list."""

    place: Place
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class Table:
    """A mapping, its pairs in order; keys may repeat."""

    place: Place
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    size: int = 1
    height: int = 1
    key: Scalar | None = None
    """The key that waits for its value while the table is built."""


Node: TypeAlias = Scalar | Items | Table


def parse(data: bytes) -> Node:
    """The document's root. Raises Flaw."""
    if len(data) > SIZE_MAX:
        raise Flaw(f"the file has {len(data)} bytes, and a document has {SIZE_MAX} at most")
    text = _decoded(data)
    return _built(_replaced(text))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Flaw("the file is UTF-16: save it as UTF-8", _START)
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise Flaw(
            f"byte 0x{data[error.start]:02x} is no UTF-8: save the file as UTF-8", _place_after(before)
        ) from None
    control = _CONTROL.search(text)
    if control is not None:
        raise Flaw(
            f"character U+{ord(control[0]):04X} cannot stand in a document", _place_after(text[: control.start()])
        )
    return text


def _place_after(before: str) -> Place:
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _replaced(text: str) -> str:
    """JSON spells characters beyond U+FFFF as two escapes, YAML as one."""

    def join(match: re.Match[str]) -> str:
        character: str = json.loads(f'"\\u{match[2]}\\u{match[3]}"')
        return f"{match[1]}\\U{ord(character):08X}"

    return _PAIR.sub(join, text) if "\\u" in text and text.lstrip()[:1] in {"{", "["} else text


def _built(text: str) -> Node:
    import yaml  # noqa: PLC0415  20 ms that only documents need

    building = _Building(yaml)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            building.take(event)
    except yaml.MarkedYAMLError as error:
        raise Flaw(*_told(error, text)) from None
    except (ValueError, OverflowError):
        # The parser without libyaml: an escape or a directive with a number that is none.
        raise Flaw("it is neither YAML nor JSON: a number in it is out of range") from None
    except yaml.reader.ReaderError as error:
        raise Flaw(f"it cannot be read: {error.reason}", _place_after(text[: error.position])) from None
    if building.root is None:
        raise Flaw("the file is empty: a document begins with version: 1")
    return building.root


def _told(error: Any, text: str) -> tuple[str, Place | None]:
    mark = error.problem_mark or error.context_mark
    place = _place(mark) if mark is not None else None
    if place is not None and _character(text, place) == "\t":
        return "a tab cannot stand here: indent with spaces", place
    reason = ", ".join(str(one) for one in (error.context, error.problem) if one)
    return f"it is neither YAML nor JSON: {reason}", place


def _character(text: str, place: Place) -> str:
    lines = text.split("\n", place.line)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Building:
    """The tree while its events come in."""

    def __init__(self, yaml: Any) -> None:
        self.root: Node | None = None
        self._open: list[tuple[Items | Table, str | None]] = []
        """Lists and mappings that have not ended, with their anchors."""
        self._anchors: dict[str, Node] = {}
        self._seen = 0
        self._takes: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        taker = self._takes.get(event.__class__)
        if taker is not None:
            taker(event)

    def _document(self, event: Any) -> None:
        if self.root is not None:
            raise Flaw("a second document begins here: one file holds one", _place(event.start_mark))

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        place = Place(mark.line + 1, mark.column + 1)
        if event.tag is not None:
            _refuse_tag(event.tag, place)
        self._add(Scalar(event.value, place, not event.style), event.anchor)

    def _alias(self, event: Any) -> None:
        place = _place(event.start_mark)
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = any(anchor == event.anchor for _, anchor in self._open)
            why = "it stands in what it repeats" if inside else "nothing above is called so"
            raise Flaw(f"alias {quoted(event.anchor)} cannot be used: {why}", place)
        self._add(node, None, at=place)

    def _mapping(self, event: Any) -> None:
        self._begin(Table(_place(event.start_mark)), event)

    def _sequence(self, event: Any) -> None:
        self._begin(Items(_place(event.start_mark)), event)

    def _begin(self, node: Items | Table, event: Any) -> None:
        if event.tag is not None:
            _refuse_tag(event.tag, node.place)
        if len(self._open) >= DEPTH_MAX:
            raise Flaw(f"it is nested deeper than {DEPTH_MAX} levels", node.place)
        self._open.append((node, event.anchor))

    def _end(self, _event: Any) -> None:
        node, anchor = self._open.pop()
        self._add(node, anchor)

    def _add(self, node: Node, anchor: str | None, at: Place | None = None) -> None:
        self._seen += 1
        if anchor is not None:
            self._anchors[anchor] = node
        if self._seen > NODES_MAX or node.size > NODES_MAX:
            raise Flaw(f"it has more than {NODES_MAX} values", at or node.place)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1][0]
        parent.size += node.size
        if node.height >= parent.height:
            parent.height = node.height + 1
            if len(self._open) + node.height > DEPTH_MAX:
                raise Flaw(f"it is nested deeper than {DEPTH_MAX} levels", at or node.place)
        if isinstance(parent, Items):
            parent.items.append(node)
        elif parent.key is None:
            parent.key = _key(node, at or node.place)
        else:
            parent.pairs.append((parent.key, node))
            parent.key = None


def _key(node: Node, place: Place) -> Scalar:
    if not isinstance(node, Scalar):
        raise Flaw("a name must be a single word here, not a list or a mapping", place)
    if node.plain and node.text == "<<":
        raise Flaw("merge keys (<<) are not supported: write out what is meant", place)
    return node


def _refuse_tag(tag: str, place: Place) -> NoReturn:
    raise Flaw(f"tag {quoted(tag)} is not supported: values are plain words", place)
