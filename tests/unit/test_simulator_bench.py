from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import host as bench


@pytest.mark.parametrize("functions", [1, 30, 200])
def test_writes_a_host_of_any_size(tmp_path: Path, functions: int) -> None:
    """The host for measurements has exactly as many functions as asked, each with its files."""
    assert bench.build(tmp_path, functions) == functions
    devices = list((tmp_path / "sys/bus/pci/devices").iterdir())
    assert len(devices) == functions
    for device in devices:
        assert (device / "vendor").read_text().startswith("0x")
        assert (device / "iommu_group").resolve().parent.name == "iommu_groups"
        assert len((device / "config").read_bytes()) == 4096
    if functions == 200:
        assert len(list(tmp_path.glob("sys/bus/pci/devices/*/p2pmem/size"))) == 9
