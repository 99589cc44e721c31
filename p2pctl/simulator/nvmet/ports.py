"""Ports: where the target listens, and the ANA groups of each (drivers/nvme/target/configfs.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Directory, Node, error
from p2pctl.simulator.nvmet import grammar, transports
from p2pctl.simulator.nvmet.addresses import Address, number_or_log
from p2pctl.simulator.nvmet.items import Collection, Item, Links
from p2pctl.simulator.nvmet.namespaces import ANA_GROUPS
from p2pctl.simulator.nvmet.referrals import Referrals
from p2pctl.simulator.nvmet.subsystems import Subsystem

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

_STATES = (b"optimized", b"non-optimized", b"inaccessible", b"persistent-loss", b"change")
_LAST_MDTS = 255
_SINCE = {
    "addr_tsas": (6, 7), "param_inline_data_size": (4, 19), "param_max_queue_size": (6, 9), "param_mdts": (7, 1),
    "param_pi_enable": (5, 8),
}  # fmt: skip


class AnaGroup(Item):
    """``ana_groups/GROUP``. Two names of one number share a state."""

    __slots__ = ("number", "port")

    def __init__(self, parent: AnaGroups, name: str, number: int, *, default: bool = False) -> None:
        super().__init__(parent.kernel, parent, name, default=default)
        self.port = parent.port
        self.number = number

    def attributes(self) -> Mapping[str, Node]:
        """Its state."""
        return {"ana_state": self.attribute(lambda: self.port.states[self.number] + b"\n", self._set_state)}

    def _set_state(self, page: bytes) -> None:
        for one in _STATES:
            if grammar.same(page, one):
                self.port.states[self.number] = one
                return
        self.kernel.say_invalid(page, "ana_state")
        raise error(errno.EINVAL)

    def released(self) -> None:
        """Nobody reaches its namespaces here any more."""
        self.port.states[self.number] = b"inaccessible"


class AnaGroups(Collection):
    """``ana_groups``: the first is always there."""

    __slots__ = ("first", "port")

    def __init__(self, port: Port) -> None:
        super().__init__(port.kernel, port, "ana_groups", default=True)
        self.port = port
        self.first = AnaGroup(self, "1", 1, default=True)

    def groups(self) -> tuple[Item, ...]:
        """The first."""
        return (self.first,)

    def new(self, name: str) -> AnaGroup:
        """A group. Raises EINVAL, ERANGE."""
        number = grammar.unsigned(os.fsencode(name), 32)
        if not 1 < number <= ANA_GROUPS:
            raise error(errno.EINVAL)
        return AnaGroup(self, name, number)


class Exports(Links):
    """``ports/ID/subsystems``: the first link opens the port, the last one gone closes it."""

    __slots__ = ("port",)

    def __init__(self, port: Port) -> None:
        super().__init__(port.kernel, port, "subsystems", default=True)
        self.port = port

    def allow(self, item: Directory) -> Item:
        """Only subsystems, each once. Raises what opening the port does."""
        if not isinstance(item, Subsystem):
            self.kernel.say("nvmet: can only link subsystems into the subsystems dir.!")
            raise error(errno.EINVAL)
        if item in self.targets():
            raise error(errno.EEXIST)
        if not self.entries:
            transports.enable(self.port)
            self.port.enabled = True
        return item

    def dropped(self, item: Item) -> None:
        """Its hosts on this port go."""
        self.kernel.drop(lambda one: one.port is self.port and one.subsystem is item)
        if not self.entries:
            self.port.enabled = False
            self.port.listens = None


class Port(Address):
    """``ports/ID``."""

    __slots__ = (
        "ana", "exports", "inline", "keyring", "listens", "mdts", "number", "pi", "queue", "referrals", "states",
    )  # fmt: skip

    def __init__(self, kernel: NvmetKernel, parent: Item, name: str, number: int) -> None:
        super().__init__(kernel, parent, name, number)
        self.family = None
        self.inline = self.queue = self.mdts = -1
        """Negative: the transport decides when the port is opened, and what it decides stays."""
        self.pi = False
        self.listens: transports.Listener | None = None
        self.keyring = kernel.environment.keyring
        self.states = dict.fromkeys(range(1, ANA_GROUPS + 1), b"inaccessible") | {1: b"optimized"}
        self.exports = Exports(self)
        self.referrals = Referrals(kernel, self, "referrals", default=True)
        self.ana = AnaGroups(self)

    def groups(self) -> tuple[Item, ...]:
        """What comes with it."""
        return self.exports, self.referrals, self.ana

    def attributes(self) -> Mapping[str, Node]:
        """What this kernel has."""
        found = self.addresses() | {
            "addr_tsas": self.attribute(lambda: self.security + b"\n", self._set_security),
            "param_inline_data_size": self.attribute(lambda: b"%d\n" % self.inline, self._set_inline),
            "param_max_queue_size": self.attribute(lambda: b"%d\n" % self.queue, self._set_queue),
            "param_mdts": self.attribute(lambda: b"%d\n" % self.mdts, self._set_mdts),
        }
        environment = self.kernel.environment
        if environment.options.integrity:
            found["param_pi_enable"] = self.attribute(lambda: b"%d\n" % self.pi, self._set_pi)
        return {name: one for name, one in found.items() if environment.version >= _SINCE.get(name, (0, 0))}

    def _set_security(self, page: bytes) -> None:
        self.while_closed("nvmet_addr_tsas_store")
        # For rdma only what is set already may be set: a queue pair is connected.
        if self.transport == "rdma" and self.security and grammar.same(page, self.security):
            return
        if self.transport != "tcp" or not (grammar.same(page, b"none") or grammar.same(page, b"tls1.3")):
            self.kernel.say_invalid(page, "tsas")
            raise error(errno.EINVAL)
        if grammar.same(page, b"none"):
            self.security, self.requirement = b"none", b"not specified"
            return
        if not self.kernel.environment.options.tls:
            self.kernel.say("nvmet: TLS is not supported")
            raise error(errno.EINVAL)
        if not self.keyring:
            self.kernel.say("nvmet: TLS keyring not configured")
            raise error(errno.EINVAL)
        self.security = b"tls1.3"
        if self.requirement == b"not specified":
            self.requirement = b"required"

    def _set_inline(self, page: bytes) -> None:
        self.while_closed("nvmet_param_inline_data_size_store")
        self.inline = number_or_log(self.kernel, page, "inline_data_size")

    def _set_queue(self, page: bytes) -> None:
        self.while_closed("nvmet_param_max_queue_size_store")
        self.queue = number_or_log(self.kernel, page, "max_queue_size")

    def _set_mdts(self, page: bytes) -> None:
        self.while_closed("nvmet_param_mdts_store")
        what = f"mdts, should be 0-{_LAST_MDTS}"
        value = number_or_log(self.kernel, page, what)
        if not 0 <= value <= _LAST_MDTS:
            self.kernel.say_invalid(page, what)
            raise error(errno.EINVAL)
        self.mdts = value

    def _set_pi(self, page: bytes) -> None:
        value = self.kernel.boolean(page)
        self.while_closed("nvmet_param_pi_enable_store")
        self.pi = value


class Ports(Collection):
    """``ports``: two names may be one number."""

    __slots__ = ()

    def new(self, name: str) -> Port:
        """A port. Raises EINVAL for a name that is no number of 16 bits."""
        try:
            number = grammar.unsigned(os.fsencode(name), 16)
        except OSError:
            raise error(errno.EINVAL) from None
        environment = self.kernel.environment
        if environment.options.tls and environment.version >= _SINCE["addr_tsas"] and not environment.keyring:
            self.kernel.say("nvmet: NVMe keyring not available, disabling TLS")
        return Port(self.kernel, self, name, number)
