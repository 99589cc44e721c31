"""What is known of the target's attributes: names, values, how they are written, read and compared.

Attributes that are not in the table are taken as they are: a newer kernel, or a vendor's, knows what it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from p2pctl.model.nvmet import ROOT
from p2pctl.target import grammar
from p2pctl.target.attributes import FILES, KINDS, PREFIXES, SPECS, Change, Kind, Spec, key_for

__all__ = [
    "KINDS",
    "Change",
    "Kind",
    "Spec",
    "canonical",
    "check_value",
    "encoded",
    "file_for",
    "key_for",
    "kind_of",
    "same",
    "shown",
    "spec",
    "specs",
]

WRITE_MAX = 4095
"""Bytes of one store, the newline included (fs/configfs/file.c)."""


def specs(kind: Kind) -> Mapping[str, Spec]:
    """All that is known of a kind, by file name, in the order of writing."""
    return SPECS[kind]


def spec(kind: Kind, file: str) -> Spec | None:
    """One attribute; None for one that is not known here."""
    return SPECS[kind].get(file)


def file_for(kind: Kind, key: str, listed: Collection[str] | None = None) -> str | None:
    """The kernel's file for a key, or for a file's own name; None where nobody knows it.

    ``listed`` are the attributes that such an object has on this kernel: with them unknown ones are found, too. That a
    known one is not among them is for the caller to see.
    """
    known = SPECS[kind]
    candidates = [key, *((FILES[key],) if key in FILES else ()), *(f"{prefix}{key}" for prefix in PREFIXES[kind])]
    found = next((file for file in candidates if file in known), None)
    if found is None and listed is not None:
        found = next((file for file in candidates if file in listed), None)
    return found


def kind_of(path: str) -> Kind | None:
    """The kind of object whose attribute a kernel path names; None for a directory, a link, and all outside."""
    if not path.startswith(f"{ROOT}/"):
        return None
    match path[len(ROOT) + 1 :].split("/"):
        case [file] if file not in {"hosts", "subsystems", "ports"}:
            return "root"
        case ["hosts", _, _]:
            return "host"
        case ["subsystems", _, file] if file not in {"namespaces", "allowed_hosts", "passthru"}:
            return "subsystem"
        case ["subsystems", _, "passthru", _]:
            return "passthru"
        case ["subsystems", _, "namespaces", _, _]:
            return "namespace"
        case ["ports", _, file] if file not in {"subsystems", "ana_groups", "referrals"}:
            return "port"
        case ["ports", _, "ana_groups", _, _]:
            return "ana-group"
        case ["ports", _, "referrals", _, _]:
            return "referral"
    return None


def check_value(kind: Kind, file: str, text: str) -> str:
    """The text to write for a user's. Raises ValueError with the reason and what is accepted.

    An unknown attribute takes whatever fits into one store.
    """
    found = spec(kind, file)
    name = key_for(kind, file)
    if "\n" in text or "\0" in text:
        raise ValueError(f"{name}: it cannot have newlines or NUL bytes")
    try:
        size = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise ValueError(f"{name}: it is no valid text") from None
    if size >= WRITE_MAX:
        raise ValueError(f"{name}: {size} bytes are more than the kernel takes in one write")
    if found is None:
        return text
    try:
        return found.parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error} (it takes {found.grammar})") from None


def _normal(found: Spec | None, text: str) -> str:
    if found is None:
        return _plain(text)
    if text in found.unset:
        return found.alike.get("", "")
    try:
        text = found.parse(text)
    except ValueError:
        text = text.rstrip()
    return found.alike.get(text, text)


def _plain(text: str) -> str:
    """Of an attribute that nobody knows: numbers by their value, and spaces around it mean nothing."""
    text = text.strip()
    try:
        return str(grammar.integer(text))
    except ValueError:
        return text


def same(kind: Kind, file: str, wanted: str, read: str) -> bool:
    """Whether a reading means what is wanted: as the kernel shows it, padded, spelled or shortened by it.

    A number that the kernel has chosen is not the same as leaving the choice to it.
    """
    if wanted == read:
        return True
    found = spec(kind, file)
    if _normal(found, wanted) == _normal(found, read):
        return True
    if found is None:
        try:
            return grammar.boolean(wanted.strip()) == read.strip()
        except ValueError:
            return False
    return False


def canonical(kind: Kind, file: str, read: str) -> str | None:
    """A reading as the text that would be written for it; None where the attribute has no value."""
    found = spec(kind, file)
    if found is None:
        return read
    if read in found.unset:
        return None
    try:
        return found.parse(read)
    except ValueError:
        return read


def encoded(kind: Kind, file: str, text: str) -> bytes:
    """The bytes of the one write that sets an attribute; never none, which the kernel refuses.

    ``discovery_nqn`` goes without a newline: its store leaves that for a second write, which then fails.
    """
    found = spec(kind, file)
    if not text and found is not None and found.clear is not None:
        return found.clear
    data = text.encode("utf-8", "surrogateescape")
    if data and (kind, file) == ("root", "discovery_nqn"):
        return data
    return data + b"\n"


def shown(kind: Kind, file: str, text: str) -> str | int | bool:
    """A text that is written as a document says it: true and false, numbers, ``auto`` and ``off``."""
    found = spec(kind, file)
    if found is None:
        return text
    if file == "p2pmem" and kind == "namespace":
        return {"0": "off", "1": "auto"}.get(text, text)
    if found.value == "boolean" and text in {"0", "1"}:
        return text == "1"
    if found.value == "number":
        if isinstance(found.parse, grammar.Number) and text == str(found.parse.auto):
            return "auto"
        try:
            return grammar.integer(text)
        except ValueError:
            return text
    return text
