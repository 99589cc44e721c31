"""What the dashboard keeps between two runs, and the keys that its user chose."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from p2pctl.errors import UsageError

_LARGEST = 1 << 20
"""Bytes of a file beyond which it is not ours."""
_SHOWN = 60
"""Characters of a name that a message repeats."""
_EXAMPLE = "a line for each binding, such as: app.pause: p"


class State(NamedTuple):
    """What the last run left. Everything may be missing."""

    view: str | None = None
    theme: str | None = None
    interval: float | None = None
    lists: Mapping[str, object] = {}
    note: str | None = None
    """What is to be told of it."""


def _directory(environment: Mapping[str, str], variable: str, otherwise: str) -> Path:
    given = environment.get(variable, "")
    # A relative path there is to be ignored (XDG Base Directory Specification).
    above = Path(given) if given.startswith("/") else Path(environment.get("HOME", "/")) / otherwise
    return above / "p2pctl"


def state_file(environment: Mapping[str, str]) -> Path:
    """Where the state lies."""
    return _directory(environment, "XDG_STATE_HOME", ".local/state") / "dashboard.json"


def keys_file(environment: Mapping[str, str]) -> Path:
    """Where the keys lie."""
    return _directory(environment, "XDG_CONFIG_HOME", ".config") / "keys.yaml"


def _read(path: Path) -> bytes | None:
    """A small regular file; None where there is none. Raises OSError and ValueError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("it is too large")
    return data


def load_state(path: Path) -> State:
    """The state. Whatever is wrong with it, it is no error: what makes sense is used, and a note says the rest."""
    try:
        data = _read(path)
        found = json.loads(data) if data else {}
    except (OSError, ValueError, RecursionError) as error:
        return _ignored(path, error.strerror if isinstance(error, OSError) else None)
    if not isinstance(found, dict):
        return _ignored(path, None)
    view, theme, interval, lists = (found.get(key) for key in ("view", "theme", "interval", "lists"))
    sound = isinstance(interval, (int, float)) and not isinstance(interval, bool) and 0.1 <= interval <= 3600
    return State(
        view if isinstance(view, str) else None,
        theme if isinstance(theme, str) else None,
        float(interval) if sound and interval is not None else None,
        lists if isinstance(lists, dict) else {},
    )


def _ignored(path: Path, reason: str | None) -> State:
    return State(note=f"what the last run left is ignored: {path}: {reason or 'it is damaged'}")


def cannot_keep(path: Path) -> str | None:
    """Why the state will not be kept there, and what to do about it; None where nothing speaks against it."""
    above = path.parent
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if not os.path.isdir(above):  # noqa: PTH112  a path that may not be looked at is no error here
        reason = f"{above} is no directory"
    elif not os.access(above, os.W_OK | os.X_OK):
        reason = f"you may not write to {above}"
    elif os.path.isdir(path):  # noqa: PTH112
        reason = f"{path} is a directory"
    else:
        return None
    return f"view, columns and theme will not be kept: {reason} (set XDG_STATE_HOME to a directory of yours)"


def save_state(path: Path, state: Mapping[str, object]) -> None:
    """Keeps the state, whole or not at all. A home that cannot be written to is no error."""
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".dashboard-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(state, file, indent=1)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


class Keyboard(NamedTuple):
    """What a file of keys is checked against."""

    names: Callable[[], frozenset[str]]
    """The bindings that can be given other keys."""
    fixed: Callable[[], frozenset[str]]
    """Keys that no binding can be given."""
    is_key: Callable[[str], bool]


def load_keys(path: Path, keyboard: Keyboard) -> dict[str, str]:
    """Keys by the id of a binding, as textual's keymap has them. Raises UsageError, which names file and line."""
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = "make it readable, or move it away: the keys are then the usual ones"
        raise UsageError(f"cannot read {path}: {reason}", hint=hint, path=str(path)) from error
    if not data:
        return {}
    return _chosen(path, data, keyboard)


def _chosen(path: Path, data: bytes, keyboard: Keyboard) -> dict[str, str]:
    names, fixed = keyboard.names(), keyboard.fixed()
    found: dict[str, str] = {}
    for name, keys, line in _entries(path, data):
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"{f'perhaps {close[0]}; ' if close else ''}known: {', '.join(sorted(names))}"
            raise _wrong(path, line, f"there is no binding {_shown(name) or 'of that name'}", hint)
        if name in found:
            raise _wrong(path, line, f"{name} is there twice", "give all its keys in one place, such as [p, f5]")
        bad = [one for one in keys if not keyboard.is_key(one)]
        if bad or not keys:
            told = (bad and _shown(bad[0])) or "(nothing)"
            raise _wrong(path, line, f"{name}: no key is called {told}", "such as: x, G, ctrl+x, f5, or [x, f5]")
        taken = [one for one in keys if one in fixed]
        if taken:
            raise _wrong(path, line, f"{name}: {taken[0]} always does what it does", "choose another key")
        found[name] = ",".join(keys)
    return found


def _entries(path: Path, data: bytes) -> Iterator[tuple[str, list[str], int]]:
    """Names with their keys, which may be a list or stand in one text, and the line of each."""
    import yaml  # noqa: PLC0415  only who has such a file needs it

    try:
        root: Any = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise _wrong(path, line, _shown(getattr(error, "problem", None) or "no YAML"), _EXAMPLE) from error
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise _wrong(path, 1, "it has to map the names of bindings to keys", _EXAMPLE)
    for key, value in root.value if root is not None else ():
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
        texts = [one.value if isinstance(one, yaml.ScalarNode) else "" for one in nodes]
        keys = texts if isinstance(value, yaml.SequenceNode) else texts[0].split(",")
        yield name, [one.strip() for one in keys], key.start_mark.line + 1


def _shown(text: str) -> str:
    """What stands in the file, as a message has it: one line, and no longer than a name that means something."""
    return " ".join(text[:_SHOWN].split())


def _wrong(path: Path, line: int, text: str, hint: str) -> UsageError:
    return UsageError(f"{path}:{line}: {text}", hint=hint, path=str(path))
