"""PCI configuration space: what a device says of itself."""

from __future__ import annotations

from p2pctl.hardware.config_space import read_config
from p2pctl.model.facts import Missing
from tests.fuzz.sound import check_facts
from tests.hardware.test_config_space import Space

MOST_CYCLES = 1200
"""Dwords fetched: 16 of the header, 48 and 480 entries of the lists, and the registers of what they lead to."""


def check(data: bytes) -> None:
    """Any space is read within what its size bounds, and gives facts that a document can hold."""
    space = Space(data[:4096])
    config, needs = read_config(space.pread)
    assert space.cycles <= MOST_CYCLES
    assert all(0 <= offset < 4096 and 0 < length <= 64 for offset, length in space.reads)
    check_facts(*config[:-1])
    if not isinstance(config.resizable, Missing):
        check_facts(*(tuple(one) for one in config.resizable))
    assert needs is None or needs
