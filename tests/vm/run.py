"""Runs one shell script in a machine by hand: `python -m tests.vm.run SERIES TOPOLOGY SCRIPT`.

The script may be `-` for standard input. In the guest the checkout is where it is on the host.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.vm import kernels, machine, topologies
from tests.vm.cache import UnavailableError


def main(argv: list[str]) -> int:
    """Boots, prints the script's output and how the guest ended; returns the script's exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm.run", description=__doc__)
    parser.add_argument("series")
    parser.add_argument("topology", choices=sorted(topologies.NAMED))
    parser.add_argument("script", help="a file, or - for standard input")
    parser.add_argument("--out", type=Path, help="the guest's /out (default: a directory that is removed)")
    parser.add_argument("--seconds", type=float, default=600)
    asked = parser.parse_args(argv)
    script = sys.stdin.read() if asked.script == "-" else Path(asked.script).read_text()
    try:
        kernel = kernels.fetch(asked.series)
        with tempfile.TemporaryDirectory() as scratch:
            out = asked.out or Path(scratch)
            result = machine.boot(topologies.named(asked.topology), kernel, script, out, asked.seconds)
    except (UnavailableError, machine.MachineError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 125
    print(result.story(lines=10_000))
    return 125 if result.status is None else result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
