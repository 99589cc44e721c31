"""What a message of the kernel is about, how grave it is, and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from p2pctl.model.log import Record
from p2pctl.render.page import Severity
from p2pctl.target.log_lines import Created, Denied, Ended, NoMemory, PortEnabled, Using, events


class Meaning(NamedTuple):
    """What is read out of a line."""

    subject: str = ""
    severity: Severity = "info"
    text: str = ""
    """In one sentence; empty for a line that nothing is read out of."""
    remedy: str = ""
    """What to look at next."""
    memory: bool = False
    """Whether it is about the memory of a controller that the line does not name."""
    controller: int | None = None
    """The number of the controller that the line names."""


SOON = 1.0
"""Seconds between what is said of a controller's memory and the line that announces the controller."""
_NQN = re.compile(r"\bnqn\.[^\s,]{20,}")
_TAIL = 12
"""Letters that are left at the end of a long name: they tell the most."""


def shortened(text: str, mark: str) -> str:
    """The text with long NQNs cut in the middle, so that what is said of them has room."""
    return _NQN.sub(lambda match: f"nqn.{mark}{match[0][-_TAIL:]}", text)


def owners(lines: Iterable[tuple[float, Meaning]]) -> list[int | None]:
    """For each line its controller: the one that it names, or that is announced right after.

    nvmet looks for a controller's memory first and announces it then (drivers/nvme/target/core.c,
    ``nvmet_alloc_ctrl``): the lines about its memory stand before the one with its number.
    """
    found: list[int | None] = []
    following: tuple[float, int] | None = None
    for time, said in reversed(list(lines)):
        if said.controller is not None and not said.remedy:
            following = (time, said.controller)
        owned = said.memory and following is not None and following[0] - time <= SOON
        found.append(following[1] if owned and following else said.controller)
    return found[::-1]


def meaning(record: Record) -> Meaning:
    """Of one message: a line counts only as a whole, so that no name in it is taken for a message."""
    event = next(events((record,)), None)
    match event:
        case Using():
            text = f"A controller got P2P memory of {event.provider} for namespace {event.nsid}."
            return Meaning(str(event.provider), "ok", text, "p2pctl port state", memory=True)
        case NoMemory():
            text = (
                f"No provider suits both {event.device} and {event.path}: I/O of that controller to that namespace "
                "goes through system memory."
            )
            return Meaning(event.path, "warning", text, f"p2pctl providers {event.device} {event.path}", memory=True)
        case Denied():
            text = f"{event.client} may not use the memory of {event.provider}."
            return Meaning(str(event.client), "warning", text, f"p2pctl explain {event.provider} {event.client}")
        case Created():
            named = " or ".join(event.subsystems)
            what = "a discovery controller" if event.discovery else "a controller"
            text = f"{event.host} connected to {named}: {what}, number {event.cntlid}."
            return Meaning(event.host, "info", text, controller=event.cntlid)
        case Ended():
            who = "A controller" if event.cntlid is None else f"Controller {event.cntlid}"
            text = f"{who} ended: {event.text}."
            return Meaning("", "warning", text, "p2pctl connection list", controller=event.cntlid)
        case PortEnabled():
            text = f"Port {event.number} began to listen: connections that it had had are gone."
            return Meaning(f"port {event.number}", "info", text)
        case None:
            return Meaning()
