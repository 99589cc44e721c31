"""Writes what tasks came to, one JSON object a line, into the file that RECORDED names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]

DOCUMENTATION = """
name: recorded
type: aggregate
short_description: what tasks came to, as JSON lines
description: For tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Adds a line for each result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorded"

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task that went well."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task that failed."""
        del ignore_errors
        self._write("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task that was left out."""
        self._write("skipped", result)

    def _write(self, outcome: str, result: Any) -> None:
        # Those of 2.19 keep their fields behind properties.
        task, told = (getattr(result, name, None) or getattr(result, f"_{name}") for name in ("task", "result"))
        line = {"task": task.get_name(), "outcome": outcome, "result": told}
        with Path(os.environ["RECORDED"]).open("a") as record:
            record.write(json.dumps(line, default=str) + "\n")
