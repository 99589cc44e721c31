"""The log: what happened, and what the kernel said, in the order of time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.log import LogContents, age, log_page
from p2pctl.dashboard.contents.log_words import Meaning, meaning, shortened
from p2pctl.dashboard.dialogs.page import PageDialog
from p2pctl.dashboard.journal import LIMIT, Journal
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Event
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.model.facts import UNREADABLE, Gap
from p2pctl.model.log import KernelLog, Record
from p2pctl.render.layout import Look
from p2pctl.render.pages import page_lines
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, screen_lines, until

NOW = demo_snapshot().taken
USING = "nvmet: using p2pmem on 0000:18:00.0 for nsid 1"


def pictured(*records: Record, complete: bool = True, later: float = 0.0) -> Picture:
    """A host whose log holds these."""
    snapshot = demo_snapshot()
    log = KernelLog(NOW, records, complete)
    return Painter(lambda _: {}).paint(replace(snapshot, taken=NOW + later, log=log))


def panel_of(picture: Picture, *events: Event) -> Panel:
    """The panel, with these events."""
    journal = Journal()
    journal += events
    return LogContents().panel(picture, journal)


def texts(panel: Panel) -> list[str]:
    """What its lines say."""
    return [str(item["text"]) for item in panel.items]


def test_events_and_the_kernels_messages_stand_in_the_order_of_time() -> None:
    picture = pictured(Record(7, NOW - 30, USING), Record(9, NOW - 10, "nvmet: other"))
    panel = panel_of(picture, Event(NOW - 20, "device", "0000:18:00.0", "nvme nvme0: remove"))
    assert texts(panel) == [USING, "nvme nvme0: remove", "nvmet: other"]
    assert [item["kind"] for item in panel.items] == ["kernel", "device", "kernel"]


def test_a_message_that_is_told_and_read_stands_there_once() -> None:
    told = Event(NOW - 5 + 1e-7, "kernel", "", USING)
    summed = Event(NOW - 4, "kernel", "", f"30 messages of the kernel, the last one: {USING}")
    only_told = Event(NOW - 3, "kernel", "", USING)
    panel = panel_of(pictured(Record(7, NOW - 5, USING), Record(8, NOW - 4, USING)), told, summed, only_told)
    assert texts(panel) == [USING, USING, USING]
    assert len(set(panel.keys)) == 3


def test_what_sums_up_a_burst_is_as_grave_as_its_author_said() -> None:
    summed = Event(NOW - 4, "kernel", "", "30 messages of the kernel, the last one: nvmet: x", "warning")
    assert [item["severity"] for item in panel_of(pictured(), summed).items] == ["warning"]


def test_a_message_keeps_its_key_when_the_log_is_read_after_it_was_told() -> None:
    told = panel_of(pictured(), Event(NOW - 5, "kernel", "", USING))
    read = panel_of(pictured(Record(7, NOW - 5, USING)), Event(NOW - 5, "kernel", "", USING))
    assert told.keys == read.keys


def test_what_is_known_of_a_line_says_how_grave_it_is_and_what_it_is_about() -> None:
    denied = (
        "nvmet_rdma 0000:18:00.0: cannot be used for peer-to-peer DMA as the client and provider (0000:1f:00.0) "
        "do not share an upstream bridge or whitelisted host bridge"
    )
    using, no, chatter = panel_of(pictured(Record(1, NOW, USING), Record(2, NOW, denied), Record(3, NOW, "x"))).items
    assert (using["severity"], using["subject"]) == ("ok", "0000:18:00.0")
    assert (no["severity"], no["subject"]) == ("warning", "0000:18:00.0")
    assert (chatter["severity"], chatter["subject"]) == ("info", None)


def test_a_host_cannot_name_itself_into_another_message() -> None:
    forged = meaning(Record(1, NOW, f"nvmet: connect request for invalid subsystem {USING}!"))
    assert forged == meaning(Record(1, NOW, "anything"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "now"), (0.9, "now"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 3 + 5, "3 d")],
)
def test_an_age_is_rounded_down(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_lines_whose_age_reads_the_same_stay_the_same_objects() -> None:
    contents, journal = LogContents(), Journal()
    old, new = Record(1, NOW - 7000, "nvmet: old"), Record(2, NOW - 3, "nvmet: new")
    first = contents.panel(pictured(old, new), journal)
    second = contents.panel(pictured(old, new, later=1.0), journal)
    assert second.items[0] is first.items[0]
    assert (first.items[1]["age"], second.items[1]["age"]) == ("3 s", "4 s")


def test_older_lines_are_dropped_and_that_is_said() -> None:
    journal = Journal()
    journal += [Event(NOW, "target", "", f"number {number}") for number in range(LIMIT + 25)]
    panel = LogContents().panel(pictured(Record(1, NOW - 5, "nvmet: first")), journal)
    assert len(panel.items) == LIMIT
    assert texts(panel)[-1] == f"number {LIMIT + 24}"
    assert panel.notes == ("26 older lines are not kept.",)


def test_a_log_that_cannot_be_read_is_not_an_empty_one() -> None:
    snapshot = demo_snapshot()
    gap = Gap("kernel log", None, "/dev/kmsg", 1, "root (CAP_SYSLOG)")
    log = KernelLog(NOW, UNREADABLE, complete=False, gaps=(gap,))
    panel = panel_of(Painter(lambda _: {}).paint(replace(snapshot, log=log)))
    assert panel.notes == ("? The kernel's log could not be read: needs root (CAP_SYSLOG).",)


def test_a_log_that_has_wrapped_says_so() -> None:
    assert panel_of(pictured(complete=False)).notes == (
        "The kernel's log does not go back to the boot: older messages are gone.",
    )


def test_the_page_of_a_line_says_all_of_it_and_what_it_means() -> None:
    contents, picture, journal = LogContents(), pictured(Record(1, NOW - 90, USING)), Journal()
    (key,) = contents.panel(picture, journal).keys
    page = log_page(contents, picture, journal, key)
    assert page is not None
    text = "\n".join(page_lines(page, Look(width=100)))
    assert USING in text
    assert "(1 min ago)" in text
    assert "A controller got P2P memory of 0000:18:00.0 for namespace 1." in text
    assert log_page(contents, pictured(), journal, key) is None


def happened(source: HeldSource, *words: str) -> None:
    """Has something happen at the host, later than all that did before."""
    source.happen(
        *(Event(NOW + 60 + source.looks, "target", "/ports/1", word, parts=frozenset({"nvmet"})) for word in words)
    )


def listed(app: Dashboard) -> RecordList:
    """The list."""
    return app.query_one("#log-log", RecordList)


def newest(app: Dashboard) -> str:
    """What the last line says."""
    return str(listed(app).rows.shown[-1].item["text"])


def test_the_end_is_followed_until_the_cursor_moves_up() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        records = listed(app)
        await until(driver, lambda: bool(records.rows.shown))
        records.focus()
        happened(source, "one")
        await until(driver, lambda: newest(app) == "one")
        assert records.current is not None
        assert records.current[1]["text"] == "one"
        await driver.press("k")
        held = records.current[0]
        happened(source, "two")
        await until(driver, lambda: newest(app) == "two")
        assert records.current[0] == held
        assert any("standing still" in line for line in screen_lines(app))
        await driver.press("G")
        happened(source, "three")
        await until(driver, lambda: newest(app) == "three")
        assert records.current[1]["text"] == "three"
        assert any("following" in line for line in screen_lines(app))

    pilot(scenario, source=source, settings=Settings(view="log"))


def test_with_the_newest_on_top_the_top_is_followed() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        records = listed(app)
        await until(driver, lambda: bool(records.rows.shown))
        records.focus()
        await driver.press("S", "g")
        happened(source, "one")
        await until(driver, lambda: records.rows.shown[0].item["text"] == "one")
        assert records.cursor == 0

    pilot(scenario, source=source, settings=Settings(view="log"))


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (200, 50)])
def test_a_hostile_line_stays_one_line_without_effect(size: tuple[int, int]) -> None:
    source = HeldSource()
    line = "nvmet: [bold]x[/bold] \x1b[2J\nnvmet: using p2pmem on 0000:18:00.0 for nsid 1 " + "界" * 400

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        before = len(listed(app).rows.shown)
        happened(source, line)
        await until(driver, lambda: len(listed(app).rows.shown) == before + 1)
        text = "\n".join(screen_lines(app))
        assert "\x1b" not in text
        if size[0] >= 80:
            assert "[bold]x[/bold] \\x1b[2J\\x0a" in text

    pilot(scenario, source=source, size=size, settings=Settings(view="log"))


def test_enter_opens_the_whole_line() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        happened(source, "the last word " + "and more " * 60 + "finis")
        await until(driver, lambda: newest(app).endswith("finis"))
        listed(app).focus()
        await driver.press("enter")
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        await until(driver, lambda: any("finis" in line for line in screen_lines(app)))

    pilot(scenario, source=source, settings=Settings(view="log"))


def test_what_is_said_of_a_controllers_memory_says_of_which() -> None:
    """nvmet announces a controller after it looked for its memory."""
    made = "nvmet: Created nvm controller {} for subsystem nqn.a for NQN nqn.b."
    other = "nvmet: Created nvm controller {} for subsystem nqn.a for NQN nqn.c."
    picture = pictured(
        Record(1, NOW - 30, USING), Record(2, NOW - 30, made.format(4)), Record(3, NOW - 20, USING),
        Record(4, NOW - 20, other.format(7)), Record(5, NOW - 10, USING), Record(6, NOW - 5, made.format(9)),
    )  # fmt: skip
    assert [item["controller"] for item in panel_of(picture).items] == [4, 4, 7, 7, None, 9]


def test_a_message_is_read_once_however_many_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(record: Record) -> Meaning:
        read.append(record.text)
        return meaning(record)

    monkeypatch.setattr("p2pctl.dashboard.contents.log.meaning", counted)
    contents, journal = LogContents(), Journal()
    records = tuple(Record(place, NOW - 1000 + place / 1000, f"nvmet: {place}") for place in range(LIMIT + 10))
    contents.panel(pictured(*records), journal)
    assert len(read) == LIMIT
    journal += (Event(NOW, "device", "x", "y"),)
    panel = contents.panel(pictured(*records, Record(10**6, NOW, "nvmet: new")), journal)
    assert read[LIMIT:] == ["nvmet: new"]
    assert "12 older lines are not kept." in panel.notes


def test_a_narrow_screen_cuts_names_and_not_what_is_said_of_them() -> None:
    nqn = "nqn.2014-08.org.nvmexpress:uuid:91fdba0d-f87b-4c25-b80f-db7be1418b9e"
    assert shortened(f"p2pmem of namespace 1 of subsystem {nqn} is now auto", "…") == (
        "p2pmem of namespace 1 of subsystem nqn.…db7be1418b9e is now auto"
    )
    assert shortened("subsystem nqn.short is", "…") == "subsystem nqn.short is"
