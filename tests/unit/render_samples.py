"""Records made by hand, with everything in them that is hard to show."""

from __future__ import annotations

from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Gap
from p2pctl.model.snapshot import Source
from p2pctl.render.page import Field, Fields, Grid, Lines, Node, Page, Section, Tree, TreeColumn, badge
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Span

SOURCE = Source(kind="capture", host="h0st", kernel="6.12.0-7-amd64", boot_id=UNREADABLE)

ITEMS: tuple[Item, ...] = (
    {
        "address": "0000:03:00.0",
        "device": "[nvme0]",
        "state": "published",
        "size": 16 << 20,
        "available": 12 << 20,
        "mappable": True,
        "numa_node": 0,
        "link": {"speed": 16.0, "width": 4},
        "acs": ["RR", "CR"],
        "slot": ABSENT,
        "name": 'Drive, "fast"',
    },
    {
        "address": "10000:e1:00.0",
        "device": "[/dev/nvme1n1]",
        "state": "private",
        "size": 1 << 34,
        "available": UNREADABLE,
        "mappable": False,
        "numa_node": None,
        "link": NOT_READ,
        "acs": [],
        "slot": "3-1",
        "name": "\x1b[31mred\x1b[0m \u202eevil\u2066 日本語 \udcff\x85 and much more text that has to wrap somewhere",
    },
)

COLUMNS = (
    Column("address", "address", style="name"),
    Column("device", "device", style="name"),
    Column("state", "state", tones={"published": "good"}),
    Column("size", "size", style="bytes"),
    Column("available", "available", style="bytes"),
    Column("mappable", "mappable", priority=5),
    Column("numa_node", "numa", style="number", priority=3),
    Column("link.speed", "speed", style="number", priority=2),
    Column("acs", "acs", style="name", priority=1),
    Column("slot", "slot", style="name", priority=4),
    Column("name", "name", priority=6),
)

GAPS = (
    Gap("available", "10000:e1:00.0", "/sys/bus/pci/devices/10000:e1:00.0/p2pmem/available", 13, "root"),
    Gap("holders", None, None, None, "not asked (--holders)"),
)

REPORT = Report(
    kind="sample",
    items=ITEMS,
    columns=COLUMNS,
    source=SOURCE,
    generated=1793613600.25,
    summary={"pools": 2, "size": (16 << 20) + (1 << 34)},
    gaps=GAPS,
    notes=("10000:e1:00.0 is private",),
)

EMPTY = REPORT._replace(items=(), summary=None, gaps=(), notes=(), empty="No device has P2P memory here.")

_REDIRECTS = (
    "  ACS redirects peer traffic of the ports above the drive, so that all of "
    "it goes through the host bridge, which is slow"
)

TREE = Tree(
    (
        Node(
            ("pci0000:00", Span(" host bridge", "dim")),
            (("numa 0",), "Root Complex"),
            (
                Node(
                    "0000:00:01.0",
                    ("x16", "root port"),
                    (
                        Node("0000:01:00.0", ("x4", "a drive [bold] with a name that is so long that it has to wrap")),
                        Node("0000:01:00.1"),
                    ),
                ),
                Node("0000:00:02.0", ("x8", "root port")),
            ),
        ),
    ),
    (TreeColumn("link", right=True), TreeColumn("device", priority=1)),
)

PAGE = Page(
    REPORT,
    (
        Section(
            ("Pool ", Span("0000:03:00.0", "accent")),
            (
                Fields(
                    (
                        Field("size", 16 << 20, "bytes", note="of 32.0 MiB"),
                        Field("available", UNREADABLE, "bytes"),
                        Field("slot", ABSENT),
                        Field("state", Span("published", "good")),
                        Field("user space may map it", True, tone="good"),
                    )
                ),
            ),
        ),
        Section("Holders", (Grid(COLUMNS[:4], ITEMS), Grid(COLUMNS, (), empty="Nobody holds any of it."))),
        Section("Topology", (TREE,)),
        Section(
            "Findings",
            (
                Lines(
                    (
                        (badge("warning"), _REDIRECTS),
                        (badge("error"), "  short"),
                    ),
                    bullet="- ",
                ),
                Lines(
                    ("setpci -s 0000:00:01.0 ECAP_ACS+6.w=0000    # wrapped nowhere, however narrow the terminal is",),
                    whole=True,
                ),
            ),
        ),
    ),
)
