"""Marks what lies in this directory, so that no test can be forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives every test below this directory the marker that deselects it by default."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("tools")
