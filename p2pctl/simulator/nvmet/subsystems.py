"""Subsystems: who they say they are, and which hosts may connect (drivers/nvme/target/configfs.c, core.c)."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Directory, Node, error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.hosts import Host
from p2pctl.simulator.nvmet.items import Collection, Item, Links
from p2pctl.simulator.nvmet.namespaces import Namespaces
from p2pctl.simulator.nvmet.passthru import PASSTHRU_SINCE, Passthru

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

DISCOVERY = b"nqn.2014-08.org.nvmexpress.discovery"

NQN_BYTES = 223
"""Of a longer name the kernel answers to the first so many only (NVMF_NQN_SIZE)."""

_SERIAL, _MODEL, _FIRMWARE = 20, 40, 8
_QUEUES = 128
_LAST_OUI = 0xFFFFFF

# Versions that brought something (facts of the stable ABI document and of released modules).
_SERIAL_IS_TEXT = (5, 14)
_SINCE = {
    "attr_cntlid_min": (5, 7), "attr_cntlid_max": (5, 7), "attr_model": (5, 7), "attr_pi_enable": (5, 8),
    "attr_qid_max": (6, 1), "attr_ieee_oui": (6, 2), "attr_firmware": (6, 2), "attr_vendor_id": (6, 14),
    "attr_subsys_vendor_id": (6, 14),
}  # fmt: skip
_STATES_2_1 = (6, 13)
_EQUAL_CONTROLLER_IDS = (5, 16)


class AllowedHosts(Links):
    """``allowed_hosts``."""

    __slots__ = ("subsystem",)

    def __init__(self, subsystem: Subsystem) -> None:
        super().__init__(subsystem.kernel, subsystem, "allowed_hosts", default=True)
        self.subsystem = subsystem

    def allow(self, item: Directory) -> Item:
        """Only hosts, each once, and none while any host may connect."""
        if not isinstance(item, Host):
            self.kernel.say("nvmet: can only link hosts into the allowed_hosts directory!")
            raise error(errno.EINVAL)
        if self.subsystem.any_host:
            self.kernel.say("nvmet: can't add hosts when allow_any_host is set!")
            raise error(errno.EINVAL)
        if item in self.targets():
            raise error(errno.EEXIST)
        return item


class Subsystem(Item):
    """``subsystems/NQN``."""

    __slots__ = (
        "any_host", "discovered", "firmware", "first_id", "hosts", "last_id", "model", "namespaces", "oui", "passthru",
        "pi", "queues", "serial", "subsystem_vendor", "vendor", "version",
    )  # fmt: skip

    def __init__(self, kernel: NvmetKernel, parent: Item, name: str) -> None:
        super().__init__(kernel, parent, name)
        environment = kernel.environment
        self.any_host = False
        self.discovered = False
        """Whether a host has looked: from then on it cannot say that it is another."""
        self.firmware = environment.release.encode()[:_FIRMWARE]
        self.first_id, self.last_id = 1, 65519
        self.model = b"Linux"
        self.oui = 0
        self.pi = False
        self.queues = _QUEUES
        self.serial = environment.digits(kernel.unique(f"subsystem {name}"), _SERIAL).encode()
        self.vendor = self.subsystem_vendor = 0
        self.version = self.default_version
        self.hosts = AllowedHosts(self)
        self.namespaces = Namespaces(self)
        self.passthru = Passthru(self)

    @property
    def nqn(self) -> bytes:
        """What it answers to."""
        return self.raw[:NQN_BYTES]

    @property
    def default_version(self) -> int:
        """Of NVMe, as the controller registers have it."""
        return 0x20100 if self.kernel.environment.version >= _STATES_2_1 else 0x10300

    def groups(self) -> tuple[Item, ...]:
        """What comes with it."""
        options = self.kernel.environment.options
        if options.passthru and self.kernel.environment.version >= PASSTHRU_SINCE:
            return self.hosts, self.namespaces, self.passthru
        return self.hosts, self.namespaces

    def released(self) -> None:
        """Its controllers go."""
        self.passthru.disable()
        self.kernel.drop(lambda one: one.subsystem is self)

    def attributes(self) -> Mapping[str, Node]:
        """What this kernel has."""
        found: dict[str, Node] = {
            "attr_allow_any_host": self.attribute(lambda: b"%d\n" % self.any_host, self._set_any_host),
            "attr_version": self.attribute(lambda: version_text(self.version).encode() + b"\n", self._set_version),
            "attr_serial": self.attribute(self._show_serial, self._set_serial),
            "attr_cntlid_min": self.attribute(lambda: b"%d\n" % self.first_id, self._set_first_id),
            "attr_cntlid_max": self.attribute(lambda: b"%d\n" % self.last_id, self._set_last_id),
            "attr_vendor_id": self.attribute(lambda: b"0x%x\n" % self.vendor, self._set_vendor),
            "attr_subsys_vendor_id": self.attribute(
                lambda: b"0x%x\n" % self.subsystem_vendor, self._set_subsystem_vendor
            ),
            "attr_model": self.attribute(lambda: self.model + b"\n", self._set_model),
            "attr_qid_max": self.attribute(lambda: b"%d\n" % self.queues, self._set_queues),
            "attr_ieee_oui": self.attribute(lambda: b"0x%06x\n" % self.oui, self._set_oui),
            "attr_firmware": self.attribute(lambda: self.firmware + b"\n", self._set_firmware),
        }
        if self.kernel.environment.options.integrity:
            found["attr_pi_enable"] = self.attribute(lambda: b"%d\n" % self.pi, self._set_pi)
        version = self.kernel.environment.version
        return {name: one for name, one in found.items() if version >= _SINCE.get(name, (0, 0))}

    def _set_any_host(self, page: bytes) -> None:
        value = self.kernel.boolean(page)
        if value and self.hosts.targets():
            self.kernel.say("nvmet: Can't set allow_any_host when explicit hosts are set!")
            raise error(errno.EINVAL)
        self.any_host = value

    def _open(self, what: str, value: str) -> None:
        """Raises EINVAL once a host has seen what it is."""
        if self.discovered and self.kernel.environment.version >= _SERIAL_IS_TEXT:
            self.kernel.say(f"nvmet: Can't set {what}. {value} is already assigned")
            raise error(errno.EINVAL)

    def _set_version(self, page: bytes) -> None:
        self._open("version number", version_text(self.version))
        if self.passthru.controller is not None:
            raise error(errno.EINVAL)
        numbers: list[int] = []
        rest = grammar.string(page)
        while len(numbers) < len(("major", "minor", "tertiary")):
            found = grammar.scanned(rest, signed=True)
            if found is None:
                break
            numbers.append(found[0])
            rest = found[1]
            if not rest.startswith(b"."):
                break
            rest = rest[1:]
        if len(numbers) < len(("major", "minor")):
            raise error(errno.EINVAL)
        major, minor, tertiary = (*numbers, 0)[:3]
        self.version = registers(major, minor, tertiary)

    def _text_serial(self) -> bool:
        return self.kernel.environment.version >= _SERIAL_IS_TEXT

    def _show_serial(self) -> bytes:
        if self._text_serial():
            return self.serial + b"\n"
        return b"%x\n" % int(self.serial.decode()[-16:], 16)

    def _set_serial(self, page: bytes) -> None:
        if not self._text_serial():
            text = grammar.string(page).lstrip(grammar.SPACE).lower().removeprefix(b"0x")
            digits = text[: len(text) - len(text.lstrip(b"0123456789abcdef"))]
            if not digits:
                raise error(errno.EINVAL)
            self.serial = b"%020x" % (int(digits, 16) % (1 << 64))
            return
        # The kernel prints past the end of the field: what follows there is the flag that a host has looked.
        self._open("serial number", f"{self.serial.decode('ascii')}\x01")
        text = grammar.line(page)
        if not text or len(text) > _SERIAL:
            self.kernel.say(f"nvmet: Serial Number can not be empty or exceed {_SERIAL} Bytes")
            raise error(errno.EINVAL)
        if not grammar.printable(text):
            self.kernel.say("nvmet: Serial Number must contain only ASCII strings")
            raise error(errno.EINVAL)
        self.serial = text.ljust(_SERIAL)

    def _set_model(self, page: bytes) -> None:
        self._open("model number", self.model.decode("ascii"))
        self.model = self._text(page, _MODEL, "Model number")

    def _set_firmware(self, page: bytes) -> None:
        self._open("firmware revision", self.firmware.decode("ascii", "replace"))
        self.firmware = self._text(page, _FIRMWARE, "Firmware revision")

    def _text(self, page: bytes, limit: int, what: str) -> bytes:
        text = grammar.line(page)
        if len(text) > limit:
            self.kernel.say(f"nvmet: {what} size can not exceed {limit} Bytes")
        if not text or len(text) > limit or not grammar.printable(text):
            raise error(errno.EINVAL)
        return text

    def _set_oui(self, page: bytes) -> None:
        self._open("IEEE OUI", f"0x{self.oui:06x}")
        value = grammar.unsigned(page, 32)
        if value > _LAST_OUI:
            raise error(errno.EINVAL)
        self.oui = value

    def _set_vendor(self, page: bytes) -> None:
        self.vendor = _number(page, 16)

    def _set_subsystem_vendor(self, page: bytes) -> None:
        self.subsystem_vendor = _number(page, 16)

    def _set_first_id(self, page: bytes) -> None:
        value = grammar.scanned_short(page)
        if not value or not self._in_order(value, self.last_id):
            raise error(errno.EINVAL)
        self.first_id = value

    def _set_last_id(self, page: bytes) -> None:
        value = grammar.scanned_short(page)
        if not value or not self._in_order(self.first_id, value):
            raise error(errno.EINVAL)
        self.last_id = value

    def _in_order(self, first: int, last: int) -> bool:
        return first < last or (first == last and self.kernel.environment.version >= _EQUAL_CONTROLLER_IDS)

    def _set_queues(self, page: bytes) -> None:
        value = grammar.scanned_short(page)
        if not 1 <= value <= _QUEUES:
            raise error(errno.EINVAL)
        self.queues = value
        # The kernel makes every host connect again, even when nothing changes.
        self.kernel.drop(lambda one: one.subsystem is self)

    def _set_pi(self, page: bytes) -> None:
        self.pi = self.kernel.boolean(page)


class Subsystems(Collection):
    """``subsystems``."""

    __slots__ = ()

    def new(self, name: str) -> Subsystem:
        """A subsystem. Raises EINVAL for the names of the discovery service."""
        text = name.encode("utf-8", "surrogateescape")
        if grammar.same(text, DISCOVERY):
            self.kernel.say("nvmet: can't create discovery subsystem through configfs")
            raise error(errno.EINVAL)
        if self.kernel.has_discovery_nqn and grammar.same(text, self.kernel.discovery_nqn):
            self.kernel.say("nvmet: can't create subsystem using unique discovery NQN")
            raise error(errno.EINVAL)
        return Subsystem(self.kernel, self, name)


def _number(page: bytes, bits: int) -> int:
    """A number, with EINVAL for whatever is wrong with it. Raises EINVAL."""
    try:
        return grammar.unsigned(page, bits)
    except OSError:
        raise error(errno.EINVAL) from None


def registers(major: int, minor: int, tertiary: int) -> int:
    """A version as the kernel packs it: C integers of 32 bits, widened to 64."""
    value = ((major << 16) | (minor << 8) | tertiary) & 0xFFFFFFFF
    return value | 0xFFFFFFFF00000000 if value & 0x80000000 else value


def version_text(version: int) -> str:
    """A version as the kernel prints it: without a third number that is 0."""
    text = f"{version >> 16}.{version >> 8 & 0xFF}"
    return f"{text}.{version & 0xFF}" if version & 0xFF else text
