"""Names for things whose own names must not leave the house: the same for the same, and of the same form.

Relations that a reader needs survive: an IPv4 address and the GID that embeds it, a MAC address and the link-local GID
that is made of it (RFC 4291, appendix A), a port GUID and its GID.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_MAC = r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}"
_GUID = r"[0-9a-fA-F]{4}(?::[0-9a-fA-F]{4}){3}"
_IPV4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_TOKEN = re.compile(
    rf"(?P<uuid>(?<![0-9A-Za-z]){_UUID}(?![0-9A-Za-z]))"
    r"|(?P<nqn>nqn\.[0-9]{4}[-.][0-9]{2}\.[^\s,\"']+)"
    r"|(?P<interface>(?<![0-9A-Za-z])[a-z]{2,5}x(?:[0-9a-f]{16}|[0-9a-f]{12})[a-z0-9_]*)"
    rf"|(?P<mac>(?<![0-9A-Za-z:]){_MAC}(?![0-9A-Za-z:]))"
    rf"|(?P<guid>(?<![0-9A-Za-z:]){_GUID}(?![0-9A-Za-z:]))"
    r"|(?P<hex>(?:(?<![0-9A-Za-z])0x|(?<![0-9A-Za-z]))(?P<digits>[0-9A-Fa-f]{16,64})(?![0-9A-Za-z]))"
    r"|(?P<address>(?<![0-9A-Za-z:.])[0-9A-Fa-f:.]{3,64}(?![0-9A-Za-z]))"
)
_FOUR = re.compile(rf"(?<![0-9.]){_IPV4}(?![0-9.])")
_NQN_UUID = re.compile(rf"(nqn\.2014-08\.org\.nvmexpress:uuid:)({_UUID})", re.IGNORECASE)
_NQN_DATE = re.compile(r"nqn\.[0-9]{4}[-.][0-9]{2}\.")
_INTERFACE = re.compile(r"(?P<kind>[a-z]{2,5}x)(?P<digits>[0-9a-f]{16}|[0-9a-f]{12})(?P<rest>[a-z0-9_]*)")
_DISCOVERY = "nqn.2014-08.org.nvmexpress.discovery"
_NO_HOST = frozenset({"", "(none)", "localhost", "localhost.localdomain"})
_UNIVERSAL = 0x02  # the bit of a MAC address's first byte that modified EUI-64 inverts
_GROUP = 0x01
_SHORTEST_SERIAL = 6
_SHORTEST_HOST = 2


class Pseudonyms:
    """Pseudonyms under one key. Who has not got the key cannot tell what stood there, nor try guesses."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: re.Pattern[str] | None = None
        self._serials: frozenset[str] = frozenset()

    def know(self, *, serials: Iterable[str], hosts: Iterable[str]) -> None:
        """Tells of names that free text may hold. Very short ones are left alone there: they are words, too."""
        self._serials = frozenset(text for text in serials if len(text) >= _SHORTEST_SERIAL)
        hosts = {text for text in hosts if len(text) >= _SHORTEST_HOST and text not in _NO_HOST}
        words = sorted(self._serials | hosts, key=lambda text: (-len(text), text))
        pattern = "|".join(map(re.escape, words))
        self._known = re.compile(f"(?<![0-9A-Za-z])(?:{pattern})(?![0-9A-Za-z])") if words else None

    def text(self, text: str) -> str:
        """Free text with every identity in it replaced: addresses, UUIDs, NQNs, long numbers, and what is known."""
        if self._known is not None:
            text = self._known.sub(self._word, text)
        return _TOKEN.sub(self._token, text)

    def serial(self, text: str) -> str:
        """A serial number."""
        return f"SN{self._hex('serial', text.strip(), 12).upper()}" if text.strip() else text

    def host(self, text: str) -> str:
        """A host name; the empty one and localhost stay."""
        return text if text in _NO_HOST else f"host-{self._hex('host', text, 8)}"

    def user(self, text: str) -> str:
        """A login name; root stays, and so do numbers."""
        return text if text == "root" or text.isdecimal() else f"user-{self._hex('user', text, 8)}"

    def command(self, text: str) -> str:
        """A program's name, in the 15 characters that the kernel has for it."""
        return f"prog-{self._hex('command', text, 8)}"

    def name(self, text: str) -> str:
        """A name that a person chose."""
        return f"name-{self._hex('name', text, 8)}"

    def nqn(self, text: str) -> str:
        """An NQN: one made of a UUID stays one; of others the date stays. Text that is none is a name."""
        if text == _DISCOVERY or not text:
            return text
        match = _NQN_UUID.fullmatch(text)
        if match:
            return match[1] + self.uuid(match[2])
        date = _NQN_DATE.match(text)
        return f"{date[0]}redacted:{self._hex('nqn', text, 12)}" if date else self.name(text)

    def uuid(self, text: str) -> str:
        """A UUID; the one of zeros stays."""
        digits = self.digits(text.lower().replace("-", ""))
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def digits(self, text: str) -> str:
        """A number of hexadecimal digits, as long as it is; zero stays, 16 digits are an EUI-64."""
        if not text.strip("0"):
            return text
        if len(text) == 16:
            return self.eui64(bytes.fromhex(text)).hex()
        return self._hex("digits", text.lower(), len(text))

    def number(self, text: str) -> str:
        """A serial number that a reader takes for a decimal number of 64 bits; zero stays."""
        return str(int.from_bytes(self._digest("number", text)[:8])) if int(text) else text

    def mac(self, text: str) -> str:
        """A MAC address, written as it was."""
        separator = text[2]
        return self._eui48(bytes.fromhex(text.replace(separator, ""))).hex(separator)

    def eui64(self, raw: bytes) -> bytes:
        """An EUI-64: a port's GUID or the lower half of its GID. One made of a MAC address stays made of it."""
        if not any(raw):
            return raw
        if raw[3:5] == b"\xff\xfe":
            mac = self._eui48(raw[:3] + raw[5:])
            return mac[:3] + b"\xff\xfe" + mac[3:]
        return self._digest("eui64", raw.hex())[:8]

    def ipv4(self, text: str) -> str:
        """An IPv4 address, in 10.0.0.0/8; loopback and 0.0.0.0 stay. Text that is none stays."""
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified:
            return text
        return str(ipaddress.IPv4Address(b"\x0a" + self._digest("ipv4", str(address))[:3]))

    def ipv6(self, address: ipaddress.IPv6Address) -> ipaddress.IPv6Address:
        """An IPv6 address or GID. Loopback stays, link-local stays link-local, an embedded IPv4 address embedded."""
        if address.is_loopback or address.is_unspecified:
            return address
        if address.ipv4_mapped is not None:
            return ipaddress.IPv6Address(f"::ffff:{self.ipv4(str(address.ipv4_mapped))}")
        prefix, port = address.packed[:8], address.packed[8:]
        if not address.is_link_local:
            prefix = b"\xfd" + self._digest("prefix", prefix.hex())[:7]
        return ipaddress.IPv6Address(prefix + self.eui64(port))

    def interface(self, text: str) -> str:
        """A device name; one that is made of a MAC address or GUID (``enx001122334455``) is made of its pseudonym."""
        match = _INTERFACE.fullmatch(text)
        if match is None:
            return text
        raw = bytes.fromhex(match["digits"])
        return match["kind"] + (self._eui48(raw) if len(raw) == 6 else self.eui64(raw)).hex() + match["rest"]

    def _token(self, match: re.Match[str]) -> str:
        token = match[0]
        if match["uuid"]:
            return self.uuid(token)
        if match["nqn"]:
            return self.nqn(token)
        if match["interface"]:
            return self.interface(token)
        if match["mac"]:
            return self.mac(token)
        if match["guid"]:
            raw = self.eui64(bytes.fromhex(token.replace(":", "")))
            return raw.hex(":", 2)
        if match["address"]:
            return self._address(token)
        return token.removesuffix(match["digits"]) + self.digits(match["digits"])

    def _address(self, token: str) -> str:
        bare = token.rstrip(".")
        if bare.count(":") > 1:
            try:
                address = ipaddress.IPv6Address(bare)
            except ValueError:
                pass
            else:
                new = self.ipv6(address)
                # The GID files of sysfs write all eight groups; so does what is compared with them.
                return (new.exploded if len(bare) == 39 else str(new)) + token[len(bare) :]
        return _FOUR.sub(lambda match: self.ipv4(match[0]), token)

    def _word(self, match: re.Match[str]) -> str:
        return self.serial(match[0]) if match[0] in self._serials else self.host(match[0])

    def _eui48(self, raw: bytes) -> bytes:
        """A MAC address. The bit that modified EUI-64 inverts is kept apart, so that both forms give one pseudonym."""
        bit = raw[0] & _UNIVERSAL
        digest = self._digest("mac", bytes([raw[0] & ~_UNIVERSAL & 0xFF, *raw[1:]]).hex())
        return bytes([digest[0] & ~(_UNIVERSAL | _GROUP) & 0xFF | bit]) + digest[1:6]

    def _hex(self, kind: str, text: str, length: int) -> str:
        return self._digest(kind, text).hex()[:length]

    def _digest(self, kind: str, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), key=self._key, person=kind.encode()).digest()
