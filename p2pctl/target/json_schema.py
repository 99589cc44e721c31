"""The JSON Schema of the document, made from the table of attributes: editors complete and check with it.

It is narrower than reading in one point: an attribute that p2pctl does not know is legal under its file's own name,
with the prefix, since no schema can ask a kernel. It is wider in what a schema cannot tell: what hangs on another key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from p2pctl.target import grammar
from p2pctl.target.attributes import PREFIXES
from p2pctl.target.document.load import GROUP_MAX, NAMESPACES_MAX
from p2pctl.target.grammar import AsciiText, Number, OneOf, Word
from p2pctl.target.nqn import NQN_MAX, check_nqn
from p2pctl.target.schema import Kind, Spec, shown, specs
from p2pctl.target.wishes import Expectation

Schema = dict[str, Any]

_NUMERAL = r"^(0|-?[1-9][0-9]*|0[xX][0-9a-fA-F]+)$"
_WORDS = ["string", "number", "boolean"]
"""What YAML may make of a word that was not quoted."""

_BOOLEAN: Schema = {"enum": [True, False, 0, 1, *grammar.BOOLEAN.split("|")]}
_NQN: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": NQN_MAX,
    "pattern": "^[^/\\u0000-\\u001f\\u007f]+$",
    "not": {"enum": [".", ".."]},
}
_DECIMAL = "(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+)"

_BY_PARSER: Mapping[grammar.Parse, Schema] = {
    grammar.boolean: _BOOLEAN,
    grammar.mdts: {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 255}, {"type": "string", "pattern": _NUMERAL}]
    },
    grammar.service: {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 65535},
            {"type": "string", "maxLength": 31, "pattern": r"^\S*$", "not": {"pattern": "^0[0-9]+$"}},
        ]
    },
    grammar.version: {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"}]},
    grammar.uuid: {"type": "string", "pattern": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    grammar.nguid: {"type": ["string", "integer"], "pattern": r"^([0-9a-fA-F]{2}[-:]?){15}[0-9a-fA-F]{2}$"},
    grammar.p2pmem: {
        "anyOf": [
            {"enum": ["auto", *_BOOLEAN["enum"]]},
            {"type": "string", "pattern": r"^([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\.[0-7]$"},
        ]
    },
    grammar.device: {"type": "string", "pattern": "^/"},
    grammar.key: {"type": "string", "pattern": "^(DHHC-1:0[0-3]:[A-Za-z0-9+/]+={0,2}:)?$"},
    check_nqn: _NQN,
}


def schema() -> Schema:
    """The whole schema (draft 2020-12)."""
    keyed = {
        "$schema": {"type": "string", "description": "for the editor"},
        "version": {"const": 1, "description": "of the document's format"},
        "hosts": _map(_NQN, _object("host", {})),
        "subsystems": _map(_NQN, _object("subsystem", _subsystem_parts())),
        "ports": _map(_numbers(), _object("port", _port_parts())),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:p2pctl:document:1",
        "title": "p2pctl document: an NVMe target as it is to be",
        **_object("root", keyed, state=False),
        "type": "object",
        "required": ["version"],
    }


def schema_text() -> str:
    """The schema as the file that is shipped, ``document.schema.json``."""
    return json.dumps(schema(), indent=2) + "\n"


def _subsystem_parts() -> Schema:
    providers = _list({"type": "string", "minLength": 1}, "providers of P2P memory, for p2pctl place")
    namespace = _object("namespace", {"prefer": providers, "avoid": providers})
    return {
        "allowed_hosts": _list(_NQN, "all hosts that may connect"),
        "namespaces": {**_map(_numbers(), namespace), "maxProperties": 2 * NAMESPACES_MAX},
        "passthru": _object("passthru", {}, state=False),
    }


def _port_parts() -> Schema:
    state = next(iter(specs("ana-group").values()))
    group = {"enum": [*_words(state), "absent"], "description": state.grammar}
    # YAML makes true and false of on and off.
    expectations = [*get_args(Expectation), False]
    return {
        "subsystems": _list(_NQN, "all subsystems that it exports"),
        "ana_groups": {**_map(_numbers(), group), "maxProperties": GROUP_MAX},
        "referrals": _map({"minLength": 1, "maxLength": 255}, _object("referral", {})),
        "p2p": {"enum": expectations, "description": "what is expected of P2P memory behind this port"},
    }


def _numbers() -> Schema:
    return {"pattern": f"^{_DECIMAL}$"}


def _map(names: Schema, values: Schema) -> Schema:
    return {"type": "object", "propertyNames": names, "additionalProperties": values}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "uniqueItems": True, "description": description}


def _object(kind: Kind, parts: Schema, *, state: bool = True) -> Schema:
    found: Schema = {"type": ["object", "null"], "properties": {}, "additionalProperties": False}
    found["properties"] = {one.key: _attribute(one) for one in specs(kind).values() if not one.write_only} | parts
    if PREFIXES[kind]:
        pattern = f"^({'|'.join(PREFIXES[kind])})[a-z0-9_]+$"
        found["patternProperties"] = {pattern: {"type": _WORDS, "description": "an attribute by its file's name"}}
    if state:
        found["properties"]["state"] = {"enum": ["present", "absent"], "description": "absent deletes it"}
        found["if"] = {"required": ["state"], "properties": {"state": {"const": "absent"}}}
        found["then"] = {"maxProperties": 1}
    return found


def _attribute(one: Spec) -> Schema:
    found = _secret(one) if one.secret else dict(_value(one))
    found["description"] = one.grammar
    if one.default:
        found["default"] = shown(one.kind, one.file, one.default)
    return found


def _words(one: Spec) -> list[Any]:
    if not isinstance(one.parse, OneOf):
        return []
    # YAML takes the word null for no value at all.
    return [*one.parse.words, *((None,) if "null" in one.parse.words else ())]


def _value(one: Spec) -> Schema:
    match one.parse:
        case Number() as number:
            words = [] if number.auto is None else [{"enum": ["auto", number.auto, str(number.auto)]}]
            inside = {"type": "integer", "minimum": number.low, "maximum": number.high}
            return {"anyOf": [inside, {"type": "string", "pattern": _NUMERAL}, *words]}
        case OneOf():
            return {"enum": _words(one)}
        case AsciiText(longest=longest):
            return {"type": _WORDS, "pattern": f"^[ -~]{{0,{longest - 1}}}[!-~] *$"}
        case Word(longest=longest):
            return {"type": "string", "maxLength": longest, "pattern": r"^\S*$"}
    return _BY_PARSER[one.parse]


def _secret(one: Spec) -> Schema:
    def only(key: str, value: Schema) -> Schema:
        return {"type": "object", "required": [key], "properties": {key: value}, "additionalProperties": False}

    path = {"type": "string", "minLength": 1, "description": "the file that holds the key"}
    kept = {"const": True, "description": "the key that is there stays"}
    return {"anyOf": [only("file", path), only("redacted", kept), _value(one)]}
