"""What all parts of reading a document share: problems and places are gathered, words become attributes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple, TypeAlias

from p2pctl.errors import P2pctlError
from p2pctl.target import grammar
from p2pctl.target.attributes import PREFIXES
from p2pctl.target.document.nodes import Items, Node, Scalar, Table
from p2pctl.target.document.problems import Problem
from p2pctl.target.grammar import quoted
from p2pctl.target.schema import Kind, Spec, check_value, file_for, key_for, spec, specs
from p2pctl.target.wishes import Place, Trail

Listed: TypeAlias = Mapping[Kind, Collection[str]]
"""The attributes that objects of each kind have on this kernel; a kind that nobody could ask about is left out."""

ReadSecret = Callable[[str], str]
"""The text of a secret's file, whose path may count from where the document lies. Raises P2pctlError."""

Part = Callable[[Node, Trail], None]
"""Reads the value of a key that is no attribute."""

CALLED: Mapping[Kind, str] = {
    "root": "the document",
    "host": "a host",
    "subsystem": "a subsystem",
    "passthru": "passthru",
    "namespace": "a namespace",
    "port": "a port",
    "ana-group": "an ANA group",
    "referral": "a referral",
}


class ObjectRead(NamedTuple):
    """What a document says of one object, besides the parts that it holds."""

    absent: bool
    values: dict[str, str]
    withheld: tuple[str, ...]
    """Secrets that are to stay as they are."""


class Reading:
    """One reading."""

    def __init__(self, listed: Listed | None, read_secret: ReadSecret | None, *, private: bool, file: str) -> None:
        self.problems: list[Problem] = []
        self.places: dict[Trail, Place] = {}
        self.notes: list[str] = []
        self.listed = listed
        self._read_secret = read_secret
        self._private = private
        self._document = file

    def problem(self, text: str, place: Place | None) -> None:
        """Something is wrong; reading goes on."""
        self.problems.append(Problem(text, place))

    def note(self, text: str, place: Place) -> None:
        """Something to know of the document, which is used all the same."""
        self.notes.append(Problem(text, place).told(self._document))

    def pairs(self, node: Node, what: str) -> Iterator[tuple[Scalar, Node]]:
        """The pairs of a mapping; none, and a problem, where it is something else."""
        if isinstance(node, Table):
            yield from node.pairs
        elif isinstance(node, Scalar) and node.null:
            self.problem(f"{what} has no value: leave it out, or write {{}}", node.place)
        else:
            self.problem(f"{what} must be a mapping (name: value)", node.place)

    def entries(
        self, node: Node, trail: Trail, what: str, name: Callable[[str], str | int]
    ) -> Iterator[tuple[str | int, Node, Trail]]:
        """The objects of a mapping by name. ``name`` checks a key, and raises ValueError with what is wrong."""
        seen: dict[str | int, Place] = {}
        for key, value in self.pairs(node, what):
            try:
                found = name(key.text)
            except ValueError as error:
                self.problem(str(error), key.place)
                continue
            if self._is_new(found, key, seen):
                here = (*trail, found)
                self.places[here] = key.place
                yield found, value, here

    def _is_new(self, found: str | int, key: Scalar, seen: dict[str | int, Place]) -> bool:
        if found in seen:
            self.problem(f"{quoted(key.text)} was given already in line {seen[found].line}", key.place)
            return False
        seen[found] = key.place
        return True

    def words(self, node: Node, trail: Trail, what: str, check: Callable[[str], str]) -> tuple[str, ...]:
        """A list of words. ``check`` raises ValueError with what is wrong with one."""
        if not isinstance(node, Items):
            self.problem(f"{what} must be a list: [] for none", node.place)
            return ()
        seen: dict[str | int, Place] = {}
        found: list[str] = []
        for item in node.items:
            if not isinstance(item, Scalar) or item.null:
                self.problem(f"{what} must be a list of single words", item.place)
                continue
            try:
                word = check(item.text)
            except ValueError as error:
                self.problem(str(error), item.place)
                continue
            if self._is_new(word, item, seen):
                found.append(word)
                self.places[*trail, word] = item.place
        return tuple(found)

    def object(
        self, node: Node, trail: Trail, kind: Kind, parts: Mapping[str, Part], *, state: bool = True
    ) -> ObjectRead:
        """One object: its attributes; ``parts`` read what else it may have. ``state`` allows ``state: absent``."""
        absent: Place | None = None
        values: dict[str, str] = {}
        withheld: list[str] = []
        seen: dict[str | int, Place] = {}
        if isinstance(node, Scalar) and node.null:
            return ObjectRead(absent=False, values=values, withheld=())
        for key, value in self.pairs(node, CALLED[kind]):
            special = key.text in parts or (state and key.text == "state")
            name = key.text if special else self._file(kind, key, (*parts, "state") if state else tuple(parts))
            if name is None or not self._is_new(name, key, seen):
                continue
            here = (*trail, key.text if special else key_for(kind, name))
            self.places[here] = key.place
            if key.text in parts:
                parts[key.text](value, here)
            elif special:
                absent = key.place if self._is_absent(value) else None
            else:
                text = self.value(kind, name, value)
                if text is not None:
                    values[name] = text
                elif isinstance(value, Table) and _is_redacted(value):
                    withheld.append(name)
        if absent is not None and len(seen) > 1:
            self.problem("an object that is to be absent can have nothing else", absent)
        return ObjectRead(absent is not None, values, tuple(withheld))

    def _is_absent(self, node: Node) -> bool:
        if isinstance(node, Scalar) and node.text in {"absent", "present"}:
            return node.text == "absent"
        self.problem("state is absent or present", node.place)
        return False

    def _file(self, kind: Kind, key: Scalar, others: Collection[str]) -> str | None:
        """The attribute that a key stands for; None, and a problem, for one that nobody knows."""
        listed = None if self.listed is None else self.listed.get(kind)
        file = file_for(kind, key.text, listed)
        if file is not None:
            found = spec(kind, file)
            if found is not None and found.write_only:
                self.problem(f"{key.text} is no setting but a command: p2pctl namespace revalidate", key.place)
                return None
            return file
        if listed is None and key.text.startswith(PREFIXES[kind]) and key.text.isidentifier():
            self.note(f"{key.text} is unknown, and no kernel was asked", key.place)
            return key.text
        self.problem(self._unknown(kind, key.text, others, listed), key.place)
        return None

    def _unknown(self, kind: Kind, key: str, others: Collection[str], listed: Collection[str] | None) -> str:
        files = {file for file, one in specs(kind).items() if not one.write_only} | set(listed or ())
        keys = sorted({*others, *(key_for(kind, file) for file in files)})
        asked = "" if listed is not None else ", and no kernel was asked for others"
        close = get_close_matches(key[:100], keys, n=1)
        meant = f": did you mean {close[0]}?" if close else ""
        return f"{CALLED[kind]} has no key {quoted(key)}{meant} (it takes {', '.join(keys)}{asked})"

    def value(self, kind: Kind, file: str, node: Node) -> str | None:
        """The text to write; None, and a problem unless the value is withheld, where there is none."""
        found = spec(kind, file)
        if found is not None and found.secret:
            return self._secret(found, node)
        return self.text(kind, file, node)

    def text(self, kind: Kind, file: str, node: Node) -> str | None:
        """An attribute's text as it is written; None, and a problem, where it is none."""
        key = key_for(kind, file)
        if not isinstance(node, Scalar):
            self.problem(f"{key} takes a single value", node.place)
            return None
        if node.null and not (node.text == "null" and _takes_null(kind, file)):
            self.problem(f"{key} has no value: leave it out to keep what there is", node.place)
            return None
        try:
            return check_value(kind, file, node.text)
        except ValueError as error:
            self.problem(str(error), node.place)
            return None

    def _secret(self, found: Spec, node: Node) -> str | None:
        if not isinstance(node, Table):
            if isinstance(node, Scalar) and node.text and not node.null and not self._private:
                self.problem(
                    f"{found.key} may stand in a file that only its owner can read (chmod 600), "
                    "or in one of its own: {file: PATH}",
                    node.place,
                )
                return None
            return self.text(found.kind, found.file, node)
        if _is_redacted(node):
            return None
        path = _only(node, "file")
        if path is None or not path.text:
            self.problem(f"{found.key} takes the key itself, {{file: PATH}}, or {{redacted: true}}", node.place)
            return None
        if self._read_secret is None:
            return None
        try:
            return check_value(found.kind, found.file, self._read_secret(path.text).strip())
        except (P2pctlError, ValueError) as error:
            self.problem(str(error), path.place)
            return None


def _takes_null(kind: Kind, file: str) -> bool:
    found = spec(kind, file)
    if found is None:
        return False
    try:
        return isinstance(found.parse, grammar.OneOf) and found.parse("null") == "null"
    except ValueError:
        return False


def _only(node: Table, key: str) -> Scalar | None:
    """The value of a mapping's only key."""
    match node.pairs:
        case [(name, Scalar() as value)] if name.text == key:
            return value
    return None


def _is_redacted(node: Table) -> bool:
    value = _only(node, "redacted")
    return value is not None and value.text.lower() == "true"
