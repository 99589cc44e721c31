"""Follows a target that changes: where its changes are seen, and what has to be read again for one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from p2pctl.hardware.nvmet import TargetReader
from p2pctl.hardware.reading import Reader, natural
from p2pctl.kernel import Files
from p2pctl.model.nvmet import ROOT, Nvmet, TargetNamespace, kernel_number

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

K = TypeVar("K")
T = TypeVar("T")

MOST = 100
"""Objects that are read one by one; of more, all is read."""

_INNER: Mapping[str, tuple[str, ...]] = {
    "subsystems": ("namespaces",),
    "ports": ("ana_groups", "referrals"),
    "hosts": (),
}
_PLAIN: Mapping[str, tuple[str, ...]] = {
    "subsystems": ("allowed_hosts", "passthru"),
    "ports": ("subsystems",),
    "hosts": (),
}


def directories(files: Files) -> Iterator[str]:
    """The directories that the target is made of now, and the one that it appears in: what changes, changes there."""
    yield ROOT.rpartition("/")[0]
    yield ROOT
    for kind, plain in _PLAIN.items():
        yield f"{ROOT}/{kind}"
        for name in _listed(files, f"{ROOT}/{kind}"):
            above = f"{ROOT}/{kind}/{name}"
            yield above
            yield from (f"{above}/{each}" for each in plain)
            for inner in _INNER[kind]:
                yield f"{above}/{inner}"
                yield from (f"{above}/{inner}/{each}" for each in _listed(files, f"{above}/{inner}"))


def _listed(files: Files, path: str) -> tuple[str, ...]:
    try:
        return files.list(path)
    except OSError:
        return ()


def read_changed(reader: Reader, before: Nvmet, paths: Iterable[str], now: float) -> Nvmet | None:
    """The target with those objects anew in which these paths lie; None where all of it is to be read.

    What the kernel changes elsewhere by itself is not in it.
    """
    objects = {_object(path) for path in paths}
    places = {place for place in objects if place is not None}
    if before.present is not True or len(places) != len(objects) or len(places) > MOST:
        return None
    # What is read whole is not read in parts as well.
    places = {place for place in places if len(place) == 2 or place[:2] not in places}
    again = _Again(TargetReader(reader, secrets=False), before)
    if not all(map(again.read, sorted(places))):
        return None
    prefixes = tuple("/".join((ROOT, *place)) for place in places)
    kept = tuple(gap for gap in before.gaps if gap.path is None or not _below(gap.path, prefixes))
    return again.after._replace(taken=now, gaps=(*kept, *reader.gaps))


def _object(path: str) -> tuple[str, ...] | None:
    """The smallest object that is read by itself: ``(kind, name)``, or a namespace with its number as well."""
    match path.removeprefix(f"{ROOT}/").split("/"):
        case ["subsystems", nqn, "namespaces", name, *_]:
            return "subsystems", nqn, "namespaces", name
        case [("subsystems" | "ports" | "hosts") as kind, name, *_]:
            return kind, name
    return None


def _below(path: str, prefixes: Collection[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


class _Again:
    """The target while objects of it are read again."""

    def __init__(self, target: TargetReader, before: Nvmet) -> None:
        self._target = target
        self.after = before

    def read(self, place: tuple[str, ...]) -> bool:
        """Reads one object; False where its place is not understood."""
        match place:
            case ["subsystems", nqn]:
                found = self._one(place, self._target.subsystem, self.after.subsystems)
                self.after = self.after._replace(subsystems=found)
            case ["ports", _]:
                self.after = self.after._replace(ports=self._one(place, self._target.port, self.after.ports))
            case ["hosts", _]:
                self.after = self.after._replace(hosts=self._one(place, self._target.host, self.after.hosts))
            case [_, nqn, _, name]:
                return self._namespace(nqn, name)
        return True

    def _one(
        self, place: tuple[str, ...], read: Callable[[str, str], T | None], known: Mapping[str, T]
    ) -> Mapping[str, T]:
        name = place[1]
        return _put(known, name, read("/".join((ROOT, *place)), name), natural)

    def _namespace(self, nqn: str, name: str) -> bool:
        subsystem, nsid = self.after.subsystems.get(nqn), kernel_number(name)
        if subsystem is None or nsid is None:
            return False
        known = subsystem.namespaces.get(nsid)
        if known is not None and known.directory != name:
            return False
        attributes = self._target.attributes(f"{ROOT}/subsystems/{nqn}/namespaces/{name}")
        plain = name if name != str(nsid) else ""
        one = None if attributes is None else TargetNamespace(nsid, attributes, plain)
        found = subsystem._replace(namespaces=_put(subsystem.namespaces, nsid, one, lambda number: number))
        self.after = self.after._replace(subsystems={**self.after.subsystems, nqn: found})
        return True


def _put(known: Mapping[K, T], key: K, value: T | None, order: Callable[[K], SupportsRichComparison]) -> dict[K, T]:
    """The objects with one replaced, added in its place, or left out."""
    found = dict(known)
    if value is None:
        found.pop(key, None)
        return found
    added = key not in found
    found[key] = value
    return {each: found[each] for each in sorted(found, key=order)} if added else found
