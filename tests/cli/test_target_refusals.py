"""Wrong words on a command line that would change the target: told in one line, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pctl.cli.change_values import given
from p2pctl.errors import UnsupportedError
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.state import KeptFiles
from p2pctl.target.schema import Kind
from tests.cli.changing import ARCHIVE, HOST, KEY, POOL, door, error, target
from tests.cli.conftest import Run

REFUSED = [
    (["subsystem", "create", ""], 2, "an NQN cannot be empty"),
    (["subsystem", "create", "x" * 224], 2, "224 bytes are too long"),
    (["subsystem", "create", "a/b"], 2, "cannot be the name of a directory"),
    (["subsystem", "create", "nqn.2014-08.org.nvmexpress.discovery"], 2, "well-known NQN of discovery"),
    (["subsystem", "create", "nqn.a", "serial"], 2, "serial is not KEY=VALUE"),
    (["subsystem", "create", "nqn.a", "=x"], 2, "=x is not KEY=VALUE"),
    (["subsystem", "create", "nqn.a", "serial=a", "serial=b"], 2, "serial is given twice"),
    (["subsystem", "create", "nqn.a", "serial=a", "--serial", "b"], 2, "serial is given twice"),
    (["subsystem", "create", "nqn.a", "serial=a", "attr_serial=b"], 2, "attr_serial is given twice"),
    (["subsystem", "create", "nqn.a", "serial=123456789012345678901"], 2, "serial: "),
    (["subsystem", "create", "nqn.a", "serail=a"], 5, "lists no attribute serail"),
    (["subsystem", "create", "nqn.a", "cntlid_min=9", "cntlid_max=010"], 2, "looks octal"),
    (["subsystem", "set", POOL], 2, "nothing to set"),
    (["subsystem", "set", POOL, "qid_max=0"], 2, "qid_max: "),
    (["subsystem", "set", POOL, "allow_any_host=maybe"], 2, "neither true nor false"),
    (["subsystem", "set", "nqn.nobody", "model=x"], 3, "no subsystem nqn.nobody"),
    (["subsystem", "set", POOL, "offload=1"], 5, "lists no attribute offload"),
    (["subsystem", "disallow", POOL, "nqn.nobody"], 3, "no host nqn.nobody"),
    (["namespace", "create", POOL, "01"], 2, "no namespace can have the number 01"),
    (["namespace", "create", POOL, "4294967295"], 2, "no namespace can have the number"),
    (["namespace", "create", POOL, "nonsense"], 2, "no namespace can have the number nonsense"),
    (["namespace", "create", "nqn.nobody"], 3, "no subsystem nqn.nobody"),
    (["namespace", "set", POOL, "0", "ana_grpid=1"], 2, "0"),
    (["namespace", "set", POOL, "1", "p2pmem="], 2, "p2pmem is empty"),
    (["namespace", "set", POOL, "1", "p2pmem=nvme77"], 3, "nvme77"),
    (["namespace", "set", POOL, "1", "ana_grpid=128"], 2, "ana_grpid: "),
    (["namespace", "set", POOL, "1", "device=relative"], 2, "not an absolute path"),
    (["namespace", "set", POOL, "1", "nguid=zz"], 2, "nguid: "),
    (["namespace", "revalidate", POOL, "4"], 8, "is disabled"),
    (["namespace", "delete", POOL, "77"], 3, "no namespace 77"),
    (["port", "create", "65536"], 2, "no port can have the number 65536"),
    (["port", "create", "0x1"], 2, "no port can have the number 0x1"),
    (["port", "create", "5", "trtype=TCP"], 2, "trtype: "),
    (["port", "create", "5", "adrfam=pcie"], 2, "adrfam: "),
    (["port", "create", "5", "trtype=tcp", "--link", "nqn.nobody"], 3, "no subsystem nqn.nobody"),
    (["port", "set", "9", "trsvcid=1"], 3, "no port 9"),
    (["port", "ana", "1", "1", "absent"], 2, "goes with its port"),
    (["port", "ana", "1", "4", "absent"], 3, "no ANA group 4"),
    (["port", "ana", "1", "4", "best"], 2, "ana_state: "),
    (["port", "link", "1", "nqn.nobody"], 3, "no subsystem nqn.nobody"),
    (["host", "create", "nqn.h", "dhchap_hash=sha256"], 2, "dhchap_hash: "),
    (["host", "set", HOST, f"dhchap_key={KEY}"], 2, "does not belong on a command line"),
    (["host", "set", HOST, "--key-file", "/nonexistent"], 3, "cannot read the key /nonexistent"),
    (["host", "set", HOST, "--key-file", "-", "--ctrl-key-file", "-"], 2, "both keys"),
    (["referral", "create", "1", "a/b", "trtype=tcp"], 2, "cannot be called a/b"),
    (["referral", "set", "1", "nobody", "portid=1"], 3, "no referral nobody"),
    (["target", "set", "discovery_nqn="], 2, "discovery_nqn: "),
    (["clear", "--prune", "all"], 2, "no such option"),
    (["namespace", "enable", POOL, "1", "--or-update"], 2, "no such option"),
    (["namespace", "set", POOL, "1", "ana_grpid=1", "--disruption", "some"], 2, "unknown value of --disruption: some"),
    (["namespace", "set", POOL, "1", "ana_grpid=1", "--lock-timeout", "-1"], 2, "lock-timeout"),
]


@pytest.mark.parametrize(
    ("argv", "code", "message"), REFUSED, ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else ""
)
def test_it_is_refused(run: Run, tmp_path: Path, argv: list[str], code: int, message: str) -> None:
    """With the same words for machines."""
    outcome = run("--demo", *argv)
    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err
    assert KEY not in outcome.err
    assert target(door(tmp_path)) == target(DemoDoor())
    failed = error(run("--demo", *argv, "-o", "json"))
    assert failed["schema"] == "p2pctl.error/1"
    assert message in failed["message"]


def test_a_file_without_a_key(run: Run, tmp_path: Path) -> None:
    """The text of the file is in no message."""
    file = tmp_path / "key"
    for text, message in (("", "there is no key in it"), ("secret-word", "dhchap_key: "), (KEY[:-6], "dhchap_key: ")):
        file.write_text(text)
        outcome = run("--demo", "host", "set", HOST, "--key-file", str(file))
        assert outcome.code == 2
        assert message in outcome.err
        assert "secret-word" not in outcome.err
        assert KEY[10:30] not in outcome.err


def test_a_key_that_others_can_read_is_pointed_out(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    outcome = run("--demo", "host", "set", HOST, "--key-file", str(file))
    assert outcome.code == 0
    assert f"chmod 600 {file}" in outcome.err


def test_what_the_kernel_will_refuse_is_said_with_its_words(run: Run, tmp_path: Path) -> None:
    """An array has no PCI device above it: exit 8, with the errno and the lines that the kernel would log."""
    argv = ["--demo", "namespace", "set", ARCHIVE, "1", "--p2pmem", "auto", "--disruption", "namespace"]
    failed = error(run(*argv, "-o", "json"))
    assert failed["code"] == 8
    assert [one["code"] for one in failed["problems"]] == ["p2pmem-refused"]
    (answer,) = failed["p2pmem"]
    assert (answer["answer"], answer["refused_by"], answer["errno"]) == ("not-eligible", "enable", 22)
    assert {state["port"]: state["predicted"] for state in answer["ports"]} == {
        "2": "transport-cannot",
        "3": "not-eligible",
    }
    said = run(*argv)
    assert "the kernel will refuse enable with EINVAL" in said.err
    assert all(line in said.err for line in answer["kernel_lines"])
    assert target(door(tmp_path)) == target(DemoDoor())


@pytest.mark.parametrize(
    ("kind", "text", "listed", "expected"),
    [
        ("subsystem", "offload=1", {"attr_offload"}, {"attr_offload": "1"}),
        ("port", "allow_p2pmem=y", {"allow_p2pmem"}, {"allow_p2pmem": "y"}),
        ("port", "offload=1", {"param_offload"}, {"param_offload": "1"}),
        ("namespace", "device_pci=x", {"device_pci"}, {"device_pci": "x"}),
    ],
)
def test_an_attribute_that_nobody_has_heard_of(
    kind: Kind, text: str, listed: set[str], expected: dict[str, str]
) -> None:
    """Is set where this kernel lists it, by its file's name or without the prefix, and is refused elsewhere."""
    assert given(kind, [text]).values(listed) == expected
    with pytest.raises(UnsupportedError):
        given(kind, [text]).values({"something_else"})
    with pytest.raises(UnsupportedError):
        given(kind, [text]).values(())


def test_a_known_attribute_that_this_kernel_lacks() -> None:
    """Is told before an object is made for it."""
    with pytest.raises(UnsupportedError, match="mdts"):
        given("port", ["mdts=4"]).values({"addr_trtype"})


def test_sessions_that_this_kernel_cannot_end(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without nvmet's debugfs, --drop changes nothing and exits with 5; without it the right is taken."""
    really = KeptFiles.list

    def listing(self: KeptFiles, path: str) -> tuple[str, ...]:
        if path.startswith("/sys/kernel/debug"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return really(self, path)

    monkeypatch.setattr(KeptFiles, "list", listing)
    assert run("--demo", "subsystem", "disallow", POOL, HOST, "--drop").code == 5
    assert target(door(tmp_path)) == target(DemoDoor())
    taken = run("--demo", "subsystem", "disallow", POOL, HOST)
    assert taken.code == 0
    assert "goes on" in taken.err
