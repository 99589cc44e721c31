"""The dashboard's source over the demo host: what it reads again, what it tells, and what it goes on without."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from p2pctl.cli import dashboard_source
from p2pctl.cli.dashboard_source import SLOWLY, DoorSource
from p2pctl.cli.happenings import MOST, logged, story
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.dashboard.source import Event, Source
from p2pctl.errors import UsageError
from p2pctl.hardware.log import MOST as KEPT
from p2pctl.hardware.log import LogTail, concerns
from p2pctl.hardware.nvmet_follow import read_changed
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.kernel import Door, Events, Happening, Log, LogLine, LogRead
from p2pctl.model.address import Address
from p2pctl.model.log import KernelLog, Record
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.nodes import Link
from tests.clock import Clock
from tests.trees import TreeDoor, tree

LONG = 30.0
TARGET = "/sys/kernel/config/nvmet"
NQN = "nqn.2026-11.org.example:new"
DRIVE = "0000:18:00.0"
DEVICES: frozenset[PartName] = frozenset({"pci", "pools", "nvme", "exporters", "holders"})


class OtherDoor(DemoDoor):
    """The demo host with events of a test's own."""

    news: Events | OSError
    asked = 0

    def events(self) -> Events:
        self.asked += 1
        if isinstance(self.news, OSError):
            raise self.news
        return self.news


class Silence:
    """Events that do not come; it fails as it is told to."""

    def __init__(self, refused: tuple[str, ...] = (), error: Exception | None = None) -> None:
        self.refused = refused
        self.error = error
        self.watched: list[Collection[str]] = []
        self.waited: list[float] = []
        self.closed = False

    def watch(self, directories: Collection[str]) -> tuple[str, ...]:
        self.watched.append(directories)
        return self.refused

    def wait(self, seconds: float) -> tuple[Happening, ...]:
        self.waited.append(seconds)
        if self.error is not None:
            raise self.error
        return ()

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Said(Silence):
    """Events that come when the test says so."""

    coming: Sequence[Happening] = ()

    def wait(self, seconds: float) -> tuple[Happening, ...]:
        del seconds
        found, self.coming = tuple(self.coming), ()
        return found


def _source(door: Door) -> DoorSource:
    session = Session(Globals())
    session.__dict__["door"] = door
    return DoorSource(session)


@pytest.fixture
def source(door: DemoDoor) -> Iterator[DoorSource]:
    opened = _source(door)
    yield opened
    opened.close()


def _texts(events: Collection[Event]) -> list[str]:
    return [event.text for event in events]


def _changed(before: Snapshot, after: Snapshot) -> set[str]:
    """The parts that are other objects."""
    return {one.name for one in fields(Snapshot) if getattr(before, one.name) is not getattr(after, one.name)} - {
        "taken"
    }


def _followed(source: DoorSource, snapshot: Snapshot) -> tuple[Snapshot, tuple[Event, ...]]:
    """What one wait brings, and the snapshot after it."""
    events = source.wait(LONG)
    return source.refresh(snapshot, frozenset(part for event in events for part in event.parts)), events


def test_it_is_a_source(source: DoorSource) -> None:
    """Every part is read, and the one clock is the door's."""
    kept: Source = source
    snapshot = kept.take()
    assert not [part for part in ALL_PARTS if getattr(snapshot, part) is None]
    assert kept.moves
    assert kept.now() == snapshot.taken
    assert dict(kept.links(snapshot)) == source._session.device_links(snapshot)


@pytest.mark.parametrize("part", sorted(ALL_PARTS))
def test_only_what_is_out_of_date_is_read_anew(source: DoorSource, clock: Clock, part: PartName) -> None:
    """And what is read with its help; all other parts are the same objects, and the snapshot has a new time."""
    snapshot = source.take()
    clock.now += 1
    after = source.refresh(snapshot, frozenset({part}))
    also = {"nvme": {"pools", "holders"}, "pci": {"exporters"}}.get(part, set())
    assert _changed(snapshot, after) == {part, *also}
    assert after.taken == snapshot.taken + 1


def test_a_namespace_that_somebody_makes_and_enables_is_seen(source: DoorSource, door: DemoDoor) -> None:
    """Step by step, also in directories that were not there when it began; nothing but the target is read for it."""
    snapshot = source.take()
    subsystem = f"{TARGET}/subsystems/{NQN}"
    told: list[str] = []
    before = snapshot

    def follow() -> None:
        nonlocal snapshot
        snapshot, events = _followed(source, snapshot)
        told.extend(event.text for event in events if event.kind == "target")

    door.files.mkdir(subsystem)
    follow()
    door.files.mkdir(f"{subsystem}/namespaces/1")
    follow()
    door.files.write(f"{subsystem}/namespaces/1/device_path", b"/dev/nvme8n1")
    follow()
    door.files.write(f"{subsystem}/namespaces/1/enable", b"1")
    follow()
    assert told == [
        f"subsystem {NQN} was created",
        f"namespace 1 of subsystem {NQN} was created",
        f"device_path of namespace 1 of subsystem {NQN} is now /dev/nvme8n1",
        f"namespace 1 of subsystem {NQN} was enabled",
    ]
    assert snapshot.nvmet is not None
    assert snapshot.nvmet.subsystems[NQN].namespaces[1].attributes["enable"] == "1"
    assert _changed(before, snapshot) <= {"nvmet", "log", "connections"}


def test_a_drive_that_is_unplugged_and_plugged_in_again_is_followed(source: DoorSource, door: DemoDoor) -> None:
    """Its function, controller, disk and pool go and come, each told; what has nothing to do with it stays."""
    whole = source.take()
    door.hotplug.unplug(DRIVE)
    without, events = _followed(source, whole)
    assert _texts(events) == [
        "block device nvme0n1 is gone",
        "NVMe subsystem nvme-subsys0 is gone",
        "NVMe controller nvme0 is gone",
        f"{DRIVE} was unbound from its driver",
        f"{DRIVE} is gone",
    ]
    assert {event.kind for event in events} == {"device"}
    assert _changed(whole, without) == {*DEVICES, "block"}
    (gone,) = source.wait(LONG)
    assert (gone.kind, gone.subject, gone.text) == ("pool", DRIVE, f"{DRIVE} has no pool of P2P memory any more")
    assert gone.parts == frozenset()
    door.hotplug.plug(DRIVE)
    again, events = _followed(source, without)
    assert f"{DRIVE} was bound to nvme" in _texts(events)
    assert _texts(source.wait(LONG)) == [f"{DRIVE} has a pool of P2P memory now"]
    assert (again.pools, again.pci, again.nvme, again.block) == (whole.pools, whole.pci, whole.nvme, whole.block)
    assert source.wait(0) == ()


def test_levels_move_and_nothing_else_does(source: DoorSource, clock: Clock) -> None:
    """A read a pool: the pools that moved are new, those that did not are the same."""
    snapshot = source.take()
    clock.now += 30
    after = source.levels(snapshot)
    assert _changed(snapshot, after) == {"pools"}
    assert snapshot.pools is not None
    assert after.pools is not None
    pairs = [(one, after.pools.pools[at]) for at, one in snapshot.pools.pools.items()]
    assert {before.available == now.available for before, now in pairs} == {True, False}
    assert all((before is now) == (before.available == now.available) for before, now in pairs)
    assert after.taken == after.pools.taken == snapshot.taken + 30
    full = take(source._door, {"pools"})
    assert full.pools is not None
    assert full.pools.pools == after.pools.pools


def test_who_holds_a_pool_is_looked_up_when_a_level_has_moved(source: DoorSource, clock: Clock) -> None:
    """Not at every look, since all processes have to be looked into; and not where nothing moved."""
    snapshot = source.take()
    source._next_holders = 0.0
    assert _changed(snapshot, source.levels(snapshot)) == {"pools"}
    clock.now += 30
    moved = source.levels(snapshot)
    assert _changed(snapshot, moved) == {"pools", "holders"}
    clock.now += 30
    soon = source.levels(moved)
    assert _changed(moved, soon) == {"pools"}
    source._next_holders = 0.0
    assert _changed(soon, source.levels(soon)) == {"pools", "holders"}, "it is not forgotten that one moved"


def test_a_pool_whose_level_fails_has_the_pools_read_anew(source: DoorSource, door: DemoDoor) -> None:
    """No error reaches the screen, even before the event: the pool is gone, and told to be."""
    snapshot = source.levels(source.take())
    door.hotplug.unplug(DRIVE)
    after = source.levels(snapshot)
    assert after.pools is not None
    assert Address.parse(DRIVE) not in after.pools.pools
    assert f"{DRIVE} has no pool of P2P memory any more" in _texts(source.wait(0))
    assert source.levels(after).pools is not None


def test_new_messages_of_the_kernel_are_told_and_added(source: DoorSource, door: DemoDoor, clock: Clock) -> None:
    """Once, with their own time; the records that were read are kept, and none is there twice."""
    snapshot = source.take()
    assert snapshot.log is not None
    old = snapshot.log.records
    clock.now += 5
    door.target.log.say("nvmet: adding nsid 7 to subsystem x")
    door.target.log.say("eth0: Link is Up")
    denied = "nvme 0000:18:00.0: cannot be used for peer-to-peer DMA as the client and provider (0000:98:00.0)"
    door.target.log.say(f"{denied} do not share an upstream bridge")
    clock.now += 1
    first, second = source.wait(LONG)
    assert (first.kind, first.severity, first.text) == ("kernel", "info", "nvmet: adding nsid 7 to subsystem x")
    assert (second.severity, second.text) == ("warning", f"{denied} do not share an upstream bridge")
    assert first.time == second.time == snapshot.taken + 5
    assert first.parts == {"log", "connections"}
    after = source.refresh(snapshot, frozenset({"log"}))
    assert after.log is not None
    assert isinstance(after.log.records, tuple)
    assert isinstance(old, tuple)
    assert all(one is other for one, other in zip(old, after.log.records, strict=False))
    assert after.log == take(door, {"log"}).log
    assert source.refresh(after, frozenset({"log"})).log == after.log._replace(taken=source.now())
    assert source.wait(0) == ()


def test_what_the_log_says_during_a_full_look_is_told_once_and_there_once(source: DoorSource, door: DemoDoor) -> None:
    """It is in what was read, and it is news as well."""
    source.take()
    door.target.log.say("nvmet: one")
    snapshot = source.take()
    assert _texts(source.wait(LONG)) == ["nvmet: one"]
    after = source.refresh(snapshot, frozenset({"log"}))
    assert after.log is not None
    assert isinstance(after.log.records, tuple)
    assert [record.text for record in after.log.records].count("nvmet: one") == 1


def test_what_the_log_says_wakes_a_long_wait_within_a_second(source: DoorSource, door: DemoDoor) -> None:
    """Nobody is woken by the kernel's log, so it is looked at."""
    source.take()
    timer = threading.Timer(0.1, lambda: door.target.log.say("nvmet: said meanwhile"))
    timer.start()
    start = time.monotonic()
    assert _texts(source.wait(LONG)) == ["nvmet: said meanwhile"]
    assert time.monotonic() - start < LONG / 2
    timer.join()


def test_another_process_s_change_is_an_event(tmp_path: Path) -> None:
    """Two demo hosts on one state."""
    here, there = DemoDoor(state=tmp_path), DemoDoor(state=tmp_path)
    source = _source(here)
    snapshot = source.take()
    there.files.mkdir(f"{TARGET}/hosts/{NQN}")
    after, events = _followed(source, snapshot)
    assert _texts(events) == [f"host {NQN} was created"]
    assert after.nvmet is not None
    assert NQN in after.nvmet.hosts
    source.close()


def test_a_burst_is_told_as_one(source: DoorSource, door: DemoDoor) -> None:
    """A thousand namespaces are one event of their subsystem, and the log is as brief."""
    source.take()
    above = f"{TARGET}/subsystems/{NQN}/namespaces"
    door.files.mkdir(f"{TARGET}/subsystems/{NQN}")
    snapshot, _ = _followed(source, source.take())
    for number in range(1, 1001):
        door.files.mkdir(f"{above}/{number}")
    after, events = _followed(source, snapshot)
    assert f"subsystem {NQN}: 1,000 changes" in _texts(events)
    assert len(events) <= 2
    assert after.nvmet is not None
    assert len(after.nvmet.subsystems[NQN].namespaces) == 1000


def test_a_wait_is_ended_by_a_wake(source: DoorSource) -> None:
    """During the wait, before it, and where no events can be had."""
    without = OtherDoor(lambda: 0.0)
    without.news = OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    silent = _source(without)
    start = time.monotonic()
    for each in (source, silent):
        each.take()
        each.wait(0)
        timer = threading.Timer(0.05, each.wake)
        timer.start()
        assert each.wait(LONG) == ()
        timer.join()
        each.wake()
        assert each.wait(LONG) == ()
    assert time.monotonic() - start < LONG
    for each in (source, silent):
        start = time.monotonic()
        assert each.wait(0.05) == ()
        assert time.monotonic() - start > 0.04


def test_a_capture_does_not_move(tmp_path: Path) -> None:
    """Nothing is subscribed to, nothing told, and a wait takes its time."""
    del tmp_path
    door = TreeDoor(tree({}))
    door.kind = "capture"
    source = _source(door)
    assert not source.moves
    source.take()
    assert source.wait(0.01) == ()


def test_a_source_without_events_says_so_once() -> None:
    """A directory tells nothing: what is there is still read."""
    source = _source(TreeDoor(tree({})))
    assert source.moves
    snapshot = source.take()
    (told,) = source.wait(LONG)
    assert (told.kind, told.severity) == ("screen", "warning")
    assert told.text == ("no events from this source: operation not supported; changes are seen when all is read anew")
    source.take()
    assert source.wait(0) == ()
    assert source.refresh(snapshot, ALL_PARTS) == snapshot


@pytest.mark.parametrize("error", [OSError(errno.EIO, os.strerror(errno.EIO)), UsageError("a damaged record")])
def test_events_that_end_are_told_to_have_ended(error: Exception) -> None:
    """Whatever ends them: nothing is trusted any more, and the screen goes on with what the slow look brings."""
    door = OtherDoor(lambda: 0.0)
    door.news = news = Silence(error=error)
    source = _source(door)
    source.take()
    (told,) = source.wait(LONG)
    assert told.text.startswith("no events from this source: ")
    assert (told.severity, told.parts) == ("warning", ALL_PARTS)
    assert news.closed
    assert source.wait(0.01) == ()
    assert source.take().nvmet is not None


def test_events_that_ended_are_asked_for_again_with_every_full_look() -> None:
    """A source that fails once tells of hotplug again half a minute later, and says so; why it cannot, once."""
    door = OtherDoor(lambda: 0.0)
    door.news = Silence(error=OSError(errno.EIO, "Input/output error"))
    source = _source(door)
    source.take()
    (lost,) = source.wait(0)
    assert "input/output error" in lost.text
    door.news = OSError(errno.EMFILE, "Too many open files")
    source.take()
    (told,) = source.wait(0)
    assert "too many open files" in told.text
    assert told.parts == frozenset(), "the look that it was told by comes after it"
    source.take()
    assert source.wait(0) == ()
    door.news = news = Silence()
    source.take()
    assert [(event.text, event.severity) for event in source.wait(0)] == [
        ("events come from this source again", "info")
    ]
    assert len(news.watched) == 1
    assert door.asked == 4
    source.take()
    assert source.wait(0) == ()
    assert (door.asked, len(news.watched)) == (4, 2)


def test_after_a_loss_only_what_is_touched_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the target once; then again what an event says."""
    read: list[list[str]] = []

    def note(reader: Reader, known: Nvmet, touched: list[str], now: float) -> Nvmet | None:
        read.append(touched)
        return read_changed(reader, known, touched, now)

    monkeypatch.setattr(dashboard_source, "read_changed", note)
    door = OtherDoor(lambda: 0.0)
    door.news = news = Said()
    source = _source(door)
    snapshot = source.take()
    path = f"{TARGET}/discovery_nqn"
    news.coming = [Happening("configfs", "written", path), Happening("lost", "", "")]
    (lost,) = source.wait(0)
    snapshot = source.refresh(snapshot, lost.parts)
    assert read == []
    news.coming = [Happening("configfs", "written", path)]
    (written,) = source.wait(0)
    source.refresh(snapshot, written.parts)
    assert read == [[path]]


def test_a_wake_while_a_full_look_subscribes_ends_the_next_wait_at_once() -> None:
    """Events that were opened after it know nothing of it, and are not waited for."""
    door = OtherDoor(lambda: 0.0)
    door.news = news = Silence()
    source = _source(door)
    source.wake()
    source.take()
    assert source.wait(LONG) == ()
    assert news.waited == [0.0]


def test_a_log_that_fails_is_told_once_and_followed_again_with_the_next_full_look(
    monkeypatch: pytest.MonkeyPatch, source: DoorSource, door: DemoDoor
) -> None:
    """It is no reason to hear nothing of the kernel for the rest of the day."""
    look = LogTail.look

    def fail(tail: LogTail) -> tuple[Record, ...]:
        del tail
        raise OSError(errno.EIO, "Input/output error")

    source.take()
    monkeypatch.setattr(LogTail, "look", fail)
    (told,) = source.wait(0)
    assert (told.kind, told.severity) == ("screen", "warning")
    assert told.text == f"the kernel's log cannot be followed: input/output error; new lines {SLOWLY}"
    assert told.parts == {"log", "connections"}
    assert source.wait(0) == ()
    source.take()
    assert source.wait(0) == (), "it is known"
    monkeypatch.setattr(LogTail, "look", look)
    source.take()
    door.target.log.say("nvmet: heard again")
    assert _texts(source.wait(0)) == ["nvmet: heard again"]
    monkeypatch.setattr(LogTail, "look", fail)
    assert len(source.wait(0)) == 1


class Chatter:
    """A log that says something new at every look."""

    last = -1

    def mark(self) -> int:
        return self.last

    def since(self, mark: int = -1) -> LogRead:
        self.last = mark + 1000
        return LogRead(tuple(LogLine(n, float(n), "nvmet: x") for n in range(mark + 1, self.last + 1)), complete=True)


def test_what_the_log_says_while_nobody_asks_does_not_pile_up(source: DoorSource, door: DemoDoor) -> None:
    """A paused screen only waits; the next full look has it all."""
    source.take()
    for number in range(5):
        door.target.log.say(f"nvmet: {number}")
        assert len(source.wait(0)) == 1
    tail = source._log.tail
    assert tail is not None
    assert len(tail._since) == 5
    source.take()
    assert tail is source._log.tail
    assert not tail._since


def test_a_tail_of_the_log_that_grows_too_long_is_given_up() -> None:
    """The log is read anew then, and followed from there."""
    log: Log = Chatter()
    tail = LogTail(log)
    for _ in range(KEPT // 1000 * 3):
        assert len(tail.look()) == 1000
        assert len(tail._since) <= KEPT
    part = KernelLog(0.0, (), complete=True)
    assert tail.extended(part, 1.0) is None
    (first, *others) = tail.look()
    after = tail.extended(part, 2.0)
    assert after is not None
    assert after.records == (first, *others)


def test_directories_that_cannot_be_watched_are_told_of_until_they_can() -> None:
    """Once, and again only after it was well in between; they are tried at every look at the target."""
    door = OtherDoor(lambda: 0.0)
    door.news = news = Silence(refused=("/sys/kernel/config/nvmet/hosts", "x"))
    source = _source(door)
    snapshot = source.take()
    (told,) = source.wait(0)
    assert "2 directories of the target cannot be watched, such as /sys/kernel/config/nvmet/hosts" in told.text
    source.refresh(snapshot, frozenset({"nvmet"}))
    assert source.wait(0) == ()
    news.refused = ()
    source.refresh(snapshot, frozenset({"nvmet"}))
    news.refused = ("x",)
    source.refresh(snapshot, frozenset({"nvmet"}))
    assert len(source.wait(0)) == 1
    assert len(news.watched) == 4
    source.refresh(snapshot, frozenset({"pci"}))
    assert len(news.watched) == 4, "the directories are those of the target"


def test_every_directory_that_the_target_is_read_from_is_watched() -> None:
    """A change anywhere in it is a change in a watched directory."""
    door = OtherDoor(lambda: 0.0)
    door.news = news = Silence()
    _source(door).take()
    (watched,) = news.watched

    def below(path: str) -> Iterator[str]:
        yield path
        for name in door.files.list(path):
            if door.files.stat(f"{path}/{name}").kind == "directory":
                yield from below(f"{path}/{name}")

    assert sorted(watched) == sorted(["/sys/kernel/config", *below(TARGET)])


SPACE = f"subsystems/{NQN}/namespaces/2"
PORT = f"{TARGET}/ports/1"


@pytest.mark.parametrize(
    ("happening", "subject", "text", "parts"),
    [
        (("configfs", "created", f"{TARGET}/{SPACE}"), NQN, f"namespace 2 of subsystem {NQN} was created", "nvmet"),
        (("configfs", "deleted", f"{TARGET}/{SPACE}"), NQN, f"namespace 2 of subsystem {NQN} was deleted", "nvmet"),
        (("configfs", "written", f"{TARGET}/{SPACE}/p2pmem"), NQN,
         f"p2pmem of namespace 2 of subsystem {NQN} is now auto", "nvmet"),
        (("configfs", "written", f"{TARGET}/{SPACE}/enable"), NQN, f"namespace 2 of subsystem {NQN} was enabled",
         "nvmet connections"),
        (("configfs", "written", f"{TARGET}/{SPACE}/revalidate_size"), NQN,
         f"revalidate_size of namespace 2 of subsystem {NQN} was written", "nvmet"),
        (("configfs", "written", f"{TARGET}/subsystems/{NQN}/attr_model"), NQN,
         f"attr_model of subsystem {NQN} is now empty", "nvmet"),
        (("configfs", "written", f"{TARGET}/hosts/{NQN}/dhchap_key"), NQN,
         f"dhchap_key of host {NQN} was written", "nvmet"),
        (("configfs", "written", f"{TARGET}/subsystems/{NQN}/passthru/enable"), NQN,
         f"the passthru of subsystem {NQN} was disabled", "nvmet connections"),
        (("configfs", "created", f"{PORT}/subsystems/{NQN}"), NQN, f"subsystem {NQN} was linked to port 1",
         "nvmet connections"),
        (("configfs", "deleted", f"{PORT}/subsystems/{NQN}"), NQN, f"subsystem {NQN} was unlinked from port 1",
         "nvmet connections"),
        (("configfs", "created", f"{TARGET}/subsystems/{NQN}/allowed_hosts/a"), NQN,
         f"host a may use subsystem {NQN}", "nvmet"),
        (("configfs", "deleted", f"{TARGET}/subsystems/{NQN}/allowed_hosts/a"), NQN,
         f"host a may no longer use subsystem {NQN}", "nvmet"),
        (("configfs", "created", f"{PORT}/ana_groups/2"), PORT, "ANA group 2 of port 1 was created", "nvmet"),
        (("configfs", "written", f"{PORT}/referrals/r/enable"), PORT, "referral r of port 1 was enabled",
         "nvmet connections"),
        (("configfs", "written", f"{PORT}/addr_traddr"), PORT, "addr_traddr of port 1 was written", "nvmet"),
        (("configfs", "written", f"{TARGET}/discovery_nqn"), f"{TARGET}/discovery_nqn",
         "discovery_nqn of the target is now nqn.d", "nvmet"),
        (("configfs", "created", TARGET), TARGET, "the target was created", "nvmet"),
        (("configfs", "created", f"{TARGET}/new/thing"), f"{TARGET}/new/thing", "new/thing was created", "nvmet"),
        (("pci", "add", "/sys/devices/pci0000:00/0000:01:00.0"), "0000:01:00.0", "0000:01:00.0 appeared",
         "nvme pci pools"),
        (("pci", "bind", "/sys/devices/pci0000:00/0000:01:00.0"), "0000:01:00.0", "0000:01:00.0 was bound to nvme",
         "nvme pci pools"),
        (("pci", "bind", "/sys/devices/pci0000:00/0000:02:00.0"), "0000:02:00.0", "0000:02:00.0 was bound",
         "nvme pci pools"),
        (("nvme", "change", "/sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0"), "0000:01:00.0",
         "NVMe controller nvme0 changed", "nvme"),
        (("block", "add", "/sys/devices/virtual/block/dm-1"), "", "block device dm-1 appeared", "block nvme"),
        (("infiniband", "remove", "/sys/devices/pci0000:00/0000:01:00.0/infiniband/mlx5_0"), "0000:01:00.0",
         "RDMA device mlx5_0 is gone", "rdma"),
        (("net", "add", "/sys/devices/pci0000:00/0000:01:00.0/net/eth0"), "0000:01:00.0",
         "network interface eth0 appeared", "network rdma"),
        (("p2pmem", "add", "/sys/devices/pci0000:00/0000:01:00.0/p2pmem/p2pmem0"), "0000:01:00.0",
         "pool p2pmem0 appeared", "pools"),
        (("module", "add", "/sys/module/nvmet_rdma"), "", "module nvmet_rdma was loaded", "nvmet rnbd"),
        (("module", "remove", "/sys/module/nvmet"), "", "module nvmet was unloaded", "nvmet rnbd"),
    ],
)  # fmt: skip
def test_what_happened_is_told_in_words(happening: tuple[str, str, str], subject: str, text: str, parts: str) -> None:
    """With what it is about, and the parts that are out of date; a secret is never read."""
    base = f"{TARGET}/{SPACE}"
    files = tree(
        {
            f"{base}/p2pmem": b"auto\n",
            f"{base}/enable": b"1\n",
            f"{base}/revalidate_size": b"secret",
            f"{TARGET}/subsystems/{NQN}/attr_model": b"\n",
            f"{TARGET}/subsystems/{NQN}/passthru/enable": b"0\n",
            f"{TARGET}/hosts/{NQN}/dhchap_key": b"DHHC-1:secret\n",
            f"{PORT}/referrals/r/enable": b"1\n",
            f"{TARGET}/discovery_nqn": b"nqn.d\n",
            "/sys/devices/pci0000:00/0000:01:00.0/driver": Link("../../../bus/pci/drivers/nvme"),
        }
    )
    (event,) = story([Happening(*happening)], 5.0, files)
    assert (event.time, event.subject, event.text, event.severity) == (5.0, subject, text, "info")
    assert event.parts == frozenset(parts.split())
    assert event.kind == ("target" if happening[0] == "configfs" else "device")
    assert "secret" not in event.text


@pytest.mark.parametrize(
    "happening",
    [
        ("configfs", "created", "/sys/kernel/config/usb_gadget"),
        ("configfs", "created", "/sys/kernel/config/nvmet-other"),
        ("block", "change", "/sys/devices/virtual/block/loop0"),
        ("net", "change", "/sys/devices/pci0000:00/0000:01:00.0/net/eth0"),
        ("net", "add", "/sys/devices/virtual/net/veth0"),
        ("module", "add", "/sys/module/snd"),
    ],
)
def test_what_concerns_nobody_is_not_told(happening: tuple[str, str, str]) -> None:
    """Other users of configfs, mounts, containers' interfaces, other modules: nothing is read for them either."""
    assert story([Happening(*happening)], 0.0, tree({})) == ()


def test_what_was_lost_is_everything() -> None:
    """One event, whatever came with it, and no part is trusted."""
    (event,) = story(
        [Happening("pci", "add", "/sys/x"), Happening("lost", "", ""), Happening("lost", "", "")], 0.0, tree({})
    )
    assert (event.kind, event.severity, event.parts) == ("screen", "warning", ALL_PARTS)


def test_the_same_thing_twice_is_told_once() -> None:
    one = Happening("configfs", "written", f"{PORT}/addr_traddr")
    assert len(story([one, one, one], 0.0, tree({}))) == 1


def test_a_storm_names_what_it_was_about_and_makes_the_same_parts_stale() -> None:
    """Of a few objects one by one, of very many in one line."""
    few = [Happening("configfs", "created", f"{TARGET}/ports/1/ana_groups/{n}") for n in range(MOST)]
    few += [Happening("configfs", "written", f"{TARGET}/{SPACE}/enable"), Happening("pci", "add", "/sys/devices/x")]
    assert [(event.text, {*event.parts}) for event in story(few, 0.0, tree({}))] == [
        ("port 1: 40 changes", {"nvmet"}),
        (f"subsystem {NQN}: 1 change", {"nvmet", "connections"}),
        ("PCI functions: 1 change", {"pci", "pools", "nvme"}),
    ]
    many = [Happening("configfs", "created", f"{TARGET}/hosts/{n}") for n in range(5000)]
    (event,) = story(many, 0.0, tree({}))
    assert (event.text, {*event.parts}) == ("5,000 changes of 5,000 objects", {"nvmet"})


def test_of_many_messages_the_grave_ones_are_told() -> None:
    """A burst of the kernel's log is one event, but no denial is lost in it."""
    denied = "x 0000:01:00.0: cannot be used for peer-to-peer DMA as the client and provider (0000:02:00.0)"
    texts = [f"nvmet: adding nsid {n} to subsystem x" for n in range(1000)]
    texts[500] = f"{denied} do not share an upstream bridge"
    assert all(map(concerns, texts))
    told = logged([Record(n, float(n), text) for n, text in enumerate(texts)])
    assert [(event.severity, event.time) for event in told] == [("warning", 500.0), ("info", 999.0)]
    assert told[-1].text == f"1,000 messages of the kernel, the last one: {texts[-1]}"
