"""What has to hold for whatever p2pctl says, whatever it was given."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from p2pctl.cli.failures import error_item, explain
from p2pctl.errors import P2pctlError
from p2pctl.render.document import json_line
from p2pctl.render.formats import DOCUMENTS, FORMATS, Format, Result, lines
from p2pctl.render.layout import Look
from p2pctl.render.report import jsonable
from p2pctl.render.text import clean

_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@contextmanager
def file_of(data: bytes) -> Iterator[str]:
    """The path of a file with these bytes, which is on no disk."""
    descriptor = os.memfd_create("fuzz")
    try:
        os.write(descriptor, data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def check_text(text: str) -> None:
    """Nothing that a terminal would take for a command, nor anything unseen."""
    found = _UNSAFE.search(text)
    assert found is None, f"{found} in {text!r}"


def check_result(result: Result, *forms: Format) -> None:
    """In the formats, or in all: text is safe, documents are documents."""
    for form in forms or FORMATS:
        try:
            text = "\n".join(lines(result, form, Look(width=100)))
        except P2pctlError as error:
            check_error(error)
            continue
        check_text(text)
        if form == "yaml":
            yaml.load(text, Loader=yaml.CSafeLoader)
        elif form in DOCUMENTS:
            for line in text.splitlines() if form == "jsonl" else [text]:
                json.loads(line)


def check_facts(*facts: object) -> None:
    """A document can hold them."""
    json.loads(json_line({"facts": [jsonable(fact) for fact in facts]}))


def check_error(error: P2pctlError, *, hinted: bool = False, most: int = 20_000) -> None:
    """One line that says something, with lines under it perhaps; as a document it is one."""
    failure = explain(error)
    assert failure.name != "bug"
    assert failure.message
    assert failure.hint or not hinted
    for text in (failure.message, failure.hint or "", *failure.details):
        check_text(clean(text))
        assert "\n" not in text, repr(text)
        assert len(text) < most, len(text)
    json.loads(json_line(error_item(error)))
