"""Reads the NVMe target's configuration from configfs. Secrets are never opened."""

from __future__ import annotations

from p2pctl.hardware.reading import Reader, natural
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.nvmet import SECRET_ATTRIBUTES, Attributes, Nvmet, Port, Subsystem, TargetNamespace

ROOT = "/sys/kernel/config/nvmet"
_GROUPS = frozenset({"allowed_hosts", "namespaces", "passthru", "subsystems", "referrals", "ana_groups"})
_WRITE_ONLY = frozenset({"revalidate_size"})


def read_nvmet(reader: Reader, now: float) -> Nvmet:
    """Subsystems, namespaces, ports and hosts; ``present`` is False where the module or configfs is missing."""
    try:
        reader.files.list(ROOT)
    except OSError as error:
        missing = reader.missing(error, ROOT, "nvmet")
        loaded = reader.listing("/sys/module/nvmet", "nvmet")
        return Nvmet(
            now,
            False if missing is ABSENT else missing,
            loaded if loaded is UNREADABLE else loaded is not ABSENT,
            {},
            {},
            (),
            tuple(reader.gaps),
        )
    subsystems = {nqn: _subsystem(reader, nqn) for nqn in _children(reader, f"{ROOT}/subsystems")}
    ports = {name: _port(reader, name) for name in _children(reader, f"{ROOT}/ports")}
    hosts = _children(reader, f"{ROOT}/hosts")
    return Nvmet(now, True, True, subsystems, ports, hosts, tuple(reader.gaps))


def _children(reader: Reader, path: str) -> tuple[str, ...]:
    return tuple(sorted(reader.names(path, "nvmet"), key=natural))


def _attributes(reader: Reader, path: str) -> Attributes:
    """Every attribute that this kernel lists, known to p2pctl or not."""
    values: dict[str, Fact[str]] = {}
    for name in _children(reader, path):
        if name in _GROUPS:
            continue
        withheld = name in SECRET_ATTRIBUTES or name in _WRITE_ONLY
        values[name] = NOT_READ if withheld else _attribute(reader, f"{path}/{name}", name)
    return values


def _attribute(reader: Reader, path: str, name: str) -> Fact[str]:
    try:
        data = reader.files.read(path)
    except IsADirectoryError:
        return ABSENT  # a group that a newer kernel has
    except OSError as error:
        return reader.missing(error, path, "nvmet attribute", name)
    return data.decode("utf-8", "surrogateescape").rstrip("\n") or ABSENT


def _targets(reader: Reader, path: str) -> tuple[str, ...]:
    names = (reader.link_name(f"{path}/{name}", "nvmet link", name) for name in _children(reader, path))
    return tuple(sorted({name for name in names if not isinstance(name, Missing)}, key=natural))


def _subsystem(reader: Reader, nqn: str) -> Subsystem:
    path = f"{ROOT}/subsystems/{nqn}"
    namespaces = {
        int(nsid): TargetNamespace(int(nsid), _attributes(reader, f"{path}/namespaces/{nsid}"))
        for nsid in _children(reader, f"{path}/namespaces")
        if nsid.isascii() and nsid.isdigit() and len(nsid) < 11
    }
    return Subsystem(
        nqn=nqn,
        attributes=_attributes(reader, path),
        namespaces=namespaces,
        allowed_hosts=_targets(reader, f"{path}/allowed_hosts"),
        passthru=_attributes(reader, f"{path}/passthru"),
    )


def _port(reader: Reader, name: str) -> Port:
    path = f"{ROOT}/ports/{name}"
    return Port(name, _attributes(reader, path), _targets(reader, f"{path}/subsystems"))
