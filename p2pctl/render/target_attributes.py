"""Attributes of the target's objects as items have them, and why there may be no objects at all."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import SECRET_ATTRIBUTES, Attributes, Nvmet
from p2pctl.render.cells import words
from p2pctl.render.page import Field
from p2pctl.render.report import Value
from p2pctl.render.text import Tone
from p2pctl.target.schema import Kind, canonical, key_for, shown, spec, specs

ENABLED_TONES: Mapping[str, Tone] = {"no": "dim"}

CONFIGFS = "/sys/kernel/config"

SET, UNSET = "set", "unset"
"""All that is ever shown of a key."""

_KEYS = {"enable": "enabled"}
"""Item keys that are not the attribute's name."""


def attribute_item(kind: Kind, attributes: Attributes) -> dict[str, Value]:
    """A key for every attribute that is known of a kind, and ``attributes`` with all others by the kernel's names.

    Numbers and booleans are such; what this kernel does not have, and what is not set, is ABSENT.
    """
    known = [file for file, one in specs(kind).items() if not one.write_only]
    item = {_KEYS.get(key := key_for(kind, file), key): attribute_value(kind, file, attributes) for file in known}
    item["attributes"] = {
        file: text for file, text in sorted(attributes.items()) if file not in known and not _write_only(kind, file)
    }
    return item


def attribute_value(kind: Kind, file: str, attributes: Attributes) -> Value:
    """One attribute as an item has it."""
    text: Fact[str] = attributes.get(file, ABSENT)
    if isinstance(text, Missing):
        return text
    if file in SECRET_ATTRIBUTES:
        return SET if text.strip("\0\n") else UNSET
    written = canonical(kind, file, text)
    return ABSENT if written is None else shown(kind, file, written)


def _write_only(kind: Kind, file: str) -> bool:
    found = spec(kind, file)
    return found is not None and found.write_only


def attribute_fields(kind: Kind, attributes: Attributes, *, without: frozenset[str] = frozenset()) -> tuple[Field, ...]:
    """A line for every attribute that this kernel lists, known ones first; ``without`` are the kernel's names."""
    item = attribute_item(kind, attributes)
    fields = [
        Field(_KEYS.get(key := key_for(kind, file), key), _for_people(file, item[_KEYS.get(key, key)]))
        for file in specs(kind)
        if file in attributes and file not in without and not _write_only(kind, file)
    ]
    others = item["attributes"]
    if isinstance(others, Mapping):
        fields += [Field(file, text) for file, text in others.items() if file not in without]
    return tuple(fields)


def _for_people(file: str, value: Value) -> Value:
    return "auto" if file.startswith("param_") and value == -1 else value


def show_auto(value: Value) -> str:
    """A parameter that is the kernel's to choose."""
    return "auto" if value == -1 else words(value)


def no_target(nvmet: Nvmet | None) -> str | None:
    """Why there can be no objects; None where there can."""
    present = nvmet.present if nvmet else Missing.NOT_READ
    if present is True:
        return None
    if present is False and nvmet is not None and nvmet.loaded is True:
        return f"There is no NVMe target: configfs is not mounted (mount -t configfs none {CONFIGFS})."
    if present is False and nvmet is not None and nvmet.built is False:
        return "There is no NVMe target: this kernel was built without it (CONFIG_NVME_TARGET)."
    if present is False:
        return "There is no NVMe target: its module is not loaded (modprobe nvmet)."
    return "The configuration of the NVMe target could not be read."


def where(address: Value, service: Value) -> Value:
    """``192.0.2.10:4420``, ``[2001:db8::1]:4420``; what is known of it, and nothing for a port without an address."""
    if not isinstance(address, str) or not isinstance(service, str) or not address or not service:
        return address or ABSENT
    return f"[{address}]:{service}" if ":" in address else f"{address}:{service}"
