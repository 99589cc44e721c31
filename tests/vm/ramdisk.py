"""Builds the ramdisk a guest starts from: busybox, the guest's init and the kernel modules it may want."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.vm import cache, cpio, packages
from tests.vm.cache import UnavailableError
from tests.vm.kernels import Kernel

BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
"""Without these the guest never reaches its root directory."""

MODULES = (
    "configfs", "nvme", "nvmet", "nvme-loop", "nvmet-tcp", "nvme-tcp",
    "nvmet-rdma", "nvme-rdma", "rdma_rxe", "nvme-fcloop",
    "loop", "null_blk", "md-mod", "minix", "ext4",
    "e1000e", "virtio_net", "virtio_blk", "dummy",
    "vfio-pci", "vfio_iommu_type1", "pci-stub", "pci-pf-stub", "uio_pci_generic",
)  # fmt: skip
"""What a test may load; one that a kernel lacks is left out and named."""

UNPACKERS = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}

GUEST = Path(__file__).parent / "guest"


def build(kernel: Kernel) -> Path:
    """Returns a ramdisk for the kernel, from the cache when its content would be the same.

    Raises UnavailableError when busybox, an unpacker or a module that the boot itself needs is missing.
    """
    shell = packages.busybox()
    scripts = [GUEST / name for name in ("init", "stage2")]
    key = cache.digest(
        kernel.release.encode(),
        *(path.read_bytes() for path in (shell, *scripts, Path(__file__), Path(cpio.__file__))),
    )
    store = cache.root() / "ramdisks"
    target = store / f"{kernel.release}-{key}.cpio.gz"
    with cache.lock("ramdisks"):
        if target.exists():
            return target
        store.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store) as scratch:
            tree = Path(scratch) / "tree"
            missing = _fill(tree, kernel, shell, scripts)
            part = Path(scratch) / "part"
            part.write_bytes(gzip.compress(cpio.archive(tree), compresslevel=6, mtime=0))
            part.rename(target)
    size = target.stat().st_size / 2**20
    print(f"ramdisk for {kernel.release}: {size:.1f} MiB, lacking {', '.join(missing) or 'nothing'}", flush=True)
    return target


def _fill(tree: Path, kernel: Kernel, shell: Path, scripts: Iterable[Path]) -> list[str]:
    for name in ("usr/bin", "dev", "proc", "sys", "ro", "rw", "newroot"):
        (tree / name).mkdir(parents=True)
    for link in ("bin", "sbin"):
        (tree / link).symlink_to("usr/bin")
    (tree / "lib").symlink_to("usr/lib")
    for source, name in ((shell, "usr/bin/busybox"), *((script, script.name) for script in scripts)):
        shutil.copy(source, tree / name)
        (tree / name).chmod(0o755)
    modules = tree / "usr/lib/modules" / kernel.release
    modules.mkdir(parents=True)
    files, missing = _closure(kernel)
    for file in files:
        target = modules / re.sub(r"\.(xz|zst|gz)$", "", file)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_plain(kernel.modules_dir / file))
    for index in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (kernel.modules_dir / index).exists():
            shutil.copy(kernel.modules_dir / index, modules / index)
    subprocess.run([packages.program("depmod"), "-b", tree, kernel.release], check=True)
    return missing


def _closure(kernel: Kernel) -> tuple[list[str], list[str]]:
    """Returns the module files wanted with all they depend on, and the names of those missing."""
    needs: dict[str, list[str]] = {}
    for line in (kernel.modules_dir / "modules.dep").read_text().splitlines():
        file, _, rest = line.partition(":")
        needs[_module_name(file)] = [file, *rest.split()]
    built_in = {_module_name(file) for file in (kernel.modules_dir / "modules.builtin").read_text().split()}
    files: dict[str, None] = {}
    missing = []
    for module in (*BOOT_MODULES, *MODULES):
        name = _module_name(module)
        if name in needs:
            files.update(dict.fromkeys(needs[name]))
        elif name not in built_in:
            if module in BOOT_MODULES:
                raise UnavailableError(
                    f"kernel {kernel.release} lacks the module {module}, without which no guest boots"
                )
            missing.append(module)
    return sorted(files), missing


def _module_name(file: str) -> str:
    return file.rpartition("/")[2].partition(".")[0].replace("-", "_")


def _plain(file: Path) -> bytes:
    unpacker = UNPACKERS.get(file.suffix)
    if unpacker is None:
        return file.read_bytes()
    return subprocess.run([packages.program(unpacker), "-dcq", file], check=True, capture_output=True).stdout
