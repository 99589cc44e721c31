"""Names and values for the NVMe target's configfs: right ones, wrong ones, and what lies between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class World(NamedTuple):
    """What the values may point at; everything else in this module is the same on every machine."""

    disks: tuple[str, ...]
    """Paths of block devices."""
    controllers: tuple[str, ...]
    others: tuple[str, ...]
    """Paths of files, directories, character devices, and of nothing."""
    pools: tuple[str, ...]
    """Addresses of functions with P2P memory."""
    functions: tuple[str, ...]
    """Addresses of functions without any, and of none."""
    addresses: tuple[tuple[str, str], ...]
    """Address families with addresses: local ones, remote ones, no addresses."""
    services: tuple[str, ...]
    """Port numbers: free ones, taken ones, no numbers."""


SUBSYSTEMS = ("a", "b")
ODD_SUBSYSTEMS = (
    "nqn.2014-08.org.nvmexpress.discovery", "nqn.2026-11.org.example:x", "ab", "c" * 223, "d" * 224, "e" * 255,
    "f" * 256, "with space", "new\nline", "a\n", "é", "..", ".", "x/y",
)  # fmt: skip
HOSTS = ("h", "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349")
ODD_HOSTS = ("not an nqn", "i" * 255, "j" * 256, "a")
NAMESPACES = ("1", "2")
ODD_NAMESPACES = (
    "0", "01", "0x1", "+1", "010", "8", "08", "3", "4294967294", "4294967295", "4294967296", "-1", "abc", "1 ", " 1",
    "1\n", "0x", "0x1g", "18446744073709551617",
)  # fmt: skip
PORTS = ("1", "2", "3")
ODD_PORTS = ("0", "01", "0x2", "+3", "65535", "65536", "-1", "abc", "4\n", "0777", "1\n")
GROUPS = ("1", "2")
ODD_GROUPS = ("0", "02", "3", "127", "128", "129", "0x7f", "x", "-2", "2\n")
REFERRALS = ("r", "s")
ODD_REFERRALS = ("k" * 255, "l" * 256)

HOST = ("dhchap_key", "dhchap_ctrl_key", "dhchap_hash", "dhchap_dhgroup")
SUBSYSTEM = (
    "attr_allow_any_host", "attr_cntlid_max", "attr_cntlid_min", "attr_firmware", "attr_ieee_oui", "attr_model",
    "attr_pi_enable", "attr_qid_max", "attr_serial", "attr_subsys_vendor_id", "attr_vendor_id", "attr_version",
)  # fmt: skip
NAMESPACE = (
    "ana_grpid", "buffered_io", "device_nguid", "device_path", "device_uuid", "enable", "p2pmem", "resv_enable",
    "revalidate_size",
)  # fmt: skip
PASSTHRU = ("admin_timeout", "clear_ids", "device_path", "enable", "io_timeout")
PORT = (
    "addr_adrfam", "addr_traddr", "addr_treq", "addr_trsvcid", "addr_trtype", "addr_tsas", "param_inline_data_size",
    "param_max_queue_size", "param_mdts", "param_pi_enable",
)  # fmt: skip
REFERRAL = ("addr_adrfam", "addr_portid", "addr_traddr", "addr_treq", "addr_trsvcid", "addr_trtype", "enable")
DIRECTORIES = ("hosts", "subsystems", "ports")
DISCOVERY = b"nqn.2014-08.org.nvmexpress.discovery"

BOOLEANS = tuple(
    b"1 0 y n Y N t f T F e d E D on off On oF o ok yes no true false enable disable 2 maybe".split(),
)
NUMBERS = (
    *b"0 1 2 3 4 5 8 16 63 64 127 128 129 255 256 1023 1024 1025 4096 16384 65519 65520 65535 65536 70000".split(),
    *b"16777215 16777216 2147483647 2147483648 4294967295 4294967296 9999999999999999999999".split(),
    *b"-1 -2 -128 -2147483648 -2147483649 +7 ++7 0x10 0X1F 0x 0xg 0x1000000 010 08 0b1 1.5 1e3 x 12x 0x12x 1_0".split(),
    b" 5", b"5 ", b"5\n\n", b"5\n6", b"\t5", b"5\0", b"5\0junk", b"- 5", b"\xb2",
)  # fmt: skip
TEXTS = (
    b"M", b"A" * 8, b"A" * 9, b"S" * 19, b"S" * 20, b"S" * 21, b"M" * 40, b"M" * 41, b"two words", b" leading",
    b"trailing ", b"tab\there", "é".encode(), b"\x7f", b"\xff\xfe", b"a\0b", b"\0", b"line\nline", b"~", b" ",
)  # fmt: skip
JUNK = (b"", b"\n", b"\0", b" ", b"\n\n", b"x", b"0", b"1", b"none", b"\xff" * 8, b"B" * 4095, b"C" * 4096, b"D" * 5000)
MODES = tuple(f"{mode:o}".encode() for mode in (0o600, 0o644, 0o400, 0o444, 0o200, 0o000, 0o755, 0o777, 0o4755, 0o1666))
FAMILIES = (b"ipv4", b"ipv6", b"ib", b"fc", b"pci", b"loop", b"pcie", b"IPV4", b"ipv4 ", b"ipv4\0x", b"ipv44")
TRANSPORTS = (b"loop", b"tcp", b"rdma", b"fc", b"pci", b"TCP", b"tcp ", b"tc", b"loop\0", b"tcp\n\n")
VERSIONS = (
    b"1.3", b"1.4", b"2.0", b"2.1.0", b"1.2.1", b"2", b"2.", b".1", b"1.4junk", b"999.1", b"1.300.7", b"-1.2",
    b"1.-1", b" 1.3", b"1 .3", b"1. 3", b"0x1.2", b"65536.1", b"1.1.256", b"0.0", b"1.4.x", b"99999999999.1",
)  # fmt: skip
UUIDS = (
    b"5a0b1c2d-0000-4000-8000-000000000001", b"5A0B1C2D-0000-4000-8000-00000000000F",
    b"5a0b1c2d000040008000000000000001", b"5a0b1c2d-0000-4000-8000-00000000000",
    b"5a0b1c2d-0000-4000-8000-000000000001 junk", b"{5a0b1c2d-0000-4000-8000-000000000001}",
    b"5a0b1c2d:0000:4000:8000:000000000001", b"00000000-0000-0000-0000-000000000000",
    b"ga0b1c2d-0000-4000-8000-000000000001", b" 5a0b1c2d-0000-4000-8000-000000000001",
)  # fmt: skip
NGUIDS = (
    b"00112233445566778899aabbccddeeff", b"00112233-4455-6677-8899-aabbccddeeff",
    b"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", b"00112233-4455-6677-8899-AABBCCDDEEFF", b"0011",
    b"zz112233445566778899aabbccddeeff", b"00112233445566778899aabbccddeeffEXTRA",
    b"0-0112233445566778899aabbccddeeff", b"00--112233445566778899aabbccddeef", b"00112233445566778899aabbccddeef",
    b"0011-22:33445566778899aabbccddeeff-", b"00112233445566778899aabbccddee",
)  # fmt: skip
KEYS = (
    b"DHHC-1:00:AAAA:", b"DHHC-1:1:", b"DHHC-1:03:x", b"DHHC-1:04:x", b"DHHC-1:0:", b"DHHC-1:255:x", b"DHHC-1:256:x",
    b"DHHC-1:-1:x", b"DHHC-1:x:", b"DHHC-1:", b"DHHC-2:00:AAAA:", b"dhhc-1:00:AAAA:", b"DHHC-1:00:" + b"k" * 100,
    b"DHHC-1:00", b"DHHC-1: 1:x", b"DHHC-1:00:two words", b"DHHC-1:00:a\0b", b"DHHC-1:00:a\nb", b" DHHC-1:00:a",
)  # fmt: skip
HASHES = (
    b"hmac(sha256)", b"hmac(sha384)", b"hmac(sha512)", b"hmac(sha256)junk", b"hmac(sha25", b"HMAC(SHA256)", b"sha512",
    b"none", b"hmac(md5)", b"hmac(sha1)",
)  # fmt: skip
DIFFIE = (
    b"null", b"ffdhe2048", b"ffdhe3072", b"ffdhe4096", b"ffdhe6144", b"ffdhe8192", b"ffdhe1024", b"FFDHE2048",
    b"none", b"ffdhe2048x", b"nul", b"nullx",
)  # fmt: skip
REQUIREMENTS = (b"not specified", b"required", b"not required", b"not-required", b"Required", b"required ", b"not")
SECURITY = (b"none", b"tls1.3", b"connected", b"datagram", b"tls1.2", b"TLS1.3")
STATES = (
    b"optimized",
    b"non-optimized",
    b"inaccessible",
    b"persistent-loss",
    b"change",
    b"Optimized",
    b"optimised",
    b"none",
)
DISCOVERIES = (
    DISCOVERY, b"nqn.2026-11.org.example:discovery", b"a", b"n" * 223, b"n" * 255, b"n" * 256, b"z", b"two words",
    b"a\0b", b"\0",
)  # fmt: skip


def values(attribute: str, world: World) -> tuple[bytes, ...]:
    """What may be written to an attribute to good effect, and what comes close; `JUNK` may be written to every one."""
    name = attribute.rpartition("_")[2] if attribute.startswith("addr_") else attribute
    table: dict[str, tuple[bytes, ...]] = {
        "discovery_nqn": DISCOVERIES, "dhchap_key": KEYS, "dhchap_ctrl_key": KEYS, "dhchap_hash": HASHES,
        "dhchap_dhgroup": DIFFIE, "attr_firmware": TEXTS, "attr_model": TEXTS, "attr_serial": TEXTS,
        "attr_version": VERSIONS, "device_uuid": UUIDS, "device_nguid": NGUIDS, "ana_state": STATES,
        "adrfam": FAMILIES, "trtype": TRANSPORTS,
        "treq": REQUIREMENTS, "tsas": SECURITY,
        "device_path": lines((*world.disks, *world.disks, *world.controllers, *world.others)),
        "p2pmem": (b"auto", b"01", b"1 ", b" 1", *BOOLEANS, *lines((*world.pools, *world.pools, *world.functions))),
        "traddr": (*lines(address for _, address in world.addresses), b"x" * 255, b"y" * 256, b"z" * 257, b"two words"),
        "trsvcid": (*lines(world.services), b"9" * 31, b"8" * 32, b"7" * 33, b"44 20"),
    }  # fmt: skip
    if name in table:
        return table[name]
    booleans = ("allow_any_host", "pi_enable", "enable", "buffered_io", "resv_enable", "revalidate_size")
    return BOOLEANS if name.removeprefix("attr_").removeprefix("param_") in booleans else NUMBERS


def lines(texts: Iterable[str]) -> tuple[bytes, ...]:
    """Texts as they are written."""
    return tuple(text.encode() for text in texts)
