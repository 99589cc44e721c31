"""p2pctl under the systemd that booted this guest: its units, what their hardening must not break, its timers.

`systemd/first` says how the guest came up: a document was there, a drive and an address of it were not.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from tests.vm.guest import nvme_host
from tests.vm.guest.api import NVMET, wait

SECONDS = 240
BOOT = "nqn.2026-11.org.example:boot"
DOCUMENT = Path("/etc/p2pctl/target.yaml")
UNIT = "p2pctl-restore.service"
DROP_IN = Path(f"/run/systemd/system/{UNIT}.d/test.conf")
ADDRESS, SERVICE = "192.0.2.10", "420"
IMAGE = NVMET / f"subsystems/{BOOT}/namespaces/2"
LEAST_PARTS = 9
"""Of the host, whose reading is told of one by one."""
APPLIED = DOCUMENT.read_text() if DOCUMENT.exists() else ""


def command(*words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=seconds)


def p2pctl(*words: str) -> Any:
    """What p2pctl, as it is installed, reports about its only item."""
    ran = command("p2pctl", *words, "-o", "json")
    assert ran.returncode == 0, ran
    return json.loads(ran.stdout)["items"][0]


def unit(name: str = UNIT) -> dict[str, str]:
    ran = command("systemctl", "show", name, "-p", "ActiveState,Result,ExecMainStatus,UnitFileState")
    return dict(line.split("=", 1) for line in ran.stdout.splitlines())


def journal(name: str = UNIT) -> str:
    return command("journalctl", "--boot", "--unit", name, "--output=cat", "--no-pager").stdout


def boots() -> str:
    """The journal since the unit was started last."""
    return journal().rpartition("Starting ")[2]


def restart(*hardening: str) -> subprocess.CompletedProcess[str]:
    """Starts the unit again, with lines added to its hardening."""
    DROP_IN.parent.mkdir(parents=True, exist_ok=True)
    DROP_IN.write_text("\n".join(["[Service]", *hardening, ""]))
    command("systemctl", "daemon-reload")
    return command("systemctl", "restart", UNIT)


def as_it_was() -> None:
    """The unit as it is shipped, and its document applied."""
    DROP_IN.unlink(missing_ok=True)
    command("systemctl", "daemon-reload")
    DOCUMENT.write_text(APPLIED)
    ran = command("systemctl", "restart", UNIT)
    assert ran.returncode == 0, (ran, boots())


def check_the_document_is_applied_at_boot() -> None:
    assert wait(lambda: unit()["ActiveState"] != "activating", 120)
    told = unit()
    assert (told["ActiveState"], told["Result"], told["UnitFileState"]) == ("active", "success", "enabled"), journal()
    assert (NVMET / f"subsystems/{BOOT}/namespaces/1/p2pmem").read_text().strip() == "1"
    for nsid in (1, 2):
        assert (NVMET / f"subsystems/{BOOT}/namespaces/{nsid}/enable").read_text().strip() == "1"
    assert (NVMET / f"ports/1/subsystems/{BOOT}").is_symlink()


def check_it_waited_for_a_drive_and_an_address_that_were_late() -> None:
    said = journal()
    assert re.search(rf"waiting for namespace 1 of {BOOT}: /dev/nvme\dn1 does not exist", said), said
    late = command("systemctl", "show", "p2pctl-vm-late.service", "-p", "Result,ExecMainStatus").stdout.split()
    assert late == ["Result=success", "ExecMainStatus=0"]


def check_a_host_reaches_what_the_unit_exported() -> None:
    """On a port below 1024, with the modules that the kernel loaded by itself."""
    controller = nvme_host.tcp(BOOT, ADDRESS, SERVICE)
    try:
        for nsid in (1, 2):
            disk = controller.disk(nsid)
            nvme_host.write(disk, 0, b"block %d" % nsid)
            assert nvme_host.read(disk, 0, 7) == b"block %d" % nsid
    finally:
        controller.disconnect()
    assert Path("/srv/images/b.img").read_bytes()[:7] == b"block 2"


def check_the_timer_writes_figures_for_prometheus() -> None:
    """Readable for the exporter's user, whose service has no part in this."""
    text = Path("/var/lib/prometheus/node-exporter/p2pctl.prom")
    assert unit("p2pctl-metrics.timer")["ActiveState"] == "active"
    assert wait(text.exists, 150), journal("p2pctl-metrics.service")
    # It takes seconds of the only processor, again and again. A run that has just written and has not ended yet
    # would be taken for the next one, which then writes nothing.
    command("systemctl", "stop", "p2pctl-metrics.timer", "p2pctl-metrics.service")
    text.unlink()
    assert command("systemctl", "start", "p2pctl-metrics.service").returncode == 0, journal("p2pctl-metrics.service")
    assert text.stat().st_mode & 0o777 == 0o644
    figures = text.read_text()
    for words in (r"^p2pctl_pool_size_bytes\{.*\} 1\.6777216e\+07$", BOOT):
        assert re.search(words, figures, re.MULTILINE), figures
    parts = re.findall(r"^p2pctl_scrape_success\{part=\"(\w+)\"\} (\S+)$", figures, re.MULTILINE)
    assert len(parts) >= LEAST_PARTS, figures
    assert [part for part, success in parts if success != "1.0"] == [], figures


def check_the_listening_unit_answers() -> None:
    try:
        assert command("systemctl", "start", "p2pctl-exporter.service").returncode == 0
        assert wait(listens, 60), journal("p2pctl-exporter.service")
        with urllib.request.urlopen("http://127.0.0.1:9190/metrics", timeout=100) as answer:
            assert b"p2pctl_pool_size_bytes{" in answer.read()
    finally:
        command("systemctl", "stop", "p2pctl-exporter.service")
    assert unit("p2pctl-exporter.service")["Result"] == "success", journal("p2pctl-exporter.service")


def listens() -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", 9190)) == 0


def check_stopping_the_unit_leaves_the_target_alone() -> None:
    before = sorted(map(str, NVMET.rglob("*")))
    owned = Path("/run/p2pctl/owned.json").read_text()
    assert command("systemctl", "stop", UNIT).returncode == 0
    assert unit()["ActiveState"] == "inactive"
    assert sorted(map(str, NVMET.rglob("*"))) == before
    assert Path("/run/p2pctl/owned.json").read_text() == owned
    assert command("systemctl", "start", UNIT).returncode == 0
    assert "nothing to do" in boots(), boots()


def check_a_reload_applies_what_was_added_and_deletes_what_is_to_be_absent() -> None:
    try:
        DOCUMENT.write_text(APPLIED + "  2: {trtype: tcp, adrfam: ipv4, traddr: 127.0.0.1, trsvcid: 4421}\n")
        ran = command("systemctl", "reload", UNIT)
        assert ran.returncode == 0, (ran, boots())
        assert (NVMET / "ports/2/addr_trsvcid").read_text().strip() == "4421"
        DOCUMENT.write_text(APPLIED + "  2: {state: absent}\n")
        ran = command("systemctl", "reload", UNIT)
        assert ran.returncode == 0, (ran, boots())
        assert not (NVMET / "ports/2").exists()
        assert (NVMET / f"ports/1/subsystems/{BOOT}").is_symlink()
    finally:
        DOCUMENT.write_text(APPLIED)


def check_a_bad_document_fails_the_unit_and_says_why() -> None:
    try:
        DOCUMENT.write_text(APPLIED.replace("allow_any_host", "allow_any_hots"))
        assert command("systemctl", "restart", UNIT).returncode != 0
        told = unit()
        assert (told["ActiveState"], told["Result"], told["ExecMainStatus"]) == ("failed", "exit-code", "2"), told
        assert f"{DOCUMENT}:4:5: a subsystem has no key 'allow_any_hots'" in boots(), boots()
        assert (IMAGE / "enable").read_text().strip() == "1"
    finally:
        as_it_was()


TRAPS = {
    "ProtectSystem=strict": "/srv/images/b.img",
    "PrivateDevices=yes": "/dev/nvme",
    "PrivateNetwork=yes": f"nvmet_tcp: failed to bind port socket -{errno.EADDRNOTAVAIL}",
}
"""Hardening that the unit leaves out, and a word of what becomes of the document with it."""


def check_hardening_that_is_left_out_would_have_broken_the_target() -> None:
    """It is told why, the kernel's own words included, and nothing is left behind."""
    p2pctl("clear", "--yes")
    try:
        for line, word in TRAPS.items():
            ran = restart(line, "ExecStart=", f"ExecStart=p2pctl apply {DOCUMENT}")
            assert ran.returncode != 0, (line, boots())
            assert word in boots(), (line, boots())
            assert not any((NVMET / "subsystems").iterdir()), line
    finally:
        as_it_was()


def check_a_change_that_nobody_confirms_is_undone_by_systemd() -> None:
    document = Path("/run/window.yaml")
    document.write_text(f"version: 1\nsubsystems:\n  {BOOT}: {{allow_any_host: false}}\n")
    allowed = NVMET / f"subsystems/{BOOT}/attr_allow_any_host"
    told = p2pctl("apply", str(document), "--confirm-within", "3", "--disruption", "all")
    assert told["changed"], told
    assert allowed.read_text().strip() == "0"
    timers = command("systemctl", "list-timers", "--all", "--no-pager").stdout
    assert "p2pctl-rollback-" in timers, timers
    assert wait(lambda: allowed.read_text().strip() == "1", 60), timers
    assert wait(lambda: "p2pctl-rollback-" not in command("systemctl", "list-units", "--all").stdout, 30)


def check_a_change_that_is_confirmed_stays() -> None:
    document = Path("/run/window.yaml")
    told = p2pctl("apply", str(document), "--confirm-within", "20", "--disruption", "all")
    allowed = NVMET / f"subsystems/{BOOT}/attr_allow_any_host"
    assert p2pctl("confirm", told["transaction"])
    assert "p2pctl-rollback-" not in command("systemctl", "list-timers", "--all", "--no-pager").stdout
    assert allowed.read_text().strip() == "0"
    p2pctl("subsystem", "set", BOOT, "allow_any_host=1", "--disruption", "all")


def check_the_target_is_taken_down_at_shutdown() -> None:
    """What comes of it is told by `systemd/last`, once p2pctl's unit has been stopped; else this stands."""
    assert (IMAGE / "enable").read_text().strip() == "1"
    raise AssertionError("the shutdown did not get as far as looking at the target")
