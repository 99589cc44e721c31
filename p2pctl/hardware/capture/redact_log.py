"""The kernel's messages without anybody's names: those that are evidence stay, of others only who spoke."""

from __future__ import annotations

import re

from p2pctl.hardware.capture.pseudonyms import Pseudonyms
from p2pctl.kernel import LogRead

_EVIDENCE = re.compile(
    r"using p2pmem on |peer-to-peer (?:DMA|memory)|ACS redirect|: enabling port |: ctrl [0-9]+ (?:keep-alive|fatal)"
)
_CONNECTED = re.compile(
    r"(.*: [Cc]reat\w+ \w+ controller [0-9]+ for subsystem )(.*)( for NQN )(.*?)"
    r"((?: T10-PI[^.]*)?(?: with DH-HMAC-CHAP)?(?:, TLS)?\.?)",
    re.DOTALL,
)
_BY_LINK = re.compile(r"(/dev/disk/by-(?:id|uuid|label|partuuid|partlabel)/)([^/\s:]+)")
_SPEAKER = re.compile(r"[a-z0-9_-]{1,20}")


def redact_log(log: LogRead, to: Pseudonyms) -> LogRead:
    """The log with pseudonyms. A message of a form that is not known could name anything; it loses its words."""
    return log._replace(lines=tuple(line._replace(text=_redacted(line.text, to)) for line in log.lines))


def _redacted(text: str, to: Pseudonyms) -> str:
    connected = _CONNECTED.fullmatch(text)
    if connected is not None:
        head, subsystem, between, host, rest = connected.groups()
        return head + to.nqn(subsystem) + between + to.nqn(host) + rest
    if _EVIDENCE.search(text) and "'" not in text.replace("that's", ""):
        return to.text(_BY_LINK.sub(lambda match: match[1] + to.name(match[2]), text))
    speaker, colon, _ = text.partition(": ")
    return f"{speaker}: (redacted)" if colon and _SPEAKER.fullmatch(speaker) else "(redacted)"
