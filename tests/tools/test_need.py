"""What the tests in this directory rest on."""

from __future__ import annotations

import pytest

import tests.tools
from tests.tools import PACKAGES, find, need


@pytest.mark.parametrize("program", PACKAGES)
def test_every_program_is_here(program: str) -> None:
    assert need(program) == find(program)


def test_a_program_that_must_be_here_and_is_not_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests.tools, "REQUIRED", True)
    with pytest.raises(pytest.fail.Exception, match="no-such-program is missing: scripts/test --tools"):
        need("no-such-program")


def test_elsewhere_it_is_a_reason_to_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests.tools, "REQUIRED", False)
    with pytest.raises(pytest.skip.Exception, match="mandoc-2 is missing"):
        need("mandoc-2")
