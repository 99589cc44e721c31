"""Values: how facts get into items, and how items show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from p2pctl.errors import UsageError
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Gap
from p2pctl.model.pci import PortType
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.cells import cell, words
from p2pctl.render.document import iso, json_line
from p2pctl.render.formats import Format, lines
from p2pctl.render.layout import Look
from p2pctl.render.notes import asides, emptiness, gap_notes, page_asides
from p2pctl.render.page import Field, Fields, Page, Section
from p2pctl.render.plain import plain_rows
from p2pctl.render.report import Column, Item, Report, Style, Value, jsonable, lookup
from p2pctl.render.text import Span
from tests.unit.render_samples import EMPTY, REPORT, SOURCE


@pytest.mark.parametrize(
    ("value", "style", "table", "plain"),
    [
        (None, "text", "-", "-"),
        (ABSENT, "bytes", "-", "-"),
        (UNREADABLE, "number", "?", "?"),
        (NOT_READ, "text", "?", "?"),
        ("", "text", "-", "-"),
        ([], "text", "-", "-"),
        (True, "text", "yes", "yes"),
        (False, "bytes", "no", "no"),
        (16 << 20, "bytes", "16.0 MiB", "16777216"),
        (16 << 20, "number", "16777216", "16777216"),
        (16.0, "number", "16", "16"),
        (0.12345, "number", "0.123", "0.123"),
        (["a", UNREADABLE, None], "text", "a, ?, -", "a,?,-"),
        ({"a": 1, "b": "x\n"}, "text", "a=1, b=x\\x0a", "a=1,b=x\\x0a"),
    ],
)
def test_words(value: Value, style: Style, table: str, plain: str) -> None:
    assert words(value, style) == table
    assert words(value, style, exact=True) == plain


def test_jsonable() -> None:
    """Addresses are strings, unknown facts stay what they are."""
    address = Address(0, 3, 0, 0)
    assert jsonable(address) == "0000:03:00.0"
    assert jsonable((address, UNREADABLE)) == ["0000:03:00.0", UNREADABLE]
    assert jsonable({"b", "a"}) == ["a", "b"]
    assert jsonable({address: 1}) == {"0000:03:00.0": 1}
    assert json_line(jsonable(PortType.UPSTREAM)) == "5"
    with pytest.raises(TypeError):
        jsonable(object())


def test_lookup() -> None:
    item: Item = {"a": {"b": 1}, "u": UNREADABLE, "n": None, "l": [{"b": 1}, {}, UNREADABLE], "s": "text"}
    assert lookup(item, "a.b") == 1
    assert lookup(item, "a.c") is ABSENT
    assert lookup(item, "u.b.c") is UNREADABLE
    assert lookup(item, "n.b") is None
    assert lookup(item, "l.b") == [1, ABSENT, UNREADABLE]
    assert lookup(item, "s.b") is ABSENT


def test_cell_emphasis_follows_the_text() -> None:
    column = Column("state", "state", tones={"on": "good"}, show=lambda value: str(value).lower())
    assert cell(column, {"state": "ON"}) == Span("on", "good")
    assert cell(column, {"state": UNREADABLE}) == Span("?", "warning")
    assert cell(column, {}) == Span("-", "dim")


def test_unknown_is_null_in_machine_formats() -> None:
    assert json_line({"a": UNREADABLE, "b": [ABSENT, NOT_READ]}) == '{"a": null, "b": [null, null]}'


def test_not_a_number_is_no_json() -> None:
    """A bug, and one that must not reach a reader."""
    with pytest.raises(ValueError, match="JSON compliant"):
        json_line({"a": float("nan")})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1793613600.25, "2026-11-02T10:00:00.250Z"),
        (1793613600.9999, "2026-11-02T10:00:00.999Z"),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_iso(seconds: float, text: str | None) -> None:
    assert text == iso(seconds)


def test_nested_kinds_have_no_csv() -> None:
    """The refusal comes before the first line, and says what there is."""
    with pytest.raises(UsageError) as caught:
        lines(REPORT._replace(flat=False), "csv", Look())
    assert caught.value.hint == "use -o json, jsonl, yaml, table or plain"


def test_gap_notes_count_devices() -> None:
    gaps = [Gap("acs", f"0000:0{n}:00.0", None, 13, "root") for n in range(5)]
    assert gap_notes(gaps) == ("? acs of 5 devices: needs root",)
    assert gap_notes(gaps[:2]) == ("? acs of 0000:00:00.0 and 0000:01:00.0: needs root",)
    assert gap_notes([Gap("holders", None, None, None, "not asked")]) == ("? holders: not asked",)


def test_gaps_are_remarked_where_something_unknown_shows() -> None:
    assert asides(REPORT)[0] == "10000:e1:00.0 is private"
    assert len(asides(REPORT)) == 3
    shown = REPORT._replace(columns=(Column("address", "address"),))
    assert asides(shown) == ("10000:e1:00.0 is private",)


def test_gaps_of_other_devices_are_not_remarked() -> None:
    """A snapshot knows of more devices than a page is about; what has no address concerns all."""
    other = Gap("acs", "0000:ff:00.0", None, 13, "root")
    report = REPORT._replace(gaps=(*REPORT.gaps, other))
    assert asides(report) == asides(REPORT)
    page = Page(report, (Section("", (Fields((Field("available", UNREADABLE),)),)),))
    assert page_asides(page) == asides(REPORT)[1:]
    assert page_asides(page._replace(sections=(Section("", (Fields((Field("slot", ABSENT),)),)),))) == ()


@pytest.mark.parametrize(
    "fact",
    ["pool", "pci functions", "nvme controllers", "rdma devices", "block devices", "iommu groups", "iommus", "slots"],
)
def test_gaps_that_hide_things_are_always_remarked(fact: str) -> None:
    """No cell shows that a directory could not be listed: what is missing looks like what is not there."""
    gap = Gap(fact, None, "/sys/x", 13, "root")
    report = REPORT._replace(columns=(Column("address", "address"),), gaps=(*REPORT.gaps, gap))
    remark = f"? {fact} of /sys/x: needs root"
    assert asides(report) == (*report.notes, remark)
    page = Page(report, (Section("", (Fields((Field("slot", ABSENT),)),)),))
    assert page_asides(page) == (remark,)
    assert remark in list(lines(page, "table", Look()))
    assert remark in list(lines(page, "plain", Look()))


def test_a_pool_that_is_not_listed_is_remarked() -> None:
    """Though its address is that of no item: that is what the gap is about. A page is about one device."""
    gap = Gap("pool", "0000:ff:00.0", "/sys/x", None, "controller nvme0 to be live")
    report = REPORT._replace(columns=(Column("address", "address"),), gaps=(gap,))
    assert asides(report)[-1] == "? pool of 0000:ff:00.0: needs controller nvme0 to be live"
    assert page_asides(Page(report, ())) == ()


def test_unknown_is_not_empty() -> None:
    """A list that could not be read does not claim that there is nothing."""
    hidden = Gap("pci functions", None, "/sys/bus/pci/devices", 13, "root")
    assert emptiness(EMPTY) == "No device has P2P memory here."
    assert emptiness(EMPTY._replace(gaps=(Gap("slots", None, "/sys/x", 13, "root"),))) == EMPTY.empty
    unknown = EMPTY._replace(gaps=(hidden,))
    assert emptiness(unknown) == "Not known: /sys/bus/pci/devices needs root."
    assert list(lines(unknown, "table", Look())) == [
        "Not known: /sys/bus/pci/devices needs root.",
        "",
        "? pci functions of /sys/bus/pci/devices: needs root",
    ]


@pytest.mark.parametrize("text", ["plain", "日本", "\x1b", "a: b", "\U0001f600", "yes", "1.0", "", "- x", "a\nb"])
def test_yaml_is_the_same_by_either_emitter(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """libyaml is there or not; who compares two hosts sees no difference."""
    items: tuple[Item, ...] = ({"a": text, "b": [text, {"c": text}], "d": []}, {"a": UNREADABLE, "b": {}, "d": 1})
    report = REPORT._replace(items=items)
    fast = list(lines(report, "yaml", Look()))
    monkeypatch.delattr("yaml.CSafeDumper", raising=False)
    assert fast == list(lines(report, "yaml", Look()))
    assert yaml.safe_load("\n".join(fast))["items"][0]["a"] == text


@pytest.mark.parametrize(
    ("text", "data"),
    [("nqn.\udcff\u00e9", b"nqn.\xff\xc3\xa9"), ("\ud800", b"\xed\xa0\x80")],
    ids=["byte", "surrogate"],
)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@pytest.mark.parametrize("dumper", ["libyaml", "pure"])
def test_what_is_no_utf_8_is_bytes_to_every_reader_of_yaml(
    text: str, data: bytes, loader: Any, dumper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values and keys, on a line; libyaml and most others take no escape of a surrogate."""
    if dumper == "pure":
        monkeypatch.delattr("yaml.CSafeDumper", raising=False)
    written = list(lines(REPORT._replace(items=({"a": text, "b": {text: [text]}},)), "yaml", Look()))
    (item,) = yaml.load("\n".join(written), Loader=loader)["items"]  # noqa: S506  a safe one
    assert item == {"a": data, "b": {data: [data]}}
    assert sum("!!binary" in line for line in written) == 3


def test_yaml_is_written_by_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pure emitter takes five times as long."""
    monkeypatch.setattr("yaml.emitter.Emitter.emit", None)
    assert any("size: 16777216" in line for line in lines(REPORT, "yaml", Look()))


def test_report_of_a_snapshot() -> None:
    snapshot = Snapshot(source=SOURCE, taken=5.0)
    report = Report.of(snapshot, "pool", iter([{"a": 1}]), (Column("a", "a"),))
    assert report.items == ({"a": 1},)
    assert (report.source, report.generated, report.gaps) == (SOURCE, 5.0, ())


def test_plain_rows_can_reserve_room() -> None:
    """Lists that go on as time passes keep their columns."""
    columns = (Column("a", "a", style="number"), Column("b", "b"))
    assert list(plain_rows(columns, [{"a": 1, "b": "x"}], header=False, at_least=(4, 0))) == ["   1  x"]


@pytest.mark.parametrize("form", ["json", "jsonl", "yaml"])
def test_long_lists_are_written_as_they_are_made(form: Format) -> None:
    """The first line needs no item at all."""
    report = REPORT._replace(items=_Unread())
    first = next(iter(lines(report, form, Look())))
    assert first.startswith("schema:" if form == "yaml" else "{")


class _Unread(Sequence[Item]):
    """Items that must not be looked at."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: object) -> Any:
        raise AssertionError(index)
