"""The target as a document: complete where it can be, and plain about what it leaves out."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from p2pctl.model.facts import NOT_READ, UNREADABLE
from p2pctl.model.nvmet import AnaGroup, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target.document import load
from p2pctl.target.export import export, export_notes
from p2pctl.target.json_schema import schema
from p2pctl.target.merge import merge
from tests.unit.test_document import KEY

LIVE = Nvmet(
    0.0,
    present=True,
    loaded=True,
    hosts={
        "nqn.b": Host("nqn.b", {"dhchap_key": KEY, "dhchap_ctrl_key": "", "dhchap_dhgroup": "null"}),
        "nqn.a": Host("nqn.a", {"dhchap_key": NOT_READ}),
        "n" * 224: Host("n" * 224),
    },
    subsystems={
        "nqn.s": Subsystem(
            "nqn.s",
            {"attr_serial": "abc".ljust(20), "attr_allow_any_host": "0", "attr_z": "x", "attr_vendor_id": UNREADABLE},
            {
                2: TargetNamespace(2, {"enable": "0", "device_path": "x", "p2pmem": "1", "revalidate_size": NOT_READ}),
                1: TargetNamespace(1, {"enable": "1", "device_path": "/dev/a", "p2pmem": "0000:03:00.0"}, "0x1"),
            },
            {"any name": "nqn.b", "another": "nqn.a"},
        ),
        "nqn.raw": Subsystem("nqn.raw", {"attr_version": "1.4"}, passthru={"device_path": "/dev/nvme3", "enable": "1"}),
    },
    ports={
        "1": Port(
            "1",
            {
                "addr_trtype": "tcp",
                "addr_trsvcid": "4420",
                "param_inline_data_size": "16384",
                "param_max_queue_size": "-1",
                "param_mdts": "3",
                "param_pi_enable": "0",
            },
            {"x": "nqn.s"},
            {2: AnaGroup(2, {"ana_state": "change"}), 1: AnaGroup(1, {"ana_state": "optimized"})},
            {"r": Referral("r", {"addr_traddr": "192.0.2.1", "enable": "1"})},
        ),
        "01": Port("01", {}),
    },
    attributes={"discovery_nqn": "nqn.d"},
)  # fmt: skip

DOCUMENT = {
    "version": 1,
    "discovery_nqn": "nqn.d",
    "hosts": {
        "nqn.a": {"dhchap_key": {"redacted": True}},
        "nqn.b": {"dhchap_dhgroup": "null", "dhchap_key": {"redacted": True}},
    },
    "subsystems": {
        "nqn.raw": {"allowed_hosts": [], "passthru": {"device": "/dev/nvme3", "enable": True}},
        "nqn.s": {
            "serial": "abc",
            "allow_any_host": False,
            "attr_z": "x",
            "allowed_hosts": ["nqn.a", "nqn.b"],
            "namespaces": {
                1: {"device": "/dev/a", "p2pmem": "0000:03:00.0", "enable": True},
                2: {"p2pmem": "auto", "enable": False},
            },
        },
    },
    "ports": {
        1: {
            "trtype": "tcp",
            "trsvcid": "4420",
            "max_queue_size": "auto",
            "mdts": 3,
            "pi_enable": False,
            "ana_groups": {1: "optimized", 2: "change"},
            "subsystems": ["nqn.s"],
            "referrals": {"r": {"traddr": "192.0.2.1", "enable": True}},
        }
    },
}


def test_a_target_is_a_sorted_document_without_what_the_kernel_chose() -> None:
    assert json.dumps(export(LIVE)) == json.dumps(DOCUMENT)


def test_an_attribute_that_nobody_knows_is_read_back_where_no_kernel_can_be_asked() -> None:
    """An empty target has no object that lists its attributes: the file's whole name is taken all the same."""
    attributes = {"attr_serial": "abc".ljust(20), "attr_offload": "3"}
    one = Subsystem("nqn.s", attributes)
    document = export(Nvmet(0.0, present=True, loaded=True, subsystems={"nqn.s": one}))
    assert document["subsystems"]["nqn.s"]["attr_offload"] == "3"
    wishes = load(json.dumps(document).encode(), "x", listed={"root": frozenset({"discovery_nqn"})})
    assert wishes.notes == ("x:1:58: attr_offload is unknown, and no kernel was asked",)
    wanted = merge(Nvmet(0.0, present=True, loaded=True), wishes).wanted
    assert wanted.subsystems["nqn.s"].attributes == {"attr_serial": "abc", "attr_offload": "3"}
    assert Draft202012Validator(schema()).is_valid(document)


def test_keys_are_shown_to_whoever_asks_for_them_and_only_then() -> None:
    assert export(LIVE, secrets="shown")["hosts"]["nqn.b"]["dhchap_key"] == KEY
    assert KEY not in str(export(LIVE))


def test_whatever_a_document_cannot_hold_is_told() -> None:
    assert export_notes(LIVE) == (
        f"{'n' * 224!r} is left out: 224 bytes are too long for an NQN: the kernel keeps 223 and says nothing",
        "vendor_id of subsystem nqn.s is left out: it could not be read",
        "namespace 2 of nqn.s is left without its device: 'x' is not an absolute path (it takes an absolute path)",
        "port '01' is left out: another one has its number, or it is none",
    )


def test_a_target_that_is_not_there_is_an_empty_document() -> None:
    assert export(Nvmet(0.0, present=False, loaded=False)) == {"version": 1}
