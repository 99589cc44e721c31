"""The kernel's log: records of /dev/kmsg, entries of the journal, and what is made of their text.

A host's name for itself stands in such lines, so who may connect may write them.
"""

from __future__ import annotations

from p2pctl.hardware.capture.pseudonyms import Pseudonyms
from p2pctl.hardware.capture.redact_log import redact_log
from p2pctl.hardware.journal import _entry
from p2pctl.hardware.kmsg import parse
from p2pctl.hardware.log import concerns
from p2pctl.kernel import LogLine, LogRead
from p2pctl.model.log import Record
from p2pctl.render.text import clean
from p2pctl.target.log_lines import Created, events
from tests.fuzz.sound import check_text

NQN = "nqn.2026-11.org.example:kept"


def check(data: bytes) -> None:
    """Each line is a record, or an entry, or nothing; events are of lines that concern p2pctl and name real objects."""
    texts = []
    for line in data.split(b"\n")[:50]:
        message, entry = parse(line), _entry(line)
        assert message is None or message.sequence >= 0
        assert entry is None or entry.microseconds >= 0
        texts += [found.text for found in (message, entry) if found is not None]
        texts.append(line.decode("utf-8", "surrogateescape"))
    records = [Record(number, float(number), text) for number, text in enumerate(texts)]
    for event in events(records, [NQN]):
        assert concerns(event.record.text) or "peer-to-peer" in event.record.text
        if isinstance(event, Created):
            assert event.subsystems
            assert 0 <= event.cntlid <= 99999
    read = LogRead(tuple(LogLine(*record) for record in records), complete=True)
    for redacted in redact_log(read, Pseudonyms(b"key")).lines:
        check_text(clean(redacted.text))
