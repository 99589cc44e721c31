"""What p2pctl says of a host is what the kernel's own files say: any topology, any kernel."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import re
import struct
import tarfile
import time
from pathlib import Path
from typing import Any

from tests.vm.guest.api import NVMET, PCI, Context, as_user, reset_nvmet, wait

DEVICES = PCI / "devices"
NOBODY = 65534
REDIRECT = 0x2C


def ask(context: Context, *words: str) -> dict[str, Any]:
    """The JSON document that a command prints; the command has to succeed."""
    ran = context.p2pctl(*words, "-o", "json")
    assert (ran.code, ran.err) == (0, ""), ran
    document: dict[str, Any] = json.loads(ran.out)
    return document


def text(path: Path) -> str | None:
    """A kernel file's text, None where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return None


def pools() -> dict[str, Path]:
    """The pools that the kernel shows, by address."""
    return {path.parent.name: path for path in DEVICES.glob("*/p2pmem")}


def link_name(path: Path) -> str | None:
    """Where a link points, without the way."""
    return path.readlink().name if path.is_symlink() else None


def acs_registers(config: bytes) -> tuple[int, int] | None:
    """Capability and control by a walk of its own over 4 KiB; None without the capability."""
    position, seen = 0x100, set()
    while len(config) == 4096 and position >= 0x100 and position not in seen:
        seen.add(position)
        (head,) = struct.unpack_from("<I", config, position)
        if head & 0xFFFF == 0x000D:
            capability, control = struct.unpack_from("<HH", config, position + 4)
            return capability, control
        position = head >> 20
    return None


def check_pools_have_the_kernels_numbers(context: Context) -> None:
    """Size, level and state of every pool, and no other pool; the model says which drive it is."""
    items = {item["address"]: item for item in ask(context, "pool", "list")["items"]}
    registered = {address: item for address, item in items.items() if item["state"] != "unregistered"}
    assert set(registered) == set(pools())
    for address, directory in pools().items():
        item = registered[address]
        assert item["size"] == int((directory / "size").read_text())
        assert item["available"] == int((directory / "available").read_text())
        assert item["used"] == item["size"] - item["available"]
        assert (item["state"] == "published") == ((directory / "published").read_text().strip() == "1")
        assert item["mappable"] == (directory / "allocate").exists()
        assert item["driver"] == "nvme"
        assert item["name"] == "QEMU NVMe Ctrl"


def check_queues_explain_an_idle_pool(context: Context) -> None:
    """The submission queues are the only holders, and account for every used byte."""
    for item in ask(context, "pool", "list", "--holders")["items"]:
        if item["state"] == "unregistered":
            continue
        assert [(h["kind"], h["basis"]) for h in item["holders"]] == [("nvme-queues", "computed")], item
        assert item["holders"][0]["bytes"] == item["used"] > 0


def check_buffers_that_are_no_pool_are_listed_with_a_cause(context: Context) -> None:
    """A drive that shows a CMB without a pool is there, and the cause fits the kernel."""
    expected = {
        (path.parent / "device").resolve().name
        for path in Path("/sys/class/nvme").glob("nvme*/cmbsz")
        if int(path.read_text()) and (path.parent / "device").resolve().name not in pools()
    }
    found = {i["address"]: i for i in ask(context, "pool", "list")["items"] if i["state"] == "unregistered"}
    assert set(found) == expected
    for item in found.values():
        assert ("CONFIG_PCI_P2PDMA" in item["cause"]) == (not context.has_p2pdma), item
        assert ("2 MiB" in item["cause"]) == context.has_p2pdma, item


def check_devices_are_what_sysfs_shows(context: Context) -> None:
    """Every function, with identifiers, driver, NUMA node, group, parent and link as the kernel's files have them."""
    items = {item["address"]: item for item in ask(context, "device", "list", "--all")["items"]}
    assert sorted(items) == sorted(path.name for path in DEVICES.iterdir())
    for address, item in items.items():
        path = DEVICES / address
        assert item["vendor_id"] == int((path / "vendor").read_text(), 16)
        assert item["device_id"] == int((path / "device").read_text(), 16)
        assert item["class"] == int((path / "class").read_text(), 16)
        assert item["driver"] == link_name(path / "driver")
        node = int(text(path / "numa_node") or -1)
        assert item["numa_node"] == (None if node < 0 else node)
        group = link_name(path / "iommu_group")
        assert item["iommu_group"] == (None if group is None else int(group))
        above = path.resolve().parent.name
        assert item["parent"] == (above if re.fullmatch(r"[0-9a-f:]+\.[0-7]", above) else None)
        speed = text(path / "current_link_speed")
        if speed and "GT/s" in speed:
            assert item["link"]["speed"] == float(speed.split()[0])
            assert item["link"]["width"] == int(text(path / "current_link_width") or 0)


def check_acs_is_what_the_registers_hold(context: Context) -> None:
    """Capability and control of every function, against a walk of the check's own."""
    ports = 0
    for item in ask(context, "device", "list", "--all")["items"]:
        expected = acs_registers((DEVICES / item["address"] / "config").read_bytes())
        found = item["acs"]
        assert (None if found is None else (found["capability"], found["control"])) == expected, item["address"]
        if found is not None:
            ports += 1
            assert found["redirects"] == bool(found["control"] & REDIRECT)
    assert ports or context.topology == "integrated"


def check_topology_is_the_tree_of_sysfs(context: Context) -> None:
    """Each function hangs where its directory is, below the host bridge of its root bus."""

    def walk(item: dict[str, Any], above: str) -> None:
        for child in item["children"]:
            where = (DEVICES / child["address"]).resolve().parent.name
            assert where == above, child["address"]
            seen.append(child["address"])
            walk(child, child["address"])

    seen: list[str] = []
    for bridge in ask(context, "topology", "--all")["items"]:
        walk(bridge, bridge["address"])
    assert sorted(seen) == sorted(path.name for path in DEVICES.iterdir())


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
        for words in (["status"], ["pool", "list"], ["device", "list", "--all"], ["topology", "--all"]):
            ran = context.p2pctl(*words, "-o", "table")
            assert ran.code == 0, ran
            assert max(map(len, ran.out.splitlines())) <= 80, ran.out
    finally:
        del os.environ["COLUMNS"]


COMMANDS = (
    ("pool", "list", "--holders"),
    ("device", "list", "--all"),
    ("topology", "--all"),
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
        archive.extractall(unpacked, filter="data")
    for words in COMMANDS:
        live = comparable(ask(context, *words))
        assert comparable(ask(context, "--capture", str(file), *words)) == live, words
        assert comparable(ask(context, "--sysroot", str(unpacked), *words)) == live, words
        plain = context.p2pctl(*words, "-o", "plain").out
        assert context.p2pctl("--capture", str(file), *words, "-o", "plain").out == plain


def check_a_user_without_privileges_gets_answers_with_gaps(context: Context) -> None:
    """Everything answers; ACS is unknown, never absent; levels are right; a capture of theirs says the same."""
    config = {path.name: acs_registers((path / "config").read_bytes()) for path in DEVICES.iterdir()}
    capable = [address for address, registers in config.items() if registers]

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
    if not pools():
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
