"""What a user's home holds for the dashboard: keys.yaml, and the state that the last run left."""

from __future__ import annotations

import json
from pathlib import Path

from p2pctl.cli.dashboard_state import Keyboard, load_keys, load_state
from p2pctl.dashboard.keymap import is_key
from p2pctl.errors import UsageError
from tests.fuzz.sound import check_error, file_of

_KEYBOARD = Keyboard(lambda: frozenset({"app.quit", "app.pause", "list.down"}), lambda: frozenset({"ctrl+c"}), is_key)


def check(data: bytes) -> None:
    """Keys that a terminal has, or one line with the file's; a state always, with a note where it is ignored."""
    with file_of(data) as path:
        try:
            keys = load_keys(Path(path), _KEYBOARD)
        except UsageError as error:
            check_error(error, hinted=True)
        else:
            assert all(is_key(one) for some in keys.values() for one in some.split(",") if some != ",")
        state = load_state(Path(path))
        assert state.interval is None or 0.1 <= state.interval <= 3600
        json.dumps(state.lists, default=repr)
