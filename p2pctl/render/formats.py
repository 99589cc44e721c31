"""The one way out: a report or a page in a format, as lines without their ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from p2pctl.render.layout import Look
from p2pctl.render.report import Report

if TYPE_CHECKING:  # machines get reports: what a page is made of is never imported for them
    from p2pctl.render.page import Page

Format = Literal["table", "plain", "json", "jsonl", "yaml", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
DOCUMENTS: frozenset[Format] = frozenset({"json", "jsonl", "yaml"})
"""Formats whose readers take an error as JSON, too."""

Result: TypeAlias = "Report | Page"


def lines(result: Result, form: Format, look: Look) -> Iterator[str]:
    """The result in a format. Raises UsageError where the kind has no such form, before anything is written."""
    report = result if isinstance(result, Report) else result.report
    # Each format imports what it needs: a listing as JSON loads neither the tables' rich nor csv nor YAML.
    if form in {"json", "jsonl"}:
        from p2pctl.render.document import json_lines, jsonl_lines  # noqa: PLC0415

        return json_lines(report) if form == "json" else jsonl_lines(report)
    if form == "yaml":
        from p2pctl.render.document import yaml_lines  # noqa: PLC0415

        return yaml_lines(report)
    if form == "csv":
        from p2pctl.render.separated import csv_lines  # noqa: PLC0415

        return csv_lines(report)
    return _for_people(result, form, look)


def _for_people(result: Result, form: Format, look: Look) -> Iterator[str]:
    if not isinstance(result, Report):
        from p2pctl.render.pages import page_lines  # noqa: PLC0415

        return page_lines(result, look, plain=form == "plain")
    if form == "plain":
        from p2pctl.render.plain import plain_rows  # noqa: PLC0415

        return plain_rows(result.columns, result.items)
    from p2pctl.render.table import table_lines  # noqa: PLC0415

    return table_lines(result, look)
