"""Reads single PCI functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from p2pctl.hardware.pci_values import (
    UNKNOWN_IDENTITY,
    Identity,
    LinkEnd,
    parse_link,
    parse_place,
    parse_resource,
    parse_uevent,
)
from p2pctl.hardware.reading import SENSE, Reader, natural
from p2pctl.kernel import Names
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pci import Bar, Config, Function, Link

DEVICES = "/sys/bus/pci/devices"
_SLOTS = "/sys/bus/pci/slots"
GROUPS = "/sys/kernel/iommu_groups"
_LINK_PREFIX = "../../../devices/"
_NO_LINK = Link()
_ASLEEP = Config()


class Surroundings(NamedTuple):
    """What all functions share, so that it is read once."""

    slots: Mapping[str, str]
    """Slot names by ``dddd:bb:dd``."""
    slots_known: bool
    """False where some slot could not be read, so that a function without one may have one."""
    groups: Fact[tuple[str, ...]]
    """Names of the IOMMU groups."""


def read_surroundings(reader: Reader) -> Surroundings:
    """Slots and IOMMU groups."""
    before = len(reader.gaps)
    slots = _read_slots(reader)
    return Surroundings(slots, len(reader.gaps) == before, reader.listing(GROUPS, "iommu groups"))


class FunctionReader:
    """Reads functions one by one."""

    def __init__(self, reader: Reader, names: Names, surroundings: Surroundings) -> None:
        self._reader = reader
        self._names = names
        self._slots = surroundings.slots
        self._no_slot = ABSENT if surroundings.slots_known else UNREADABLE
        self._no_group = surroundings.groups or ABSENT
        self._limits: dict[str, LinkEnd] = {}

    def read(
        self, address: Address, *, named: bool = True, config: bool = False, wake: bool = False
    ) -> Function | None:
        """One function; None when it is not, or no longer, there.

        With ``named`` it is looked up in a database, which may have to be loaded; with ``config`` its configuration
        space is read.
        Reading that of a runtime-suspended function wakes it, so that it is left asleep, with a gap, unless ``wake``.
        """
        reader = self._reader
        name = str(address)
        path = self._path(name)
        identity = None if path is None else self._identity(path, address)
        if path is None or identity is None:
            return None
        parent, root = parse_place(path.rpartition("/")[0])
        vendor_name, device_name = self._called(identity) if named else (None, None)
        status = reader.text(path + "/power/runtime_status", "runtime status", address)
        return Function(
            address=address,
            path=path,
            parent=parent,
            root=root,
            vendor=identity.vendor,
            device=identity.device,
            subsystem_vendor=identity.subsystem_vendor,
            subsystem_device=identity.subsystem_device,
            class_code=identity.class_code,
            driver=identity.driver,
            numa_node=reader.node(path + "/numa_node", address),
            iommu_group=self._group(path, address),
            bars=self._bars(path, address),
            physfn=self._physfn(path, address),
            link=self._link(path, address),
            slot=self._slots.get(name[:-2], self._no_slot),
            runtime_status=status,
            config=self._config(path, address, asleep=status == "suspended" and not wake) if config else _ASLEEP,
            vendor_name=vendor_name,
            device_name=device_name,
        )

    def _called(self, identity: Identity) -> tuple[str | None, str | None]:
        if isinstance(identity.vendor, Missing) or isinstance(identity.device, Missing):
            return None, None
        return self._names.device(identity.vendor, identity.device)

    def _path(self, name: str) -> str | None:
        link = f"{DEVICES}/{name}"
        try:
            target = self._reader.files.readlink(link)
        except OSError as error:
            self._reader.missing(error, link, "function", name)
            return None
        if target.startswith(_LINK_PREFIX) and ".." not in target[len(_LINK_PREFIX) :]:
            return "/sys/devices/" + target[len(_LINK_PREFIX) :]
        path = self._reader.device_path(link, "function", name)
        return None if isinstance(path, Missing) else path

    def _identity(self, path: str, address: Address) -> Identity | None:
        data = self._reader.data(path + "/uevent", "identifiers", address)
        if data is ABSENT:
            return None
        if isinstance(data, Missing):
            return UNKNOWN_IDENTITY
        identity = parse_uevent(data)
        if identity is None:
            self._reader.gap("identifiers", address, path + "/uevent", SENSE)
        return identity or UNKNOWN_IDENTITY

    def _group(self, path: str, address: Address) -> Fact[int]:
        if isinstance(self._no_group, Missing):
            return self._no_group
        name = self._reader.link_name(path + "/iommu_group", "iommu group", address)
        if isinstance(name, Missing):
            return name
        return self._reader.to_number(name, path + "/iommu_group", "iommu group", address)

    def _bars(self, path: str, address: Address) -> Fact[tuple[Bar, ...]]:
        data = self._reader.data(path + "/resource", "bars", address)
        if isinstance(data, Missing):
            return data
        bars = parse_resource(data)
        if bars is None:
            self._reader.gap("bars", address, path + "/resource", SENSE)
            return UNREADABLE
        return bars

    def _physfn(self, path: str, address: Address) -> Fact[Address]:
        name = self._reader.link_name(path + "/physfn", "physical function", address)
        if isinstance(name, Missing):
            return name
        physical = Address.from_sysfs(name)
        if physical is None:
            self._reader.gap("physical function", address, path + "/physfn", SENSE)
            return UNREADABLE
        return physical

    def _link(self, path: str, address: Address) -> Link:
        now = self._link_end(path, "current", address)
        if now[0] is ABSENT:
            return _NO_LINK
        return parse_link(now, self._link_end(path, "max", address), self._port_limit(path.rpartition("/")[0], address))

    def _link_end(self, path: str, which: str, address: Address) -> LinkEnd:
        return (
            self._reader.data(f"{path}/{which}_link_speed", "link", address),
            self._reader.data(f"{path}/{which}_link_width", "link", address),
        )

    def _port_limit(self, path: str, address: Address) -> LinkEnd:
        """What the bridge whose directory is ``path`` could do; the directory of a root bus has no such thing."""
        if path not in self._limits:
            self._limits[path] = self._link_end(path, "max", address)
        return self._limits[path]

    def _config(self, path: str, address: Address, *, asleep: bool) -> Config:
        path += "/config"
        if asleep:
            self._reader.gap("configuration space", address, path, "--wake (the function is suspended)")
            return _ASLEEP
        from p2pctl.hardware.config_space import UNKNOWN_CONFIG, read_config  # noqa: PLC0415  a list of pools has no use for it

        try:
            with self._reader.files.open(path) as handle:
                config, needs = read_config(handle.pread)
        except OSError as error:
            if self._reader.missing(error, path, "configuration space", address) is ABSENT:
                self._reader.gap("configuration space", address, path, "a device that answers", error.errno)
            return UNKNOWN_CONFIG
        if needs:
            self._reader.gap("configuration space", address, path, needs)
        return config


def _read_slots(reader: Reader) -> dict[str, str]:
    """Slot names by address; an empty slot has an address too, and of two names for one place the first is kept."""
    slots: dict[str, str] = {}
    for name in sorted(reader.names(_SLOTS, "slots"), key=natural):
        address = reader.text(f"{_SLOTS}/{name}/address", "slot", name)
        if not isinstance(address, Missing):
            slots.setdefault(address, name)
    return slots


def list_functions(reader: Reader) -> list[Address]:
    """The addresses of all functions, in order."""
    found = (Address.from_sysfs(name) for name in reader.names(DEVICES, "pci functions"))
    return sorted(address for address in found if address is not None)
