"""Builds a network card's RDMA driver for the guests: soft-RoCE that does DMA as a real card does.

The distribution's driver registers without a DMA device, and for such a one nvmet-rdma uses no P2P memory. Compiled
with `SHIM` its devices belong to the network card's PCI function and take the addresses of its DMA mappings, which are
physical ones: a driver for a machine without address translation, and for tests.

Headers, source and a compiler of the kernel's own Debian release are unpacked into a directory, and the compiler runs
in there: nothing is installed, and this machine needs no compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.vm import cache, packages
from tests.vm.apt import Archive
from tests.vm.cache import UnavailableError
from tests.vm.kernels import Kernel, series_of

SERIES = ("7.3",)
"""The kernels that it is built for: the archive keeps the headers of the newest ones only."""

MODULE = "rdma_rxe.ko"
DIRECTORY = "drivers/infiniband/sw/rxe"
SUITE = "trixie"
"""Where the compiler comes from: the release that the backported kernels are built on."""
TOOLS = ("binutils", "make", "dash", "coreutils", "sed", "grep", "mawk", "findutils")
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
SECONDS = 600

SHIM = """\
#include <linux/netdevice.h>
#include <rdma/ib_verbs.h>

#define ib_virt_dma_to_page(address) pfn_to_page((address) >> PAGE_SHIFT)

#define ib_register_device(device, name, none) ({ \\
	(device)->dev.parent = ndev->dev.parent; \\
	(ib_register_device)(device, name, ndev->dev.parent); \\
})
"""
EXPECTED = {
    "rxe_mr.c": "ib_virt_dma_to_page(",
    "rxe_verbs.c": "ib_register_device(dev, ibdev_name, NULL)",
}
"""What the shim stands on: without these a source is one that it does not know."""

COMPILE = """\
mount --rbind /dev "$1/dev"
mount --rbind /proc "$1/proc"
chroot "$1" make --silent --jobs="$(nproc)" -C "$2" M=/rxe modules
chroot "$1" strip --strip-debug /rxe/rdma_rxe.ko
"""
RECIPE = "\n".join((SUITE, *TOOLS, SHIM, COMPILE))


def build(kernel: Kernel) -> Path:
    """Returns the driver for a kernel, from the cache when it was built before by this recipe.

    Raises UnavailableError when something that it takes cannot be had here, or the source is not as expected.
    """
    store = cache.root() / "rdma"
    target = store / f"rdma_rxe-{kernel.release}-{cache.digest(RECIPE.encode())}.ko"
    with cache.lock("rdma"):
        if not target.exists():
            store.mkdir(exist_ok=True)
            print(f"building the RDMA driver for {kernel.release}", flush=True)
            with tempfile.TemporaryDirectory(dir=store) as scratch:
                _build(kernel, Archive(), Path(scratch)).rename(target)
    return target


def _build(kernel: Kernel, archive: Archive, scratch: Path) -> Path:
    root, debs = scratch / "root", scratch / "debs"
    for directory in (root / "dev", root / "proc", root / "tmp", debs):
        directory.mkdir(parents=True)
    for link, place in LINKS.items():
        (root / place).mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(place)
    headers = f"linux-headers-{kernel.release}"
    version = archive.version(headers)
    for package in archive.download_closure([headers, *TOOLS], SUITE, debs):
        _unpack(package, root)
    (root / "usr/bin/awk").symlink_to("mawk")
    _source(kernel, archive, version, root)
    return _compile(kernel, root)


def _source(kernel: Kernel, archive: Archive, version: str, root: Path) -> None:
    """The driver's source out of the package that the kernel was built from, and the shim beside it."""
    name = "linux-source-{}.{}".format(*series_of(kernel.release))
    into = root.parent / "source"
    into.mkdir()
    (package,) = archive.download([f"{name}={version}"], into)
    # A pipe, since the whole source would take some 1.5 GB.
    pipe = (
        f'dpkg-deb --fsys-tarfile "$1" | tar --extract --to-stdout ./usr/src/{name}.tar.xz'
        f' | {packages.program("xz")} -dc | tar --extract --directory "$2" --strip-components=4 {name}/{DIRECTORY}'
    )
    _run(["bash", "-o", "pipefail", "-c", pipe, "bash", package, root], f"could not unpack {name}")
    for file, text in EXPECTED.items():
        if text not in (root / "rxe" / file).read_text():
            raise UnavailableError(f"the RDMA driver of {version} is another: no {text!r} in {file}")
    (root / "rxe/shim.h").write_text(SHIM)
    with (root / "rxe/Makefile").open("a") as makefile:
        makefile.write("\nccflags-y += -include $(src)/shim.h\n")


def _compile(kernel: Kernel, root: Path) -> Path:
    unshare = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    command = [*unshare, "sh", "-ec", COMPILE, "sh", root, f"/lib/modules/{kernel.release}/build"]
    _run(command, f"could not build the RDMA driver for {kernel.release}")
    module = root / "rxe" / MODULE
    if not module.exists():
        raise UnavailableError(f"the build of the RDMA driver for {kernel.release} left no {MODULE}")
    return module


def _unpack(package: Path, root: Path) -> None:
    # Not dpkg -x: it puts a directory of an older package where the link to /usr is.
    pipe = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --directory "$2"'
    _run(["bash", "-o", "pipefail", "-c", pipe, "bash", package, root], f"could not unpack {package.name}")


def _run(command: list[str | Path], trouble: str) -> None:
    environment = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "LC_ALL": "C"}
    if shutil.which(str(command[0]), path=environment["PATH"]) is None:
        raise UnavailableError(f"{trouble}: {command[0]} is missing")
    try:
        ran = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{trouble} in {SECONDS} s") from error
    if ran.returncode:
        raise UnavailableError(f"{trouble}: {(ran.stderr or ran.stdout).strip()[-2000:]}")
