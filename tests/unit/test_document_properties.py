"""The document, for all there is: hostile bytes, and every target that a kernel can show."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pctl.model.nvmet import AnaGroup, Attributes, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target.diff import plan
from p2pctl.target.document import DocumentError, load
from p2pctl.target.export import export, export_notes
from p2pctl.target.merge import merge
from p2pctl.target.nvmetcli import to_nvmetcli
from p2pctl.target.schema import Kind, specs
from p2pctl.target.wishes import Wishes
from tests.unit.test_target_schema import KEY

NQNS = st.sampled_from(["nqn.a", "nqn.b", "n: # c", "0x10", "off", "é"])

READINGS: dict[str, st.SearchStrategy[str]] = {
    "boolean": st.sampled_from("01"),
    "dhchap_key": st.sampled_from(["", KEY]),
    "dhchap_ctrl_key": st.sampled_from(["", KEY]),
    "dhchap_hash": st.sampled_from(["hmac(sha256)", "hmac(sha512)"]),
    "dhchap_dhgroup": st.sampled_from(["null", "ffdhe2048"]),
    "attr_version": st.sampled_from(["1.3", "1.30", "2.1", "1.2.1"]),
    "attr_serial": st.text("0aA #:'\"{}-~", min_size=1, max_size=20).map(lambda text: ("x" + text[:19]).ljust(20)),
    "attr_model": st.text("0aA #:'\"{}-~", max_size=39).map(lambda text: text + "x"),
    "attr_firmware": st.text("01.e", min_size=1, max_size=8),
    "attr_ieee_oui": st.integers(0, 0xFFFFFF).map("0x{:06x}".format),
    "attr_vendor_id": st.integers(0, 0xFFFF).map("{:#x}".format),
    "attr_subsys_vendor_id": st.integers(0, 0xFFFF).map("{:#x}".format),
    "attr_cntlid_min": st.integers(1, 100).map(str),
    "attr_cntlid_max": st.integers(100, 65519).map(str),
    "attr_qid_max": st.integers(1, 128).map(str),
    "device_nguid": st.just("00000000-0000-0000-0000-000000000000"),
    "p2pmem": st.sampled_from(["0", "1", "0000:03:00.0", "10000:0a:1f.7"]),
    "ana_grpid": st.integers(1, 127).map(str),
    "addr_trtype": st.sampled_from(["", "rdma", "tcp", "loop"]),
    "addr_adrfam": st.sampled_from(["", "ipv4", "ipv6"]),
    "addr_traddr": st.sampled_from(["", "null", "10:20", "1e3", "#"]),
    "addr_trsvcid": st.sampled_from(["", "4420", "none", "1"]),
    "addr_treq": st.sampled_from(["not specified", "required", "not required"]),
    "param_inline_data_size": st.sampled_from(["-1", "0", "4096", "16384", "8192"]),
    "param_max_queue_size": st.sampled_from(["-1", "16", "128", "1024"]),
    "param_mdts": st.sampled_from(["-1", "0", "5"]),
    "ana_state": st.sampled_from(["optimized", "change"]),
    "addr_portid": st.integers(0, 65535).map(str),
}


def reading(kind: Kind, file: str) -> st.SearchStrategy[str]:
    if specs(kind)[file].value == "boolean":
        return READINGS["boolean"]
    return READINGS.get(file, st.integers(0, 0xFFFFFFFF).map(str))


@st.composite
def attributes(draw: st.DrawFn, /, kind: Kind, **given: str) -> Attributes:
    left_out = {"revalidate_size", "addr_tsas", *given}
    files = [file for file in specs(kind) if file not in left_out]
    return {**{file: draw(reading(kind, file)) for file in files}, **given}


@st.composite
def targets(draw: st.DrawFn) -> Nvmet:
    """What configfs could show, but for what a document refuses to repeat: devices exported twice."""
    nqns = sorted(draw(st.sets(NQNS, max_size=3)))
    hosts = sorted(draw(st.sets(NQNS, max_size=2)))
    subsystems = {}
    for at, nqn in enumerate(nqns):
        allowed = draw(st.lists(st.sampled_from(hosts), unique=True)) if hosts else []
        namespaces = {
            nsid: TargetNamespace(
                nsid,
                draw(
                    attributes(
                        "namespace",
                        device_path=draw(st.sampled_from(["(null)", f"/dev/{at}: {nsid}"])),
                        device_uuid=f"4f1f6f2e-5a7c-4f0e-9a55-{at:04x}{nsid:08x}",
                    )
                ),
                draw(st.sampled_from(["", f"{nsid:#x}"])),
            )
            for nsid in draw(st.sets(st.integers(1, 0xFFFFFFFE), max_size=2))
        }
        values = dict(draw(attributes("subsystem")))
        if allowed:
            values["attr_allow_any_host"] = "0"
        passthru = draw(attributes("passthru", device_path="(null)", enable="0"))
        links = {f"link{index}": host for index, host in enumerate(allowed)}
        subsystems[nqn] = Subsystem(nqn, values, namespaces, links, passthru)
    ports = {}
    for number in draw(st.sets(st.integers(0, 65535), max_size=2)):
        name = draw(st.sampled_from([str(number), f"{number:#x}"]))
        groups = {
            group: AnaGroup(group, draw(attributes("ana-group")))
            for group in {1, *draw(st.sets(st.integers(2, 127), max_size=1))}
        }
        referrals = {one: Referral(one, draw(attributes("referral"))) for one in draw(st.sets(NQNS, max_size=1))}
        # One that is live has an address that its transport took.
        live = bool(nqns) and draw(st.booleans())
        address = {
            "addr_trtype": "tcp",
            "addr_adrfam": "ipv4",
            "addr_traddr": "192.0.2.1",
            "addr_trsvcid": f"{number + 1}",
            "param_pi_enable": "0",
        }
        values = dict(draw(attributes("port", **(address if live and number < 65535 else {}))))
        links = {"link": draw(st.sampled_from(nqns))} if live and number < 65535 else {}
        ports[name] = Port(name, values, links, groups, referrals)
    return Nvmet(
        0.0,
        present=True,
        loaded=True,
        subsystems=subsystems,
        ports=ports,
        hosts={nqn: Host(nqn, draw(attributes("host"))) for nqn in hosts},
        attributes={"discovery_nqn": "nqn.2014-08.org.nvmexpress.discovery"},
    )  # fmt: skip


def written(document: dict[str, Any], *, as_json: bool) -> bytes:
    text = json.dumps(document) if as_json else yaml.safe_dump(document, sort_keys=False)
    return text.encode()


def read(data: bytes, nvmet: Nvmet | None = None) -> Wishes:
    return load(data, "x", private=True, listed=None if nvmet is None else listed(nvmet))


def listed(nvmet: Nvmet) -> dict[Kind, frozenset[str]]:
    """All that a kernel like this one has, where it has an object to show it."""
    kinds: tuple[tuple[Kind, object], ...] = (
        ("host", nvmet.hosts),
        ("subsystem", nvmet.subsystems),
        ("port", nvmet.ports),
    )
    return {kind: frozenset(specs(kind)) - {"addr_tsas"} for kind, objects in kinds if objects}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(targets(), st.booleans(), st.sampled_from(["redacted", "shown"]))
def test_a_document_of_the_target_asks_for_no_change_of_it(nvmet: Nvmet, as_json: bool, secrets: Any) -> None:
    wishes = read(written(export(nvmet, secrets=secrets), as_json=as_json), nvmet)
    assert plan(nvmet, merge(nvmet, wishes, prune="all").wanted).steps == ()
    assert export_notes(nvmet) == ()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(targets())
def test_what_nvmetcli_would_read_asks_for_no_change_either(nvmet: Nvmet) -> None:
    document, _losses = to_nvmetcli(nvmet, secrets="shown")
    wishes = read(json.dumps(document).encode(), nvmet)
    assert set(wishes.subsystems) == set(nvmet.subsystems)
    assert plan(nvmet, merge(nvmet, wishes, prune="all").wanted).steps == ()


@given(targets())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
def test_a_redacted_document_shows_no_secret(nvmet: Nvmet) -> None:
    text = json.dumps(export(nvmet)) + json.dumps(to_nvmetcli(nvmet))
    assert KEY not in text
    assert KEY in json.dumps(export(nvmet, secrets="shown")) or all(
        KEY not in host.attributes.values() for host in nvmet.hosts.values()
    )


PIECES = st.sampled_from(
    [
        *(
            "version: 1\n",
            "hosts:\n",
            "subsystems:\n",
            "ports:\n",
            "  nqn.a:\n",
            "    serial: x\n",
            "    namespaces:\n",
        ),
        *("      1: {device: /a}\n", "  1:\n", "    trtype: tcp\n", "  - a\n", "state: absent\n", "---\n", "...\n"),
        *(
            "{",
            "}",
            "[",
            "]",
            ": ",
            ", ",
            "&a ",
            "*a",
            "~",
            "null",
            "!!str ",
            "\t",
            "|\n",
            "'",
            '"',
            "<<: ",
            "? ",
            "# ",
        ),
        *('{"hosts": [', '"nqn": "a"', '"attr": {', "]}", '"portid": 1', '"ports": [{', "\\", "\r", "\x85", "\ufeff"),
        *("{redacted: true}", "{file: /x}", "dhchap_key", "%YAML 1.1\n", "\0", "\u00e9", "\ud83d\ude00", "0x1", "010"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(PIECES, max_size=25).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["version", "hosts", "subsystems", "ports", "1", "nqn.a", "state", "namespaces", "passthru"]
                )
                | st.text(max_size=3),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_the_bytes_reading_ends_in_wishes_or_in_one_kind_of_error(data: bytes) -> None:
    told: tuple[str, ...] = ("",)
    try:
        assert load(data, "x", private=True, read_secret=lambda path: path).file == "x"
    except DocumentError as error:
        told = error.lines
    assert told
    assert all("\n" not in line for line in told)
