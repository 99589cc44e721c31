"""`p2pctl bench` on the running kernel: it runs to its end, its copies arrive, and fio measures the same."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.vm.guest.api import Context, modprobe
from tests.vm.guest.checks_verify import MIB, MOUNT, digest, fill, first_disks
from tests.vm.guest.kernel_files import ask, pools
from tests.vm.guest.target import summary

SECONDS = 300
SECTOR = 512
SIZE = 8 * MIB
QUICK = ("--seconds", "1", "--warm-up", "0.3", "--runs", "3", "--block-size", "64K", "--depth", "1,2")

LARGE = ("--seconds", "2", "--warm-up", "0.3", "--runs", "3", "--block-size", "512K", "--depth", "1")


def _pair(context: Context) -> tuple[str, str]:
    """A pool and a drive that may use it; another one than its own, where there is one."""
    works = [item for item in ask(context, "verify", "--all")["items"] if item["result"] == "works"]
    works.sort(key=lambda item: item["provider"] == item["client"])
    return works[0]["provider"], works[0]["client"]


def check_a_benchmark_runs_to_its_end(context: Context) -> None:
    """Reads through the pool, through system memory and through both, and the pool is whole again afterwards."""
    provider, client = _pair(context)
    before = {address: (path / "available").read_text() for address, path in pools().items()}
    document = ask(context, "bench", provider, client, "--mixed", *QUICK)
    assert {(item["memory"], item["depth"]) for item in document["items"]} == {
        (way, depth) for way in ("pool", "ordinary", "mixed") for depth in (1, 2)
    }
    for item in document["items"]:
        assert item["transfers"] >= 3
        assert item["rate"]["median"] > 0
        assert item["cpu_per_gb"]["median"] > 0
    assert {address: (path / "available").read_text() for address, path in pools().items()} == before
    (context.out / "bench.json").write_text(str(document["items"]))


def check_a_copy_leaves_the_destination_as_it_was(context: Context) -> None:
    """Copies between two drives through the pool: the kernel counts the writes, and every byte is what it was."""
    works = [item for item in ask(context, "verify", "--all")["items"] if item["result"] == "works"]
    disks = first_disks()
    ways = [
        (one["provider"], one["client"], other["client"])
        for one in works
        for other in works
        if one["provider"] == other["provider"] and one["client"] != other["client"]
    ]
    assert ways, "the premise: two drives may use one pool"
    provider, source, disk = ways[0][0], disks[ways[0][1]], disks[ways[0][2]]
    fill(source)  # what is copied is not what a blank place holds
    fill(disk)
    before, written = digest(disk), _written(disk)
    words = ("bench", provider, source, disk, "--confirm", disk.rpartition("/")[2], "--span", "1M", *QUICK)
    document = ask(context, *words)
    assert {item["operation"] for item in document["items"]} == {"copy"}
    least = sum(item["transfers"] * item["block_size"] for item in document["items"]) // SECTOR
    assert _written(disk) - written >= least > 0
    assert digest(disk) == before


def _written(disk: str) -> int:
    """Sectors of 512 bytes (Documentation/block/stat.rst)."""
    return int(Path(f"/sys/block/{Path(disk).name}/stat").read_text().split()[6])


def check_a_file_counts_only_where_it_lies_on_the_drive(context: Context) -> None:
    """On ext4: what was written is carried by P2P, room that is only reserved is not tried, and a write makes it so."""
    provider, client = _pair(context)
    with _ext4(first_disks()[client]) as directory:
        full, reserved = directory / "full", directory / "reserved"
        full.write_bytes(os.urandom(SIZE))
        with reserved.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)
        (item,) = ask(context, "verify", provider, str(full))["items"]
        assert (item["result"], item["data"]["uniform"]) == ("works", False), item
        document = ask(context, "bench", provider, str(full), "--span", "1M", *QUICK)
        assert all(item["transfers"] for item in document["items"])
        for words in (("verify", provider, str(reserved)), ("bench", provider, str(reserved), "--span", "1M", *QUICK)):
            ran = context.p2pctl(*words)
            assert (ran.code, "only reserved" in ran.err) == (5, True), ran
        written = ask(context, "verify", provider, str(reserved), "--write", "--confirm", reserved.name)["items"]
        assert {one["result"] for one in written} == {"works"}, written
        assert reserved.read_bytes() == bytes(SIZE)
        (item,) = ask(context, "verify", provider, str(reserved))["items"]
        assert item["offset"] == written[0]["offset"], "there it has been written to since"
        assert item["result"] == "works"


@contextlib.contextmanager
def _ext4(disk: str) -> Iterator[Path]:
    modprobe("ext4")
    subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
    MOUNT.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", disk, MOUNT], check=True)
    try:
        yield MOUNT
    finally:
        subprocess.run(["umount", MOUNT], check=True)
        subprocess.run(["wipefs", "--all", "--quiet", disk], check=True)


def check_fio_measures_the_same(context: Context) -> None:
    """The same transfers, and rates of one order: whether they lie within the spread is told, and hangs on what else
    the emulating machine does."""
    assert shutil.which("fio"), "the host has fio, and the guest shares its files"
    provider, client = _pair(context)
    document = ask(context, "bench", provider, client, "--fio", *LARGE)
    told = [
        f"{item['memory']} x{item['depth']}: {item['rate']['least']:.0f} to {item['rate']['most']:.0f} bytes a second, "
        f"fio {item['fio']['rate']['least']:.0f} to {item['fio']['rate']['most']:.0f}"
        f"{'' if item['fio']['agrees'] else ', further away than it calls agreement'}"
        for item in document["items"]
    ]
    (context.out / "fio").write_text("\n".join(told))
    summary(context, f"bench and fio: {'; '.join(told)}")
    assert all(item["fio"]["transfers"] > 0 for item in document["items"])
    for item in document["items"]:
        # A figure in other units, of other blocks, or not of these transfers would be further away.
        assert 1 / 6 < item["fio"]["rate"]["median"] / item["rate"]["median"] < 6, told
