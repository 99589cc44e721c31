"""Runs the checks of modules inside the guest: `runner.py CHECKS_FILE...`, results in /out/results.jsonl.

Every function `check_*` runs in the order of its definition and gets a Context if it takes an
argument. A module may say `SECONDS`, the limit of each check, and `after_each(context)`.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import TextIO

from tests.vm.guest.api import Context

OUT = Path("/out")
SECONDS = 120
TRACEBACK_LIMIT = 10_000
IMPORT = "(import)"
"""The name under which a checks module that cannot be imported is reported."""


def main(files: list[str]) -> int:
    """Runs the checks in files, none of them if one file cannot be imported.

    Returns 0 when all passed, 1 when some failed, 2 when none could run.
    """
    signal.signal(signal.SIGALRM, _too_long)
    with (OUT / "results.jsonl").open("w") as results:
        started = time.monotonic()
        try:
            modules = [_load(file) for file in files]
            context = Context(OUT)
        except BaseException:  # noqa: BLE001 - whatever it is, the host has to be told
            _report(results, IMPORT, traceback.format_exc(), started)
            return 2
        failed = sum(_run(module, context, results) for module in modules)
        (OUT / "running").unlink(missing_ok=True)
    return int(failed > 0)


def _run(module: ModuleType, context: Context, results: TextIO) -> int:
    limit = int(getattr(module, "SECONDS", SECONDS))
    after = getattr(module, "after_each", None)
    failed = 0
    for name, check in vars(module).copy().items():
        if name.startswith("check_") and getattr(check, "__module__", "") == module.__name__:
            (OUT / "running").write_text(name)
            started = time.monotonic()
            error = _guarded(check, context, limit)
            aftermath = None if after is None else _guarded(after, context, limit)
            error = error or aftermath
            _report(results, name, error, started)
            failed += error is not None
    return failed


def _load(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"not a Python module: {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _guarded(function: FunctionType, context: Context, limit: int) -> str | None:
    signal.alarm(limit)
    try:
        function(*[context][: function.__code__.co_argcount])
    except BaseException as error:  # noqa: BLE001 - SystemExit out of a check is a failure like any other
        return _told(error)
    finally:
        signal.alarm(0)
    return None


def _told(error: BaseException) -> str:
    # Nothing rewrites the assertions here, so what the variables were has to say what went wrong.
    below = error.__traceback__.tb_next if error.__traceback__ else None
    whole = traceback.TracebackException(type(error), error, below, capture_locals=True)
    return "".join(whole.format())[-TRACEBACK_LIMIT:]


def _report(results: TextIO, name: str, error: str | None, started: float) -> None:
    seconds = round(time.monotonic() - started, 3)
    json.dump({"name": name, "ok": error is None, "error": error, "seconds": seconds}, results)
    results.write("\n")
    results.flush()
    print(f"{name}: {'ok' if error is None else 'FAILED'} ({seconds} s)", flush=True)


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("the check took longer than its limit")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
