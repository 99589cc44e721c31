"""What holds for any records whatever: nothing raw reaches a terminal, and all formats tell the same."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.model.facts import Gap, Missing
from p2pctl.model.snapshot import Source
from p2pctl.render.cells import words
from p2pctl.render.document import natural
from p2pctl.render.formats import FORMATS, Format, Result, lines
from p2pctl.render.layout import Look
from p2pctl.render.page import Field, Fields, Grid, Lines, Node, Page, Section, Tree, TreeColumn
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Span, clean

NASTY = "\x00\t\n\r\x1b\x7f\x80\x85\x9b\u00ad\u061c\u200b\u200d\u2028\u202e\u2066\ufeff\udcff[bold]\"',;=:#- 日é"
# Of the surrogates only what stands for an undecodable byte: a high one before it would make a pair in JSON.
TEXT = st.one_of(
    st.text(st.sampled_from(NASTY), max_size=8), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
SCALAR = st.one_of(
    TEXT,
    st.integers(-(1 << 70), 1 << 70),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    st.sampled_from(Missing),
)
VALUE: st.SearchStrategy[Value] = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=4
)
KEYS = ("a", "b", "c")
ITEMS = st.lists(st.fixed_dictionaries(dict.fromkeys(KEYS, VALUE)), max_size=3).map(tuple)
COLUMNS = (
    Column("a", "a", show=lambda value: value if isinstance(value, str) else words(value)),
    Column("b", "b", style="name", priority=1),
    Column("c", "c", style="bytes", priority=2),
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    return Report(
        kind="sample",
        items=draw(ITEMS),
        columns=COLUMNS,
        source=Source("capture", draw(TEXT), draw(TEXT), Missing.UNREADABLE),
        generated=0.0,
        summary={"text": draw(TEXT)},
        gaps=(Gap("acs", draw(TEXT), draw(TEXT), 13, draw(TEXT)),),
        notes=(draw(TEXT),),
        empty=draw(TEXT),
    )


@st.composite
def pages(draw: st.DrawFn) -> Page:
    report = draw(reports())
    node = Node(draw(TEXT), (draw(TEXT),), (Node((Span(draw(TEXT), "bad"), draw(TEXT))),))
    blocks = (
        Fields((Field(draw(TEXT), draw(VALUE), note=draw(TEXT)), Field("b", Span(draw(TEXT), "good")))),
        Grid(COLUMNS, tuple(report.items), empty=draw(TEXT)),
        Lines((draw(TEXT),), bullet=draw(TEXT)),
        Tree((node,), (TreeColumn(draw(TEXT)),)),
    )
    return Page(report, (Section(draw(TEXT), blocks),))


RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
EMPHASIS = re.compile(r"\x1b\[\d*m")


@pytest.mark.parametrize("form", FORMATS)
@given(result=reports() | pages(), width=st.integers(20, 120))
@settings(max_examples=60)
def test_nothing_raw_gets_through(form: Format, result: Result, width: int) -> None:
    """No control character but the line's end, nothing that turns or hides text, no lone surrogate."""
    for line in lines(result, form, Look(width=width)):
        assert "\n" not in line
        assert RAW.search(line) is None, ascii(line)
        line.encode()


@given(result=reports() | pages())
@settings(max_examples=60)
def test_colour_adds_emphasis_only(result: Result) -> None:
    """The escapes in a coloured table are its own, and without them it is the table."""
    plain = list(lines(result, "table", Look(width=100)))
    coloured = [EMPHASIS.sub("", line).rstrip(" ") for line in lines(result, "table", Look(width=100, color=True))]
    assert plain == coloured


def _items(result: Report, form: Format) -> list[Mapping[str, object]]:
    text = "\n".join(lines(result, form, Look(width=1000)))
    if form == "jsonl":
        return [json.loads(line) for line in text.split("\n")[1:]]
    document = json.loads(text) if form == "json" else _yaml(text)
    return list(document["items"])


def _yaml(text: str) -> Any:
    """What libyaml reads. Bytes are texts that are no UTF-8."""
    return _as_texts(yaml.load(text, Loader=yaml.CSafeLoader))


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {_as_texts(key): _as_texts(member) for key, member in value.items()}
    if isinstance(value, list):
        return list(map(_as_texts, value))
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


@given(reports())
@settings(max_examples=60)
def test_machine_formats_hold_one_document(report: Report) -> None:
    """JSON, JSON lines and YAML give the same back, and it is what the report holds."""
    wanted = [natural(item) for item in report.items]
    assert wanted == _items(report, "json")
    assert wanted == _items(report, "jsonl")
    assert wanted == _items(report, "yaml")
    head = json.loads(next(iter(lines(report, "jsonl", Look()))))
    whole = json.loads("\n".join(lines(report, "json", Look())))
    assert list(whole) == ["schema", "generated", "source", "summary", "items", "gaps"]
    assert {key: value for key, value in whole.items() if key != "items"} == head
    assert whole == _yaml("\n".join(lines(report, "yaml", Look())))


def _as_field(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(value) if isinstance(value, str) else str(value)


@given(reports())
@settings(max_examples=60)
def test_csv_holds_the_same_items(report: Report) -> None:
    """Cell for cell: text spelled out, what is nested as JSON, absent empty, unknown a question mark."""
    rows = list(csv.reader(io.StringIO("\n".join(lines(report, "csv", Look())), newline="")))
    assert set(rows[0]) == set(KEYS)
    assert len(rows) == 1 + len(report.items)
    for row, item in zip(rows[1:], report.items, strict=True):
        for text, key in zip(row, rows[0], strict=True):
            value = item[key]
            if value is None or isinstance(value, Missing):
                assert text == ("?" if value in {Missing.UNREADABLE, Missing.NOT_READ} else "")
            elif isinstance(value, (str, int, float)):
                assert text == _as_field(value)
            else:
                assert json.loads(text) == natural(value)


WORD = st.text("abc[]/:.", min_size=1, max_size=12)
FLAT: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {"a": WORD, "b": WORD | st.sampled_from(Missing), "c": st.integers(0, 1 << 40)}
)


@given(st.lists(FLAT, min_size=1, max_size=4).map(tuple))
def test_table_and_plain_agree_cell_for_cell(items: tuple[Item, ...]) -> None:
    """Whatever looks like markup is shown, and the size is the same in either notation."""
    report = Report("sample", items, COLUMNS, Source("demo", "h", "k", "b"), 0.0)
    plain = [line.split() for line in lines(report, "plain", Look())]
    table = [re.split(r" {2,}", line) for line in lines(report, "table", Look(width=200))]
    assert plain[0] == table[0] == ["A", "B", "C"]
    for item, machine, human in zip(items, plain[1:], table[2:], strict=True):
        size = item["c"]
        assert isinstance(size, int)
        assert machine == [words(item["a"]), words(item["b"]), str(size)]
        assert human == [words(item["a"]), words(item["b"]), words(size, "bytes")]
