"""The JSON Schema: it is fresh, and it judges as reading does wherever a schema can tell."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from p2pctl.target.document import DocumentError, load
from p2pctl.target.json_schema import schema, schema_text
from p2pctl.target.schema import KINDS, specs
from tests.unit.test_document import EXAMPLE


def texts(value: Any) -> Any:
    """Keys are texts in JSON. (Values that YAML 1.1 takes for numbers in base 60 are quoted here: editors use 1.2.)"""
    if isinstance(value, dict):
        return {str(key): texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner) for inner in value]
    return value


def is_accepted_by_schema(text: str) -> bool:
    return bool(Draft202012Validator(schema()).is_valid(texts(yaml.safe_load(text))))


def is_accepted_by_reading(text: str) -> bool:
    try:
        load(text.encode(), "x", private=True)
    except DocumentError:
        return False
    return True


def test_the_shipped_schema_is_what_the_table_says() -> None:
    """Write it anew with ``p2pctl validate --schema``."""
    assert files("p2pctl.target").joinpath("document.schema.json").read_text() == schema_text()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_it_knows_every_attribute_and_says_what_it_takes() -> None:
    text = json.dumps(schema())
    for kind in KINDS:
        for one in specs(kind).values():
            assert one.write_only or json.dumps(one.grammar) in text


ACCEPTED = [
    EXAMPLE.replace("serial: 0123", 'serial: "0123"').replace("0000:03:00.0", '"0000:03:00.0"'),
    "version: 1",
    "{version: 1, $schema: document.schema.json}",
    "{version: 1, hosts: {h: {dhchap_dhgroup: null, dhchap_key: {redacted: true}}}}",
    "{version: 1, subsystems: {s: {state: absent}}}",
    "{version: 1, subsystems: {s: {vendor_id: 0x1d57, ieee_oui: '0x00ab00', version: 2.1, qid_max: 128}}}",
    "{version: 1, subsystems: {s: {attr_offload: 1}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {p2pmem: auto}, 2: {p2pmem: '0000:03:00.0'}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: , 0x2: {enable: on, prefer: [nvme0]}}}}}",
    "{version: 1, ports: {1: {p2p: off, inline_data_size: -1, max_queue_size: auto, mdts: 0}}}",
    "{version: 1, ports: {1: {traddr: '', ana_groups: {1: change, 2: absent}}}}",
]

REFUSED = [
    "{}",
    "[]",
    "{version: 2}",
    "{version: 1, host: {}}",
    "{version: 1, hosts: []}",
    "{version: 1, hosts: {h: {dhchap_key: secret}}}",
    "{version: 1, hosts: {h: {dhchap_key: {path: /x}}}}",
    "{version: 1, hosts: {h: {dhchap_hash: sha256}}}",
    "{version: 1, hosts: {h: {state: absent, dhchap_hash: hmac(sha256)}}}",
    "{version: 1, hosts: {h: {state: gone}}}",
    "{version: 1, hosts: {'a/b': {}}}",
    f"{{version: 1, hosts: {{{'h' * 224}: {{}}}}}}",
    "{version: 1, subsystems: {s: {serail: a}}}",
    "{version: 1, subsystems: {s: {serial: ''}}}",
    "{version: 1, subsystems: {s: {serial: aaaaaaaaaaaaaaaaaaaaa}}}",
    "{version: 1, subsystems: {s: {qid_max: 129}}}",
    "{version: 1, subsystems: {s: {qid_max: [1]}}}",
    "{version: 1, subsystems: {s: {allow_any_host: 2}}}",
    "{version: 1, subsystems: {s: {allowed_hosts: h}}}",
    "{version: 1, subsystems: {s: {allowed_hosts: [h, h]}}}",
    "{version: 1, subsystems: {s: {namespaces: {x: {}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: []}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {uuid: x}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {device: sda}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {ana_grpid: 128}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {ana_grpid: '010'}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {p2pmem: none}}}}}",
    "{version: 1, subsystems: {s: {namespaces: {1: {revalidate_size: 1}}}}}",
    "{version: 1, ports: {1: {trtype: pcie}}}",
    "{version: 1, ports: {1: {adrfam: pcie}}}",
    "{version: 1, ports: {1: {traddr: a b}}}",
    "{version: 1, ports: {1: {trsvcid: '04420'}}}",
    "{version: 1, ports: {1: {mdts: -1}}}",
    "{version: 1, ports: {1: {max_queue_size: 8}}}",
    "{version: 1, ports: {1: {p2p: maybe}}}",
    "{version: 1, ports: {1: {ana_groups: {2: best}}}}",
    "{version: 1, ports: {1: {referrals: {r: {tsas: none}}}}}",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_accepted_is_accepted_by_both(text: str) -> None:
    assert is_accepted_by_reading(text)
    assert is_accepted_by_schema(text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_refused_by_both(text: str) -> None:
    assert not is_accepted_by_reading(text)
    assert not is_accepted_by_schema(text)
