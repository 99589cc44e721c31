"""What recorded trees share: links and ``..`` resolve inside the tree, as chroot(2) has it, and nothing is changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import NoReturn

from p2pctl.errors import UsageError

Look = Callable[[str], str | None]
"""Where the link at a path points, or None where something else is there. The path holds no other link.
Raises OSError (ENOENT) where nothing is."""

_LINK_LIMIT = 40  # MAXSYMLINKS, include/linux/namei.h


def resolve(path: str, look: Look, *, last: bool = True) -> str:
    """The path without any link in it; a link in the last place stays with ``last`` off, and is not looked at.

    Raises OSError with what ``look`` raised, or ELOOP after 40 links. Its ``filename`` is as much of the path as was
    resolved and the rest as it stood, so that one unreachable place has one name however it was asked for.
    """
    here = ""
    links = 0
    waiting = _parts(path)
    while waiting:
        name = waiting.pop()
        if name == "..":
            here = here.rpartition("/")[0]
            continue
        step = f"{here}/{name}"
        target = _look(look, step, waiting) if waiting or last else None
        if target is None:
            here = step
            continue
        links += 1
        if links > _LINK_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            here = ""
        waiting += _parts(target)
    return here or "/"


def _parts(path: str) -> list[str]:
    """The names in a path, last one first."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _look(look: Look, step: str, waiting: list[str]) -> str | None:
    try:
        return look(step)
    except OSError as error:
        raise OSError(error.errno, error.strerror, "/".join((step, *reversed(waiting)))) from None


def failure(number: int, path: str) -> OSError:
    """The OSError that the kernel's ``number`` means at ``path``; Python picks the subclass."""
    return OSError(number, os.strerror(number), path)


class ReadOnly:
    """The half of ``Files`` that changes things, for sources that never change."""

    _source = "this source"

    def write(self, path: str, data: bytes) -> None:  # noqa: ARG002  the protocol has it
        """Refuses."""
        self._refuse(path)

    def mkdir(self, path: str) -> None:
        """Refuses."""
        self._refuse(path)

    def rmdir(self, path: str) -> None:
        """Refuses."""
        self._refuse(path)

    def symlink(self, target: str, path: str) -> None:  # noqa: ARG002  the protocol has it
        """Refuses."""
        self._refuse(path)

    def unlink(self, path: str) -> None:
        """Refuses."""
        self._refuse(path)

    def chmod(self, path: str, mode: int) -> None:  # noqa: ARG002  the protocol has it
        """Refuses."""
        self._refuse(path)

    def _refuse(self, path: str) -> NoReturn:
        raise UsageError(
            f"{self._source} is read-only: it shows a host and changes none",
            hint="run the command on the host itself, or try it out with --demo",
            errno=errno.EROFS,
            path=path,
        )
