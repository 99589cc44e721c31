"""Wishes laid over what is there: attributes, links, the directory that a port's number means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from p2pctl.errors import UnsupportedError
from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Attributes, Nvmet
from p2pctl.target.schema import Kind, same
from p2pctl.target.wishes import Values

_DECIDES: Mapping[tuple[Kind, str], tuple[str, ...]] = {
    ("port", "addr_trtype"): ("addr_tsas",),
    ("port", "addr_tsas"): ("addr_treq",),
    ("passthru", "enable"): ("attr_version",),
}
"""Attributes that the kernel sets anew when another is written (drivers/nvme/target/configfs.c, passthru.c)."""


def laid_over(kind: Kind, name: str, live: Attributes, wished: Values, *, new: bool) -> Attributes:
    """Attributes with wishes laid over them. Raises UnsupportedError for one that the object does not have."""
    if not new:
        unknown = sorted(wished.keys() - live.keys())
        if unknown:
            raise UnsupportedError(
                f"{name} has no attribute {unknown[0]} on this kernel",
                hint=f"it has {', '.join(sorted(live)) or 'none'}",
            )
    left = dict(live)
    for (of, file), dependents in _DECIDES.items():
        if of == kind and changes(kind, file, live, wished):
            for dependent in dependents:
                left.pop(dependent, None)
    # Twice: what the transport decides, decides in turn.
    if "addr_tsas" in live and "addr_tsas" not in left and "addr_tsas" not in wished:
        left.pop("addr_treq", None)
    return {**left, **wished}


def changes(kind: Kind, file: str, live: Attributes, wished: Values) -> bool:
    """Whether a wish asks for another value than the object has."""
    if file not in wished:
        return False
    value = live.get(file)
    return value is None or isinstance(value, Missing) or not same(kind, file, wished[file], value)


def links_of(
    live: Mapping[str, str], wanted: tuple[str, ...] | None, added: Iterable[str], removed: Iterable[str]
) -> Mapping[str, str]:
    """Links by name. Those that stay keep theirs; a new one is called like what it leads to."""
    targets = set(live.values()) if wanted is None else set(wanted)
    targets = (targets | set(added)) - set(removed)
    links = {name: target for name, target in live.items() if target in targets}
    for target in sorted(targets - set(links.values())):
        name = target
        while name in links or name in live:
            name += "_"
        links[name] = target
    return links


def port_name(live: Nvmet, number: int) -> str:
    """The directory of a port that is wished for by number: the one that is there, or the number as it is written."""
    plain = str(number)
    if plain in live.ports:
        return plain
    return next((port.name for port in live.ports.values() if port.number == number), plain)
