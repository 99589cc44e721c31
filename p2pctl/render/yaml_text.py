"""YAML that every reader takes: by libyaml where PyYAML has it, which is five times as fast, and else the same text.

YAML has no escape for a byte that is no UTF-8, as a file name may hold: a text with one is what YAML has for bytes, a
``!!binary``.
"""

from __future__ import annotations

import base64
import functools
from typing import Any


def yaml_text(value: object) -> str:
    """What is made of dict, list, str, int, float, bool and None, keys in their order, no value on two lines."""
    import yaml  # noqa: PLC0415  20 ms that no other format needs

    dumper = _dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    text: str = yaml.dump(value, Dumper=dumper, sort_keys=False, width=1 << 30, allow_unicode=False)
    return text


@functools.cache
def _dumper(base: Any) -> Any:
    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  an anchor helps nobody who reads facts
            return True

        def represent_str(self, data: str) -> Any:
            try:
                data.encode()
            except UnicodeEncodeError:
                text = base64.b64encode(_bytes(data)).decode()
                return self.represent_scalar("tag:yaml.org,2002:binary", text, style='"')
            return super().represent_str(data)

    Dumper.add_representer(str, Dumper.represent_str)
    return Dumper


def _bytes(text: str) -> bytes:
    """The bytes that a text was decoded from; what nothing decodes to, from the JSON of a recording, as it stands."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
