"""What steps have touched, and the target that is aimed at when that alone is put back, or forward.

A rollback must not undo what others did meanwhile, so its aim is the target as it is now, with the touched paths as
they were before. Finishing an interrupted change works the same way towards what was wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import ROOT, SECRET_ATTRIBUTES, Nvmet
from p2pctl.target.flat import Directory, Entry, Flat, Link, Value, built, flat
from p2pctl.target.plan import Step
from p2pctl.target.schema import canonical, kind_of, same, spec

REDACTED = "<redacted>"

RESOLVED = ("param_inline_data_size", "param_max_queue_size", "param_mdts")
"""Attributes of a port that the kernel resolves when the port is enabled, and that stay so."""

_PORT_LINK_DEPTH = 5
"""Parts of ``ports/ID/subsystems/LINK`` below the root, with the empty one before the slash."""


class Difference(NamedTuple):
    """One path that is not as it should be. None stands for: not there. Keys are not shown."""

    path: str
    want: str | None
    have: str | None


def ripples(step: Step) -> tuple[str, ...]:
    """Attributes that the kernel sets anew by itself with a step (drivers/nvme/target/configfs.c, core.c, passthru.c).

    A port's parameters get their value when the first export enables the port.
    """
    above, _, name = step.path.rpartition("/")
    if step.operation == "write":
        if name in {"addr_trtype", "addr_tsas"}:
            return f"{above}/addr_tsas", f"{above}/addr_treq"
        if name == "enable" and above.endswith("/passthru"):
            return (f"{above.removesuffix('/passthru')}/attr_version",)
    elif step.operation == "symlink" and exports(step):
        port = above.rpartition("/")[0]
        return tuple(f"{port}/{name}" for name in RESOLVED)
    return ()


def exports(step: Step) -> bool:
    """Whether the step makes or removes a link by which a port exports a subsystem."""
    parts = step.path.removeprefix(ROOT).split("/")
    return step.operation in {"symlink", "unlink"} and len(parts) == _PORT_LINK_DEPTH and parts[1] == "ports"


def aim(now: Nvmet, source: Nvmet, steps: Iterable[Step]) -> Nvmet:
    """The target as it is now, but what the steps touch as in ``source``."""
    entries = flat(now)
    there = flat(source)
    objects: set[str] = set()
    for step in steps:
        if step.operation in {"mkdir", "rmdir"}:
            objects.add(step.path)
            continue
        if step.operation == "chmod":
            continue
        for path in (step.path, *ripples(step)):
            _put(entries, path, there.get(path))
    _put_objects(entries, there, objects)
    return built(_whole(entries), now)


def _put(entries: dict[str, Entry], path: str, entry: Entry | None) -> None:
    if entry is not None:
        entries[path] = entry
    elif isinstance(entries.get(path), Link):
        del entries[path]


def _put_objects(entries: dict[str, Entry], there: Flat, objects: set[str]) -> None:
    """Puts whole objects as they are in ``there``: gone with all that is in them, or with all that was."""
    gone = {path for path in objects if path not in there}
    kept = objects - gone
    for path in [path for path in entries if within(path, gone)]:
        del entries[path]
    entries.update({path: entry for path, entry in there.items() if within(path, kept)})


def within(path: str, objects: Collection[str]) -> bool:
    """Whether a path is one of the objects, or in one."""
    return path in objects or any(place in objects for place in above(path))


def above(path: str) -> Iterator[str]:
    """The directories that a path is in, from the nearest to the root of the target."""
    while len(path) > len(ROOT):
        path = path.rpartition("/")[0]
        yield path


def _whole(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Without what hangs on an object that is not there: links to it, attributes and links in it.

    Somebody else may have removed the object meanwhile.
    """
    there = {path for path, entry in entries.items() if isinstance(entry, Directory)} | {ROOT}
    objects = {path for path in there if _owner(path) in there} | {ROOT}
    return {
        path: entry
        for path, entry in entries.items()
        if _owner(path) in objects and (not isinstance(entry, Link) or entry.target in objects)
    }


def _owner(path: str) -> str:
    """The object that a path must be in."""
    parts = path[len(ROOT) + 1 :].split("/")
    if len(parts) <= 2:  # an attribute of the root; hosts/NQN, subsystems/NQN, ports/ID themselves
        return ROOT
    depth = 4 if len(parts) == 5 else 2
    return f"{ROOT}/{'/'.join(parts[:depth])}"


def differences(now: Nvmet, aimed: Nvmet, steps: Iterable[Step]) -> tuple[Difference, ...]:
    """Where the target differs from what was aimed at, among all that the steps touch."""
    have, want = flat(now), flat(aimed)
    known = {**have, **want}
    objects: set[str] = set()
    single: set[str] = set()
    for step in steps:
        if step.operation in {"mkdir", "rmdir"}:
            objects.add(step.path)
        elif step.operation != "chmod":
            single.update((step.path, *ripples(step)))
    return tuple(
        Difference(path, shown(path, want.get(path)), shown(path, have.get(path)))
        for path in sorted(known)
        if (path in single or within(path, objects)) and not alike(path, want.get(path), have.get(path))
    )


def unkept(now: Nvmet, steps: Iterable[Step]) -> tuple[Difference, ...]:
    """What the steps have done and is not so any more, each path by its last step.

    Parameters that the kernel has resolved are left out: what it makes of them is its own.
    """
    wants: dict[str, tuple[int, Entry | None]] = {}
    removed: dict[str, int] = {}
    resolved: set[str] = set()
    for number, step in enumerate(steps):
        match step.operation:
            case "mkdir":
                wants[step.path] = number, Directory()
            case "symlink":
                wants[step.path] = number, Link(step.value)
                resolved.update(ripples(step))
            case "write":
                wants[step.path] = number, Value(step.value)
            case "rmdir":
                wants[step.path] = number, None
                removed[step.path] = number
            case "unlink":
                wants[step.path] = number, None
            case "chmod":
                pass
    have = flat(now)
    return tuple(
        Difference(path, shown(path, want), shown(path, have.get(path)))
        for path, (number, want) in wants.items()
        if path not in resolved
        and not any(removed.get(place, -1) > number for place in above(path))
        and not alike(path, want, have.get(path))
    )


def alike(path: str, want: Entry | None, have: Entry | None) -> bool:
    """Whether what is there is what is wanted; an attribute that nobody asks for or can read is."""
    if isinstance(want, Value) and isinstance(have, Value):
        if isinstance(want.text, Missing) or isinstance(have.text, Missing):
            return True
        return means(path, want.text, have.text)
    if isinstance(have, Value) and want is None:
        return True
    return want == have


def means(path: str, want: str, have: str) -> bool:
    """Whether an attribute's reading means what is wanted."""
    kind = kind_of(path)
    return want == have or (kind is not None and same(kind, path.rpartition("/")[2], want, have))


def writable(nvmet: Nvmet) -> Nvmet:
    """The target without the values that no write can set: a path that reads ``(null)``, a transport not chosen yet."""
    return built({path: entry for path, entry in flat(nvmet).items() if not _unset(path, entry)}, nvmet)


def _unset(path: str, entry: Entry) -> bool:
    kind = kind_of(path)
    if kind is None or not isinstance(entry, Value) or isinstance(entry.text, Missing):
        return False
    name = path.rpartition("/")[2]
    known = spec(kind, name)
    return known is not None and known.clear is None and canonical(kind, name, entry.text) is None


def shown(path: str, entry: Entry | None) -> str | None:
    """An entry for people: an attribute's text, where a link leads, ``a directory``."""
    if entry is None:
        return None
    if isinstance(entry, Directory):
        return "a directory"
    if isinstance(entry, Link):
        return entry.target
    if path.rpartition("/")[2] in SECRET_ATTRIBUTES:
        return REDACTED
    return entry.text if isinstance(entry.text, str) else f"({entry.text.value})"
