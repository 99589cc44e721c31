"""What p2pctl says of pools, their holders and the host is what the kernel's own files say; a capture repeats it."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import re
import tarfile
import time
from pathlib import Path
from typing import Any

from tests.trees import unpack
from tests.vm.guest.api import NVMET, Context, as_user, reset_nvmet, wait
from tests.vm.guest.kernel_files import ACS, DEVICES, ask, extended_capability, pools

NOBODY = 65534


def registered(context: Context, *words: str) -> dict[str, dict[str, Any]]:
    """The registered pools that `pool list` shows, by address."""
    items = ask(context, "pool", "list", *words)["items"]
    return {item["address"]: item for item in items if item["state"] != "unregistered"}


def check_pools_are_where_the_topology_promises_them(context: Context) -> None:
    """The premise of what follows: a kernel with P2PDMA makes a pool of each buffer of 2 MiB or more, another none."""
    promised = {context.bdf(drive.id) for drive in context.drives if drive.cmb_mb >= 2}
    assert promised, "the topology has a buffer that is large enough"
    assert set(pools()) == (promised if context.has_p2pdma else set())
    assert set(registered(context)) == set(pools())


def check_pools_have_the_kernels_numbers(context: Context) -> None:
    """Size, level and state of every pool, and no other pool; the model says which drive it is."""
    items = registered(context)
    assert set(items) == set(pools())
    for address, directory in pools().items():
        item = items[address]
        assert item["size"] == int((directory / "size").read_text())
        assert item["available"] == int((directory / "available").read_text())
        assert item["used"] == item["size"] - item["available"]
        assert (item["state"] == "published") == ((directory / "published").read_text().strip() == "1")
        assert item["mappable"] == (directory / "allocate").exists()
        assert item["driver"] == "nvme"
        assert item["name"] == "QEMU NVMe Ctrl"


def check_queues_explain_an_idle_pool(context: Context) -> None:
    """The submission queues are the only holders, and account for every used byte."""
    items = registered(context, "--holders")
    assert bool(items) == context.has_p2pdma
    for item in items.values():
        assert [(h["kind"], h["basis"]) for h in item["holders"]] == [("nvme-queues", "computed")], item
        assert item["holders"][0]["bytes"] == item["used"] > 0


def check_buffers_that_are_no_pool_are_listed_with_a_cause(context: Context) -> None:
    """A drive that shows a CMB without a pool is there, and the cause fits: the buffer is too small.

    A kernel without P2PDMA fails to register any buffer, and its driver then shows no CMB at all (since 6.3 the files
    appear only after success), so that there is nothing to list.
    """
    expected = {
        (path.parent / "device").resolve().name
        for path in Path("/sys/class/nvme").glob("nvme*/cmbsz")
        if int(path.read_text()) and (path.parent / "device").resolve().name not in pools()
    }
    small = [drive for drive in context.drives if 0 < drive.cmb_mb < 2]
    assert bool(small) == (context.topology == "unaligned"), "the premise"
    assert expected == ({context.bdf(drive.id) for drive in small} if context.has_p2pdma else set()), "the premise"
    found = {i["address"]: i for i in ask(context, "pool", "list")["items"] if i["state"] == "unregistered"}
    assert set(found) == expected
    for item in found.values():
        assert "2 MiB" in item["cause"], item


def check_status_shows_kernel_pools_and_target(context: Context) -> None:
    """One page with the release, whether P2PDMA is there, the pools' numbers and the target's namespaces."""
    subsystem = NVMET / "subsystems/nqn.2026-01.io.example:status"
    subsystem.mkdir()
    (subsystem / "namespaces/7").mkdir()
    (NVMET / "ports/3").mkdir()
    try:
        (subsystem / "namespaces/7/device_path").write_text("/dev/nvme0n1")
        for name, value in (("addr_trtype", "loop"), ("addr_adrfam", "loop")):
            (NVMET / "ports/3" / name).write_text(value)
        (NVMET / "ports/3/subsystems/other").symlink_to(subsystem)
        document = ask(context, "status")
        page = context.p2pctl("status", "-o", "table").out
    finally:
        reset_nvmet()
    (host,) = document["items"]
    assert document["source"]["kernel"] == host["kernel"] == os.uname().release == context.release
    assert host["p2pdma"] is context.has_p2pdma
    assert {i["address"]: i["size"] for i in host["pools"] if i["size"]} == {
        address: int((path / "size").read_text()) for address, path in pools().items()
    }
    (row,) = host["ports"]
    assert (row["port"], row["transport"], row["nsid"], row["enabled"]) == ("3", "loop", 7, False)
    assert (row["subsystem"], row["device"]) == (subsystem.name, "/dev/nvme0n1")
    assert row["p2pmem"] == ("off" if context.has_p2pdma else None)
    for address in pools():
        assert address in page
    assert os.uname().release in page


def check_pages_fit_80_columns(context: Context) -> None:
    """No line of any page for a terminal is longer."""
    os.environ["COLUMNS"] = "80"
    try:
        for words in (("pool", "list"), *COMMANDS[1:]):
            ran = context.p2pctl(*words, "-o", "table")
            assert ran.code == 0, ran
            assert max(map(len, ran.out.splitlines())) <= 80, ran.out
    finally:
        del os.environ["COLUMNS"]


COMMANDS = (
    ("pool", "list", "--holders"),
    ("device", "list", "--all"),
    ("topology", "--all"),
    ("acs", "list"),
    ("status",),
)


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """What a recording has to repeat: everything but where it comes from, and when."""
    return {key: value for key, value in document.items() if key not in {"generated", "source"}}


def check_a_capture_says_what_the_host_said(context: Context) -> None:
    """As --capture and, unpacked, as --sysroot; and text formats alike."""
    file, unpacked = context.out / "host.tar.gz", Path("/run/unpacked")
    ran = context.p2pctl("capture", str(file))
    assert ran.code == 0, ran
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        unpack(archive, unpacked)
    for words in COMMANDS:
        live = comparable(ask(context, *words))
        assert comparable(ask(context, "--capture", str(file), *words)) == live, words
        assert comparable(ask(context, "--sysroot", str(unpacked), *words)) == live, words
        plain = context.p2pctl(*words, "-o", "plain").out
        assert context.p2pctl("--capture", str(file), *words, "-o", "plain").out == plain


def check_a_user_without_privileges_gets_answers_with_gaps(context: Context) -> None:
    """Everything answers; ACS is unknown, never absent; levels are right; a capture of theirs says the same."""
    capable = {path.name for path in DEVICES.iterdir() if extended_capability((path / "config").read_bytes(), ACS)}

    def look() -> dict[str, Any]:
        file = f"/tmp/user-{os.getpid()}.tar.gz"
        recorded = context.p2pctl("capture", file)
        assert recorded.code == 0, recorded
        documents = {" ".join(words): ask(context, *words) for words in COMMANDS}
        for words in COMMANDS:
            assert comparable(ask(context, "--capture", file, *words)) == comparable(documents[" ".join(words)])
        return documents

    found = as_user(NOBODY, look)
    for item in found["device list --all"]["items"]:
        assert item["acs"] is None
        if item["address"] in capable:
            gaps = [gap for gap in found["device list --all"]["gaps"] if gap["address"] == item["address"]]
            assert any("root" in gap["needs"] for gap in gaps), item["address"]
    levels = {i["address"]: (i["size"], i["available"]) for i in found["pool list --holders"]["items"] if i["size"]}
    assert levels == {
        address: (int((path / "size").read_text()), int((path / "available").read_text()))
        for address, path in pools().items()
    }
    assert any(gap["fact"] == "holders" for gap in found["pool list --holders"]["gaps"])


def check_a_process_that_maps_a_megabyte_is_found(context: Context) -> None:
    """With its id, user and name; a forked child of it counts once; afterwards it is gone."""
    if not context.has_p2pdma:
        assert registered(context) == {}
        return
    address, directory = min(pools().items())
    before = int((directory / "available").read_text())
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            descriptor = os.open(directory / "allocate", os.O_RDWR)
            held = mmap.mmap(descriptor, 1 << 20, mmap.MAP_SHARED)
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            grandchild = os.fork()
            if grandchild == 0:
                time.sleep(300)
                os._exit(0)
            os.write(writer, f"{grandchild}\n".encode())
            time.sleep(300)
            held.close()
        os._exit(1)
    grandchild = int(os.read(reader, 32))
    try:
        documents = [ask(context, "pool", "list"), ask(context, "pool", "show", address, "--holders")]
        level = int((directory / "available").read_text())
    finally:
        for pid in (grandchild, child):
            os.kill(pid, 9)
        os.waitpid(child, 0)
    assert before - level == 1 << 20
    for document in documents:
        (item,) = [item for item in document["items"] if item["address"] == address]
        processes = {h["pid"]: h for h in item["holders"] if h["kind"] == "process"}
        assert set(processes) == {child, grandchild}, item
        assert processes[child]["bytes"] == 1 << 20
        assert processes[child]["user"] in {"nobody", str(NOBODY)}
        assert processes[child]["command"] == Path("/proc/self/comm").read_text().strip()
        assert {h["kind"] for h in item["holders"]} == {"nvme-queues", "process"}, "nothing is left unexplained"
    assert wait(lambda: int((directory / "available").read_text()) == before), "the memory comes back"
    (item,) = [i for i in ask(context, "pool", "list", "--holders")["items"] if i["address"] == address]
    assert [holder["kind"] for holder in item["holders"]] == ["nvme-queues"]


def check_errors_have_a_line_a_hint_and_a_code(context: Context) -> None:
    """An unknown device, a device without a pool, a capture that is none."""
    plain = next(path.name for path in sorted(DEVICES.iterdir()) if path.name not in pools())
    for words, code in (
        (["pool", "show", "ffff:00:00.0"], 3),
        (["pool", "show", plain], 3),
        (["--capture", "/etc/passwd", "status"], 2),
        (["--sysroot", "/nowhere", "status"], 3),
    ):
        ran = context.p2pctl(*words)
        assert (ran.code, ran.out) == (code, ""), ran
        assert re.fullmatch(r"p2pctl: .+\nhint: .+\n", ran.err), ran.err
        told = json.loads(context.p2pctl(*words, "-o", "json").err)
        assert told["code"] == code
