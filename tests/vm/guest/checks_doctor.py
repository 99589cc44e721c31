"""What p2pctl doctor says of a real host: what stands in the way, the codes of its exit, and nothing that is not so."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.vm.guest.api import NVMET, Context, as_user, reset_nvmet
from tests.vm.guest.kernel_files import ask
from tests.vm.guest.target import ANSWER_NO, HOST, KEY

NOBODY = 65534
ANSWER_UNKNOWN = 9
DIRECTORY = NVMET / "hosts" / HOST


def after_each() -> None:
    """Leaves no target."""
    reset_nvmet()


def found(context: Context) -> dict[str, list[dict[str, Any]]]:
    """The findings by their code."""
    every: dict[str, list[dict[str, Any]]] = {}
    for item in ask(context, "doctor")["items"]:
        every.setdefault(item["code"], []).append(item)
    return every


def check_the_host_bridge_of_the_board_is_found_where_a_pair_would_cross_it(context: Context) -> None:
    """The kernel lists no q35. Drives that no switch joins are kept apart by it, as the verdict says."""
    (bridge,) = found(context)["host-bridge-not-listed"]
    assert (bridge["severity"], bridge["subject"]) == ("warning", "0000:00:00.0")
    assert bridge["line"] == "PCI_ID=8086:29C0"
    assert bridge["line"] in Path(bridge["evidence"]).read_text().splitlines()
    (shown,) = bridge["verify"]
    pair = shown.split()[2:]
    (item,) = ask(context, *shown.split()[1:])["items"]
    assert item["verdict"] == "denied", (pair, item)


def check_a_key_that_every_user_can_read_is_found_until_it_is_closed(context: Context) -> None:
    """configfs makes its file 0644. The key is nowhere in what doctor says."""
    DIRECTORY.mkdir()
    key = DIRECTORY / "dhchap_key"
    assert "dhchap-key-readable" not in found(context), "no key is set"
    key.write_text(KEY)
    assert stat.S_IMODE(key.stat().st_mode) == 0o644
    (item,) = found(context)["dhchap-key-readable"]
    assert (item["severity"], item["line"]) == ("warning", "mode 0644")
    told = context.p2pctl("doctor", "dhchap-key-readable", "--exit-code")
    assert (told.code, KEY in told.out + told.err) == (ANSWER_NO, False)
    key.chmod(0o600)
    assert "dhchap-key-readable" not in found(context)
    assert context.p2pctl("doctor", "dhchap-key-readable", "--exit-code").code == 0


def check_the_exit_code_and_junit_say_what_the_list_says(context: Context) -> None:
    """8 while there is a warning, 0 for a code that is not here; as many failures as codes of warnings."""
    bad = {code for code, items in found(context).items() if any(one["severity"] != "info" for one in items)}
    assert bad
    assert context.p2pctl("doctor", "--exit-code").code == ANSWER_NO
    assert context.p2pctl("doctor", "rnbd-without-p2p", "--exit-code").code == 0
    (suite,) = ET.fromstring(context.p2pctl("doctor", "--junit", "-").out)  # noqa: S314  p2pctl's own output
    assert {case.get("name") for case in suite if case.find("failure") is not None} == bad
    for use in ("nvmet", "gds", "rocm", "spdk"):
        ran = context.p2pctl("doctor", "--for", use)
        assert (ran.code, "bug" in ran.err, "Traceback" in ran.err) == (0, False, False), ran


def check_a_user_is_told_what_nobody_but_root_can_read(context: Context) -> None:
    """64 bytes of configuration space hide redirection: unknown, and neither yes nor no."""

    def look() -> tuple[dict[str, bool | None], int]:
        items = {item["code"]: item["present"] for item in ask(context, "doctor", "--codes")["items"]}
        return items, context.p2pctl("doctor", "acs-redirect", "--exit-code").code

    items, code = as_user(NOBODY, look)
    assert (items["acs-redirect"], items["rnbd-without-p2p"], code) == (None, False, ANSWER_UNKNOWN)
