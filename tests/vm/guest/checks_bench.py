"""`p2pctl bench` on the running kernel: it runs to its end, its copies arrive, and fio measures the same."""

from __future__ import annotations

import shutil

from tests.vm.guest.api import Context
from tests.vm.guest.checks_verify import LENGTH, MIB, fill, first_disks, ordinary
from tests.vm.guest.kernel_files import ask, pools
from tests.vm.guest.target import summary

SECONDS = 300
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
    """Copies between two drives through the pool, where two of them may use one."""
    works = [item for item in ask(context, "verify", "--all")["items"] if item["result"] == "works"]
    disks = first_disks()
    ways = [
        (one["provider"], one["client"], other["client"])
        for one in works
        for other in works
        if one["provider"] == other["provider"] and one["client"] != other["client"]
    ]
    for provider, source, destination in ways[:1]:
        disk = disks[destination]
        before = fill(disk)
        words = ("bench", provider, disks[source], disk, "--confirm", disk.rpartition("/")[2], "--span", "1M", *QUICK)
        document = ask(context, *words)
        assert {item["operation"] for item in document["items"]} == {"copy"}
        assert ordinary(disk, 0) + ordinary(disk, MIB) == before
        assert len(before) == LENGTH


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
