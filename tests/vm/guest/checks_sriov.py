"""Virtual functions know their physical one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.vm.guest.api import PCI, Context, wait


def check_virtual_functions_are_linked_both_ways(context: Context) -> None:
    """As the kernel links them, whatever their addresses."""
    (physical,) = [path.parent for path in (PCI / "devices").glob("*/sriov_numvfs")]
    (physical / "sriov_numvfs").write_text("2")
    assert wait(lambda: len(list(physical.glob("virtfn*"))) == 2)
    expected = sorted(path.readlink().name for path in physical.glob("virtfn*"))
    ran = context.p2pctl("device", "list", "--all", "-o", "json")
    assert ran.code == 0, ran
    items = {item["address"]: item for item in json.loads(ran.out)["items"]}
    assert items[physical.name]["virtfns"] == expected
    for address in expected:
        assert items[address]["physfn"] == physical.name
        assert items[address]["parent"] == Path(physical).resolve().parent.name
