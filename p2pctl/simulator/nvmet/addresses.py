"""The address of a port or of a referral: the same attributes with the same rules (drivers/nvme/target/configfs.c)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Node, error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.items import Item

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

TRANSPORTS = ("rdma", "fc", "tcp", "pci", "loop")
_PCI_SINCE = (6, 14)
FAMILIES = {"ipv4": 1, "ipv6": 2, "ib": 3, "fc": 4, "pci": 0, "loop": 254}
"""``addr_adrfam`` and its number, by which the kernel's messages tell it; 255 is none."""
_REQUIREMENTS = (b"not specified", b"required", b"not required")
_ADDRESS, _SERVICE = 256, 32
_SECURITY_BYTES = {b"connected": b"\x01\x01\x01", b"tls1.3": b"\x02"}


class Address(Item):
    """A port or a referral."""

    __slots__ = ("address", "enabled", "family", "portid", "requirement", "security", "service", "transport")

    def __init__(self, kernel: NvmetKernel, parent: Item, name: str, portid: int) -> None:
        super().__init__(kernel, parent, name)
        self.portid = portid
        self.enabled = False
        self.transport: str | None = None
        self.family: str | None = "pci"
        self.address = self.service = b""
        self.requirement = _REQUIREMENTS[0]
        self.security = b""
        """``addr_tsas``."""

    def addresses(self) -> dict[str, Node]:
        """The attributes that ports and referrals have."""
        return {
            "addr_adrfam": self.attribute(lambda: (self.family or "").encode() + b"\n", self._set_family),
            "addr_treq": self.attribute(lambda: self.requirement + b"\n", self._set_requirement),
            "addr_traddr": self.attribute(self._show_address, self._set_address),
            "addr_trsvcid": self.attribute(lambda: self.service + b"\n", self._set_service),
            "addr_trtype": self.attribute(lambda: (self.transport or "").encode() + b"\n", self._set_transport),
        }

    def while_closed(self, function: str) -> None:
        """Raises EACCES while it is in use, with the kernel's line that names its function."""
        if self.enabled:
            self.kernel.say(f"nvmet: Disable port '{self.portid}' before changing attribute in {function}")
            raise error(errno.EACCES)

    def _set_family(self, page: bytes) -> None:
        self.while_closed("nvmet_addr_adrfam_store")
        for one in FAMILIES:
            if grammar.same(page, one.encode()):
                self.family = one
                return
        self.kernel.say_invalid(page, "adrfam")
        raise error(errno.EINVAL)

    def _show_address(self) -> bytes:
        # An address that fills its field has its end in the next one, and is printed until there is one.
        beyond = _SECURITY_BYTES.get(self.security, b"") if len(self.address) == _ADDRESS else b""
        return self.address + beyond + b"\n"

    def _set_address(self, page: bytes) -> None:
        if len(page) > _ADDRESS:
            self.kernel.say_invalid(page, "traddr")
            raise error(errno.EINVAL)
        self.while_closed("nvmet_addr_traddr_store")
        self.address = grammar.word(page)
        if len(self.address) == _ADDRESS:
            # Its final NUL falls into the field for the security.
            self.security = b"none" if self.transport == "tcp" else b""

    def _set_service(self, page: bytes) -> None:
        if len(page) > _SERVICE:
            self.kernel.say_invalid(page, "trsvcid")
            raise error(errno.EINVAL)
        self.while_closed("nvmet_addr_trsvcid_store")
        self.service = grammar.word(page)

    def _set_requirement(self, page: bytes) -> None:
        self.while_closed("nvmet_addr_treq_store")
        found = next((one for one in _REQUIREMENTS if grammar.same(page, one)), None)
        if found is None:
            self.kernel.say_invalid(page, "treq")
            raise error(errno.EINVAL)
        if self.transport == "tcp" and self.security == b"tls1.3":
            if found == _REQUIREMENTS[0]:
                raise error(errno.EINVAL)
            if found == _REQUIREMENTS[2]:
                self.kernel.say("nvmet: Allow non-TLS connections while TLS1.3 is enabled")
        self.requirement = found

    def _set_transport(self, page: bytes) -> None:
        self.while_closed("nvmet_addr_trtype_store")
        for one in TRANSPORTS:
            if grammar.same(page, one.encode()) and (one != "pci" or self.kernel.environment.version >= _PCI_SINCE):
                self.transport = one
                self.security = {"rdma": b"connected", "tcp": b"none"}.get(one, b"")
                return
        self.kernel.say_invalid(page, "trtype")
        raise error(errno.EINVAL)


def number_or_log(kernel: NvmetKernel, page: bytes, what: str) -> int:
    """A signed number. Raises EINVAL, having said so."""
    try:
        return grammar.integer(page)
    except OSError:
        kernel.say_invalid(page, what)
        raise error(errno.EINVAL) from None
