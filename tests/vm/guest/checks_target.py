"""p2pctl changes a real kernel's NVMe target under real hosts; on the topology `two-sockets`."""

from __future__ import annotations

import errno
import json
import stat

from tests.vm.guest import nvme_host
from tests.vm.guest.api import NVMET, Context, wait
from tests.vm.guest.inotify import changes
from tests.vm.guest.nvmet_sides import KernelSide
from tests.vm.guest.target import (
    ANSWER_NO,
    BUSY,
    DISKS,
    FAILED,
    FILES,
    HOST,
    KEY,
    MISSING,
    OTHER,
    PLACE,
    STATE,
    TCP,
    UNSUPPORTED,
    USAGE,
    clear,
    disk,
    document,
    exported,
    file,
    run,
    space,
    summary,
    tree,
)  # fmt: skip

SECONDS = 240


def after_each() -> None:
    """Nothing is connected, configured or remembered when the next check begins."""
    clear()


def check_hosts_use_what_was_applied_and_those_not_concerned_notice_no_change(context: Context) -> None:
    """While one host transfers data over TCP, another's subsystem gets a namespace and another device in its first."""
    first = exported(context)
    told = run(context, "apply", document(first))
    assert (told["changed"], told["state"]) == (True, "applied")
    with nvme_host.kernel_log() as log:
        over_tcp = nvme_host.tcp(DISKS, hostnqn=HOST, hostid=HOST[-36:])
        over_loop = nvme_host.connect("loop", FILES)
        remote, local = over_tcp.disk(1), over_loop.disk(1)
        nvme_host.write(remote, 0, b"over tcp")
        assert nvme_host.read(remote, 0, 8) == b"over tcp"
        assert nvme_host.read(disk(context, "n2"), 0, 8) == b"over tcp", "it went to the drive that the document names"
        assert nvme_host.read(local, 0, 5) == b"first"
        identities = over_tcp.identity(), over_loop.identity()
        assert identities[0].state == "live"
        second = exported(context)
        second["subsystems"][FILES]["namespaces"] = {
            "1": space(file("two", "second")), "2": space(file("three", "third")),
        }  # fmt: skip
        path = document(second)
        before = tree()
        refused = run(context, "apply", path, code=ANSWER_NO)
        assert "disruption" in f"{refused['message']} {refused['hint']}", refused
        assert tree() == before, "what hosts would notice was refused before the first write"
        with nvme_host.traffic(remote) as moved:
            told = run(context, "apply", path, "--disruption", "namespace")
        assert told["changed"]
        assert (moved.errors, log.trouble(over_tcp)) == ([], [])
        assert nvme_host.read(over_loop.disk(2), 0, 5) == b"third"
        assert nvme_host.read(over_loop.disk(1), 0, 6) == b"second"
        assert (over_tcp.identity(), over_loop.identity()) == identities
        assert len(log.about("nvmet: Created nvm controller")) == 2, "nobody connected again"
        run(context, "port", "unlink", "1", DISKS)
        assert wait(lambda: log.trouble(over_tcp)), "a connection that is lost is seen"
        assert over_tcp.identity() != identities[0]
    summary(context, f"{moved.blocks} blocks over TCP during an apply, the slowest in {moved.longest * 1000:.0f} ms")


def check_to_apply_what_holds_already_writes_nothing(context: Context) -> None:
    """No change is reported and the kernel sees none, where it sees even a write of the same value."""
    path = document(exported(context))
    run(context, "apply", path)
    before = tree()
    with changes(NVMET) as seen:
        told = run(context, "apply", path)
        assert (told["changed"], told["steps"]) == (False, [])
        assert seen.read() == []
        attribute = NVMET / "ports/2/param_pi_enable"
        (NVMET / "ports/2/subsystems" / FILES).unlink()
        attribute.write_text(attribute.read_text())
        assert [what for what, _ in seen.read()] == ["delete", "modify"]
    (NVMET / "ports/2/subsystems" / FILES).symlink_to(NVMET / "subsystems" / FILES)
    assert tree() == before


def check_what_is_exported_applies_to_an_empty_target_and_gives_the_same_again(context: Context) -> None:
    """The document that `export` prints makes the same tree, serial numbers and uuids included."""
    run(context, "apply", document(exported(context)))
    before, printed = tree(), context.p2pctl("export", "-o", "json")
    assert printed.code == 0, printed
    run(context, "clear", "--yes", "--disruption", "all")
    assert not list(NVMET.glob("*/*"))
    (PLACE / "exported.json").write_text(printed.out)
    run(context, "apply", str(PLACE / "exported.json"))
    assert tree() == before


def check_p2p_memory_that_the_kernel_takes_and_that_it_refuses(context: Context) -> None:
    """`auto` and a provider behind the same switch are taken; one of the other socket is refused beforehand.

    The kernel, asked by hand, refuses it too, and logs the reason that p2pctl gave.
    """
    near = context.bdf("n1")
    good = {
        "1": space(disk(context, "n1"), p2pmem="auto"), "2": space(disk(context, "n2"), p2pmem=near),
    }  # fmt: skip
    told = run(context, "apply", document({"subsystems": {DISKS: {"namespaces": good}}}))
    assert told["changed"]
    spaces = NVMET / "subsystems" / DISKS / "namespaces"
    shown = [(spaces / nsid / name).read_text().strip() for nsid in "12" for name in ("p2pmem", "enable")]
    assert shown == ["1", "1", near, "1"]
    before = tree()
    bad = {"subsystems": {FILES: {"namespaces": {"1": space(disk(context, "n4"), p2pmem=near)}}}}
    refused = run(context, "apply", document(bad), code=ANSWER_NO)
    assert tree() == before
    (problem,) = refused["problems"]
    assert problem["code"] == "p2pmem-refused"
    assert all(word in problem["text"] for word in (near, context.bdf("n4"), "no bridge is above both")), problem
    by_hand = NVMET / "subsystems" / FILES / "namespaces/1"
    by_hand.parent.parent.mkdir()
    by_hand.mkdir()
    (by_hand / "device_path").write_text(disk(context, "n4"))
    (by_hand / "p2pmem").write_text(near)
    side = KernelSide()
    with nvme_host.kernel_log() as log:
        number = 0
        try:
            side.write(str(by_hand / "enable"), b"1")
        except OSError as error:
            number = error.errno or 0
        (line,) = log.about("cannot be used for peer-to-peer DMA")
    assert number == errno.EINVAL
    assert near in line, line
    assert "do not share an upstream bridge" in line, line


def check_a_port_that_must_use_p2p_memory_and_cannot_is_refused(context: Context) -> None:
    """TCP never does, and says nothing about it: who demands it of such a port is told before the first write."""
    content = exported(context)
    content["subsystems"][DISKS]["namespaces"] = {"1": space(disk(context, "n1"), p2pmem="auto")}
    content["ports"]["1"]["p2p"] = "required"
    before = tree()
    refused = run(context, "apply", document(content), code=ANSWER_NO)
    assert any("port 1" in json.dumps(one) and "tcp" in json.dumps(one) for one in refused["problems"]), refused
    assert tree() == before
    content["ports"]["1"]["p2p"] = "preferred"
    assert run(context, "apply", document(content))["changed"] is True


def check_a_change_that_the_kernel_refuses_is_undone_and_no_host_notices(context: Context) -> None:
    """A file without O_DIRECT looks like any other beforehand: only the kernel knows, in the middle of the change."""
    content = exported(context)
    run(context, "apply", document(content))
    with nvme_host.kernel_log() as log:
        controller = nvme_host.tcp(DISKS, hostnqn=HOST, hostid=HOST[-36:])
        remote = controller.disk(1)
        identity = controller.identity()
        before = tree()
        content["hosts"][OTHER] = {}
        content["subsystems"][DISKS]["allowed_hosts"].append(OTHER)
        content["subsystems"][FILES]["namespaces"] |= {"2": space(file("two")), "3": space("/proc/version")}
        with nvme_host.traffic(remote) as moved:
            told = run(context, "apply", document(content), code=FAILED)
        assert tree() == before
        assert (moved.errors, log.trouble(controller), controller.identity()) == ([], [], identity)
        failed = [step for step in told["steps"] if step["status"] == "failed"]
    assert (told["state"], told["rolled_back"], told["residual"]) == ("rolled-back", True, []), told
    assert [step["path"].rpartition("/")[2] for step in failed] == ["enable"], failed
    assert failed[0]["errno"]
    assert any("/proc/version" in line for line in failed[0]["log"]), failed


def check_keys_are_readable_by_root_alone(context: Context) -> None:
    """The kernel shows DH-CHAP keys to everybody; p2pctl sees to it that nobody else can read them, and shows none."""
    key = PLACE / "key"
    PLACE.mkdir(exist_ok=True)
    key.write_text(KEY)
    key.chmod(0o600)
    path = document({"hosts": {HOST: {"dhchap_key": {"file": str(key)}}}})
    ran = context.p2pctl("apply", path, "-v", "-o", "json")
    assert ran.code == 0, ran
    attribute = NVMET / "hosts" / HOST / "dhchap_key"
    assert attribute.read_text().strip() == KEY
    assert stat.S_IMODE(attribute.stat().st_mode) == 0o600
    for said in (ran, context.p2pctl("export"), context.p2pctl("host", "list", "-o", "json")):
        assert KEY not in said.out + said.err, said
    assert run(context, "apply", path)["changed"] is False
    for kept in STATE.rglob("*"):
        assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0, kept


def check_what_is_in_use_is_not_deleted_but_all_of_it_on_request(context: Context) -> None:
    """Who holds it is told, and the exit status is that of something busy."""
    run(context, "apply", document(exported(context)))
    before = tree()
    for words, holder in (
        (("subsystem", "delete", FILES), "port 2"),
        (("host", "delete", HOST), DISKS),
        (("port", "delete", "1"), DISKS),
    ):
        refused = run(context, *words, "--yes", code=BUSY)
        assert holder in json.dumps(refused), refused
    assert tree() == before
    missing = run(context, "subsystem", "delete", f"{FILES}x", "--yes", code=MISSING)
    assert FILES in missing["message"]
    assert run(context, "subsystem", "delete", f"{FILES}x", "--yes", "--if-exists")["changed"] is False
    controller = nvme_host.connect("loop", FILES)
    controller.disk(1)
    run(context, "subsystem", "delete", FILES, "--cascade", "--yes")
    assert not (NVMET / "subsystems" / FILES).exists()
    assert wait(lambda: not controller.directory.exists() or controller.identity().state != "live")
    controller.disconnect()
    for words in (("host", "delete", HOST), ("port", "delete", "1")):
        run(context, *words, "--cascade", "--yes")
    assert not list((NVMET / "hosts").iterdir())
    assert [path.name for path in (NVMET / "subsystems").iterdir()] == [DISKS]


def check_commands_make_what_the_document_says(context: Context) -> None:
    """One by one they come to the same: the document then finds nothing to do."""
    wanted = exported(context)
    near = context.bdf("n1")
    wanted["subsystems"][DISKS]["namespaces"]["2"] = space(disk(context, "n1"), p2pmem=near, ana_grpid=2)
    wanted["ports"]["2"] |= {
        "ana_groups": {"2": "non-optimized"},
        "referrals": {"peer": {**TCP, "traddr": "192.0.2.1", "enable": True}},
    }  # fmt: skip
    for words in (
        ("subsystem", "create", DISKS, "serial=DISKS"),
        ("host", "create", HOST),
        ("subsystem", "allow", DISKS, HOST),
        ("namespace", "create", DISKS, "--device", disk(context, "n2"), "--enable"),
        ("namespace", "create", DISKS, "2", "--device", disk(context, "n1"), "--p2pmem", near, "ana_grpid=2"),
        ("namespace", "enable", DISKS, "2"),
        ("subsystem", "create", FILES, "allow_any_host=1"),
        ("namespace", "create", FILES, "1", "--device", file("one", "first"), "--enable"),
        ("port", "create", "1", "trtype=tcp", "adrfam=ipv4", "traddr=127.0.0.1", "trsvcid=4420", "--link", DISKS),
        ("port", "create", "2", "trtype=loop"),
        ("port", "ana", "2", "2", "non-optimized"),
        (
            "referral",
            "create",
            "2",
            "peer",
            "trtype=tcp",
            "adrfam=ipv4",
            "traddr=192.0.2.1",
            "trsvcid=4420",
            "--enable",
        ),
        ("port", "link", "2", FILES),
    ):
        assert run(context, *words)["changed"] is True
    told = run(context, "apply", document(wanted))
    assert (told["changed"], told["steps"]) == (False, [])
    path = file("two", "second")
    run(context, "namespace", "set", FILES, "1", f"device={path}", "--disruption", "namespace")
    assert (NVMET / "subsystems" / FILES / "namespaces/1/device_path").read_text().strip() == path
    wrong = run(context, "namespace", "set", FILES, "1", "ana_grpid=128", code=USAGE)
    assert "ana_grpid" in json.dumps(wrong)


def check_what_would_be_the_end_of_the_kernel_is_never_asked_of_it(context: Context) -> None:
    """A namespace with buffered_io and no device: to enable it is refused here, before it kills the process there."""
    empty = {"subsystems": {FILES: {"namespaces": {"1": {"buffered_io": True, "enable": True}}}}}
    before = tree()
    run(context, "apply", document(empty), code=ANSWER_NO)
    assert tree() == before
    spaces = NVMET / "subsystems" / FILES / "namespaces"
    spaces.parent.mkdir()
    (spaces / "1").mkdir()
    (spaces / "1/buffered_io").write_text("1")
    run(context, "namespace", "enable", FILES, "1", code=ANSWER_NO)
    assert (spaces / "1/enable").read_text() == "0\n"


def check_connections_are_told_as_far_as_the_kernel_tells(context: Context) -> None:
    """Without debugfs the log has who connected, by which subsystem; to end one alone is nothing that it can."""
    run(context, "apply", document(exported(context)))
    over_tcp = nvme_host.tcp(DISKS, hostnqn=HOST, hostid=HOST[-36:])
    over_tcp.disk(1)
    told = context.p2pctl("connection", "list", "-o", "json")
    assert told.code == 0, told
    items = json.loads(told.out)["items"]
    cntlid = int(over_tcp.identity().cntlid)
    (logged,) = [one for one in items if one["basis"] == "log" and one["cntlid"] == cntlid and one["host"] == HOST]
    assert (logged["subsystem"], logged["port"]) == (DISKS, ["1"])
    assert [one["port"] for one in items if one["basis"] == "inferred"] == [["1"]], items
    identity = over_tcp.identity()
    dropped = run(context, "connection", "drop", DISKS, str(cntlid), "--yes", code=UNSUPPORTED)
    assert "CONFIG_NVME_TARGET_DEBUGFS" in dropped["message"]
    run(context, "subsystem", "disallow", DISKS, HOST)
    assert over_tcp.identity() == identity, "who is connected stays"
    over_tcp.disconnect()
    try:
        again: object = nvme_host.tcp(DISKS, hostnqn=HOST, hostid=HOST[-36:])
    except OSError as error:
        again = error
    assert isinstance(again, OSError), "whoever lost the right cannot come back"
