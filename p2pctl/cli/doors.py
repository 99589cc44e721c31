"""Which door is in use. No other code knows."""

from __future__ import annotations

import os

from p2pctl.cli.options import Globals
from p2pctl.kernel import Door


def open_door(options: Globals) -> Door:
    """The source of facts that the global options ask for; the running host without any."""
    # Each door brings its own dependencies: a run imports one.
    if options.demo:
        from p2pctl.simulator.door import DemoDoor, state_directory  # noqa: PLC0415

        return DemoDoor(state=state_directory(os.environ))
    if options.capture is not None:
        from p2pctl.hardware.archive import CaptureDoor  # noqa: PLC0415

        return CaptureDoor(options.capture)
    if options.sysroot is not None:
        from p2pctl.hardware.sysroot import SysrootDoor  # noqa: PLC0415

        return SysrootDoor(options.sysroot)
    from p2pctl.hardware.live import LiveDoor  # noqa: PLC0415

    return LiveDoor()
