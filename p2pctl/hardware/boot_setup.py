"""Reads how the machine boots: what GRUB's settings ask for, and whether nvmetcli's unit fills the target."""

from __future__ import annotations

import re

from p2pctl.hardware.capture.grub import GRUB_FILE, grub_options
from p2pctl.hardware.reading import SENSE, Reader
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.machine import GrubOption, Unit

_UNITS = "/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"
"""Of units of one name, systemd takes the first one (systemd.unit(5))."""
_NAME = "nvmet.service"
_WANTED = f"/etc/systemd/system/multi-user.target.wants/{_NAME}"
"""What ``systemctl enable`` makes of nvmetcli's unit."""
_STOPS = re.compile(r"^ExecStop=(.*)$", re.MULTILINE)


def read_grub(reader: Reader) -> Fact[tuple[GrubOption, ...]]:
    """The options that /etc/default/grub asks for; ABSENT on a machine without it."""
    data = reader.data(GRUB_FILE, "boot loader settings")
    if isinstance(data, Missing):
        return data
    found = grub_options(data)
    if found is None:
        reader.gap("boot loader settings", None, GRUB_FILE, SENSE)
        return UNREADABLE
    return tuple(GrubOption(word, GRUB_FILE, line) for line, word in found)


def read_nvmetcli_unit(reader: Reader) -> Fact[Unit]:
    """The unit of nvmetcli; ABSENT where there is none, or where it is masked."""
    fact = "systemd unit"
    for directory in _UNITS:
        path = f"{directory}/{_NAME}"
        if reader.link_name(path, fact, _NAME) == "null":  # masked: whatever else has the name does not count
            return ABSENT
        text = reader.text(path, fact, _NAME)
        if text is ABSENT:
            continue
        if isinstance(text, Missing):
            return text
        stops = _STOPS.search(text)
        link = reader.link_name(_WANTED, fact, _NAME)
        return Unit(path, stops[1].strip() if stops else None, link if link is UNREADABLE else link is not ABSENT)
    return ABSENT
