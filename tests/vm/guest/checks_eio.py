"""A kernel whose verdicts are right and whose transfers fail: 6.16, and what p2pctl says of it."""

from __future__ import annotations

import errno
import json
import os

from tests.vm.guest.api import Context
from tests.vm.guest.checks_verify import MIB, ask_pairs, first_disks, transfer
from tests.vm.guest.kernel_files import pools

SECONDS = 300


def check_a_positive_verdict_whose_transfer_fails_is_found(context: Context) -> None:
    """Every allowed pair gives EIO, in this test's own transfer too; p2pctl disagrees and names the kernels."""
    document = ask_pairs(context)
    items = document["items"]
    allowed = [item for item in items if item["verdict"] == "allowed"]
    (context.out / "eio").write_text(
        "\n".join(f"{i['provider']} {i['client']} {i['map_type']}: {i['result']} {i['error']}" for i in items)
    )
    assert os.uname().release.startswith("6.16."), "the premise"
    assert allowed, "the premise"
    for item in allowed:
        path, disk = pools()[item["provider"]], first_disks()[item["client"]]
        assert transfer(path, disk, bytes(MIB)) == errno.EIO, "the premise: this kernel fails"
        assert (item["result"], item["error"], item["agrees"]) == ("failed", "EIO", False), item
        assert "6.16" in item["meaning"], item
        assert "6.17 and later are fine" in item["meaning"], item
    assert document["summary"]["disagreements"] == len(allowed)
    assert document["summary"]["capture"].startswith("p2pctl capture --redact disagreement-")


def check_its_first_line_says_so_and_the_exit_code_too(context: Context) -> None:
    """Exit 8, the disagreement first, the recording beside it; denied pairs are still refused as foretold."""
    report = context.out / "disagreement.tar.gz"
    report.unlink(missing_ok=True)
    ran = context.p2pctl("verify", "--all", "--exit-code", "--report", str(report), "-o", "table")
    assert ran.code == 8, ran
    assert ran.out.lstrip().startswith("DISAGREEMENT: predicted allowed"), ran.out
    again = context.p2pctl("--capture", str(report), "matrix", "-o", "json")
    assert again.code == 0, again
    assert json.loads(again.out)["items"]
    denied = [item for item in ask_pairs(context)["items"] if item["verdict"] == "denied"]
    assert {item["result"] for item in denied} <= {"refused"}


def check_the_targets_own_check_passes_all_the_same(context: Context) -> None:
    """What the NVMe target says at enable is no proof that I/O works: the two stand side by side."""
    item = next(item for item in ask_pairs(context)["items"] if item["verdict"] == "allowed")
    ran = context.p2pctl("explain", item["provider"], item["client"], "--ask-kernel", "-o", "json")
    assert ran.code == 0, ran
    (told,) = json.loads(ran.out)["items"]
    assert (told["kernel"]["answer"], told["kernel"]["agrees"]) == ("allowed", True)
