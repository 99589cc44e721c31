"""The manual pages: synopses, options, exit codes, keys and rules from the code, the prose from man/src.

A source of a command's page holds the sections that a person writes; the others are made. Without a source the page is
made whole, so a new command has one at once. The other pages are whole sources, with lines where lists are filled in.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from p2pctl import __version__
from p2pctl.cli.command_tree import Tree, command_tree
from scripts.generators.manual import mdoc
from scripts.generators.manual.commands import command_page, index, option_list
from scripts.generators.manual.contracts import finding_list, metric_list
from scripts.generators.manual.dashboard import key_list
from scripts.generators.manual.document import key_lists
from scripts.generators.manual.exit_codes import exit_codes
from scripts.generators.manual.rules import bridge_table, rule_list

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "man/src"

_HEAD = """\
.\\" Made by scripts/generate from the code and man/src: do not edit.
.Dd {date}
.Dt {title} {section}
.Os "p2pctl {version}"
"""

_ALIASES = {"top": "dashboard"}
"""Second names of commands."""

_BEGUN = dt.date(2026, 11, 21)
"""What stands on the pages before the first release."""


def manual() -> Mapping[str, str]:
    """Every page by its path. Raises LookupError or KeyError where sources and code do not agree."""
    tree = command_tree()
    lists = {
        "commands": index(tree),
        "global options": option_list((*tree.root.options, *tree.shared)),
        "change options": option_list(tree.changing),
        "dashboard keys": key_list(),
        "finding codes": finding_list(),
        "metrics": metric_list(),
        "exit codes": exit_codes(),
        "rule sets": rule_list(proposals=False),
        "proposed rule sets": rule_list(proposals=True),
        "host bridges": bridge_table(),
        **key_lists(SOURCES / "document-keys.yaml"),
    }
    date = _date((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    pages = dict(_command_pages(tree, date, lists))
    for name in ("p2pctl.8", "p2pctl-document.5", "p2pctl-rules.7"):
        body = mdoc.filled((SOURCES / f"{name}.mdoc").read_text(encoding="utf-8"), lists)
        pages[f"man/{name}"] = _head(name, date) + body
    return pages


def _command_pages(tree: Tree, date: str, lists: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    """A page for each command; one under a second name of the same command leads there."""
    for node in tree.root.commands:
        command = node.path[0]
        if command in _ALIASES:
            yield f"man/p2pctl-{command}.8", f".so man8/p2pctl-{_ALIASES[command]}.8\n"
            continue
        name = f"p2pctl-{command}.8"
        source = SOURCES / f"{name}.mdoc"
        written = mdoc.filled(source.read_text(encoding="utf-8"), lists) if source.is_file() else ""
        names = (command, *(other for other, one in _ALIASES.items() if one == command))
        yield f"man/{name}", _head(name, date) + command_page(node, (f"p2pctl-{one}" for one in names), written)


def _head(name: str, date: str) -> str:
    title, _, section = name.rpartition(".")
    return _HEAD.format(version=__version__, date=date, title=title.upper(), section=section)


def _date(changelog: str) -> str:
    """The day of the newest release, so that pages change with what they say and not with the calendar."""
    found = re.search(r"^## \[[^]]+\] - (\d{4}-\d{2}-\d{2})", changelog, re.MULTILINE)
    day = dt.date.fromisoformat(found[1]) if found else _BEGUN
    return f"{day:%B} {day.day}, {day.year}"
