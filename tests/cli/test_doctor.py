"""``p2pctl doctor``: what it lists, what it explains, and what it exits with."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from p2pctl.cli.doctor import _Use
from p2pctl.errors import ExitCode
from p2pctl.findings.catalogue import ENTRIES
from p2pctl.findings.finding import Finding
from p2pctl.findings.requirements import USES
from p2pctl.findings.rules import every_finding
from p2pctl.findings.scene import Scene
from p2pctl.findings.undecided import Undecided
from p2pctl.hardware.nvmet import look_for_keys
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.doctor import code_page
from p2pctl.render.formats import lines
from p2pctl.render.layout import Look
from p2pctl.simulator.door import DemoDoor
from p2pctl.target.port_state import port_states
from tests.cli.conftest import Run
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden_doctor"
pytestmark = pytest.mark.usefixtures("standing_clock")

USE_LISTS = {f"doctor-for-{use}": ["doctor", "--for", use] for use in USES}
TABLES = {"doctor": ["doctor"], "doctor-for-gds": USE_LISTS["doctor-for-gds"]}
PAGES = {"doctor-code": ["doctor", "acs-redirect"], "doctor-code-absent": ["doctor", "payload-mismatch"]}
FORMATS = ("json", "jsonl", "yaml", "csv", "plain")
CASES = [
    *(("doctor", ["doctor"], form, 80) for form in FORMATS),
    ("doctor-code", PAGES["doctor-code"], "json", 80),
    *((name, argv, "json", 80) for name, argv in USE_LISTS.items()),
    *((name, argv, "plain", 80) for name, argv in {**USE_LISTS, **PAGES}.items()),
    *((name, argv, "table", width) for name, argv in (TABLES | PAGES).items() for width in (80, 160)),
]


@pytest.mark.parametrize(
    ("name", "argv", "form", "width"), CASES, ids=lambda value: None if isinstance(value, list) else str(value)
)
def test_output_is_as_it_was(
    run: Run, *, monkeypatch: pytest.MonkeyPatch, name: str, argv: list[str], form: str, width: int
) -> None:
    """Of the demo host, to the byte."""
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("--demo", *argv, "-o", form)
    assert outcome.code == 0
    compare(GOLDEN / (f"{name}-{width}.table.txt" if form == "table" else f"{name}.{form}.txt"), outcome.out)


def test_junit_is_as_it_was(run: Run) -> None:
    """On standard output it stands alone."""
    compare(GOLDEN / "doctor.junit.xml", run("--demo", "doctor", "--junit", "-").out)


@pytest.fixture(scope="module")
def demo() -> tuple[Snapshot, tuple[Finding, ...], Undecided]:
    door = DemoDoor(lambda: 0.0)
    snapshot = take(door, ALL_PARTS)
    assert snapshot.nvmet is not None
    snapshot = replace(snapshot, nvmet=look_for_keys(Reader(door.files), snapshot.nvmet))
    scene = Scene(snapshot)
    return snapshot, every_finding(scene, port_states(snapshot)), Undecided(scene)


@pytest.mark.parametrize("code", ENTRIES)
def test_every_code_can_be_asked_about(demo: tuple[Snapshot, tuple[Finding, ...], Undecided], code: str) -> None:
    """And whether this host has it is said, to machines and to people."""
    page = code_page(demo[0], ENTRIES[code], *demo[1:])
    document = json.loads("\n".join(lines(page, "json", Look())))
    assert document["schema"] == "p2pctl.doctor-code/1"
    (item,) = document["items"]
    assert item["code"] == code
    assert item["present"] is bool(item["findings"]) is (code in {one.code for one in demo[1]})
    assert all(item[part] for part in ("title", "what", "why", "known_by", "remedy", "source"))
    text = "\n".join(lines(page, "table", Look(80)))
    assert f"({code})" in text
    assert ("This host has no such problem." in text) is not item["present"]


def test_the_list_of_codes_tells_which_are_here(run: Run) -> None:
    items = json.loads(run("--demo", "doctor", "--codes", "-o", "json").out)["items"]
    found = json.loads(run("--demo", "doctor", "-o", "json").out)["items"]
    assert [item["code"] for item in items] == list(ENTRIES)
    assert {item["code"] for item in items if item["present"]} == {item["code"] for item in found}


def test_status_tells_the_same_findings(run: Run) -> None:
    """One set of rules: doctor adds no finding, and leaves none out."""
    (item,) = json.loads(run("--demo", "status", "-o", "json").out)["items"]
    found = json.loads(run("--demo", "doctor", "-o", "json").out)["items"]
    strip = [{key: value for key, value in one.items() if key not in {"title", "meaning"}} for one in found]
    assert strip == [{key: value for key, value in one.items() if key != "meaning"} for one in item["findings"]]


@pytest.mark.parametrize(
    ("code", "near"),
    [("acs-redirct", "acs-redirect"), ("ACS-REDIRECT", "acs-redirect"), ("bar", "bar-small"), ("zzzz", "--codes")],
)
def test_an_unknown_code_is_not_found(run: Run, code: str, near: str) -> None:
    """With names that are near."""
    outcome = run("--demo", "doctor", code)
    assert outcome.code == ExitCode.NOT_FOUND
    assert near in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    "argv",
    [
        ["acs-redirect", "--for", "nvmet"],
        ["acs-redirect", "--codes"],
        ["--for", "nvmet", "--codes"],
        ["acs-redirect", "--junit", "-"],
        ["--codes", "--junit", "x.xml"],
        ["--junit", ""],
        ["--for", "cuda"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(run: Run, argv: list[str]) -> None:
    """Before the host is read."""
    assert run("--demo", "doctor", *argv).code == ExitCode.USAGE


def test_an_unknown_use_is_told_by_the_option_as_it_is_written(run: Run) -> None:
    """Not by a name that only the program knows."""
    error = run("--demo", "doctor", "--for", "cuda").err
    assert "unknown value of --for: cuda" in error
    assert all(use in error for use in USES)


def test_the_uses_are_those_that_there_are() -> None:
    """They are spelled out where the help page is made."""
    assert _Use.__args__ == USES  # type: ignore[attr-defined]


def sysroot(path: Path, **files: str) -> str:
    """A host of almost nothing, in order."""
    every = {
        "proc/sys/kernel/osrelease": "7.3.4\n",
        "boot/config-7.3.4": "CONFIG_PCI=y\nCONFIG_PCI_P2PDMA=y\nCONFIG_NVME_TARGET=m\n",
        "proc/cmdline": "ro quiet\n",
        "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: Xeon\n",
        **files,
    }
    for name, text in every.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    for name in ("sys/bus/pci/devices", "sys/class/iommu", "sys/kernel/security"):
        (path / name).mkdir(parents=True, exist_ok=True)
    (path / "sys/kernel/security/lockdown").write_text("[none] integrity confidentiality\n")
    return str(path)


def test_exit_codes(run: Run, tmp_path: Path) -> None:
    """Without the option 0; with it 8 for a warning, 0 where there is only information."""
    assert run("--demo", "doctor").code == 0
    assert run("--demo", "doctor", "--exit-code").code == ExitCode.ANSWER_NO
    assert run("--demo", "doctor", "--exit-code", "acs-redirect").code == ExitCode.ANSWER_NO
    assert run("--demo", "doctor", "--exit-code", "payload-mismatch").code == ExitCode.OK
    assert run("--demo", "doctor", "--exit-code", "--for", "rocm").code == ExitCode.OK
    assert run("--demo", "doctor", "--exit-code", "--for", "gds").code == ExitCode.ANSWER_NO
    place = sysroot(tmp_path)
    assert run("--sysroot", place, "doctor", "--exit-code").code == ExitCode.OK


def test_what_could_not_be_read_leaves_the_answer_open(run: Run, tmp_path: Path) -> None:
    """A host of which a deciding fact is missing is not in order, and not out of order."""
    place = sysroot(tmp_path)
    (tmp_path / "boot/config-7.3.4").unlink()
    outcome = run("--sysroot", place, "doctor", "--exit-code")
    assert outcome.code == ExitCode.ANSWER_UNKNOWN
    assert "? kernel configuration" in outcome.err
    document = json.loads(run("--sysroot", place, "doctor", "-o", "json").out)
    assert document["summary"]["undecided"] == 1
    assert [gap["fact"] for gap in document["gaps"]] == ["kernel configuration"]
    (item,) = json.loads(run("--sysroot", place, "doctor", "kernel-without-p2pdma", "-o", "json").out)["items"]
    assert item["present"] is None
    assert "not all could be read" in run("--sysroot", place, "doctor", "kernel-without-p2pdma").out


def test_a_finding_outweighs_what_is_open(run: Run, tmp_path: Path) -> None:
    """Whoever knows of a problem need not know all."""
    place = sysroot(tmp_path, **{"boot/config-7.3.4": "CONFIG_PCI=y\n# CONFIG_PCI_P2PDMA is not set\n"})
    assert run("--sysroot", place, "doctor", "--exit-code").code == ExitCode.OK, "nobody here needs it"
    gpu = tmp_path / "sys/devices/pci0000:00/0000:00:01.0"
    gpu.mkdir(parents=True)
    (gpu / "uevent").write_text("DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:7448\nPCI_SUBSYS_ID=1002:0000\n")
    (tmp_path / "sys/bus/pci/devices" / gpu.name).symlink_to(f"../../../devices/pci0000:00/{gpu.name}")
    assert run("--sysroot", place, "doctor", "--exit-code").code == ExitCode.ANSWER_NO
    assert run("--sysroot", place, "doctor", "--exit-code", "--for", "nvmet").code == ExitCode.ANSWER_NO


def test_a_capture_has_the_same_findings(run: Run, tmp_path: Path) -> None:
    """But for when it was looked at, and from where."""
    file = str(tmp_path / "host.tar.gz")
    assert run("--demo", "capture", file).code == 0
    for argv in (["doctor"], ["doctor", "--for", "nvmet"], ["doctor", "acs-redirect"]):
        live = json.loads(run("--demo", *argv, "-o", "json").out)
        recorded = json.loads(run("--capture", file, *argv, "-o", "json").out)
        assert recorded["items"] == live["items"]


def test_junit_goes_to_a_file_as_well(run: Run, tmp_path: Path) -> None:
    """Whole or not at all, for its owner alone; one that is there is replaced, a link is not followed."""
    file = tmp_path / "doctor.xml"
    for _ in range(2):
        outcome = run("--demo", "doctor", "--junit", str(file), "--exit-code")
        assert outcome.code == ExitCode.ANSWER_NO
        assert "acs-redirect" in outcome.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".p2pctl-*")) == []
    link = tmp_path / "link.xml"
    link.symlink_to(file)
    assert run("--demo", "doctor", "--junit", str(link)).code == ExitCode.USAGE
    assert run("--demo", "doctor", "--junit", str(tmp_path / "none" / "x.xml")).code == ExitCode.NOT_FOUND


def test_junit_says_what_the_list_says(run: Run) -> None:
    """A test case for each code; failures are the codes of warnings and errors, and counted."""
    suites = ET.fromstring(run("--demo", "doctor", "--junit", "-").out)  # noqa: S314  our own output
    (suite,) = suites
    cases = {case.get("name"): case for case in suite}
    assert set(cases) == {*ENTRIES, "facts"}
    found = json.loads(run("--demo", "doctor", "-o", "json").out)["items"]
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == {one["code"] for one in found if one["severity"] != "info"}
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(len(cases)), str(len(failed)), "0")


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo host as somebody sees it who is not root."""
    monkeypatch.setattr("p2pctl.simulator.door.DemoDoor", partial(DemoDoor, privileged=False))


@pytest.mark.usefixtures("user")
def test_what_a_user_cannot_read_is_no_no(run: Run) -> None:
    """In the list of codes, in JUnit's XML and in the exit code; other codes are told all the same."""
    items = json.loads(run("--demo", "doctor", "--codes", "-o", "json").out)["items"]
    present = {one["code"]: one["present"] for one in items}
    assert (present["acs-redirect"], present["tls-optional"]) == (None, False)
    assert "acs-redirect ?" in " ".join(run("--demo", "doctor", "--codes", "-o", "plain").out.split())
    (suite,) = ET.fromstring(run("--demo", "doctor", "--junit", "-").out)  # noqa: S314  our own output
    told = {case.get("name"): [part.tag for part in case] for case in suite}
    assert told["acs-redirect"] == ["error"]
    assert told["tls-optional"] == []
    assert suite.get("errors") == str(sum("error" in tags for tags in told.values()))
    for code, expected in (("acs-redirect", ExitCode.ANSWER_UNKNOWN), ("tls-optional", ExitCode.OK)):
        assert run("--demo", "doctor", code, "--exit-code").code == expected


@pytest.mark.parametrize("use", USES)
def test_junit_of_a_use(run: Run, use: str) -> None:
    """Failed where it fails, an error where it cannot be told."""
    (suite,) = ET.fromstring(run("--demo", "doctor", "--for", use, "--junit", "-").out)  # noqa: S314
    items = json.loads(run("--demo", "doctor", "--for", use, "-o", "json").out)["items"]
    words = {"failure": "fail", "error": "unknown"}
    told = {case.get("name"): next((words[e.tag] for e in case if e.tag in words), "pass") for case in suite}
    assert told == {item["code"]: item["result"] for item in items}


def test_hostile_names_make_sound_xml(run: Run, tmp_path: Path) -> None:
    """Control characters, markup and half a letter on the kernel's command line."""
    place = sysroot(tmp_path)
    option = b'pci=disable_acs_redir=0000:01:00.0,0000:02:00.0 "pci=disable_acs_redir=\x1b[31m]]>&<x>\xff\x00"'
    (tmp_path / "proc/cmdline").write_bytes(option + b"\n")
    text = run("--sysroot", place, "doctor", "--junit", "-").out
    suites = ET.fromstring(text)  # noqa: S314  our own output
    assert "\x1b" not in text
    told = [case for case in suites[0] if case.get("name") == "acs-list-malformed"]
    assert "\\x1b[31m]]>&<x>" in (told[0].findtext("system-out") or "")
    assert "\x1b" not in run("--sysroot", place, "doctor").out
    json.loads(run("--sysroot", place, "doctor", "-o", "json").out)


HOST = "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"
OPEN = "nqn.2026-11.org.example:open"
CONFIGFS = "sys/kernel/config/nvmet"


def with_keys(path: Path, key: str) -> str:
    """A target with a host that has a key, or none, and a subsystem that is open to any host."""
    place = sysroot(
        path,
        **{
            f"{CONFIGFS}/hosts/{HOST}/dhchap_key": key,
            f"{CONFIGFS}/subsystems/{OPEN}/attr_allow_any_host": "1\n",
            f"{CONFIGFS}/ports/1/addr_trtype": "tcp\n",
        },
    )
    (path / f"{CONFIGFS}/ports/1/subsystems").mkdir()
    (path / f"{CONFIGFS}/ports/1/subsystems/{OPEN}").symlink_to(f"../../../subsystems/{OPEN}")
    (path / f"{CONFIGFS}/hosts/{HOST}/dhchap_key").chmod(0o644)
    return place


def codes(run: Run, *argv: str) -> set[str]:
    return {one["code"] for one in json.loads(run(*argv, "-o", "json").out)["items"]}


def test_keys_that_anybody_can_read(run: Run, tmp_path: Path) -> None:
    """Found by doctor, which is asked about them; the key itself is nowhere in what it says."""
    place = with_keys(tmp_path, "DHHC-1:00:canary:\n")
    assert codes(run, "--sysroot", place, "doctor") >= {"dhchap-key-readable", "any-host-skips-dhchap"}
    for argv in (["doctor"], ["doctor", "dhchap-key-readable"], ["doctor", "-o", "json"], ["doctor", "--junit", "-"]):
        outcome = run("--sysroot", place, *argv)
        assert "canary" not in outcome.out + outcome.err
        assert outcome.code == 0
    (tmp_path / f"{CONFIGFS}/hosts/{HOST}/dhchap_key").chmod(0o600)
    assert "dhchap-key-readable" not in codes(run, "--sysroot", place, "doctor")


def test_a_key_that_is_not_set_is_no_finding(run: Run, tmp_path: Path) -> None:
    """Every host has the files."""
    place = with_keys(tmp_path, "\n")
    assert not codes(run, "--sysroot", place, "doctor") & {"dhchap-key-readable", "any-host-skips-dhchap"}


def test_a_capture_does_not_know_of_keys(run: Run, tmp_path: Path) -> None:
    """It holds none, so the question stays open; that alone keeps no host from being in order."""
    place = with_keys(tmp_path / "host", "DHHC-1:00:canary:\n")
    file = str(tmp_path / "host.tar.gz")
    assert run("--sysroot", place, "capture", file).code == 0
    (item,) = json.loads(run("--capture", file, "doctor", "dhchap-key-readable", "-o", "json").out)["items"]
    assert item["present"] is None
    outcome = run("--capture", file, "doctor", "dhchap-key-readable", "--exit-code")
    assert outcome.code == ExitCode.ANSWER_UNKNOWN
    assert run("--capture", file, "doctor", "--exit-code").code == ExitCode.OK


def test_how_the_machine_boots_is_looked_at(run: Run, tmp_path: Path) -> None:
    """GRUB's settings and nvmetcli's unit, of the host itself and of a capture of it, which holds no other option."""
    place = sysroot(
        tmp_path / "host",
        **{
            "proc/cmdline": "BOOT_IMAGE=/vmlinuz-7.3.4 ro pci=disable_acs_redir=0000:02:00.0\n",
            "etc/default/grub": "GRUB_TIMEOUT=5\n"
            'GRUB_CMDLINE_LINUX="token=canary pci=disable_acs_redir=0000:02:00.0;0000:02:01.0 iommu=pt"\n',
            "usr/lib/systemd/system/nvmet.service": "[Service]\nExecStop=/usr/sbin/nvmetcli clear\n",
        },
    )
    file = str(tmp_path / "host.tar.gz")
    assert run("--sysroot", place, "capture", file).code == 0
    for source in (("--sysroot", place), ("--capture", file)):
        told = run(*source, "doctor", "-o", "json").out
        found = {one["code"]: one for one in json.loads(told)["items"]}
        assert found["acs-list-truncated"]["evidence"] == "/etc/default/grub:2"
        assert found["grub-option-not-in-force"]["line"] == "iommu=pt"
        assert found["nvmetcli-service"]["evidence"] == "/usr/lib/systemd/system/nvmet.service"
        assert "canary" not in told
