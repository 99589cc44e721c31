"""The demo host's memory and disks answer as a 7.3 kernel was seen to answer."""

from __future__ import annotations

import errno
import os

import pytest

from p2pctl.kernel import Part
from p2pctl.simulator.door import DemoDoor

NVME0, NVME1, NVME7 = "0000:18:00.0", "0000:19:00.0", "0000:ba:00.0"
MIB = 1 << 20


def pool(address: str) -> str:
    return f"/sys/bus/pci/devices/{address}/p2pmem"


def level(door: DemoDoor, address: str) -> int:
    return int(door.files.read(f"{pool(address)}/available"))


@pytest.fixture
def door() -> DemoDoor:
    return DemoDoor(lambda: 0.0)


def test_a_mapping_takes_whole_pages_of_the_pool_and_gives_them_back(door: DemoDoor) -> None:
    before = level(door, NVME1)
    region = door.memory.map(f"{pool(NVME1)}/allocate", 12345)
    assert before - level(door, NVME1) == 16384
    region.close()
    region.close()
    assert level(door, NVME1) == before


def test_a_pool_that_is_short_gives_enomem_and_what_is_none_enoent(door: DemoDoor) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOMEM)):
        door.memory.map(f"{pool(NVME1)}/allocate", 1 << 30)
    with pytest.raises(FileNotFoundError):
        door.memory.map(f"{pool('0000:38:00.0')}/allocate", 4096)
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        door.memory.map(f"{pool(NVME1)}/size", 4096)


@pytest.mark.parametrize(
    ("disk", "layout", "number"),
    [
        ("nvme1n1", "pool", None),
        ("nvme7n1", "pool", errno.EINVAL),
        ("nvme7n1", "pool-first", errno.EINVAL),
        ("nvme7n1", "ordinary-first", None),
        ("nvme7n1", "ordinary", None),
        ("sda", "ordinary", None),
        ("md0", "pool", errno.EINVAL),
        ("nvme5n1", "pool", errno.EINVAL),
    ],
)
def test_a_transfer_obeys_the_verdict_as_the_first_page_says(
    door: DemoDoor, disk: str, layout: str, number: int | None
) -> None:
    memory = door.memory
    region, plain = memory.map(f"{pool(NVME0)}/allocate", MIB), memory.ordinary(MIB)
    one, other = Part(region, 0, 4096), Part(plain, 0, 4096)
    vectors = {"pool": (one,), "ordinary": (other,), "pool-first": (one, other), "ordinary-first": (other, one)}
    handle = memory.open(f"/dev/{disk}")
    if number is None:
        assert handle.read(0, vectors[layout]) == 4096 * len(vectors[layout])
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            handle.read(0, vectors[layout])


def test_parts_of_blocks_are_refused_and_reads_end_with_the_disk(door: DemoDoor) -> None:
    plain = door.memory.ordinary(MIB)
    disk = door.memory.open("/dev/nvme1n1")
    for offset, length in ((0, 100), (100, 512), (-512, 512)):
        with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
            disk.read(offset, (Part(plain, 0, length),))
    assert disk.read(0, (Part(plain, 0, 512),)) == 512
    assert disk.read(disk.size - 512, (Part(plain, 0, 4096),)) == 512
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        disk.write(0, (Part(plain, 0, 512),))
    disk.close()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        disk.read(0, (Part(plain, 0, 512),))


def test_a_disk_that_is_held_is_not_opened_for_one_alone(door: DemoDoor) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EBUSY)):
        door.memory.open("/dev/nvme3n1", write=True, exclusive=True)
    assert door.memory.open("/dev/nvme3n1").size > 0
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        door.memory.open("/dev/null")


def test_what_is_written_is_read_back_and_every_place_is_another(door: DemoDoor) -> None:
    plain = door.memory.ordinary(3 * 4096)
    disk = door.memory.open("/dev/nvme1n1", write=True)
    disk.read(0, (Part(plain, 0, 3 * 4096),))
    blocks = {plain.get(number * 4096, 4096) for number in range(3)}
    assert len(blocks) == 3
    plain.put(0, b"new" * 2048)
    assert disk.write(2048, (Part(plain, 0, 6144),)) == 6144
    plain.put(0, bytes(3 * 4096))
    door.memory.open("/dev/nvme1n1").read(2048, (Part(plain, 0, 6144),))
    assert plain.get(0, 6144) == b"new" * 2048
