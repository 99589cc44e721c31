"""A table of every attribute of every object of the target: its names, what it takes, when it may change.

The facts are those of drivers/nvme/target/configfs.c. ``target.schema`` has what is asked of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from p2pctl.target import grammar, nqn
from p2pctl.target.grammar import Parse

Kind = Literal["root", "host", "subsystem", "passthru", "namespace", "port", "ana-group", "referral"]

KINDS: tuple[Kind, ...] = get_args(Kind)

Change = Literal["live", "disabled", "unlinked", "undiscovered", "reconnects"]
"""When an attribute may change: at any time; while the object (namespace, passthru, referral) is disabled; while the
port has no link; until a host has identified the subsystem; at any time, and every host must connect anew."""

Value = Literal["boolean", "number", "text"]
"""What a document says it with."""

SWITCH_ORDER = 900
"""Attributes of a lower order are written before ``enable``, those of a higher after it."""

_UNSET = frozenset({"", "(null)"})


class Spec(NamedTuple):
    """One attribute of one kind of object."""

    kind: Kind
    file: str
    """The kernel's file name."""
    grammar: str
    """What it takes, for people."""
    parse: Parse
    """The user's text to the text that is written. Raises ValueError with the reason."""
    default: str | None = None
    """What a new object has; None where the kernel makes it up, or it hangs on the kernel."""
    change: Change = "live"
    value: Value = "text"
    order: int = 0
    """Its place among the writes of one object."""
    secret: bool = False
    write_only: bool = False
    clear: bytes | None = None
    """What unsets it, where the empty text is wanted; None where nothing does."""
    unset: frozenset[str] = _UNSET
    """What it reads while it has no value."""
    alike: Mapping[str, str] = MappingProxyType({})
    """Readings that mean the same as another."""

    @property
    def key(self) -> str:
        """Its name in a document and on the command line: without the prefix of its group."""
        return key_for(self.kind, self.file)


PREFIXES: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        "subsystem": ("attr_",),
        "passthru": ("device_",),
        "namespace": ("device_",),
        "port": ("addr_", "param_"),
        "referral": ("addr_", "param_"),
        "host": (),
        "root": (),
        "ana-group": (),
    }
)

_NAMES: Mapping[str, str] = MappingProxyType({"device_path": "device"})

FILES: Mapping[str, str] = MappingProxyType({key: file for file, key in _NAMES.items()})


def key_for(kind: Kind, file: str) -> str:
    """What people call an attribute."""
    if file in _NAMES:
        return _NAMES[file]
    for prefix in PREFIXES[kind]:
        if file.startswith(prefix) and len(file) > len(prefix):
            return file[len(prefix) :]
    return file


_BOOLEAN = (grammar.BOOLEAN, grammar.boolean, "0")


def _words(*words: str, hints: tuple[tuple[str, str], ...] = ()) -> tuple[str, grammar.OneOf]:
    """Grammar and parser of an attribute that takes one of a few words."""
    return "|".join(words), grammar.OneOf(words, hints)


_SPACED = tuple((word, "write it with a space") for word in ("not-required", "not-specified"))

_TRTYPE = Spec("port", "addr_trtype", *_words("rdma", "tcp", "fc", "loop", "pci"), "")
_PCIE = ("pcie", "the kernel's documentation says pcie, its code takes pci")
_ADRFAM = Spec("port", "addr_adrfam", *_words("ipv4", "ipv6", "ib", "fc", "pci", "loop", hints=(_PCIE,)), "")
_ADDRESS = "an address of up to 255 bytes, one word; empty unsets it"
_TRADDR = Spec("port", "addr_traddr", _ADDRESS, grammar.Word(255), "", clear=b"\n")
_SERVICE = "a port number 1..65535, or a word of up to 31 bytes; empty unsets it"
_TRSVCID = Spec("port", "addr_trsvcid", _SERVICE, grammar.service, "", clear=b"\n")
_TREQ = Spec(
    *("port", "addr_treq"),
    *_words("not specified", "required", "not required", hints=_SPACED),
    default="not specified",
    alike=MappingProxyType({"": "not specified"}),
)
_TSAS = Spec(
    *("port", "addr_tsas", "none|tls1.3 with tcp, connected with rdma"),
    grammar.OneOf(
        ("none", "tls1.3", "connected"),
        (("datagram", "the kernel serves connected queue pairs only"), ("tls", "write tls1.3")),
    ),
    default="",
    alike=MappingProxyType({"none": ""}),
)


def _u32(kind: Kind, file: str, what: str) -> Spec:
    return Spec(kind, file, f"0..4294967295{what}", grammar.Number(0, 0xFFFFFFFF), "0", value="number")


def _ascii(file: str, longest: int, default: str | None) -> Spec:
    told = f"1..{longest} printable ASCII characters"
    return Spec("subsystem", file, told, grammar.AsciiText(longest), default, "undiscovered")


def _vendor(file: str) -> Spec:
    return Spec("subsystem", file, "0..0xffff", grammar.Number(0, 0xFFFF, form="{:#x}"), "0x0")


def _controllers(file: str, default: str) -> Spec:
    return Spec("subsystem", file, "1..65535", grammar.Number(1, 65535), default, value="number")


def _key(file: str) -> Spec:
    return Spec("host", file, f"{grammar.KEY}; empty unsets it", grammar.key, "", secret=True, clear=b"\0")


_HASHES = _words(
    *("hmac(sha256)", "hmac(sha384)", "hmac(sha512)"),
    hints=tuple((bits, f"write hmac({bits})") for bits in ("sha256", "sha384", "sha512")),
)
_GROUPS = _words("null", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192")
_STATES = _words("optimized", "non-optimized", "inaccessible", "persistent-loss", "change")

_DEVICE = Spec("namespace", "device_path", "an absolute path", grammar.device, "", "disabled")

_TABLE: Mapping[Kind, tuple[Spec, ...]] = MappingProxyType(
    {
        "root": (Spec("root", "discovery_nqn", nqn.GRAMMAR, nqn.check_nqn, nqn.DISCOVERY_NQN),),
        "host": (
            Spec("host", "dhchap_hash", *_HASHES, "hmac(sha256)"),
            Spec("host", "dhchap_dhgroup", *_GROUPS, "null"),
            _key("dhchap_key"),
            _key("dhchap_ctrl_key"),
        ),
        "subsystem": (
            Spec(
                *("subsystem", "attr_version", "MAJOR.MINOR or MAJOR.MINOR.TERTIARY"),
                grammar.version,
                change="undiscovered",
            ),
            _ascii("attr_serial", 20, None),
            _ascii("attr_model", 40, "Linux"),
            _ascii("attr_firmware", 8, None),
            Spec(
                *("subsystem", "attr_ieee_oui", "0..0xffffff"),
                grammar.Number(0, 0xFFFFFF, form="0x{:06x}"),
                "0x000000",
                "undiscovered",
            ),
            _vendor("attr_vendor_id"),
            _vendor("attr_subsys_vendor_id"),
            _controllers("attr_cntlid_min", "1"),
            _controllers("attr_cntlid_max", "65519"),
            Spec("subsystem", "attr_qid_max", "1..128", grammar.Number(1, 128), "128", "reconnects", "number"),
            Spec("subsystem", "attr_pi_enable", *_BOOLEAN, "live", "boolean"),
            Spec("subsystem", "attr_allow_any_host", *_BOOLEAN, "live", "boolean"),
        ),
        "passthru": (
            _DEVICE._replace(kind="passthru"),
            _u32("passthru", "admin_timeout", ", in jiffies; 0 is the driver's own"),
            _u32("passthru", "io_timeout", ", in jiffies; 0 is the driver's own"),
            _u32("passthru", "clear_ids", ""),
            Spec("passthru", "enable", *_BOOLEAN, "live", "boolean"),
        ),
        "namespace": (
            _DEVICE,
            Spec("namespace", "device_uuid", grammar.UUID, grammar.uuid, None, "disabled"),
            Spec(
                *("namespace", "device_nguid", grammar.NGUID),
                grammar.nguid,
                "00000000-0000-0000-0000-000000000000",
                "disabled",
            ),
            Spec("namespace", "p2pmem", grammar.P2PMEM, grammar.p2pmem, "0", "disabled"),
            Spec("namespace", "buffered_io", *_BOOLEAN, "disabled", "boolean"),
            Spec("namespace", "resv_enable", *_BOOLEAN, "disabled", "boolean"),
            Spec("namespace", "ana_grpid", "1..127", grammar.Number(1, 127), "1", value="number"),
            Spec("namespace", "enable", *_BOOLEAN, "live", "boolean"),
            Spec("namespace", "revalidate_size", "1", grammar.true_only, value="boolean", write_only=True),
        ),
        "port": (
            *(one._replace(change="unlinked") for one in (_TRTYPE, _ADRFAM, _TRADDR, _TRSVCID, _TSAS, _TREQ)),
            Spec(
                *("port", "param_inline_data_size", "auto or 0..2147483647 bytes"),
                grammar.Number(0, 0x7FFFFFFF, auto=-1),
                *("-1", "unlinked", "number"),
            ),
            Spec(
                *("port", "param_max_queue_size", "auto or 16..1024"),
                grammar.Number(16, 1024, auto=-1),
                *("-1", "unlinked", "number"),
            ),
            Spec(
                *("port", "param_mdts", "0..255, a power of two of pages; 0 is no limit"),
                grammar.mdts,
                *("-1", "unlinked", "number"),
                unset=_UNSET | {"-1"},
            ),
            Spec("port", "param_pi_enable", *_BOOLEAN, "unlinked", "boolean"),
        ),
        "ana-group": (Spec("ana-group", "ana_state", *_STATES),),
        "referral": (
            *(
                one._replace(kind="referral", change="disabled", default="pci" if one is _ADRFAM else one.default)
                for one in (_TRTYPE, _ADRFAM, _TRADDR, _TRSVCID, _TREQ)
            ),
            Spec(
                *("referral", "addr_portid", "0..65535"),
                grammar.Number(0, 65535),
                *("0", "disabled", "number"),
            ),
            Spec("referral", "enable", *_BOOLEAN, "live", "boolean"),
        ),
    }
)  # fmt: skip


def _ordered(table: Iterable[Spec]) -> Mapping[str, Spec]:
    """By file name, each with its place: ``enable`` after all that nobody knows, what needs it to be on after it."""
    place = 0
    found: dict[str, Spec] = {}
    for one in table:
        place = SWITCH_ORDER if one.file == "enable" else place + 1
        found[one.file] = one._replace(order=place)
    return MappingProxyType(found)


SPECS: Mapping[Kind, Mapping[str, Spec]] = MappingProxyType({kind: _ordered(_TABLE[kind]) for kind in KINDS})
