"""Referrals: what a port's discovery log tells of other ports (drivers/nvme/target/configfs.c)."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from p2pctl.simulator.nodes import Node, error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.addresses import Address
from p2pctl.simulator.nvmet.items import Collection


class Referral(Address):
    """``ports/ID/referrals/NAME``."""

    __slots__ = ()

    def attributes(self) -> Mapping[str, Node]:
        """An address, the number of the port there, and whether it is told."""
        return self.addresses() | {
            "addr_portid": self.attribute(lambda: b"%d\n" % self.portid, self._set_portid),
            "enable": self.attribute(lambda: b"%d\n" % self.enabled, self._set_enable),
        }

    def _set_portid(self, page: bytes) -> None:
        try:
            value = grammar.unsigned(page, 16)
        except OSError:
            self.kernel.say_invalid(page, "portid")
            raise error(errno.EINVAL) from None
        self.while_closed("nvmet_addr_portid_store")
        self.portid = value

    def _set_enable(self, page: bytes) -> None:
        try:
            self.enabled = self.kernel.boolean(page)
        except OSError:
            self.kernel.say_invalid(page, "enable")
            raise


class Referrals(Collection):
    """``ports/ID/referrals``: any name will do."""

    __slots__ = ()

    def new(self, name: str) -> Referral:
        """A referral."""
        return Referral(self.kernel, self, name, 0)
