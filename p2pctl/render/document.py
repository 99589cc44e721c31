"""The machine formats of one document: JSON, JSON lines, YAML.

JSON is written as ASCII, so that nothing in a name reaches a terminal raw; an undecodable byte of a file name is the
escape of the surrogate that stands for it, and YAML holds such a text as bytes. Every item stands on a line of its own:
a document can be searched by line without being unpacked, and needs no more memory than its longest item.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from p2pctl.model.facts import Gap, Missing
from p2pctl.render.report import Item, Report, Value
from p2pctl.render.yaml_text import yaml_text


def iso(seconds: float) -> str | None:
    """A time as ISO 8601 in UTC with milliseconds; None for a time that no calendar has."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def envelope(report: Report) -> dict[str, Value]:
    """Everything of the document but its items and gaps."""
    source = report.source
    return {
        "schema": f"p2pctl.{report.kind}/1",
        "generated": iso(report.generated),
        "source": {"kind": source.kind, "host": source.host, "kernel": source.kernel, "boot_id": source.boot_id},
        "summary": report.summary or {},
    }


def gap_item(gap: Gap) -> Item:
    """A gap as the document lists it."""
    return {
        "fact": gap.fact,
        "address": gap.address,
        "path": gap.path,
        "errno": gap.errno,
        "needs": gap.needs,
    }


def _default(value: object) -> object:
    if isinstance(value, Missing):
        return None
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"no JSON for a {type(value).__name__}")


_encode = json.JSONEncoder(allow_nan=False, default=_default).encode


def json_line(value: Value) -> str:
    """A value as one line of JSON, in ASCII."""
    return _encode(value)


def json_lines(report: Report) -> Iterator[str]:
    """The document, an item a line."""
    yield "{"
    for key, value in envelope(report).items():
        yield f"  {_encode(key)}: {_encode(value)},"
    yield from _array("items", report.items, ",")
    yield from _array("gaps", map(gap_item, report.gaps), "")
    yield "}"


def _array(key: str, members: Iterable[Item], end: str) -> Iterator[str]:
    held: str | None = None
    for member in members:
        yield f'  "{key}": [' if held is None else f"{held},"
        held = f"    {_encode(member)}"
    if held is None:
        yield f'  "{key}": []{end}'
    else:
        yield held
        yield f"  ]{end}"


def jsonl_lines(report: Report) -> Iterator[str]:
    """First the document without its items, then each item."""
    yield _encode({**envelope(report), "gaps": [gap_item(gap) for gap in report.gaps]})
    yield from map(_encode, report.items)


def yaml_lines(report: Report) -> Iterator[str]:
    """The same document as YAML, keys in the same order."""
    yield from yaml_text(natural(envelope(report))).splitlines()
    for key, members in (("items", report.items), ("gaps", map(gap_item, report.gaps))):
        yield from _yaml_array(key, members)


def _yaml_array(key: str, members: Iterable[Item]) -> Iterator[str]:
    """A key and its list. A member is a document of its own to the emitter: all at once they take 50 KiB each."""
    head: str | None = f"{key}:"
    for member in members:
        if head is not None:
            yield head
            head = None
        yield from yaml_text([natural(member)]).splitlines()
    if head is not None:
        yield f"{head} []"


def natural(value: Value) -> Any:
    """The value made of dict, list, str, int, float, bool and None only."""
    if isinstance(value, Missing):
        return None
    if isinstance(value, Mapping):
        return {key: natural(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [natural(member) for member in value]
    return value
