"""Makes this host ready to boot test machines: `python -m tests.vm.prepare [--refresh] [SERIES ...]`."""

from __future__ import annotations

import argparse
import sys

from tests.vm import accel, cache, kernels, packages, ramdisk, rdma_driver
from tests.vm.cache import UnavailableError

SERIES = ("7.3", "6.18", "6.12")


def main(argv: list[str]) -> int:
    """Installs packages, fetches kernels, builds ramdisks and a driver, tries KVM; what is there already stays.

    Returns 1, and says what is missing, when this host cannot be made ready.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.vm.prepare", description=main.__doc__)
    parser.add_argument("series", nargs="*", default=SERIES, help=f"kernel series (default: {' '.join(SERIES)})")
    parser.add_argument("--refresh", action="store_true", help="ask the mirror again for newer kernels")
    asked = parser.parse_args(argv)
    print(f"cache: {cache.root()}", flush=True)
    try:
        packages.install()
        for series in asked.series:
            kernel = kernels.fetch(series, refresh=asked.refresh)
            image = ramdisk.build(kernel)
            print(f"ramdisk {series}: {image}", flush=True)
            print(f"accelerator {series}: {accel.accelerator(kernel, image)}", flush=True)
            if series in rdma_driver.SERIES:
                print(f"RDMA driver {series}: {rdma_driver.build(kernel)}", flush=True)
    except UnavailableError as error:
        print(f"cannot boot test machines here: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
