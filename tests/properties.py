"""Properties that are tried often, and far more often under the marker ``full``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Check = Callable[..., None]


def tried(*strategies: st.SearchStrategy[Any], few: int, many: int) -> Callable[[Check], Check]:
    """Makes a test of a function of what the strategies draw: with ``few`` examples, and with ``many``."""

    def decorate(check: Check) -> Check:
        @pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.full)])
        def test(examples: int) -> None:
            too_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
            often = settings(max_examples=examples, deadline=None, suppress_health_check=too_slow)
            often(given(*strategies)(check))()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
