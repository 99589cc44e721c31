"""Every named topology boots and is what its description promises."""

from __future__ import annotations

import pytest

from tests.vm.suite import GuestCheck, matrix
from tests.vm.topologies import NAMED

pytestmark = pytest.mark.full  # a boot for each: more than a change needs every time

GUESTS = matrix(["7.3"], NAMED, "checks_shapes")


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
