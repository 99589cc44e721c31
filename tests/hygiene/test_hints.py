"""Every error that a user can meet says what to do next."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from p2pctl import errors

PACKAGE = Path(errors.__file__).parent
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.P2pctlError)}
MAKERS = KINDS | {"ChangeInterruptedError", "InUseError", "OutputError", "TransferInterruptedError", "from_os_error"}
"""What makes an error by its name."""


@cache
def nodes() -> tuple[tuple[str, ast.AST], ...]:
    """All of the package, each with the file that it is in."""
    return tuple(
        (str(path.relative_to(PACKAGE)), node)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
    )


def sites() -> Mapping[str, ast.Call]:
    """Where an error is made."""
    return {
        f"{file}:{node.lineno}": node
        for file, node in nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS
    }


def test_there_are_sites() -> None:
    """The walk finds what it is for."""
    assert len(sites()) > 20
    assert {site.partition("/")[0] for site in sites()} >= {"cli", "hardware", "findings", "render"}


def test_errors_have_a_hint() -> None:
    """Given where the error is made, and not left out by a None."""
    for site, made in sites().items():
        hints = [keyword.value for keyword in made.keywords if keyword.arg == "hint"]
        assert len(hints) == 1, f"{site} makes an error without a hint"
        assert not (isinstance(hints[0], ast.Constant) and not hints[0].value), site


def test_no_error_hides_behind_another_name() -> None:
    """A class of errors that is added somewhere is one of those that are looked for."""
    derived = {
        node.name
        for _, node in nodes()
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in MAKERS
    }
    assert derived <= MAKERS | {"DocumentError"}  # which makes its hint itself
