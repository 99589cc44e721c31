"""What p2pctl itself has made in this boot: configfs has no room for a label, so there is a record beside it.

An object is known by its path and, where it has one, by an identity that nobody else would give it: so one that was
removed and made again by others is not taken for ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from p2pctl.errors import P2pctlError, from_os_error
from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import rundir
from p2pctl.target.flat import Directory, Flat, Value, flat
from p2pctl.target.plan import Step

NAME = "owned.json"

DAMAGED = ".damaged"
"""What the name of a record ends in that could not be read."""

_IDENTITIES = ("device_uuid", "attr_serial")
"""The kernel makes these up for every new namespace and subsystem."""


class Ownership:
    """The record of a run directory; for who holds the lock."""

    def __init__(self, directory: str, boot: str) -> None:
        self._path = f"{directory}/{NAME}"
        self._boot = boot

    def owned(self, live: Nvmet) -> frozenset[str]:
        """Kernel paths of the objects that are there and that p2pctl has made.

        Raises P2pctlError where the record is damaged, DeniedError where it cannot be read: that is not "nothing".
        """
        try:
            record = self._read()
        except OSError as error:
            raise from_os_error(error, f"read {self._path}", hint="the record of what p2pctl made is root's") from None
        except ValueError as error:
            raise P2pctlError(
                f"{self._path} is damaged, so what p2pctl has made is not known: {error}",
                hint="name what is to go, or prune all; the next change begins a new record and keeps this one beside",
                path=self._path,
            ) from None
        there = flat(live)
        return frozenset(
            path
            for path, identity in record.items()
            if isinstance(there.get(path), Directory) and identity == _identity(path, there)
        )

    def note(self, before: Nvmet, after: Nvmet, steps: Iterable[Step]) -> tuple[str, ...]:
        """Notes what a change has made and removed; what to tell of it. Raises OSError.

        A damaged record is kept under another name: somebody may make sense of it.
        """
        warnings: tuple[str, ...] = ()
        try:
            record = self._read()
        except ValueError:
            record = {}
            rundir.move(self._path, f"{self._path}{DAMAGED}")
            told = f"{self._path} was damaged and is {self._path}{DAMAGED} now"
            warnings = (f"{told}: what p2pctl made before counts as others'",)
        record = changed(record, before, after, steps)
        text = json.dumps({"boot": self._boot, "objects": record}, indent=1, sort_keys=True)
        rundir.replace(self._path, text.encode("ascii"))
        return warnings

    def _read(self) -> dict[str, str]:
        """The record; nothing where there is none, or of another boot. Raises ValueError, OSError."""
        try:
            found = json.loads(rundir.read(self._path))
            if found["boot"] != self._boot:
                return {}
            return {str(path): str(identity) for path, identity in found["objects"].items()}
        except FileNotFoundError:
            return {}
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"it has another form ({type(error).__name__})") from None


def changed(record: Mapping[str, str], before: Nvmet, after: Nvmet, steps: Iterable[Step]) -> dict[str, str]:
    """The record after a change. What was there before and is not ours does not become ours by being made anew."""
    was, there = flat(before), flat(after)
    ours = {path for path, identity in record.items() if identity == _identity(path, was)}
    made = {step.path for step in steps if step.operation == "mkdir"}
    ours |= {path for path in made if path not in was}
    return {path: _identity(path, there) for path in sorted(ours) if isinstance(there.get(path), Directory)}


def _identity(path: str, entries: Flat) -> str:
    """What tells an object from another of the same name; empty where nothing does."""
    for name in _IDENTITIES:
        entry = entries.get(f"{path}/{name}")
        if isinstance(entry, Value):
            return "" if isinstance(entry.text, Missing) else entry.text.strip()
    return ""
