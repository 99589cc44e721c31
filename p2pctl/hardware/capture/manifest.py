"""The first member of a capture: what it is, and what it does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from p2pctl.errors import UsageError
from p2pctl.kernel import READ_LIMIT, LogLine, LogRead, Process
from p2pctl.model.facts import Gap

SCHEMA = "p2pctl.capture/1"

MAX_MEMBERS = 200_000
"""Files, links and directories: a host with 4,096 PCI functions has some 80,000."""
MAX_FILE = READ_LIMIT
"""Bytes of one file: the door reads no more of it."""
MAX_TOTAL = 64 << 20
"""Bytes of all contents, names and link targets together."""
MAX_MANIFEST = 16 << 20
"""Bytes of the manifest."""

Ranges = tuple[tuple[int, int], ...]
NamePair = tuple[str | None, str | None]

_SCHEMA_PATTERN = re.compile(r"p2pctl\.capture/(\d{1,6})")
_ERRNO_LIMIT = 4095  # MAX_ERRNO, include/linux/err.h
_TIME_LIMIT = 1 << 40
_PID_LIMIT = 1 << 22  # PID_MAX_LIMIT, include/linux/threads.h


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a capture says of itself."""

    version: str
    """The p2pctl that took it."""
    time: float
    """Seconds since 1970 when it was taken."""
    host: str | None = None
    kernel: str | None = None
    """Kernel release."""
    boot_id: str | None = None
    root: bool = False
    """Whether it was taken as root; without, most of configuration space is a gap."""
    redacted: bool = False
    """Whether identities are pseudonyms."""
    gaps: tuple[Gap, ...] = ()
    """What could not be known on the host."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """Errno by path, where reading or listing failed."""
    holes: Mapping[str, Ranges] = field(default_factory=dict)
    """Parts of files that nobody read: offset and end of each, by path. The file has zeros there."""
    withheld: tuple[str, ...] = ()
    """Files that were read and left out: not on the list of what a capture may hold, or secret."""
    processes: Mapping[int, Process] = field(default_factory=dict)
    """The processes that hold memory."""
    names: Mapping[tuple[int, int], NamePair] = field(default_factory=dict)
    """Names of PCI identifiers, by vendor and device."""
    log: LogRead | int | None = None
    """What of the kernel's log concerns p2pctl, or the errno that reading it gave; None where nobody read it."""

    def dump(self) -> bytes:
        """The manifest as it is stored: JSON, ASCII, always the same for the same values."""
        document = {
            "schema": SCHEMA,
            "version": self.version,
            "time": self.time,
            "host": self.host,
            "kernel": self.kernel,
            "boot_id": self.boot_id,
            "root": self.root,
            "redacted": self.redacted,
            "gaps": [gap._asdict() for gap in self.gaps],
            "withheld": sorted(self.withheld),
            "processes": {
                str(pid): {"user": who.user, "command": who.command} for pid, who in sorted(self.processes.items())
            },
            "names": {f"{key[0]:04x}:{key[1]:04x}": list(pair) for key, pair in sorted(self.names.items())},
            "log": {"complete": self.log.complete, "lines": self.log.lines}
            if isinstance(self.log, tuple)
            else self.log,
            "errors": dict(sorted(self.errors.items())),
            "holes": {path: [list(hole) for hole in holes] for path, holes in sorted(self.holes.items())},
        }
        return json.dumps(document, indent=1).encode() + b"\n"


def parse(data: bytes, where: str) -> Manifest:
    """The manifest that ``data`` holds. Raises UsageError, which names the file ``where``."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        _refuse(where, "its manifest is no JSON")
    schema = document.get("schema") if isinstance(document, dict) else None
    match = _SCHEMA_PATTERN.fullmatch(schema) if isinstance(schema, str) else None
    if match is None:
        _refuse(where, "its manifest is of another kind")
    if int(match[1]) > 1:
        raise UsageError(
            f"{where} was taken by a newer p2pctl ({schema})", hint="open it with that version or a newer one"
        )
    try:
        return _manifest(document)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        _refuse(where, "its manifest is damaged")


def _refuse(where: str, why: str) -> NoReturn:
    raise UsageError(f"{where} is not a p2pctl capture: {why}", hint="make one with `p2pctl capture FILE`")


def _manifest(document: dict[str, object]) -> Manifest:
    """Raises AttributeError, KeyError, TypeError or ValueError for whatever is not as ``dump`` writes it."""
    time = document["time"]
    if not isinstance(time, int | float) or not 0 <= time < _TIME_LIMIT:
        raise ValueError
    return Manifest(
        version=_text(document["version"]),
        time=float(time),
        host=_optional(document["host"]),
        kernel=_optional(document["kernel"]),
        boot_id=_optional(document["boot_id"]),
        root=document["root"] is True,
        redacted=document["redacted"] is True,
        gaps=tuple(_gap(entry) for entry in _list(document["gaps"])),
        errors={path: _number(value, 1, _ERRNO_LIMIT) for path, value in _dict(document["errors"]).items()},
        holes={path: tuple(map(_range, _list(value))) for path, value in _dict(document["holes"]).items()},
        withheld=tuple(_text(path) for path in _list(document["withheld"])),
        processes=dict(_process(pid, who) for pid, who in _dict(document["processes"]).items()),
        names=dict(_named(key, pair) for key, pair in _dict(document["names"]).items()),
        log=_log(document.get("log")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _dict(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _number(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError
    return value


def _gap(value: object) -> Gap:
    entry = _dict(value)
    number = entry["errno"]
    return Gap(
        fact=_text(entry["fact"]),
        address=_optional(entry["address"]),
        path=_optional(entry["path"]),
        errno=None if number is None else _number(number, 1, _ERRNO_LIMIT),
        needs=_text(entry["needs"]),
    )


def _range(value: object) -> tuple[int, int]:
    start, end = _list(value)
    return _number(start, 0, MAX_FILE), _number(end, 0, MAX_FILE)


def _process(pid: str, value: object) -> tuple[int, Process]:
    number = _number(int(pid), 1, _PID_LIMIT)
    entry = _dict(value)
    return number, Process(number, _text(entry["user"]), _text(entry["command"]))


def _log(value: object) -> LogRead | int | None:
    """Captures of earlier versions have none."""
    if value is None:
        return None
    if isinstance(value, int):
        return _number(value, 1, _ERRNO_LIMIT)
    entry = _dict(value)
    return LogRead(tuple(map(_line, _list(entry["lines"]))), entry["complete"] is True)


def _line(value: object) -> LogLine:
    sequence, time, text = _list(value)
    if not isinstance(time, int | float) or not 0 <= time < _TIME_LIMIT:
        raise ValueError
    return LogLine(_number(sequence, 0, 1 << 64), float(time), _text(text))


def _named(key: str, value: object) -> tuple[tuple[int, int], NamePair]:
    vendor, device = key.split(":")
    vendor_name, device_name = _list(value)
    return (int(vendor, 16), int(device, 16)), (_optional(vendor_name), _optional(device_name))
