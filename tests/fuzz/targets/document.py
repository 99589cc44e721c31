"""Documents of the target, YAML and JSON, p2pctl's own and nvmetcli's: read, laid over a target, planned, written."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

from p2pctl.errors import P2pctlError
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.render.diff import validity_page
from p2pctl.target.diff import plan
from p2pctl.target.document import DocumentError, load
from p2pctl.target.export import export
from p2pctl.target.merge import merge
from p2pctl.target.nvmetcli import to_nvmetcli
from tests.fuzz.sound import check_error, check_result
from tests.unit.target_workshop import SEEN, Workshop

_HERE = Snapshot(Source("demo", "demo", "7.3.0", "boot"), 0.0)


@cache
def _live() -> Nvmet:
    with tempfile.TemporaryDirectory() as directory:
        return Workshop(Path(directory)).read()


def _check_places(error: DocumentError) -> None:
    assert all(one.place is None or (one.place.line > 0 and one.place.column > 0) for one in error.problems)


def check(data: bytes) -> None:
    """Wishes that can be planned, or problems with their places; what was understood can be written again."""
    try:
        wishes = load(data, "x.yaml", private=True, read_secret=lambda _path: "DHHC-1:00:canaryAAAA:")
    except DocumentError as error:
        check_error(error)
        _check_places(error)
        return
    check_result(validity_page(_HERE, wishes))
    for live in (Nvmet(0.0, present=True, loaded=True), _live()):
        try:
            wanted = merge(live, wishes, prune="all").wanted
        except P2pctlError as error:
            check_error(error)
            continue
        steps = plan(live, wanted, locked={SEEN}).steps
        assert all(step.path.startswith("/sys/kernel/config/nvmet") and "\0" not in step.path for step in steps)
        assert all("/../" not in f"{step.path}/" for step in steps)
        json.dumps([export(wanted), to_nvmetcli(wanted)])
        assert plan(wanted, wanted).steps == ()
