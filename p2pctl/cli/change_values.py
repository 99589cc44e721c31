"""KEY=VALUE arguments and flags as what is to be written to the kernel's files."""

from __future__ import annotations

import stat
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from p2pctl.errors import UnsupportedError, UsageError, from_os_error
from p2pctl.model.nvmet import SECRET_ATTRIBUTES
from p2pctl.target.schema import Kind, check_value, file_for, key_for, specs

_LONGEST_KEY = 4096
"""Bytes read of a file that holds a DH-CHAP key; a key has about a hundred."""


class Given(NamedTuple):
    """What a command line asks of one object."""

    kind: Kind
    known: Mapping[str, str]
    """By the kernel's file name, checked."""
    unknown: Mapping[str, str]
    """By the user's key: only the kernel can know these."""

    def values(self, listed: Collection[str]) -> dict[str, str]:
        """All of them by file name. ``listed`` are the attributes that such an object has on this kernel.

        Raises UnsupportedError for a key that the kernel does not list.
        """
        values = dict(self.known)
        missing = [name for name in values if listed and name not in listed]
        if missing:
            raise _unknown(self.kind, key_for(self.kind, missing[0]), listed)
        for key, text in self.unknown.items():
            file = file_for(self.kind, key, listed)
            if file is None:
                raise _unknown(self.kind, key, listed)
            if file in values:
                raise _twice(key)
            values[file] = _checked(self.kind, file, text)
        return values


def given(kind: Kind, texts: Iterable[str] | None, flags: Mapping[str, str | bool | None] | None = None) -> Given:
    """Arguments such as ``serial=P2P0001`` and flags by key, of which None and False are not given.

    Raises UsageError for what has no such form, is given twice, or has a value that the kernel would not take.
    """
    known: dict[str, str] = {}
    unknown: dict[str, str] = {}
    said = [_split(text) for text in texts or ()]
    said += [(key, "1" if value is True else value) for key, value in (flags or {}).items() if value]
    for key, text in said:
        file = file_for(kind, key)
        if key in unknown or file in known:
            raise _twice(key)
        if file is None:
            unknown[key] = text
        else:
            known[file] = _checked(kind, file, text)
    return Given(kind, known, unknown)


def something(found: Given) -> Given:
    """The same. Raises UsageError where nothing is asked for."""
    if not found.known and not found.unknown:
        keys = ", ".join(one.key for one in specs(found.kind).values())
        raise UsageError("nothing to set", hint=f"give KEY=VALUE; it knows {keys}")
    return found


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{text or 'an empty argument'} is not KEY=VALUE", hint="such as serial=P2P0001")
    return key, value


def _checked(kind: Kind, file: str, text: str) -> str:
    if file in SECRET_ATTRIBUTES and text:
        raise UsageError(
            f"{file} does not belong on a command line, where every user of this host can read it",
            hint="name a file with --key-file or --ctrl-key-file, - for standard input",
        )
    return _valid(kind, file, text)


def _valid(kind: Kind, file: str, text: str) -> str:
    try:
        return check_value(kind, file, text)
    except ValueError as error:
        raise UsageError(
            str(error), hint=f"nothing was changed: give another value for {key_for(kind, file)}"
        ) from None


def _twice(key: str) -> UsageError:
    return UsageError(f"{key} is given twice", hint="leave one of them out")


def _unknown(kind: Kind, key: str, listed: Collection[str]) -> UnsupportedError:
    from difflib import get_close_matches  # noqa: PLC0415  only who mistypes pays for it

    names = sorted(key_for(kind, file) for file in listed) or [one.key for one in specs(kind).values()]
    close = get_close_matches(key, names, 3)
    if listed:
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(names)}"
        return UnsupportedError(f"this kernel lists no attribute {key} there", hint=hint)
    hint = f"did you mean {' or '.join(close)}?" if close else "make the object first, then set it: the kernel lists it"
    return UnsupportedError(f"{key} is not known here, and there is no such object whose attributes tell", hint=hint)


def key_from(file: str, name: str) -> tuple[str, str | None]:
    """A DH-CHAP key from a file, ``-`` for standard input, for the attribute ``name``; and a warning.

    Raises UsageError for what is no key, NotFoundError and DeniedError.
    """
    warning = None
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_LONGEST_KEY)
        else:
            path = Path(file)
            with path.open("rb") as stream:
                data = stream.read(_LONGEST_KEY)
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                warning = f"{file} holds a key, and other users may read it: chmod 600 {file}"
    except OSError as error:
        raise from_os_error(error, f"read the key {file}", hint="name a file that holds nothing but the key") from error
    text = data.decode("utf-8", "surrogateescape").strip()
    if not text:
        raise UsageError(f"{file}: there is no key in it", hint=f"to take a key away, set {name}= without a value")
    return _valid("host", name, text), warning


def with_family(found: Given) -> Given:
    """With the address family that an address has, where a transport over IP is asked for and no family is."""
    from p2pctl.target.port_rules import family_of  # noqa: PLC0415  only ports have one

    family = None if "addr_adrfam" in found.known else family_of(found.known)
    return found if family is None else found._replace(known={**found.known, "addr_adrfam": family})
