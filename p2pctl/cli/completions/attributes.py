"""What KEY=VALUE can be: the keys of each kind of object, and the values of those that have a list."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.target import grammar
from p2pctl.target.schema import Kind, Spec, specs

KINDS: tuple[Kind, ...] = ("root", "host", "subsystem", "passthru", "namespace", "port", "referral")
"""Those that a command sets."""

FILE, PROVIDER = "@file", "@p2pmem"
"""Values that stand for what a shell finds: files, and the providers of P2P memory."""

_BY_PARSER: Mapping[grammar.Parse, tuple[str, ...]] = {
    grammar.boolean: ("0", "1"),
    grammar.device: (FILE,),
    grammar.p2pmem: (PROVIDER,),
}


def attributes(kind: Kind) -> Mapping[str, tuple[str, ...]]:
    """By key, in the order of writing; no values where nobody but the user can know one."""
    return {one.key: _values(one) for one in specs(kind).values() if not one.write_only}


def _values(one: Spec) -> tuple[str, ...]:
    if isinstance(one.parse, grammar.OneOf):
        return one.parse.words
    if isinstance(one.parse, grammar.Number) and one.parse.auto is not None:
        return ("auto",)
    return _BY_PARSER.get(one.parse, ())
