"""A whole controller handed through (drivers/nvme/target/passthru.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Node, error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.items import Item

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.subsystems import Subsystem

PASSTHRU_SINCE = (5, 9)
_TIMEOUTS_SINCE, _CLEAR_IDS_SINCE = (5, 11), (5, 19)
_OLDEST = (1, 2, 1)

BOTH = "nvmet: cannot enable both passthru and regular namespaces for a single subsystem"


class Passthru(Item):
    """``subsystems/NQN/passthru``."""

    __slots__ = ("controller", "device", "numbers", "subsystem")

    def __init__(self, subsystem: Subsystem) -> None:
        super().__init__(subsystem.kernel, subsystem, "passthru", default=True)
        self.subsystem = subsystem
        self.device: bytes | None = None
        self.controller: int | None = None
        """Number of the controller that is handed through."""
        self.numbers = {"admin_timeout": 0, "io_timeout": 0, "clear_ids": 0}
        """The timeouts are in jiffies."""

    def attributes(self) -> Mapping[str, Node]:
        """What this kernel has."""
        version = self.kernel.environment.version
        found: dict[str, Node] = {
            "device_path": self.attribute(lambda: (self.device or b"(null)") + b"\n", self._set_device),
            "enable": self.attribute(lambda: b"%d\n" % (self.controller is not None), self._set_enable),
        }
        for name, since in (("admin_timeout", _TIMEOUTS_SINCE), ("io_timeout", _TIMEOUTS_SINCE),
                            ("clear_ids", _CLEAR_IDS_SINCE)):  # fmt: skip
            if version >= since:
                found[name] = self.attribute(partial(self._show_number, name), partial(self._set_number, name))
        return found

    def _show_number(self, name: str) -> bytes:
        return b"%d\n" % self.numbers[name]

    def _set_number(self, name: str, page: bytes) -> None:
        try:
            self.numbers[name] = grammar.unsigned(page, 32)
        except OSError:
            raise error(errno.EINVAL) from None

    def _set_device(self, page: bytes) -> None:
        if self.controller is not None:
            raise error(errno.EBUSY)
        path = grammar.line(page)
        if not path:
            raise error(errno.EINVAL)
        self.device = path

    def _set_enable(self, page: bytes) -> None:
        if self.kernel.boolean(page):
            self._enable()
        else:
            self.disable()

    def _enable(self) -> None:
        if self.device is None or self.controller is not None:
            raise error(errno.EINVAL)
        if self.subsystem.namespaces.occupied():
            self.kernel.say(BOTH)
            raise error(errno.EINVAL)
        path = os.fsdecode(self.device)
        found = self.kernel.environment.open(path)
        if found.kind == "directory":
            raise error(errno.EISDIR)
        if found.kind != "controller":
            self.kernel.say(f"nvmet: failed to open nvme controller {path}")
            raise error(errno.EINVAL)
        if any(one.passthru.controller == found.number for one in self.kernel.each_subsystem()):
            raise error(errno.EINVAL)
        self.controller = found.number
        version = found.version
        if version < _OLDEST:
            told = ".".join(str(one) for one in version)
            self.kernel.say(f"nvmet: nvme controller version is too old: {told}, advertising 1.2.1")
            version = _OLDEST
        self.subsystem.version = version[0] << 16 | version[1] << 8 | version[2]

    def disable(self) -> None:
        """The subsystem has its own version again, whether or not it was on."""
        self.controller = None
        self.subsystem.version = self.subsystem.default_version
