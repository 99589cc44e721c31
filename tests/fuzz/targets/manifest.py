"""The manifest of a capture."""

from __future__ import annotations

from p2pctl.errors import UsageError
from p2pctl.hardware.capture.manifest import parse
from p2pctl.hardware.capture.pseudonyms import Pseudonyms
from p2pctl.hardware.capture.redact_log import redact_log
from p2pctl.hardware.capture.replay import RecordedLog, RecordedNames, RecordedProcesses
from p2pctl.kernel import LogRead
from tests.fuzz.sound import check_error


def check(data: bytes) -> None:
    """What is taken comes out of its own dump as it was; anything else is refused in one line."""
    try:
        manifest = parse(data, "x.tar.gz")
    except UsageError as error:
        check_error(error, hinted=True)
        return
    again = parse(manifest.dump(), "x.tar.gz")
    assert again == manifest
    assert again.dump() == manifest.dump()
    for pid in manifest.processes:
        assert RecordedProcesses(manifest).who(pid) is not None
    for vendor, device in manifest.names:
        RecordedNames(manifest).device(vendor, device)
    if isinstance(manifest.log, LogRead):
        assert RecordedLog(manifest).mark() >= -1
        redact_log(manifest.log, Pseudonyms(b"key"))
