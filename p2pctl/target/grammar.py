"""What the target's attributes take: the user's text to the text that is written. All raise ValueError with the reason.

Narrower than the kernel on purpose where it guesses (``2d`` is false, ``010`` is 8) or takes what it will not keep
(ANA group 128 becomes 0). Sources: drivers/nvme/target/configfs.c, lib/kstrtox.c, drivers/pci/p2pdma.c.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from p2pctl.model.address import Address

Parse = Callable[[str], str]

BOOLEAN = "0|1|true|false|on|off|yes|no"
P2PMEM = "auto|off|PCI address"
UUID = "8-4-4-4-12 hexadecimal digits"
NGUID = "32 hexadecimal digits, with - or : between bytes if you like"
KEY = "DHHC-1:0X:BASE64: with X 0..3; 32, 48 or 64 bytes of key and their CRC-32"

_TRUE = frozenset({"1", "true", "on", "yes"})
_FALSE = frozenset({"0", "false", "off", "no"})
_NUMBER = re.compile(r"-?[0-9]+|0[xX][0-9a-fA-F]+")
_OCTAL = re.compile(r"-?0[0-9]+")
_VERSION = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NGUID = re.compile(r"(?:[0-9a-fA-F]{2}[-:]?){15}[0-9a-fA-F]{2}")
_KEY = re.compile(r"DHHC-1:0[0-3]:([A-Za-z0-9+/]+={0,2}):")
_KEY_SIZES = frozenset({32, 48, 64})
_CRC_SIZE = 4
_MAX_DIGITS = 20
_SHOWN = 60


def quoted(text: str) -> str:
    """A text as messages show it: never a page of it, never raw."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def boolean(text: str) -> str:
    """``1`` or ``0``."""
    word = text.lower()
    if word in _TRUE:
        return "1"
    if word in _FALSE:
        return "0"
    raise ValueError(f"{quoted(text)} is neither true nor false")


def integer(text: str) -> int:
    """A number as people write it: decimal, or hexadecimal with ``0x``; never octal."""
    if _OCTAL.fullmatch(text):
        raise ValueError(f"{quoted(text)} looks octal, and the kernel would take it so: leave out the leading zero")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a number")
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"{quoted(text)} is too large")
    return int(text, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range, written as ``form``; the word ``auto`` stands for the number ``auto`` where there is one."""

    low: int
    high: int
    form: str = "{}"
    auto: int | None = None

    def __call__(self, text: str) -> str:
        """The text to write."""
        if self.auto is not None and text in {"auto", str(self.auto)}:
            return str(self.auto)
        value = integer(text)
        if not self.low <= value <= self.high:
            raise ValueError(f"{quoted(text)} is not in {self.low}..{self.high}")
        return self.form.format(value)


@dataclass(frozen=True, slots=True)
class NumberOf:
    """The number that an object goes by."""

    what: str
    low: int
    high: int

    def __call__(self, text: str) -> int:
        """The number. Raises ValueError."""
        try:
            value = integer(text)
        except ValueError as error:
            raise ValueError(f"{self.what}: {error}") from None
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.what}: {quoted(text)} is not in {self.low}..{self.high}")
        return value


def mdts(text: str) -> str:
    """An exponent. The kernel shows -1 for "decides at enable" and takes none."""
    if text in {"-1", "auto"}:
        raise ValueError("-1 is what an untouched port shows, and the kernel does not take it: leave it out")
    return Number(0, 255)(text)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words, with what to say of those that somebody may try."""

    words: tuple[str, ...]
    hints: tuple[tuple[str, str], ...] = ()

    def __call__(self, text: str) -> str:
        """The text to write."""
        if text in self.words:
            return text
        for word, hint in self.hints:
            if text == word:
                raise ValueError(f"{quoted(text)} is not accepted: {hint}")
        if text.lower() in self.words:
            raise ValueError(f"{quoted(text)} is not accepted: the kernel wants it in small letters")
        raise ValueError(f"{quoted(text)} is none of them")


@dataclass(frozen=True, slots=True)
class AsciiText:
    """Text of an Identify field: the kernel pads it with spaces, so those at its end mean nothing."""

    longest: int

    def __call__(self, text: str) -> str:
        """The text to write."""
        if any(not " " <= letter <= "~" for letter in text):
            raise ValueError(f"{quoted(text)} has characters that are not printable ASCII")
        kept = text.rstrip(" ")
        if not kept:
            raise ValueError("it cannot be empty")
        if len(kept) > self.longest:
            raise ValueError(f"{quoted(text)} has {len(kept)} characters")
        return kept


@dataclass(frozen=True, slots=True)
class Word:
    """One word. The kernel silently keeps the first of several; none unsets it."""

    longest: int

    def __call__(self, text: str) -> str:
        """The text to write."""
        if text and (len(text.split()) != 1 or text != text.strip()):
            raise ValueError(f"{quoted(text)} has white space, and the kernel keeps one word")
        length = len(text.encode("utf-8", "surrogateescape"))
        if length > self.longest:
            raise ValueError(f"{length} bytes are too long")
        return text


def service(text: str) -> str:
    """A port number, or a word: only the transport judges which it must be."""
    Word(31)(text)
    if _OCTAL.fullmatch(text) or _NUMBER.fullmatch(text):
        return Number(0, 65535)(text)
    return text


def version(text: str) -> str:
    """``2.1``: a third number of 0 is not kept."""
    if not _VERSION.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a version")
    parts = text.split(".")
    for part, most in zip(parts, (65535, 255, 255), strict=False):
        Number(0, most)(part)
    return ".".join(parts[:2] if parts[2:] == ["0"] else parts)


def uuid(text: str) -> str:
    """In small letters."""
    if not _UUID.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a UUID")
    return text.lower()


def nguid(text: str) -> str:
    """As the kernel shows it, which is the form of a UUID."""
    if not _NGUID.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not an NGUID")
    digits = text.replace("-", "").replace(":", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def p2pmem(text: str) -> str:
    """``1`` for auto, ``0`` for off, or a whole PCI address: the kernel finds no other form."""
    low = text.lower()
    if low == "auto" or low in _TRUE:
        return "1"
    if low in _FALSE:
        return "0"
    address = Address.parse(text)
    if address is None:
        raise ValueError(f"{quoted(text)} is no PCI address")
    return str(address)


def device(text: str) -> str:
    """A path. The kernel looks at it only when the namespace is enabled, from the writer's working directory."""
    if text == "(null)":
        raise ValueError("'(null)' is what the kernel shows for no device: leave it out")
    if not text.startswith("/"):
        raise ValueError(f"{quoted(text)} is not an absolute path" if text else "it cannot be empty")
    return text


def true_only(text: str) -> str:
    """``1``: it is a command, and there is nothing else to say."""
    if boolean(text) != "1":
        raise ValueError(f"{quoted(text)} asks for nothing")
    return "1"


def key(text: str) -> str:
    """A DH-CHAP secret; empty unsets it. The kernel looks at what is in it only when a host connects.

    No message shows any of it.
    """
    if not text:
        return text
    match = _KEY.fullmatch(text)
    if match is None:
        raise ValueError("the key has another form")
    try:
        data = binascii.a2b_base64(match[1], strict_mode=True)
    except binascii.Error:
        raise ValueError("the key is not base64") from None
    secret, check = data[:-_CRC_SIZE], data[-_CRC_SIZE:]
    if len(secret) not in _KEY_SIZES:
        raise ValueError(f"the key has {max(0, len(secret))} bytes")
    if binascii.crc32(secret) != int.from_bytes(check, "little"):
        raise ValueError("the key's check sum is wrong: it was cut or mistyped")
    return text
