"""The table of the target's attributes: names, values, what is written and how readings compare."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.model.nvmet import ROOT
from p2pctl.target.nqn import DISCOVERY_NQN, check_nqn, check_subsystem_nqn
from p2pctl.target.schema import (
    KINDS,
    Kind,
    canonical,
    check_value,
    encoded,
    file_for,
    key_for,
    kind_of,
    same,
    shown,
    spec,
    specs,
)

UUID = "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11"
SECRET = bytes(range(32))
KEY = f"DHHC-1:01:{base64.b64encode(SECRET + zlib.crc32(SECRET).to_bytes(4, 'little')).decode()}:"


def refusal(kind: Kind, file: str, text: str) -> str:
    with pytest.raises(ValueError, match=r"\(it takes |cannot have|more than|no valid") as error:
        check_value(kind, file, text)
    return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_leads_back_to_its_file(kind: Kind) -> None:
    for file in specs(kind):
        assert file_for(kind, key_for(kind, file)) == file
        assert file_for(kind, file) == file


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_is_a_value_that_the_attribute_takes_or_means_unset(kind: Kind) -> None:
    for file, one in specs(kind).items():
        if one.default is not None and one.default not in one.unset:
            assert check_value(kind, file, one.default) == one.default


def test_keys_are_file_names_without_the_prefix_of_their_group() -> None:
    pairs = {
        ("subsystem", "attr_serial"): "serial",
        ("port", "addr_traddr"): "traddr",
        ("port", "param_inline_data_size"): "inline_data_size",
        ("namespace", "device_path"): "device",
        ("namespace", "device_uuid"): "uuid",
        ("passthru", "device_path"): "device",
        ("host", "dhchap_key"): "dhchap_key",
        ("namespace", "ana_grpid"): "ana_grpid",
        ("root", "discovery_nqn"): "discovery_nqn",
        ("subsystem", "attr_offload"): "offload",
    }
    assert {pair: key_for(*pair) for pair in pairs} == pairs  # type: ignore[arg-type]


def test_an_unknown_key_is_found_by_what_the_kernel_lists_and_otherwise_not() -> None:
    assert file_for("subsystem", "offload") is None
    assert file_for("subsystem", "offload", ["attr_offload"]) == "attr_offload"
    assert file_for("port", "allow_p2pmem", ["allow_p2pmem"]) == "allow_p2pmem"
    assert file_for("port", "new", ["param_new"]) == "param_new"
    assert file_for("port", "newer", ["param_new"]) is None


def test_writes_come_in_the_order_that_the_kernel_needs() -> None:
    port = [file for file in specs("port") if not file.startswith("param_")]
    assert port == ["addr_trtype", "addr_adrfam", "addr_traddr", "addr_trsvcid", "addr_tsas", "addr_treq"]
    for kind in ("namespace", "passthru", "referral"):
        before = [one.order for file, one in specs(kind).items() if file not in {"enable", "revalidate_size"}]
        assert max(before) < specs(kind)["enable"].order
    assert specs("namespace")["revalidate_size"].order > specs("namespace")["enable"].order


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("discovery_nqn", "root"),
        ("hosts/nqn.h/dhchap_key", "host"),
        ("subsystems/nqn.s/attr_serial", "subsystem"),
        ("subsystems/nqn.s/passthru/enable", "passthru"),
        ("subsystems/nqn.s/namespaces/1/enable", "namespace"),
        ("ports/1/addr_trtype", "port"),
        ("ports/1/ana_groups/1/ana_state", "ana-group"),
        ("ports/1/referrals/r/enable", "referral"),
        ("subsystems", None),
        ("hosts/nqn.h", None),
        ("subsystems/nqn.s/namespaces", None),
        ("subsystems/nqn.s/namespaces/1", None),
        ("subsystems/nqn.s/allowed_hosts/x", None),
        ("ports/1/subsystems/x", None),
        ("ports/1/ana_groups/1", None),
    ],
)
def test_a_path_tells_whose_attribute_it_is(path: str, kind: Kind | None) -> None:
    assert kind_of(f"{ROOT}/{path}") == kind


@pytest.mark.parametrize(
    ("kind", "file", "text", "written"),
    [
        *(("namespace", "enable", word, "1") for word in ("1", "true", "on", "yes", "True", "ON")),
        *(("namespace", "enable", word, "0") for word in ("0", "false", "off", "no")),
        ("namespace", "p2pmem", "auto", "1"),
        ("namespace", "p2pmem", "off", "0"),
        ("namespace", "p2pmem", "3:00.0", "0000:03:00.0"),
        ("namespace", "p2pmem", "10000:0A:1f.7", "10000:0a:1f.7"),
        ("namespace", "device_uuid", "4F1F6F2E-5A7C-4F0E-9A55-6D3F0F8F3D11", "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11"),
        ("namespace", "device_nguid", "EF" * 16, "efefefef-efef-efef-efef-efefefefefef"),
        ("namespace", "ana_grpid", "0x7f", "127"),
        ("subsystem", "attr_serial", "0123", "0123"),
        ("subsystem", "attr_serial", "A  ", "A"),
        ("subsystem", "attr_version", "2.1.0", "2.1"),
        ("subsystem", "attr_version", "1.30", "1.30"),
        ("subsystem", "attr_vendor_id", "7511", "0x1d57"),
        ("subsystem", "attr_ieee_oui", "0xabc", "0x000abc"),
        ("subsystem", "attr_cntlid_min", "0x10", "16"),
        ("port", "param_inline_data_size", "auto", "-1"),
        ("port", "addr_trsvcid", "0x1144", "4420"),
        ("port", "addr_trsvcid", "none", "none"),
        ("port", "addr_treq", "not required", "not required"),
        ("host", "dhchap_key", KEY, KEY),
        ("host", "dhchap_dhgroup", "null", "null"),
        ("subsystem", "attr_offload", "whatever it takes", "whatever it takes"),
    ],
)
def test_what_a_user_says_becomes_what_is_written(kind: Kind, file: str, text: str, written: str) -> None:
    assert check_value(kind, file, text) == written


@pytest.mark.parametrize(
    ("kind", "file", "text", "why"),
    [
        ("namespace", "enable", "2", "neither true nor false"),
        ("namespace", "enable", "maybe", "neither true nor false"),
        ("namespace", "enable", "2d", "neither true nor false"),
        ("namespace", "enable", "", "neither true nor false"),
        ("namespace", "ana_grpid", "0", "1..127"),
        ("namespace", "ana_grpid", "128", "1..127"),
        ("namespace", "ana_grpid", "010", "octal"),
        ("namespace", "ana_grpid", "1_0", "not a number"),
        ("namespace", "ana_grpid", "+1", "not a number"),
        ("namespace", "ana_grpid", "9" * 400, "too large"),
        ("namespace", "device_path", "", "empty"),
        ("namespace", "device_path", "(null)", "no device"),
        ("namespace", "device_path", "nvme0n1", "absolute"),
        ("namespace", "device_path", "/dev/a\nb", "newlines"),
        ("namespace", "device_uuid", "4f1f6f2e5a7c4f0e9a556d3f0f8f3d11", "UUID"),
        ("namespace", "device_nguid", "ef" * 15, "NGUID"),
        ("namespace", "p2pmem", "none", "PCI address"),
        ("namespace", "p2pmem", "01", "PCI address"),
        ("namespace", "p2pmem", "", "PCI address"),
        ("namespace", "revalidate_size", "0", "nothing"),
        ("subsystem", "attr_serial", "", "empty"),
        ("subsystem", "attr_serial", "a" * 21, "21 characters"),
        ("subsystem", "attr_serial", "a\tb", "printable ASCII"),
        ("subsystem", "attr_serial", "é", "printable ASCII"),
        ("subsystem", "attr_model", "m" * 41, "41 characters"),
        ("subsystem", "attr_firmware", "123456789", "9 characters"),
        ("subsystem", "attr_version", "2", "version"),
        ("subsystem", "attr_version", "2.1x", "version"),
        ("subsystem", "attr_ieee_oui", "0x1000000", "16777215"),
        ("subsystem", "attr_vendor_id", "0x10000", "65535"),
        ("subsystem", "attr_cntlid_min", "0", "1..65535"),
        ("subsystem", "attr_cntlid_max", "70000", "1..65535"),
        ("subsystem", "attr_qid_max", "0", "1..128"),
        ("subsystem", "attr_qid_max", "129", "1..128"),
        ("port", "addr_trtype", "RDMA", "small letters"),
        ("port", "addr_trtype", "x", "none of them"),
        ("port", "addr_adrfam", "pcie", "pci"),
        ("port", "addr_traddr", "a b", "white space"),
        ("port", "addr_traddr", "a" * 256, "too long"),
        ("port", "addr_trsvcid", "4" * 32, "too long"),
        ("port", "addr_trsvcid", "04420", "octal"),
        ("port", "addr_trsvcid", "65536", "65535"),
        ("port", "addr_tsas", "datagram", "connected"),
        ("port", "addr_treq", "not-required", "space"),
        ("port", "param_inline_data_size", "-2", "not in"),
        ("port", "param_max_queue_size", "15", "16..1024"),
        ("port", "param_mdts", "-1", "leave it out"),
        ("port", "param_mdts", "256", "0..255"),
        ("ana-group", "ana_state", "Optimized", "small letters"),
        ("referral", "addr_portid", "65536", "65535"),
        ("host", "dhchap_hash", "sha512", "hmac(sha512)"),
        ("host", "dhchap_dhgroup", "ffdhe1024", "none of them"),
        ("root", "discovery_nqn", "", "empty"),
        ("root", "discovery_nqn", "n" * 224, "223"),
        ("subsystem", "attr_offload", "x" * 4095, "one write"),
    ],
)
def test_what_the_kernel_would_refuse_or_twist_is_refused_with_the_reason(
    kind: Kind, file: str, text: str, why: str
) -> None:
    assert why in refusal(kind, file, text)


@pytest.mark.parametrize(
    "key",
    [
        "DHHC-1:1:",
        "DHHC-1:04:" + KEY[10:],
        "DHHC-1:1:" + KEY[10:],
        KEY.replace("AAEC", "AAED"),
        KEY[:-1],
        "DHHC-1:01:AAAA:",
        "DHHC-1:01:AAAAA:",
        "secret",
    ],
)
def test_a_key_that_no_host_could_use_is_refused_and_never_quoted(key: str) -> None:
    message = refusal("host", "dhchap_key", key)
    assert key not in message
    assert key[10:] == "" or key[10:] not in message


@pytest.mark.parametrize(
    ("kind", "file", "wanted", "read", "answer"),
    [
        ("subsystem", "attr_serial", "A", "A" + " " * 19, True),
        ("subsystem", "attr_serial", "A", "B" + " " * 19, False),
        ("subsystem", "attr_version", "2.1.0", "2.1", True),
        ("subsystem", "attr_vendor_id", "16", "0x10", True),
        ("subsystem", "attr_qid_max", "0x10", "16", True),
        ("namespace", "device_uuid", UUID.upper(), UUID, True),
        ("namespace", "device_nguid", "ef" * 16, "efefefef-efef-efef-efef-efefefefefef", True),
        ("namespace", "device_path", "", "(null)", True),
        ("namespace", "device_path", "/dev/x", "(null)", False),
        ("namespace", "device_path", "/dev/x ", "/dev/x", False),
        ("namespace", "p2pmem", "auto", "1", True),
        ("namespace", "p2pmem", "1", "0000:03:00.0", False),
        ("namespace", "enable", "on", "1", True),
        ("port", "addr_tsas", "none", "", True),
        ("port", "addr_tsas", "none", "tls1.3", False),
        ("port", "param_inline_data_size", "-1", "16384", False),
        ("host", "dhchap_key", "", "", True),
        ("host", "dhchap_key", "", KEY, False),
        ("subsystem", "attr_offload", "on", "1", True),
        ("subsystem", "attr_offload", "0x10", "16", True),
        ("subsystem", "attr_offload", "a", "b", False),
    ],
)  # fmt: skip
def test_readings_compare_by_what_they_mean(kind: Kind, file: str, wanted: str, read: str, answer: bool) -> None:
    assert same(kind, file, wanted, read) is answer


def test_the_bytes_of_a_write_respect_the_stores_that_differ() -> None:
    assert encoded("root", "discovery_nqn", "nqn.x") == b"nqn.x"
    assert encoded("host", "dhchap_key", "") == b"\0"
    assert encoded("port", "addr_traddr", "") == b"\n"
    assert encoded("subsystem", "attr_offload", "") == b"\n"
    assert encoded("namespace", "enable", "1") == b"1\n"


def test_readings_of_unset_attributes_are_no_values() -> None:
    assert canonical("namespace", "device_path", "(null)") is None
    assert canonical("host", "dhchap_key", "") is None
    assert canonical("port", "param_mdts", "-1") is None
    assert canonical("port", "param_inline_data_size", "-1") == "-1"
    assert canonical("subsystem", "attr_serial", "A" + " " * 19) == "A"


def test_names_may_be_odd_but_not_what_the_kernel_cuts_or_cannot_keep() -> None:
    assert check_nqn("not an nqn") == "not an nqn"
    assert check_nqn("n" * 223) == "n" * 223
    for bad in ("", ".", "..", "a/b", "a\n", "n" * 224, "é" * 112, "\udcff"):
        with pytest.raises(ValueError, match=r"NQN|directory"):
            check_nqn(bad)
    with pytest.raises(ValueError, match="discovery"):
        check_subsystem_nqn(DISCOVERY_NQN)


EVERY = [(kind, file) for kind in KINDS for file in specs(kind)]


@given(st.sampled_from(EVERY), st.text(max_size=30) | st.from_regex(r"-?(0x)?[0-9a-f:.]{1,12}", fullmatch=True))
def test_checking_is_idempotent_and_what_it_writes_reads_back_as_itself(where: tuple[Kind, str], text: str) -> None:
    kind, file = where
    try:
        written = check_value(kind, file, text)
    except ValueError:
        return
    assert check_value(kind, file, written) == written
    assert same(kind, file, written, written)
    assert encoded(kind, file, written)
    one = spec(kind, file)
    assert one is not None
    assert canonical(kind, file, written) == (None if written in one.unset else written)
    assert check_value(kind, file, str(shown(kind, file, written))) == written
