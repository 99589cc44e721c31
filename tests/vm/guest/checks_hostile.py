"""A drive whose serial number attacks the terminal gets nowhere."""

from __future__ import annotations

import json
import re

from tests.vm.guest.api import Context

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def check_the_kernel_shows_the_escape_sequences(context: Context) -> None:
    """The premise: sysfs passes on what the device says."""
    raw = (context.pci("n1") / "nvme").glob("nvme*/serial")
    assert b"\x1b]0;x\x07" in next(iter(raw)).read_bytes()


def check_no_format_lets_them_through(context: Context) -> None:
    """Every format, colour on or off: no control character but newlines, the markup as it stands."""
    address = context.bdf("n1")
    for words in (
        ["device", "show", address],
        ["status"],
        ["pool", "list"],
        ["device", "list"],
        ["acs", "list"],
        ["topology", "--all"],
    ):
        for form in ("table", "plain", "json", "jsonl", "yaml"):
            ran = context.p2pctl(*words, "-o", form)
            assert ran.code == 0, ran
            assert not UNSAFE.search(ran.out), (words, form, ran.out)
    shown = context.p2pctl("device", "show", address, "-o", "plain").out
    assert "\\x1b]0;x\\x07\\x1b[31m[red]" in shown, shown


def check_json_keeps_them_intact(context: Context) -> None:
    """A program gets the serial number as the device gave it."""
    document = json.loads(context.p2pctl("device", "show", context.bdf("n1"), "-o", "json").out)
    assert document["items"][0]["nvme"][0]["serial"].startswith("\x1b]0;x\x07\x1b[31m[red]")


def check_redaction_leaves_no_serial_number(context: Context) -> None:
    """Neither in the recording nor in what is shown of it."""
    file = str(context.out / "redacted.tar.gz")
    assert context.p2pctl("capture", "--redact", file).code == 0
    ran = context.p2pctl("--capture", file, "device", "show", context.bdf("n1"), "-o", "json")
    assert ran.code == 0, ran
    assert "[red]" not in ran.out
