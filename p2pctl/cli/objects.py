"""The target's objects by the names that a user gives them: exact ones, and close matches where there is none."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn

from p2pctl.errors import DeniedError, NotFoundError, P2pctlError, RefusedError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from p2pctl.model.nvmet import Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
    from p2pctl.model.snapshot import Snapshot
    from p2pctl.target.schema import Kind

_MOST = 5
"""Names that a hint lists."""


def target_of(snapshot: Snapshot) -> Nvmet:
    """The target. Raises UnsupportedError where there is none, DeniedError where it cannot be told."""
    return check_target(snapshot.nvmet)


def check_target(nvmet: Nvmet | None) -> Nvmet:
    """The same. Raises UnsupportedError where there is none, DeniedError where it cannot be told."""
    from p2pctl.render.target_attributes import no_target  # noqa: PLC0415

    if nvmet is not None and nvmet.present is True:
        return nvmet
    reason = (no_target(nvmet) or "").rstrip(".")
    reason = reason[:1].lower() + reason[1:]
    if nvmet is not None and nvmet.present is False:
        raise UnsupportedError(reason, hint="p2pctl status shows what this host has")
    raise DeniedError(reason, hint="try again as root")


def find_subsystem(nvmet: Nvmet, nqn: str) -> Subsystem:
    """The subsystem. Raises NotFoundError, or UsageError for an empty name."""
    return nvmet.subsystems.get(nqn) or _missing(f"no subsystem {nqn}", nqn, nvmet.subsystems, "subsystem list")


def find_host(nvmet: Nvmet, nqn: str) -> Host:
    """The host. Raises NotFoundError, or UsageError for an empty name."""
    return nvmet.hosts.get(nqn) or _missing(f"no host {nqn}", nqn, nvmet.hosts, "host list")


def find_namespace(subsystem: Subsystem, nsid: int) -> TargetNamespace:
    """The namespace. Raises NotFoundError."""
    found = subsystem.namespaces.get(nsid)
    if found is None:
        raise NotFoundError(
            f"no namespace {nsid} in {subsystem.nqn}", hint=_there("it has", map(str, sorted(subsystem.namespaces)))
        )
    return found


def find_referral(port: Port, name: str) -> Referral:
    """The referral. Raises NotFoundError, or UsageError for an empty name."""
    what = f"no referral {name} on port {port.name}"
    return port.referrals.get(name) or _missing(what, name, port.referrals, f"referral list {port.name}")


def find_port(nvmet: Nvmet, text: str) -> Port:
    """The port with this directory name, else the one with this number.

    Raises NotFoundError, and UsageError where several directories have the number.
    """
    found = nvmet.ports.get(text)
    if found is not None:
        return found
    number = port_number(text)
    fits = [port for port in nvmet.ports.values() if number is not None and port.number == number]
    if len(fits) > 1:
        names = ", ".join(port.name for port in fits)
        raise UsageError(f"port {text} is ambiguous: {names}", hint="name the directory exactly")
    if not fits:
        raise NotFoundError(f"no port {text}", hint=_there("there is", nvmet.ports))
    return fits[0]


def changeable_port(nvmet: Nvmet, text: str) -> tuple[Port, int]:
    """A port and its number, by which it is changed.

    Raises as ``find_port``, and UsageError for one whose number another directory has, too.
    """
    port = find_port(nvmet, text)
    number = port.number
    others = [one.name for one in nvmet.ports.values() if one.number == number and one.name != port.name]
    if number is None or others:
        also = f" and {', '.join(others)}" if others else ""
        raise UsageError(
            f"port {port.name}{also} cannot be told apart by number",
            hint="the kernel takes them for the same port: remove one of the directories with rmdir first",
        )
    return port, number


def port_number(text: str) -> int | None:
    """The number of a port as a user writes it: decimal, never octal."""
    return int(text) if text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") else None


def new_port_number(text: str) -> int:
    """The number of a port to be made. Raises UsageError for what the kernel would not take, or take for another."""
    number = port_number(text)
    if number is None or number > 0xFFFF:
        raise UsageError(f"no port can have the number {text}", hint="a port is 0..65535, without a leading zero")
    return number


def nqn_argument(text: str, *, subsystem: bool) -> str:
    """A name for a new object. Raises UsageError for one that it cannot have."""
    from p2pctl.target.nqn import check_nqn, check_subsystem_nqn  # noqa: PLC0415

    try:
        return check_subsystem_nqn(text) if subsystem else check_nqn(text)
    except ValueError as error:
        raise UsageError(str(error), hint="such as nqn.2026-11.org.example:pool0") from None


def name_notes(live: Nvmet, *, subsystem: str | None = None, hosts: Iterable[str] = ()) -> tuple[str, ...]:
    """What to say of the names of objects that are to be made."""
    from p2pctl.target.nqn import doubt  # noqa: PLC0415

    new = [*(host for host in hosts if host not in live.hosts)]
    if subsystem is not None and subsystem not in live.subsystems:
        new.insert(0, subsystem)
    return tuple(f"warning: {text}" for name in new if (text := doubt(name)))


def _missing(message: str, name: str, there: Collection[str], listing: str) -> NoReturn:
    if not name:
        raise UsageError("the name is empty", hint=f"p2pctl {listing} shows what is there")
    raise _not_found(message, name, there, f"p2pctl {listing} shows what is there")


def _not_found(message: str, name: str, there: Collection[str], otherwise: str) -> P2pctlError:
    from difflib import get_close_matches  # noqa: PLC0415  only who mistypes pays for it

    close = get_close_matches(name, there, 3) or [one for one in there if len(name) > 3 and name in one][:3]
    return NotFoundError(message, hint=f"did you mean {' or '.join(close)}?" if close else otherwise)


def _there(words: str, names: Iterable[str]) -> str:
    found = list(names)
    more = f", and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return f"{words} {', '.join(found[:_MOST]) or 'none'}{more}"


def has_port(nvmet: Nvmet, text: str) -> bool:
    """Whether there is a port with this directory name or number."""
    number = port_number(text)
    return text in nvmet.ports or (number is not None and any(one.number == number for one in nvmet.ports.values()))


def exists(what: str) -> UsageError:
    """The error for an object that was to be created; its errno tells it from other wrong uses."""
    return UsageError(f"{what} exists already", hint="--or-update changes it", errno=errno.EEXIST)


def listed(kind: Kind, nvmet: Nvmet) -> frozenset[str]:
    """The attributes that objects of a kind have on this kernel, as far as there are any; what is known else."""
    objects: dict[Kind, Iterable[Mapping[str, object]]] = {
        "host": (one.attributes for one in nvmet.hosts.values()),
        "subsystem": (one.attributes for one in nvmet.subsystems.values()),
        "namespace": (one.attributes for sub in nvmet.subsystems.values() for one in sub.namespaces.values()),
        "port": (one.attributes for one in nvmet.ports.values()),
        "referral": (one.attributes for port in nvmet.ports.values() for one in port.referrals.values()),
    }
    return frozenset(file for attributes in objects.get(kind, ()) for file in attributes)


def nsid_and_rest(words: list[str]) -> tuple[int | None, list[str]]:
    """A namespace's number, where the first word is none of KEY=VALUE, and the others. Raises UsageError."""
    if not words or "=" in words[0]:
        return None, words
    number = int(words[0]) if words[0].isascii() and words[0].isdigit() and not words[0].startswith("0") else 0
    if not 0 < number < 0xFFFFFFFF:
        raise UsageError(
            f"no namespace can have the number {words[0] or '(empty)'}",
            hint="it is 1..4294967294, without a leading zero; without a number the next free one is taken",
        )
    return number, words[1:]


def free_nsid(subsystem: Subsystem) -> int:
    """The lowest number that no namespace has."""
    return next(number for number in range(1, len(subsystem.namespaces) + 2) if number not in subsystem.namespaces)


def check_enabled(nqn: str, namespace: TargetNamespace) -> None:
    """Raises RefusedError for a disabled namespace, at whose device the kernel does not look."""
    if namespace.attributes.get("enable") == "0":
        raise RefusedError(
            f"namespace {namespace.nsid} of {nqn} is disabled: its size is taken when it is enabled",
            hint=f"p2pctl namespace enable {nqn} {namespace.nsid}",
        )


def check_group_goes(port: Port, group: int) -> None:
    """Raises UsageError for the group that every port keeps, NotFoundError for one that is not there."""
    if group == 1:
        raise UsageError("ANA group 1 goes with its port only", hint="set its state instead, such as inaccessible")
    if group not in port.ana_groups:
        raise NotFoundError(
            f"no ANA group {group} on port {port.name}", hint=_there("it has", map(str, sorted(port.ana_groups)))
        )


def referral_name(text: str) -> str:
    """A name for a new referral. Raises UsageError for one that no directory can have."""
    if not text or text in {".", ".."} or "/" in text or not text.isprintable() or len(text.encode()) > 255:
        raise UsageError(
            f"a referral cannot be called {text or '(empty)'}", hint="1..255 bytes, without / and control characters"
        )
    return text


def check_host(subsystem: Subsystem, nvmet: Nvmet, host: str) -> None:
    """Raises NotFoundError for a host that neither the subsystem nor the target knows."""
    if host not in subsystem.allowed_hosts:
        find_host(nvmet, host)
