"""What a run that was killed has left of a disk that it wrote over: read by whatever version, after whatever crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

from p2pctl.cli.rescue import left_in, left_text, refuse_left, rescue_file
from p2pctl.errors import RecoverError
from tests.fuzz.sound import check_error, check_facts


def check(data: bytes) -> None:
    """A place that the disk has, and the byte that it held, or one line that names the file; never nothing."""
    with tempfile.TemporaryDirectory(prefix="p2pctl-fuzz-") as directory:
        file = Path(rescue_file(directory))
        file.write_bytes(data)
        file.chmod(0o600)
        left, why = None, ""
        try:
            left = left_in(directory)
        except RecoverError as error:
            check_error(error, hinted=True)
            why = error.message
        assert left is not None or str(file) in why
        if left is not None:
            place, byte = left.blank
            assert 0 <= place.offset < place.offset + place.length <= left.size
            assert byte in range(256)
            check_facts(left_text(left), left.mark)
        try:
            refuse_left(left_in(directory))
        except RecoverError as error:
            check_error(error, hinted=True)
        else:
            raise AssertionError("nothing more may be written until it is put back")
