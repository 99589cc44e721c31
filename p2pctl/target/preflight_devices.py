"""Devices that a plan is to export: whether they are there, are disks, and are nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from p2pctl.model.backing import Backing
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import paths
from p2pctl.target.problems import SHOWN, Facts, Problem, device_of, is_on, passthru_started, started


def paths_to_check(live: Nvmet, wanted: Nvmet) -> tuple[str, ...]:
    """Paths of all that is to be served from, for ``hardware.backing``: empty where nothing new is."""
    if not any(started(live, wanted)) and not any(passthru_started(live, wanted)):
        return ()
    namespaces = (one for subsystem in wanted.subsystems.values() for one in subsystem.namespaces.values())
    sources = [one.attributes for one in namespaces] + [one.passthru for one in wanted.subsystems.values()]
    return tuple(sorted({path for attributes in sources if (path := device_of(attributes))}))


def devices(facts: Facts) -> Iterator[Problem]:
    """What stands against the devices of namespaces that are switched on."""
    exported = _exported(facts)
    for new in started(facts.live, facts.wanted):
        path = device_of(new.namespace.attributes)
        if path is None:
            hint = f"set its device: p2pctl namespace set {new.nqn} {new.namespace.nsid} device=PATH"
            yield Problem("no-device", new.subject, "it is to be enabled without a device", hint)
            continue
        backing = facts.backings.get(path)
        if backing is not None:
            yield from _backing_problems(new.subject, backing)
            others = [one for one in exported.get(_real(backing), ()) if one != new.subject]
            if others:
                text = f"{path} is exported already, as {others[0]}"
                yield Problem("exported-twice", new.subject, text, "two exports of one disk corrupt each other")


def _backing_problems(subject: str, backing: Backing) -> Iterator[Problem]:
    path = backing.path
    if backing.real is ABSENT:
        hint = "check the path; p2pctl apply --wait waits for a device"
        yield Problem("device-missing", subject, f"{path} does not exist", hint, waitable=True)
    elif backing.kind in {"directory", "character", "other"}:
        what = {"directory": "a directory", "character": "a character device"}.get(str(backing.kind), "no disk")
        yield Problem("not-a-disk", subject, f"{path} is {what}", "name a block device or a regular file")
    elif backing.users:
        use = "; ".join(backing.users[:SHOWN])
        yield Problem(
            "device-in-use", subject, f"{path} is in use: {use}", "free it first: hosts would destroy its data"
        )


def _real(backing: Backing) -> str:
    return backing.path if isinstance(backing.real, Missing) else backing.real


def _exported(facts: Facts) -> Mapping[str, list[str]]:
    """Every namespace that is to be enabled, by the device that it really is."""
    found: dict[str, list[str]] = {}
    for nqn, subsystem in facts.wanted.subsystems.items():
        for nsid, one in subsystem.namespaces.items():
            path = device_of(one.attributes)
            if path is not None and is_on(one.attributes):
                backing = facts.backings.get(path)
                real = _real(backing) if backing else path
                found.setdefault(real, []).append(paths.called_namespace(nqn, nsid))
    return found


def passthru(facts: Facts) -> Iterator[Problem]:
    """What stands against controllers that are passed through."""
    for subsystem in facts.wanted.subsystems.values():
        if is_on(subsystem.passthru) and subsystem.namespaces:
            text = f"it passes a whole controller through, and has {len(subsystem.namespaces)} namespaces"
            yield Problem(
                "passthru-and-namespaces",
                paths.called_subsystem(subsystem.nqn),
                text,
                "the kernel takes one or the other: delete the namespaces, or set passthru enable=0",
            )
    for subsystem in passthru_started(facts.live, facts.wanted):
        subject = paths.called_subsystem(subsystem.nqn)
        path = device_of(subsystem.passthru)
        backing = facts.backings.get(path) if path else None
        if path is None:
            yield Problem(
                "no-device", subject, "passthru is to be enabled without a device", "name one: device=/dev/nvme0"
            )
        elif backing is not None and backing.real is ABSENT:
            hint = "check the path; p2pctl apply --wait waits for a device"
            yield Problem("device-missing", subject, f"{path} does not exist", hint, waitable=True)
        elif backing is not None and backing.kind in {"block", "file", "directory"}:
            text = f"{path} is no NVMe controller"
            yield Problem(
                "not-a-controller", subject, text, "name the controller, such as /dev/nvme0, not its namespace"
            )
