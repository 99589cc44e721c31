"""Errors as the user meets them: a line with a hint, or a JSON object, and the exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from p2pctl.cli.framework import MissingCommandError
from p2pctl.cli.narrate import Narrator
from p2pctl.cli.options import OUTPUT_VARIABLE
from p2pctl.cli.terminal import ColorChoice
from p2pctl.errors import ExitCode, P2pctlError
from p2pctl.render.formats import DOCUMENTS

SCHEMA = "p2pctl.error/1"


class Failure(NamedTuple):
    """What is reported of an error."""

    code: int
    name: str
    """The word for the code: ``usage``, ``not-found``; ``bug`` for what nobody foresaw."""
    message: str
    hint: str | None = None
    errno: int | None = None
    path: str | None = None
    more: Mapping[str, object] = MappingProxyType({})
    """Further keys of the JSON object."""
    details: tuple[str, ...] = ()
    """Further lines for people."""


class Asked(NamedTuple):
    """How a command line wants to be told of errors, even where it makes no sense as a whole."""

    form: str | None
    color: ColorChoice
    verbose: bool


def asked(argv: Sequence[str]) -> Asked:
    """What can be read off a command line that failed, perhaps before it was parsed to its end."""
    form = os.environ.get(OUTPUT_VARIABLE)
    color: ColorChoice = "auto"
    verbose = False
    for option, value in _options(argv):
        if option in {"-o", "--output"}:
            form = value
        elif option == "--color" and value in {"always", "never", "auto"}:
            color = cast("ColorChoice", value)
        verbose = verbose or option in {"-v", "--verbose"}
    return Asked(form, color, verbose)


def _options(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with what may be their values; short ones stand in clusters such as ``-vojson``."""
    for arg, after in zip_longest(argv, argv[1:], fillvalue=""):
        if arg == "--":
            return
        if arg.startswith("--"):
            name, equals, value = arg.partition("=")
            yield name, value if equals else after
        elif arg.startswith("-"):
            flags, has_output, value = arg[1:].partition("o")
            if set(flags) <= {"q", "v"}:
                yield from (("-" + flag, "") for flag in flags)
                if has_output:
                    yield "-o", value or after


def report_failure(error: Exception, argv: Sequence[str]) -> int:
    """Tells of an error on stderr, in the form that was asked for, and returns the exit code."""
    how = asked(argv)
    narrator = Narrator(color=how.color)
    failure = explain(error)
    if how.form in DOCUMENTS:
        from p2pctl.render.document import json_line  # noqa: PLC0415  only this way needs it

        narrator.verbatim(json_line({"schema": SCHEMA, **_item(failure)}))
    elif isinstance(error, MissingCommandError):
        narrator.verbatim(error.help_page)
    else:
        narrator.error(failure.message, failure.hint)
        narrator.details(failure.details)
    if failure.name == "bug" and how.verbose:
        import traceback  # noqa: PLC0415

        narrator.verbatim("".join(traceback.format_exception(error)))
    return failure.code


def error_item(error: Exception) -> dict[str, Any]:
    """An error as a document has it."""
    return _item(explain(error))


def _item(failure: Failure) -> dict[str, Any]:
    item = failure._asdict()
    del item["more"], item["details"]
    return {**item, **failure.more}


def _of_document(error: Any) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """All that is wrong with a document, each with its place; known by its attribute, so that no command imports it."""
    problems = [
        {
            "file": error.file,
            "line": one.place.line if one.place else None,
            "column": one.place.column if one.place else None,
            "text": one.text,
        }
        for one in error.problems
    ]
    return {"problems": problems}, error.lines[1:]


def explain(error: Exception) -> Failure:
    """The facts of an error in the user's terms."""
    if isinstance(error, P2pctlError):
        name = error.exit_code.name.lower().replace("_", "-")
        more, details, hint = error.facts, error.details, error.hint
        if hasattr(error, "problems"):
            more, details = _of_document(error)
            hint = None if details else hint  # which says where the others are listed: here
        return Failure(int(error.exit_code), name, error.message, hint, error.errno, error.path, more, details)
    if isinstance(error, MissingCommandError):
        return _usage("missing command", "p2pctl -h shows the commands")
    if hasattr(error, "format_message"):
        return _typer_failure(error)
    return Failure(
        int(ExitCode.FAILED),
        "bug",
        f"this is a bug in p2pctl: {type(error).__name__}: {error}",
        "please report it with the output of the same command with -v, and a recording: p2pctl capture FILE",
    )


def _usage(message: str, hint: str | None) -> Failure:
    return Failure(int(ExitCode.USAGE), "usage", message, hint)


def _typer_failure(error: Any) -> Failure:
    """What typer found wrong, in our words where its own would send the reader elsewhere.

    Its exceptions are known by their method: their classes are not public in all versions.
    """
    ctx = getattr(error, "ctx", None)
    help_hint = f"{ctx.command_path} -h shows what it takes" if ctx else "p2pctl -h shows what there is"
    param = getattr(error, "param", None)
    choices = getattr(getattr(param, "type", None), "choices", None)
    if param is not None and choices:
        value = error.message.split("'")[1] if "'" in error.message else ""
        what = "output format" if param.name == "output" else f"value of {_told(param)}"
        return _usage(f"unknown {what}: {value}", f"one of {', '.join(map(str, choices))}")
    possible = getattr(error, "possibilities", None)
    if possible:
        return _usage(_sentence(error.message), f"did you mean {' or '.join(sorted(possible))}?")
    message, _, suggestion = error.format_message().partition(" Did you mean ")
    if suggestion:
        return _usage(_sentence(message), f"did you mean {suggestion.replace(chr(39), '')}")
    return _usage(_sentence(message), help_hint)


def _told(param: Any) -> str:
    """An option, or an argument, as the user writes it; its name in Python may be another one."""
    options = [one for one in param.opts if one.startswith("-")]
    return max(options, key=len) if options else str(param.metavar or param.name).upper()


def _sentence(message: str) -> str:
    """A message in the style of all others: no capital, no full stop."""
    first = message.strip().splitlines()[0].rstrip(".") if message.strip() else "wrong usage"
    return first[:1].lower() + first[1:]
