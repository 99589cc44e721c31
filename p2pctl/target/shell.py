"""Steps as shell lines, for reading and for whoever would rather do it by hand."""

from __future__ import annotations

import shlex

from p2pctl.model.nvmet import SECRET_ATTRIBUTES
from p2pctl.target.plan import Step
from p2pctl.target.schema import encoded, kind_of
from p2pctl.target.touched import REDACTED

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#%&()*+,-./:;<=>?@[]^_{|}~")
"""What printf(1) of a single-quoted ``%s`` argument and every terminal take as it is."""


_NUL = b"\0"


def shell_line(step: Step) -> str:
    """One line for a POSIX shell that does what the step does, with one write; keys stand as ``<redacted>``.

    Bytes that a terminal would act upon are written as octal escapes of printf(1).
    """
    words: list[str]
    match step.operation:
        case "write":
            return f"{_printing(step)} > {_word(step.path)}"
        case "mkdir" | "rmdir":
            words = [step.operation]
        case "unlink":
            words = ["rm"]
        case "symlink":
            words = ["ln", "-s"]
        case "chmod":
            words = ["chmod", step.value]
    names = [step.value, step.path] if step.operation == "symlink" else [step.path]
    if any(name.endswith("\n") for name in names):
        # Of what $(...) prints, the shell drops the newlines at the end.
        return f"printf {_escaped(_NUL.join(map(_bytes, names)) + _NUL)} | xargs -0 {shlex.join(words)}"
    return " ".join([shlex.join(words), *map(_word, names)])


def bytes_of(step: Step) -> bytes:
    """What the one write of a ``write`` step consists of."""
    kind = kind_of(step.path)
    if kind is None:
        return step.value.encode("utf-8", "surrogateescape") + b"\n"
    return encoded(kind, step.name, step.value)


def _printing(step: Step) -> str:
    if step.name in SECRET_ATTRIBUTES and step.value:
        return f"printf '%s\\n' '{REDACTED}'"
    data = bytes_of(step)
    line = data.removesuffix(b"\n")
    text = line.decode("utf-8", "replace")
    if set(text) <= _PLAIN:
        if data == line:
            return f"printf '%s' {shlex.quote(text)}"
        if text and not text.startswith("-"):
            return f"echo {shlex.quote(text)}"
        return f"printf '%s\\n' {shlex.quote(text)}"
    return f"printf {_escaped(data)}"


def _word(text: str) -> str:
    """A path as one word. Where it holds what a terminal would act upon, the shell makes it from escapes."""
    if set(text) <= _PLAIN:
        return shlex.quote(text)
    return f'"$(printf {_escaped(_bytes(text))})"'


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _escaped(data: bytes) -> str:
    """A format for printf(1), in single quotes."""
    text = "".join(chr(byte) if chr(byte) in _SAFE else f"\\{byte:03o}" for byte in data)
    # At its beginning a dash would make it an option.
    return f"'\\055{text[1:]}'" if text.startswith("-") else f"'{text}'"


_SAFE = _PLAIN - set("%!")
