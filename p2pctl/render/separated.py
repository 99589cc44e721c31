"""CSV: RFC 4180 quoting, a header, a record a line (ended by LF, as every other format here)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from p2pctl.errors import UsageError
from p2pctl.model.facts import Missing
from p2pctl.render.document import json_line
from p2pctl.render.report import Report, Value
from p2pctl.render.text import clean


def csv_lines(report: Report) -> Iterator[str]:
    """The items as rows, their keys as the header.

    Absent is an empty field and unknown ``?``, since a CSV file has no place for gaps; what is nested is JSON.
    """
    if not report.flat:
        raise UsageError(
            f"{report.kind} is nested and has no CSV form", hint="use -o json, jsonl, yaml, table or plain"
        )
    return _rows(report)


def _rows(report: Report) -> Iterator[str]:
    keys = tuple(dict.fromkeys(key for item in report.items for key in item))
    keys = keys or tuple(column.key for column in report.columns)
    yield _row(keys)
    for item in report.items:
        yield _row(tuple(_field(item.get(key)) for key in keys))


def _row(fields: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()


def _field(value: Value) -> str:
    if value is None or value is Missing.ABSENT:
        return ""
    if isinstance(value, Missing):
        return "?"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, (int, float)) else json_line(value)
