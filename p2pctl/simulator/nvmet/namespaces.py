"""Namespaces: a device or file, and whether its I/O goes through P2P memory (drivers/nvme/target/core.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Node, error
from p2pctl.simulator.nvmet import grammar, p2pmem
from p2pctl.simulator.nvmet.environment import Opened
from p2pctl.simulator.nvmet.items import Collection, Item
from p2pctl.simulator.nvmet.passthru import BOTH

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.subsystems import Subsystem

MOST = 1024
"""Namespaces of a subsystem (NVMET_MAX_NAMESPACES)."""
ANA_GROUPS = 128
_ALL = 0xFFFFFFFF
_NO_ID = "00000000-0000-0000-0000-000000000000"
_SINCE = {"revalidate_size": (5, 8), "resv_enable": (6, 13), "p2pmem": (4, 20)}
_SILENT_WITHOUT_PATH = (7, 0)


class Namespace(Item):
    """``subsystems/NQN/namespaces/NSID``."""

    __slots__ = (
        "buffered", "device", "enabled", "group", "nguid", "nsid", "opened", "p2p", "provider", "reservations",
        "subsystem", "uuid",
    )  # fmt: skip

    def __init__(self, parent: Namespaces, name: str, nsid: int) -> None:
        super().__init__(parent.kernel, parent, name)
        self.subsystem = parent.subsystem
        self.nsid = nsid
        self.buffered = self.enabled = self.reservations = False
        self.device: bytes | None = None
        self.group = 1
        self.nguid = _NO_ID
        self.opened: Opened | None = None
        """While it is enabled."""
        self.p2p = False
        self.provider: str | None = None
        """Address of the function whose memory it is to use; None for any, or for none."""
        self.uuid = self.kernel.environment.uuid(self.kernel.unique(f"namespace {self.subsystem.name} {nsid}"))

    @property
    def device_text(self) -> str:
        """Path of the device as the kernel logs it."""
        return "(null)" if self.device is None else os.fsdecode(self.device)

    def attributes(self) -> Mapping[str, Node]:
        """What this kernel has."""
        environment = self.kernel.environment
        found: dict[str, Node] = {
            "device_path": self.attribute(lambda: (self.device or b"(null)") + b"\n", self._set_device),
            "device_uuid": self.attribute(self._show_uuid, self._set_uuid),
            "device_nguid": self.attribute(self._show_nguid, self._set_nguid),
            "ana_grpid": self.attribute(lambda: b"%d\n" % self.group, self._set_group),
            "enable": self.attribute(lambda: b"%d\n" % self.enabled, self._set_enable),
            "buffered_io": self.attribute(lambda: b"%d\n" % self.buffered, self._set_buffered),
            "resv_enable": self.attribute(lambda: b"%d\n" % self.reservations, self._set_reservations),
            "revalidate_size": self.attribute(lambda: b"", self._revalidate, 0o200),
        }
        if environment.options.p2pdma:
            found["p2pmem"] = self.attribute(lambda: p2pmem.shown(self).encode() + b"\n", self._set_p2pmem)
        return {name: one for name, one in found.items() if environment.version >= _SINCE.get(name, (0, 0))}

    def released(self) -> None:
        """It is disabled first."""
        self._disable()

    def _while_disabled(self) -> None:
        if self.enabled:
            raise error(errno.EBUSY)

    def _set_device(self, page: bytes) -> None:
        self._while_disabled()
        path = grammar.line(page)
        if not path:
            raise error(errno.EINVAL)
        self.device = path

    def _show_uuid(self) -> bytes:
        return f"{self.uuid}\n".encode()

    def _show_nguid(self) -> bytes:
        return f"{self.nguid}\n".encode()

    def _set_uuid(self, page: bytes) -> None:
        self._while_disabled()
        self.uuid = grammar.uuid(page)

    def _set_nguid(self, page: bytes) -> None:
        self._while_disabled()
        self.nguid = grammar.nguid(page)

    def _set_p2pmem(self, page: bytes) -> None:
        self._while_disabled()
        self.p2p, self.provider = p2pmem.parse(self.kernel, page)

    def _set_group(self, page: bytes) -> None:
        value = grammar.unsigned(page, 32)
        if not 1 <= value <= ANA_GROUPS:
            raise error(errno.EINVAL)
        # The bound of the guard against speculation is one too low (array_index_nospec): the last group becomes 0.
        self.group = value % ANA_GROUPS

    def _set_buffered(self, page: bytes) -> None:
        value = self.kernel.boolean(page)
        if self.enabled:
            self.kernel.say("nvmet: disable ns before setting buffered_io value.")
            raise error(errno.EINVAL)
        self.buffered = value

    def _set_reservations(self, page: bytes) -> None:
        value = self.kernel.boolean(page)
        if self.enabled:
            self.kernel.say(f"nvmet: the ns:{self.nsid} is already enabled.")
            raise error(errno.EINVAL)
        self.reservations = value

    def _revalidate(self, page: bytes) -> None:
        if not self.kernel.boolean(page):
            raise error(errno.EINVAL)
        if not self.enabled:
            self.kernel.say("nvmet: enable ns before revalidate.")
            raise error(errno.EINVAL)

    def _set_enable(self, page: bytes) -> None:
        if self.kernel.boolean(page):
            self._enable()
        else:
            self._disable()

    def _enable(self) -> None:
        if self.subsystem.passthru.controller is not None:
            # The kernel answers that all went well.
            self.kernel.say(BOTH)
            return
        if self.enabled:
            return
        opened = self._open()
        p2pmem.check(self, opened)
        self.opened = opened
        self.enabled = True
        for one in self.kernel.controllers():
            if one.subsystem is self.subsystem:
                p2pmem.choose(one, self)

    def _open(self) -> Opened:
        """The device, or the file behind the path. Raises what opening it does."""
        if self.device is None:
            if self.kernel.environment.version < _SILENT_WITHOUT_PATH:
                self.kernel.say(f"nvmet: failed to open block device (null): (-{errno.EINVAL})")
            raise error(errno.EINVAL)
        environment = self.kernel.environment
        try:
            found = environment.open(self.device_text)
        except OSError as problem:
            what = "file" if self.buffered else "block device"
            self.kernel.say(f"nvmet: failed to open {what} {self.device_text}: (-{problem.errno})")
            raise
        if found.kind == "block":
            # Opened as a file it has no block device below that the target knows of.
            return Opened("file") if self.buffered else found
        number = 0
        if found.kind == "directory":
            number = errno.EISDIR
        elif not self.buffered and (found.kind != "file" or not found.direct):
            number = errno.EINVAL
        if number:
            self.kernel.say(f"nvmet: failed to open file {self.device_text}: (-{number})")
            raise error(number)
        return found

    def _disable(self) -> None:
        self.enabled = False
        self.opened = None


class Namespaces(Collection):
    """``subsystems/NQN/namespaces``."""

    __slots__ = ("numbers", "subsystem")

    def __init__(self, subsystem: Subsystem) -> None:
        super().__init__(subsystem.kernel, subsystem, "namespaces", default=True)
        self.subsystem = subsystem
        self.numbers: set[int] = set()

    def new(self, name: str) -> Namespace:
        """A namespace. Raises EINVAL and ERANGE for a name that is no number, ENOMEM for a number that is taken."""
        nsid = grammar.unsigned(os.fsencode(name), 32)
        if nsid in {0, _ALL}:
            self.kernel.say(f"nvmet: invalid nsid {nsid:#x}")
            raise error(errno.EINVAL)
        if len(self.numbers) >= MOST or nsid in self.numbers:
            raise error(errno.ENOMEM)
        found = Namespace(self, name, nsid)
        self.numbers.add(nsid)
        self.kernel.say(f"nvmet: adding nsid {nsid} to subsystem {os.fsdecode(self.subsystem.nqn)}")
        return found

    def remove(self, name: str) -> None:
        """rmdir(2), of enabled ones, too."""
        with self.kernel.lock:
            node = self.entries.get(name)
            super().remove(name)
            if isinstance(node, Namespace):
                self.numbers.discard(node.nsid)

    def enabled(self) -> tuple[Namespace, ...]:
        """Those that hosts see, in order of number."""
        found = [one for one in self.items() if isinstance(one, Namespace) and one.enabled]
        return tuple(sorted(found, key=lambda one: one.nsid))
