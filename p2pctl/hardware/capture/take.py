"""Taking a capture: all readers run over a door that remembers, and what may be kept of that is packed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from p2pctl import __version__
from p2pctl.hardware.capture.build import build
from p2pctl.hardware.capture.manifest import Manifest
from p2pctl.hardware.capture.pack import pack
from p2pctl.hardware.capture.record import RecordingDoor
from p2pctl.hardware.capture.redact import fresh_key, redact
from p2pctl.kernel import Door
from p2pctl.model.facts import known
from p2pctl.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Taken:
    """A capture that was taken, and not yet written."""

    data: bytes
    """The file."""
    manifest: Manifest
    members: int
    """Files, links and directories in it."""


def take(
    door: Door,
    read_everything: Callable[[Door], Snapshot],
    *,
    root: bool,
    redacted: bool = False,
    key: bytes | None = None,
) -> Taken:
    """Runs ``read_everything`` once and packs what it read.

    ``root`` is whether that happens as root; ``redacted`` replaces identities by pseudonyms, under a fresh ``key``
    unless a test wants the same ones again. Raises UnsupportedError where the host is larger than a capture may be.
    """
    recording = RecordingDoor(door)
    snapshot = read_everything(recording)
    record = recording.record
    tree = build(record, door.files)
    manifest = Manifest(
        version=__version__,
        time=recording.now(),
        host=known(snapshot.source.host, None),
        kernel=known(snapshot.source.kernel, None),
        boot_id=known(snapshot.source.boot_id, None),
        root=root,
        gaps=snapshot.gaps,
        processes={pid: who for pid, who in record.processes.items() if pid in tree.holders},
        names=record.names,
        log=record.log,
    )
    if redacted:
        tree, manifest = redact(tree, manifest, key or fresh_key())
    manifest = tree.describe(manifest)
    return Taken(pack(manifest, tree.members), manifest, len(tree.members))
