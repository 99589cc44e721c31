"""GRUB's settings and nvmetcli's unit: what is read of them, and what of them a capture holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.capture.grub import GRUB_FILE, grub_options, trim_grub
from p2pctl.hardware.capture.take import take as take_capture
from p2pctl.hardware.capture.trim import trim
from p2pctl.hardware.snapshot import take
from p2pctl.model.facts import ABSENT, UNREADABLE, Missing
from p2pctl.model.machine import GrubOption, Machine, Unit
from p2pctl.simulator.nodes import Contents, File, Link
from tests.trees import TreeDoor, tree

GRUB = b"""# If you change this file, run 'update-grub' afterwards
GRUB_DEFAULT=0
GRUB_CMDLINE_LINUX_DEFAULT="quiet token=canary1 iommu=pt"
GRUB_CMDLINE_LINUX="rd.luks.key=canary2 pci=disable_acs_redir=0000:02:00.0;0000:02:01.0"
GRUB_PASSWORD=canary3
"""
OPTIONS = ["iommu=pt", "pci=disable_acs_redir=0000:02:00.0;0000:02:01.0"]
UNIT = (
    b"[Unit]\nAfter=local-fs.target\n[Service]\nEnvironment=KEY=canary4\nExecStart=/usr/sbin/nvmetcli restore\n"
    b"ExecStop=/usr/sbin/nvmetcli clear\n"
)
PLACE = "/usr/lib/systemd/system/nvmet.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/nvmet.service"
Files = dict[str, Contents | Link | File | None]


def machine(files: Files) -> Machine:
    found = take(TreeDoor(tree({"/sys": None, **files})), {"machine"}).machine
    assert found is not None
    return found


def test_only_options_that_matter_are_read_of_grubs_settings() -> None:
    """Each with the line that it stands on."""
    found = machine({GRUB_FILE: GRUB}).grub
    assert found == tuple(GrubOption(one, GRUB_FILE, line) for one, line in zip(OPTIONS, (3, 4), strict=True))
    assert machine({}).grub is ABSENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GRUB_CMDLINE_LINUX=iommu=pt", [(1, "iommu=pt")]),
        ("GRUB_CMDLINE_LINUX='iommu=pt' # intel_iommu=on", [(1, "iommu=pt")]),
        ('GRUB_CMDLINE_LINUX="a=b \\"pci=disable_acs_redir=a;b\\""', [(1, "pci=disable_acs_redir=a;b")]),
        ("GRUB_CMDLINE_LINUX='\"pci=disable_acs_redir=a;b\"'", [(1, "pci=disable_acs_redir=a;b")]),
        ("GRUB_CMDLINE_LINUX=pci=disable_acs_redir=a;b", [(1, "pci=disable_acs_redir=a;b")]),
        ("GRUB_CMDLINE_LINUX=iommu=pt\nGRUB_CMDLINE_LINUX=iommu=off", [(2, "iommu=off")]),
        ('GRUB_CMDLINE_LINUX=pci=a\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX pci=x"', [(1, "pci=a"), (2, "pci=x")]),
        ("#GRUB_CMDLINE_LINUX=iommu=pt\nGRUB_CMDLINE_LINUX_RECOVERY=iommu=pt", []),
        ('GRUB_CMDLINE_LINUX="nvme_core.multipath=N nvme.poll_queues=4 nvmet=1 swiotlb=force"',
         [(1, "nvme.poll_queues=4"), (1, "nvme_core.multipath=N"), (1, "swiotlb=force")]),
        ('GRUB_CMDLINE_LINUX="iommu=pt', None),
        ("GRUB_CMDLINE_LINUX=" + "iommu=pt " * 1000, None),
    ],
)  # fmt: skip
def test_the_settings_are_a_piece_of_a_shell_program(text: str, expected: list[tuple[int, str]] | None) -> None:
    """The quotes of shell and GRUB are taken off; the last assignment counts."""
    assert grub_options(text.encode()) == expected


def test_settings_that_make_no_sense_are_a_gap() -> None:
    found = machine({GRUB_FILE: b'GRUB_CMDLINE_LINUX="iommu=pt\n'})
    assert found.grub is UNREADABLE
    assert [gap.fact for gap in found.gaps] == ["boot loader settings"]


@given(st.lists(st.text(alphabet="GRUB_CMDLINE_LINUX=pci;iommu \"'\\$#{}\x1b\xff=", max_size=60), max_size=4))
def test_what_is_trimmed_reads_the_same(lines: list[str]) -> None:
    """With the numbers of its lines; trimmed twice, it is no other."""
    data = "\n".join([*lines, 'GRUB_CMDLINE_LINUX="iommu=pt"']).encode()
    trimmed = trim_grub(data)
    assert grub_options(trimmed) == grub_options(data)
    assert trim_grub(trimmed) == trimmed


def test_nvmetclis_unit_is_found_where_systemd_looks() -> None:
    """A masked one is none, and one that an administrator put in its place counts."""
    here: Files = {PLACE: UNIT}
    assert machine({}).nvmetcli is ABSENT
    assert machine(here).nvmetcli == Unit(PLACE, "/usr/sbin/nvmetcli clear", enabled=False)
    enabled = machine({**here, WANTED: Link(PLACE)}).nvmetcli
    assert not isinstance(enabled, Missing)
    assert enabled.enabled is True
    etc = "/etc/systemd/system/nvmet.service"
    assert machine({**here, etc: Link("/dev/null")}).nvmetcli is ABSENT
    assert machine({**here, etc: b"[Service]\nExecStop=/bin/true\n"}).nvmetcli == Unit(etc, "/bin/true", enabled=False)
    split = "/lib/systemd/system/nvmet.service"
    assert machine({split: UNIT}).nvmetcli == Unit(split, "/usr/sbin/nvmetcli clear", enabled=False)


def test_a_capture_holds_the_same_and_nothing_else_of_these_files(tmp_path: Path) -> None:
    """No secret of another option or of the unit's environment."""
    files: Files = {"/sys": None, GRUB_FILE: GRUB, PLACE: UNIT, WANTED: Link(PLACE)}
    data = take_capture(TreeDoor(tree(files)), lambda door: take(door, {"machine"}), root=True).data
    file = tmp_path / "host.tar.gz"
    file.write_bytes(data)
    again = take(CaptureDoor(str(file)), {"machine"}).machine
    assert again is not None
    assert (again.grub, again.nvmetcli) == (machine(files).grub, machine(files).nvmetcli)
    assert b"canary" not in trim(GRUB_FILE, GRUB) + trim(PLACE, UNIT)
