"""Every error that a user can meet says what to do next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pctl import errors

PACKAGE = Path(errors.__file__).parent
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.P2pctlError)}
MAKERS = KINDS | {"ChangeInterruptedError", "OutputError", "TransferInterruptedError", "from_os_error"}
"""What makes an error by its name."""


def _sites() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


SITES = dict(_sites())


def test_there_are_sites() -> None:
    """The walk finds what it is for."""
    assert len(SITES) > 20
    assert {site.partition("/")[0] for site in SITES} >= {"cli", "hardware", "findings", "render"}


@pytest.mark.parametrize("site", SITES)
def test_errors_have_a_hint(site: str) -> None:
    """Given where the error is made, and not left out by a None."""
    hints = [keyword.value for keyword in SITES[site].keywords if keyword.arg == "hint"]
    assert len(hints) == 1, f"{site} makes an error without a hint"
    assert not (isinstance(hints[0], ast.Constant) and not hints[0].value), site


def test_no_error_hides_behind_another_name() -> None:
    """A class of errors that is added somewhere is one of those that are looked for."""
    derived = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in MAKERS
    }
    assert derived <= MAKERS | {"DocumentError"}  # which makes its hint itself
