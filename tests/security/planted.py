"""A directory with `sys/` and `proc/` whose names and values attack whatever shows them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench import host

TITLE = b"\x1b]0;owned\x07"
EVIL = (
    TITLE + b"[red]x[/]",
    b"\x1b[2J\x1b[1;1H[@click=app.quit]q[/]",
    b"\x9b31m\xc2\x9b31m\xff\xfe",
    b"a\rb\x0b\x08\x7f",
    "\u202egnp.exe\u2066 \u200b".encode(),
    b'" } 1\nfake_metric{x="',
    b"</testcase><script>]]>&",
    b"=cmd|'/c calc'!A1",
)
NQNS = tuple(b"nqn.2026-11.org.example:" + text.replace(b"\n", b"").replace(b"/", b"") for text in EVIL)


def build(directory: Path) -> None:
    """Two drives with pools, and a target: every text that their makers chose is hostile."""
    host.build_drives(directory, 2)
    for nth, name in enumerate(("model", "serial", "firmware_rev", "subsysnqn")):
        for place in directory.glob(f"sys/devices/**/nvme/nvme*/{name}"):
            place.write_bytes(EVIL[nth] + b"\n")
    (directory / "proc/cmdline").write_bytes(b"pci=disable_acs_redir=" + EVIL[0] + b" " + EVIL[3] + b"\n")
    target = directory / "sys/kernel/config/nvmet"
    for kind in ("hosts", "subsystems", "ports"):
        (target / kind).mkdir(parents=True)
    for nqn, text in zip(NQNS, EVIL, strict=True):
        one = bytes(target / "subsystems") + b"/" + nqn
        place = Path(os.fsdecode(one))
        (place / "namespaces/1").mkdir(parents=True)
        (place / "allowed_hosts").mkdir()
        (place / "attr_model").write_bytes(text + b"\n")
        (place / "attr_serial").write_bytes(text + b"\n")
        (place / "namespaces/1/device_path").write_bytes(b"/dev/" + text + b"\n")
        (place / "namespaces/1/enable").write_bytes(b"1\n")
    port = target / "ports/1"
    for inside in ("subsystems", "referrals", "ana_groups"):
        (port / inside).mkdir(parents=True)
    for name, text in (("addr_trtype", b"tcp"), ("addr_traddr", EVIL[1]), ("addr_trsvcid", EVIL[3])):
        (port / name).write_bytes(text + b"\n")
