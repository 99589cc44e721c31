"""What p2pctl says of PCI functions, links and the tree is what the kernel's own files and the registers say."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.vm.guest.api import PCI, Context
from tests.vm.guest.kernel_files import (
    ACS,
    ARI,
    ATS,
    DEVICES,
    ROOT_PORT,
    ask,
    extended_capability,
    link_name,
    payloads,
    pci_above,
    port_type,
    text,
)

REDIRECT = 0x2C
IO, MEMORY, PREFETCHABLE, IS_64BIT = 0x100, 0x200, 0x2000, 0x100000


def functions(context: Context) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every function's directory and what p2pctl says of it."""
    items = {item["address"]: item for item in ask(context, "device", "list", "--all")["items"]}
    assert sorted(items) == sorted(path.name for path in DEVICES.iterdir())
    for address, item in items.items():
        yield DEVICES / address, item


def number(path: Path, base: int = 10) -> int | None:
    """A number in a kernel file, None without the file."""
    found = text(path)
    return None if found is None else int(found, base)


def check_identifiers_and_places_are_those_of_sysfs(context: Context) -> None:
    """Identifiers, driver, NUMA node, IOMMU group, power, bridge, root bus and the buses below."""
    for path, item in functions(context):
        for key, name in (
            ("vendor_id", "vendor"),
            ("device_id", "device"),
            ("subsystem_vendor_id", "subsystem_vendor"),
            ("subsystem_device_id", "subsystem_device"),
            ("class", "class"),
        ):
            assert item[key] == number(path / name, 16), (path.name, key)
        assert item["driver"] == link_name(path / "driver")
        node = int(text(path / "numa_node") or -1)
        assert item["numa_node"] == (None if node < 0 else node)
        group = link_name(path / "iommu_group")
        assert item["iommu_group"] == (None if group is None else int(group))
        kind = None if group is None else (Path("/sys/kernel/iommu_groups") / group / "type").read_text().strip()
        assert item["iommu_group_type"] == kind
        assert item["runtime_status"] == (path / "power/runtime_status").read_text().strip()
        above = path.resolve().parent.name
        assert item["parent"] == (above if re.fullmatch(r"[0-9a-f:]+\.[0-7]", above) else None)
        assert item["root_bus"] == path.resolve().parts[3], path.resolve()
        assert item["secondary_bus"] == number(path / "secondary_bus_number")
        assert item["subordinate_bus"] == number(path / "subordinate_bus_number")
    assert ("iommu" in context.topology) == any(Path("/sys/kernel/iommu_groups").iterdir())


def check_slots_are_those_that_the_kernel_numbers(context: Context) -> None:
    """Each function in a slot has its name, and no other has any."""
    slots: dict[str, set[str]] = {}
    for path in (PCI / "slots").glob("*/address"):
        slots.setdefault(path.read_text().strip(), set()).add(path.parent.name)
    taken = 0
    for path, item in functions(context):
        names = slots.get(path.name.partition(".")[0], set())
        assert (item["slot"] in names) if names else (item["slot"] is None), (path.name, item["slot"], names)
        taken += bool(names)
    assert taken, "every topology has a drive in a slot"


def check_bars_are_those_of_the_resource_file(context: Context) -> None:
    """Address, size and kind as in `resource`; the size also as that of the file through which it is mapped."""
    found = 0
    for path, item in functions(context):
        expected = []
        for index, line in enumerate((path / "resource").read_text().splitlines()[:6]):
            start, end, flags = (int(word, 16) for word in line.split())
            if flags & (IO | MEMORY):
                expected.append(
                    {
                        "index": index,
                        "start": start,
                        "size": end - start + 1,
                        "memory": flags & MEMORY != 0,
                        "prefetchable": flags & PREFETCHABLE != 0,
                        "is_64bit": flags & IS_64BIT != 0,
                    }
                )
        assert item["bars"] == expected, path.name
        files = {int(p.name[8:]): p.stat().st_size for p in path.glob("resource[0-5]")}
        assert {bar["index"]: bar["size"] for bar in item["bars"]} == files, path.name
        found += len(expected)
    assert found >= len(context.drives)


def check_links_are_those_of_sysfs(context: Context) -> None:
    """Speed and width, now and at best, here and at the port above; nothing where the kernel knows nothing."""

    def end(path: Path, which: str) -> tuple[float | None, int | None]:
        speed = re.match(r"([\d.]+) GT/s", text(path / f"{which}_link_speed") or "")
        width = int(text(path / f"{which}_link_width") or 0)
        return float(speed[1]) if speed else None, width if 0 < width <= 32 else None

    linked = 0
    for path, item in functions(context):
        now, most = end(path, "current"), end(path, "max")
        if (now[0], most[0]) == (None, None):
            assert item["link"] is None, path.name
            continue
        linked += 1
        link = item["link"]
        assert (link["speed"], link["width"]) == now, path.name
        assert (link["max_speed"], link["max_width"]) == most, path.name
        if item["kind"] != "bridge":
            ends = (most, end(path.resolve().parent, "max"))
            best = tuple(min((known for known in values if known), default=None) for values in zip(*ends, strict=True))
            assert (link["best_speed"], link["best_width"]) == best, path.name
    assert linked, "every topology has a link"


def check_registers_are_what_configuration_space_holds(context: Context) -> None:
    """Payloads, ACS, ARI and ATS of every function, against decoders of the check's own."""
    ports = 0
    for path, item in functions(context):
        config = (path / "config").read_bytes()
        told = (item["max_payload"], item["max_payload_supported"])
        assert told == (payloads(config) or (None, None)), path.name
        assert item["ari"] == (True if extended_capability(config, ARI) else None), path.name
        ats = extended_capability(config, ATS)
        assert item["ats"] == (None if ats is None else bool(config[ats + 7] & 0x80)), path.name
        acs = extended_capability(config, ACS)
        if acs is None:
            assert item["acs"] is None, path.name
            continue
        ports += 1
        found = item["acs"]
        assert (found["capability"], found["control"]) == struct.unpack_from("<HH", config, acs + 4), path.name
        assert found["redirects"] == bool(found["control"] & REDIRECT)
    assert ports, "every topology has a port with ACS"


def check_interfaces_are_at_their_functions(context: Context) -> None:
    """Each network interface with hardware is listed at its function, with its state."""
    expected: dict[str, list[dict[str, str]]] = {}
    for path in sorted(Path("/sys/class/net").iterdir()):
        above = pci_above(path)
        if above is not None:
            expected.setdefault(above, []).append(
                {"name": path.name, "state": (path / "operstate").read_text().strip()}
            )
    assert {path.name: item["interfaces"] for path, item in functions(context) if item["interfaces"]} == expected
    assert expected or context.topology != "rdma-switch"


def check_topology_is_the_tree_of_sysfs(context: Context) -> None:
    """Each function hangs where its directory is; the kernel's rule decides which one stands for a root bus."""

    def walk(item: Mapping[str, Any], above: str) -> None:
        for child in item["children"]:
            where = (DEVICES / child["address"]).resolve().parent.name
            assert where == above, child["address"]
            seen.append(child["address"])
            walk(child, child["address"])

    seen: list[str] = []
    bridges = {bridge["address"]: bridge for bridge in ask(context, "topology", "--all")["items"]}
    for bridge in bridges.values():
        walk(bridge, bridge["address"])
        first = min(
            path for path in Path("/sys/devices", bridge["address"]).iterdir() if (DEVICES / path.name).exists()
        )
        stands = first.name.endswith(":00.0") or port_type((first / "config").read_bytes()) == ROOT_PORT
        identity = f"{number(first / 'vendor', 16):04x}:{number(first / 'device', 16):04x}"
        told = (bridge["representative"], bridge["representative_id"])
        assert told == ((first.name, identity) if stands else (None, None))
    assert sorted(seen) == sorted(path.name for path in DEVICES.iterdir())
    assert (None in {bridge["representative"] for bridge in bridges.values()}) == (context.topology == "integrated")
    roots = {path.resolve().parts[3] for path in DEVICES.iterdir()}
    assert set(bridges) == roots
