"""Documents of the target as commands take them: files, secrets in other files, and what this kernel lists."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from p2pctl.errors import P2pctlError, UsageError, from_os_error

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.kernel import Files
    from p2pctl.target.schema import Kind
    from p2pctl.target.wishes import Wishes

_LIMIT = 17 << 20
"""Bytes read of a document: more than any document may have."""

_SECRET_LIMIT = 4096

_GROUPS = frozenset(
    {"hosts", "subsystems", "ports", "allowed_hosts", "namespaces", "passthru", "ana_groups", "referrals"}
)
"""Directories among the attributes."""

File = Annotated[
    str, typer.Argument(metavar="FILE", show_default=False, help="The document, YAML or JSON; - is standard input.")
]
PruneName = Literal["owned", "all"]
Prune = Annotated[
    PruneName | None,
    typer.Option(
        "--prune",
        metavar="WHAT",
        show_default=False,
        help="Delete what the document does not name: owned, what p2pctl made in this boot; or all.",
    ),
]


def read_document(session: Session, file: str, *, offline: bool = False) -> Wishes:
    """What a document asks for. Offline, neither the host nor files with secrets are looked at.

    Raises DocumentError, NotFoundError, DeniedError.
    """
    from p2pctl.target.document.load import load  # noqa: PLC0415  it parses YAML

    data, private, name = _content(file)
    if offline:
        return load(data, name, private=private)
    return load(
        data,
        name,
        listed=listed_attributes(session.door.files),
        read_secret=_secrets(session, file),
        private=private,
    )


def _content(file: str) -> tuple[bytes, bool, str]:
    """The bytes, whether nobody else can read them, and what to call them."""
    if not file:
        raise UsageError("FILE is empty", hint="name a document, or - for standard input")
    try:
        if file == "-":
            return sys.stdin.buffer.read(_LIMIT), True, "standard input"
        with open(file, "rb") as stream:  # noqa: PTH123  a path object tells the same
            mode = os.fstat(stream.fileno()).st_mode
            return stream.read(_LIMIT), not stat.S_IMODE(mode) & 0o077, file
    except OSError as error:
        hint = "p2pctl export > FILE writes one to begin with"
        told = from_os_error(error, f"read {file}", hint=hint)
        if type(told) is P2pctlError:  # a directory, a file that cannot be read to its end: no document
            told = UsageError(told.message, hint=hint, errno=error.errno, path=file)
        raise told from error
    except AttributeError:
        raise UsageError("standard input is closed", hint="name a document") from None


def _secrets(session: Session, document: str) -> Callable[[str], str]:
    """Reads files that hold secrets; relative ones lie beside the document."""
    beside = os.path.dirname(document) if document != "-" else ""  # noqa: PTH120  pathlib costs more

    def read(file: str) -> str:
        path = os.path.join(beside, file)  # noqa: PTH118
        try:
            with open(path, "rb") as stream:  # noqa: PTH123
                mode = os.fstat(stream.fileno()).st_mode
                data = stream.read(_SECRET_LIMIT)
        except OSError as error:
            hint = "the file must hold the key and be readable for who applies the document"
            raise from_os_error(error, f"read the key {path}", hint=hint) from error
        if stat.S_IMODE(mode) & 0o077:
            session.narrator.note(f"warning: {path} holds a key, and other users may read it: chmod 600 {path}")
        try:
            return data.decode("ascii").strip()
        except UnicodeDecodeError:
            raise P2pctlError(f"{path} holds no key", hint="it is one line that begins with DHHC-1:") from None

    return read


def listed_attributes(files: Files) -> Mapping[Kind, frozenset[str]]:
    """The attributes that objects of each kind have on this kernel, read off one of each; without any, left out."""
    from p2pctl.model.nvmet import ROOT  # noqa: PLC0415

    subsystems, ports = f"{ROOT}/subsystems", f"{ROOT}/ports"
    objects: tuple[tuple[Kind, Iterator[str]], ...] = (
        ("root", iter([ROOT])),
        ("host", _below(files, f"{ROOT}/hosts")),
        ("subsystem", _below(files, subsystems)),
        ("passthru", (f"{path}/passthru" for path in _below(files, subsystems))),
        ("namespace", (one for path in _below(files, subsystems) for one in _below(files, f"{path}/namespaces"))),
        ("port", _below(files, ports)),
        ("ana-group", (one for path in _below(files, ports) for one in _below(files, f"{path}/ana_groups"))),
        ("referral", (one for path in _below(files, ports) for one in _below(files, f"{path}/referrals"))),
    )
    found = ((kind, frozenset(_names(files, next(paths, ""))) - _GROUPS) for kind, paths in objects)
    return {kind: attributes for kind, attributes in found if attributes}


def _below(files: Files, path: str) -> Iterator[str]:
    return (f"{path}/{name}" for name in _names(files, path))


def _names(files: Files, path: str) -> tuple[str, ...]:
    try:
        return files.list(path) if path else ()
    except OSError:
        return ()
