"""nvmetcli's files: what they mean, with their traps mended, and what they lose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from p2pctl.model.nvmet import AnaGroup, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target.document import DocumentError, load
from p2pctl.target.nvmetcli import to_nvmetcli
from p2pctl.target.schema import Kind
from p2pctl.target.wishes import GroupWish, HostWish, NamespaceWish, Place, ReferralWish, Wishes
from tests.unit.test_document import KEY

SAVED: dict[str, Any] = {
    "discovery": {"nqn": "nqn.discovery"},
    "hosts": [{"nqn": "nqn.h", "dhchap": {"ctrl_key": "", "dhgroup": "null", "hash": "hmac(sha256)", "key": KEY}}],
    "ports": [
        {
            "addr": {
                "adrfam": "ipv4",
                "traddr": "192.0.2.1",
                "treq": "required",
                "trsvcid": "4420",
                "trtype": "tcp",
                "tsas": "none",
            },
            "ana_groups": [{"ana": {"state": "optimized"}, "grpid": 1}],
            "param": {"inline_data_size": "16384", "max_queue_size": "512", "mdts": "-1", "pi_enable": "0"},
            "portid": 1,
            "referrals": [{"addr": {"portid": "7", "traddr": "", "trtype": "tcp"}, "enable": 1, "name": "peer"}],
            "subsystems": ["nqn.s"],
        }
    ],
    "subsystems": [
        {
            "allowed_hosts": ["nqn.h"],
            "attr": {"allow_any_host": "0", "qid_max": "128", "serial": "abc                 ", "version": "2.1"},
            "namespaces": [
                {
                    "ana": {"grpid": "2"},
                    "ana_grpid": 2,
                    "device": {
                        "nguid": "00000000-0000-0000-0000-000000000000",
                        "path": "/dev/nvme0n1",
                        "uuid": "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11",
                    },
                    "enable": 1,
                    "nsid": 1,
                    "resv": {"enable": "0"},
                },
                {"device": {"path": "(null)"}, "enable": 0, "nsid": 2},
            ],
            "nqn": "nqn.s",
            "passthru": [{"admin_timeout": 0, "clear_ids": 0, "device": {"path": "(null)"}, "io_timeout": 5}],
        }
    ],
}


def read(document: Any, *, private: bool = True, listed: dict[Kind, list[str]] | None = None) -> Wishes:
    return load(json.dumps(document, indent=2).encode(), "config.json", private=private, listed=listed)


def test_a_saved_file_is_known_by_itself_and_read_with_its_traps_mended() -> None:
    wishes = read(SAVED)
    assert wishes.attributes == {"discovery_nqn": "nqn.discovery"}
    assert wishes.hosts == {
        "nqn.h": HostWish(attributes={"dhchap_dhgroup": "null", "dhchap_hash": "hmac(sha256)", "dhchap_key": KEY})
    }
    one = wishes.subsystems["nqn.s"]
    assert one.attributes == {
        "attr_allow_any_host": "0",
        "attr_qid_max": "128",
        "attr_serial": "abc",
        "attr_version": "2.1",
    }
    assert one.allowed_hosts == ("nqn.h",)
    assert one.namespaces == {
        1: NamespaceWish(
            attributes={
                "ana_grpid": "2",
                "device_nguid": "00000000-0000-0000-0000-000000000000",
                "device_path": "/dev/nvme0n1",
                "device_uuid": "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11",
                "enable": "1",
                "resv_enable": "0",
            }
        ),
        2: NamespaceWish(attributes={"enable": "0"}),
    }
    assert one.passthru == {"admin_timeout": "0", "clear_ids": "0", "io_timeout": "5"}
    port = wishes.ports[1]
    assert port.attributes == {
        "addr_adrfam": "ipv4",
        "addr_traddr": "192.0.2.1",
        "addr_treq": "required",
        "addr_trsvcid": "4420",
        "addr_trtype": "tcp",
        "addr_tsas": "none",
        "param_max_queue_size": "512",
        "param_pi_enable": "0",
    }
    assert (port.subsystems, port.ana_groups) == (("nqn.s",), {1: GroupWish(state="optimized")})
    assert port.referrals == {
        "peer": ReferralWish(attributes={"addr_portid": "7", "addr_trtype": "tcp", "enable": "1"})
    }


def test_what_the_format_cannot_say_and_what_was_taken_for_the_kernels_choice_is_told() -> None:
    frozen, lost = read(SAVED).notes
    assert frozen == "port 1: inline_data_size 16384 is what tcp takes by itself: left to the kernel"
    assert "no p2pmem and no buffered_io" in lost


def test_what_this_kernel_lacks_is_told_with_its_place() -> None:
    file = b'{"subsystems": [\n  {"nqn": "nqn.s",\n   "attr": {"bogus": "1"}}]}'
    assert load(file, "saved.json", listed={"subsystem": ["attr_serial"]}).notes == (
        "saved.json:3:22: this kernel has no attr_bogus: left out",
    )


def test_p2p_memory_of_any_provider_is_called_auto() -> None:
    space = TargetNamespace(1, {"device_path": "/dev/nvme0n1", "p2pmem": "1", "enable": "0"})
    live = Nvmet(0.0, present=True, loaded=True, subsystems={"nqn.s": Subsystem("nqn.s", {}, {1: space})})
    assert to_nvmetcli(live)[1] == ("p2pmem of namespace 1 of nqn.s is auto, and the format cannot say so",)


def test_its_values_have_their_places() -> None:
    places = read(SAVED).places
    text = json.dumps(SAVED, indent=2).split("\n")
    place = places["subsystems", "nqn.s", "namespaces", 1, "uuid"]
    assert isinstance(place, Place)
    assert text[place.line - 1][place.column - 1 :].startswith('"4f1f6f2e')


def test_an_attribute_that_this_kernel_lacks_is_left_out_and_told() -> None:
    wishes = read(SAVED, listed={"port": ["addr_trtype"]})
    assert wishes.ports[1].attributes == {"addr_trtype": "tcp"}
    assert any("this kernel has no param_max_queue_size" in note for note in wishes.notes)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"ports": [{"addr": {}}]}, "portid is missing here"),
        ({"ports": [{"portid": "0x10000"}]}, "portid: '0x10000' is not in 0..65535"),
        ({"ports": [{"portid": "010"}]}, "portid: '010' looks octal"),
        ({"ports": [1]}, "ports is a list of mappings"),
        ({"ports": [], "hosts": {}}, "hosts is a list in nvmetcli's format"),
        ({"ports": [], "fabrics": []}, "nvmetcli's format has no key 'fabrics' here"),
        ({"ports": [{"portid": 1, "addr": 1}]}, "addr must be a mapping"),
        ({"ports": [{"portid": 1, "address": {}}]}, "nvmetcli's format has no key 'address' here"),
        ({"subsystems": [{"nqn": "a/b"}]}, "'a/b' cannot be a name"),
        ({"subsystems": [{"nqn": ["a"]}]}, "nqn must be a single word"),
        ({"subsystems": [{"nqn": "s", "attr": {"qid_max": "0"}}]}, "qid_max: '0' is not in 1..128"),
        ({"subsystems": [{"nqn": "s", "allowed_hosts": ["h"], "attr": {"allow_any_host": "1"}}]}, "exclude each other"),
        ({"subsystems": [{"nqn": "s", "namespaces": [{"nsid": 0}]}]}, "nsid: '0' is not in"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_reason(document: Any, told: str) -> None:
    with pytest.raises(DocumentError) as error:
        read(document)
    assert told in error.value.message


@pytest.mark.parametrize("twice", ["hosts", "subsystems", "ports"])
def test_an_object_that_stands_there_twice_is_refused(twice: str) -> None:
    document = {**SAVED, twice: SAVED[twice] * 2}
    with pytest.raises(DocumentError, match="already"):
        read(document)


def test_keys_in_a_file_that_others_can_read_are_refused() -> None:
    with pytest.raises(DocumentError, match="chmod 600") as error:
        read(SAVED, private=False)
    assert KEY not in str(error.value)


LIVE = Nvmet(
    0.0,
    present=True,
    loaded=True,
    hosts={"nqn.h": Host("nqn.h", {"dhchap_key": KEY, "dhchap_ctrl_key": "", "dhchap_hash": "hmac(sha256)"})},
    subsystems={
        "nqn.s": Subsystem(
            "nqn.s",
            {"attr_serial": "abc".ljust(20), "attr_allow_any_host": "0"},
            {
                9000: TargetNamespace(
                    9000, {"device_path": "(null)", "enable": "0", "p2pmem": "0000:03:00.0", "buffered_io": "1"}
                )
            },
            {"any name": "nqn.h"},
            {"device_path": "/dev/nvme3", "enable": "1", "io_timeout": "5"},
        )
    },
    ports={
        "0x1": Port(
            "0x1",
            {
                "addr_trtype": "tcp",
                "addr_treq": "required",
                "addr_tsas": "none",
                "param_inline_data_size": "16384",
                "param_max_queue_size": "512",
                "param_mdts": "-1",
            },
            {"any name": "nqn.s"},
            {2: AnaGroup(2, {"ana_state": "optimized"}, "02")},
            {"peer": Referral("peer", {"addr_trtype": "tcp", "addr_portid": "7", "enable": "1"})},
        )
    },
    attributes={"discovery_nqn": "nqn.discovery"},
)


def test_a_target_is_saved_as_nvmetcli_would_without_its_traps() -> None:
    document, _losses = to_nvmetcli(LIVE)
    assert document == {
        "discovery": {"nqn": "nqn.discovery"},
        "hosts": [{"nqn": "nqn.h", "dhchap": {"hash": "hmac(sha256)"}}],
        "ports": [
            {
                "portid": 1,
                "subsystems": ["nqn.s"],
                "ana_groups": [{"grpid": 2, "ana": {"state": "optimized"}}],
                "referrals": [{"name": "peer", "enable": 1, "addr": {"portid": "7", "trtype": "tcp"}}],
                "addr": {"treq": "required", "trtype": "tcp", "tsas": "none"},
                "param": {"max_queue_size": "512"},
            }
        ],
        "subsystems": [
            {
                "nqn": "nqn.s",
                "allowed_hosts": ["nqn.h"],
                "namespaces": [{"nsid": 9000, "enable": 0}],
                "attr": {"allow_any_host": "0", "serial": "abc"},
                "passthru": [{"device": {"path": "/dev/nvme3"}, "io_timeout": 5}],
            }
        ],
    }


def test_whatever_the_format_loses_is_told() -> None:
    assert to_nvmetcli(LIVE)[1] == (
        "discovery_nqn is in the file, and nvmetcli does not restore it",
        "passthru of nqn.s is enabled, and the format cannot say so",
        "p2pmem of namespace 9000 of nqn.s is 0000:03:00.0, and the format cannot say so",
        "buffered_io of namespace 9000 of nqn.s is on, and the format cannot say so",
        "namespace 9000 of nqn.s is in the file, and nvmetcli takes no number above 8192",
        "treq of port 0x1 is in the file, and nvmetcli resets it when it restores tsas none",
        "dhchap_key of host nqn.h is left out: it is a secret",
    )
    assert to_nvmetcli(LIVE, secrets="shown")[0]["hosts"][0]["dhchap"]["key"] == KEY
