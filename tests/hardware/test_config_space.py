"""Configuration space: what is read, and what garbage cannot do."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.config_space import read_config
from p2pctl.model.facts import ABSENT, UNREADABLE
from p2pctl.model.pci import Acs, PortType


class Space:
    """Configuration space that counts how it is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    def pread(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.data[offset : offset + length]

    @property
    def cycles(self) -> int:
        """Dwords that a kernel would fetch over the bus."""
        return sum((length + 3) // 4 for _, length in self.reads)


def header(kind: int = 0, *, capabilities: bool = True, pointer: int = 0x40) -> bytearray:
    space = bytearray(4096)
    struct.pack_into("<HHHH", space, 0, 0x1B36, 0x0010, 0x0006, 0x0010 if capabilities else 0)
    space[0x0E] = kind
    space[0x34] = pointer
    if kind == 1:
        space[0x18:0x1B] = bytes((1, 2, 5))
    return space


def express(space: bytearray, at: int = 0x40, *, port_type: int = 0, following: int = 0) -> None:
    struct.pack_into("<BBH", space, at, 0x10, following, 0x0002 | port_type << 4)
    struct.pack_into("<I", space, at + 4, 0x2)  # 512 bytes supported
    struct.pack_into("<H", space, at + 8, 0x1 << 5)  # 256 bytes set
    struct.pack_into("<H", space, at + 0x28, 0x20)  # ARI forwarding on


def extended(space: bytearray, at: int, identity: int, following: int = 0) -> None:
    struct.pack_into("<I", space, at, identity | 1 << 16 | following << 20)


def test_a_root_port_tells_type_payload_buses_acs_and_ari() -> None:
    """The registers of a port come out as the specification defines them."""
    space = header(1)
    express(space, port_type=PortType.ROOT_PORT)
    extended(space, 0x100, 0x0001, 0x148)
    extended(space, 0x148, 0x000D)
    struct.pack_into("<HH", space, 0x14C, 0x5F, 0x1D)
    config, needs = read_config(Space(bytes(space)).pread)
    assert needs is None
    assert (config.header_type, config.port_type) == (1, PortType.ROOT_PORT)
    assert (config.secondary_bus, config.subordinate_bus) == (2, 5)
    assert (config.max_payload, config.max_payload_supported) == (256, 512)
    assert config.acs == Acs(0x5F, 0x1D)
    assert config.ari_forwarding is True
    assert config.ari is ABSENT
    assert config.ats is ABSENT


def test_an_endpoint_tells_ats_and_ari() -> None:
    """ATS is on or off, an ARI capability is there or not."""
    space = header()
    express(space)
    extended(space, 0x100, 0x000E, 0x110)
    extended(space, 0x110, 0x000F)
    struct.pack_into("<H", space, 0x116, 0x8000)
    config, _ = read_config(Space(bytes(space)).pread)
    assert (config.ari, config.ats, config.acs) == (True, True, ABSENT)
    assert config.ari_forwarding is ABSENT


def test_little_is_read() -> None:
    """A port with four capabilities costs a small part of the 1,024 dwords of its configuration space."""
    space = header(1)
    express(space, port_type=PortType.DOWNSTREAM)
    extended(space, 0x100, 0x0001, 0x148)
    extended(space, 0x148, 0x000D)
    counted = Space(bytes(space))
    read_config(counted.pread)
    assert counted.cycles <= 16 + 8


def test_64_bytes_leave_acs_unreadable() -> None:
    """What a user without privilege sees never turns into "no ACS"."""
    for capabilities in (True, False):
        space = header(1, capabilities=capabilities)
        config, needs = read_config(Space(bytes(space[:64])).pread)
        assert config.acs is UNREADABLE
        assert config.port_type is UNREADABLE
        assert config.secondary_bus == 2
        assert needs is not None
        assert "root" in needs


def test_a_conventional_function_has_no_acs() -> None:
    """256 bytes, as the kernel sizes a function without extended space: absent, not unknown."""
    space = header()
    express(space)
    config, needs = read_config(Space(bytes(space[:256])).pread)
    assert config.acs is ABSENT
    assert needs is None


def test_extended_space_that_ends_in_the_middle_is_unreadable() -> None:
    """A list that leads beyond the end of the file was cut off."""
    space = header()
    extended(space, 0x100, 0x0001, 0x400)
    config, needs = read_config(Space(bytes(space[:0x200])).pread)
    assert config.acs is UNREADABLE
    assert needs


def test_all_ones_mean_a_device_that_does_not_answer() -> None:
    """A device that fell off the bus has unknown registers, not all bits set."""
    config, needs = read_config(Space(b"\xff" * 4096).pread)
    assert config.acs is UNREADABLE
    assert config.header_type is UNREADABLE
    assert needs


def test_extended_space_of_ones_is_unreadable() -> None:
    """Extended space that answers all ones hides what is there."""
    space = header()
    express(space)
    space[0x100:] = b"\xff" * (4096 - 256)
    config, _ = read_config(Space(bytes(space)).pread)
    assert config.acs is UNREADABLE
    assert config.port_type == PortType.ENDPOINT


def test_loops_end() -> None:
    """Capability lists that point at themselves or at each other are walked once."""
    space = header()
    express(space, following=0x50)
    struct.pack_into("<BB", space, 0x50, 0x05, 0x40)
    extended(space, 0x100, 0x0001, 0x100)
    counted = Space(bytes(space))
    config, needs = read_config(counted.pread)
    assert (config.acs, needs) == (ABSENT, None)
    assert len(counted.reads) < 70


@given(st.binary(min_size=0, max_size=600), st.integers(0, 255))
def test_no_garbage_raises_or_runs_away(data: bytes, pointer: int) -> None:
    """Any bytes give a configuration, within the kernel's own limits of reads."""
    space = bytearray(data)
    if len(space) > 0x34:
        space[0x34] = pointer
        space[0x06] |= 0x10
    counted = Space(bytes(space))
    read_config(counted.pread)
    assert len(counted.reads) <= 1 + 48 + 480 + 6


@given(st.lists(st.tuples(st.integers(0x40, 0xFC), st.integers(0, 255), st.integers(0, 255)), max_size=40), st.data())
def test_no_list_raises(entries: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """Lists of any shape, classic and extended, end."""
    space = header()
    for at, identity, following in entries:
        space[at], space[at + 1] = identity, following
    for at, identity, following in data.draw(
        st.lists(st.tuples(st.integers(0x40, 0x3FF), st.integers(0, 0xFFFF), st.integers(0, 0xFFF)), max_size=40)
    ):
        struct.pack_into("<I", space, at * 4, identity | following << 20)
    counted = Space(bytes(space))
    read_config(counted.pread)
    assert len(counted.reads) <= 1 + 48 + 480 + 6
