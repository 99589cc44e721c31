"""The first screen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.findings import FindingPages, finding_of, findings_panel, keyed, leads_to
from p2pctl.dashboard.contents.overview import count_wrong, overview_panels, place_of
from p2pctl.dashboard.contents.states import StatePages, columns, states_panel
from p2pctl.dashboard.glyphs import ASCII, UNICODE
from p2pctl.dashboard.history import History
from p2pctl.dashboard.remembered import Remembered
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.stack import Want, shared
from p2pctl.findings.rules import Finding
from p2pctl.render.cells import cell
from p2pctl.render.layout import Look
from p2pctl.render.page import Page
from p2pctl.render.pages import page_lines
from p2pctl.target.port_state import Stale
from tests.dashboard.levels import painted
from tests.dashboard.piloting import demo_snapshot, pilot, screen_lines, until

DEMO = painted(demo_snapshot())
WARNINGS = sum(one.severity == "warning" for one in DEMO.findings)
ARCHIVE = "nqn.2026-11.org.example:archive"
FALLEN = f"3/{ARCHIVE}/2"
FALLEN_FINDING = f"p2p-falls-back port 3 namespace 2 of {ARCHIVE}"


def text_of(page: Page | None) -> str:
    """A page, its lines joined."""
    assert page is not None
    return " ".join(" ".join(page_lines(page, Look(width=100))).split())


def test_ports_that_fare_worst_come_first_and_the_rest_in_their_order() -> None:
    panel = states_panel(DEMO, UNICODE)
    words = [item["state"] for item in panel.items]
    assert words[:2] == ["falls-back", "not-eligible"]
    assert panel.keys[2:5] == [f"1/nqn.2026-11.org.example:pool0/{nsid}" for nsid in (1, 2, 3)]
    assert panel.summary == "1 falls-back, 1 not-eligible, 3 confirmed, 1 transport-cannot, 3 off"


@pytest.mark.parametrize(("glyphs", "mark"), [(UNICODE, "✗"), (ASCII, "x")])
def test_a_state_has_a_sign_and_a_word(glyphs: object, mark: str) -> None:
    panel = states_panel(DEMO, UNICODE if glyphs is UNICODE else ASCII)
    column = next(one for one in panel.columns if one.key == "shown")
    span = cell(column, panel.items[0])
    assert span.text == f"{mark} falls-back"
    assert span.tone == "bad"


def test_a_state_that_may_be_past_says_so() -> None:
    ports = tuple(
        replace(one, stale=Stale(("the log does not tell when a host leaves: it may be gone",)))
        if one.state == "confirmed" else one
        for one in DEMO.ports
    )  # fmt: skip
    panel = states_panel(replace(DEMO, ports=ports), UNICODE)
    column = next(one for one in columns(UNICODE) if one.key == "shown")
    assert "✓ confirmed, stale" in [cell(column, item).text for item in panel.items]
    assert panel.summary.endswith("; 3 perhaps out of date")


def test_the_page_of_a_state_that_falls_back_tells_why_and_what_to_do() -> None:
    text = text_of(StatePages(FALLEN)(DEMO))
    assert "The kernel would find no provider." in text
    assert "no PCIe switch or port is above both" in text
    assert "What to do" in text
    assert "Move 0000:81:00.0 to the free slot below 0000:b9:04.0" in text
    assert text.index("The nearest memory") < text.index("What to do") < text.index("Evidence")


def test_the_page_of_a_confirmed_state_shows_the_kernel_s_line() -> None:
    text = text_of(StatePages("1/nqn.2026-11.org.example:pool0/1")(DEMO))
    assert "nvmet: using p2pmem on 0000:18:00.0 for nsid 1" in text


def test_a_state_that_is_gone_has_no_page() -> None:
    assert StatePages(FALLEN)(replace(DEMO, ports=())) is None
    assert FindingPages(FALLEN_FINDING)(replace(DEMO, findings=())) is None


def test_remedies_are_looked_for_once_while_the_devices_stay() -> None:
    pages = StatePages(FALLEN)
    first, again = pages(DEMO), pages(replace(DEMO, snapshot=replace(DEMO.snapshot, taken=1.0)))
    assert first is not None
    assert again is not None
    assert again.sections[-1] is first.sections[-1]


def test_the_page_of_a_finding_has_its_text_its_source_and_what_it_is_about() -> None:
    text = text_of(FindingPages(FALLEN_FINDING)(DEMO))
    assert text.startswith("warning: port 3 namespace 2")
    assert "known from /sys/kernel/config/nvmet/subsystems" in text
    assert "Move 0000:81:00.0 to the free slot" in text
    link = text_of(FindingPages("link-below-best 0000:81:00.0")(DEMO))
    assert "what to do look at the slot's lanes" in link
    assert "8 GT/s x16 (best 16 GT/s x16)" in link


@pytest.mark.parametrize(
    ("panel", "key", "place"),
    [
        ("pools", "0000:18:00.0", ("pools", "0000:18:00.0")),
        ("ports", FALLEN, ("target", f"namespace 2 of {ARCHIVE}")),
        ("findings", FALLEN_FINDING, ("target", f"namespace 2 of {ARCHIVE}")),
        ("findings", "cmb-not-registered 0000:98:00.0", ("pools", "0000:98:00.0")),
        ("findings", "link-below-best 0000:81:00.0", ("topology", "0000:81:00.0")),
        ("findings", "multipath-head nvme5n1", None),
    ],
)
def test_a_record_leads_to_the_view_that_has_more(panel: str, key: str, place: tuple[str, str] | None) -> None:
    assert place_of(DEMO, panel, key) == place


def test_findings_keep_their_keys_when_others_come_and_go() -> None:
    one = Finding("some-code", "warning", "nvme0", "text", "file", None)
    other = replace(one, text="another")
    assert [found.key for found in keyed([one, other])] == ["some-code nvme0", "some-code nvme0 (2)"]
    assert [found.key for found in keyed(DEMO.findings)][1:] == [found.key for found in keyed(DEMO.findings[1:])]


def test_a_finding_about_the_host_leads_nowhere() -> None:
    host = Finding("no-pool", "info", None, "no device offers P2P memory", "file", None)
    picture = replace(DEMO, findings=(host,))
    assert leads_to(picture, host) is None
    assert finding_of(picture, "no-pool host") is host
    assert findings_panel(picture, UNICODE).items[0]["about"] == "host"


def test_what_has_not_changed_is_not_made_anew() -> None:
    kept = Remembered()
    first = overview_panels(DEMO, History(), UNICODE, kept)
    second = overview_panels(replace(DEMO), History(), UNICODE, kept)
    assert [a is b for a, b in zip(first, second, strict=True)] == [False, True, True]


def test_lines_are_shared_by_need_and_the_favoured_list_grows() -> None:
    wants = [Want(4, 11), Want(4, 11), Want(4, 7)]
    assert shared(22, wants) == [8, 7, 7]
    assert shared(22, wants, 1) == [6, 11, 5]
    assert shared(40, wants) == [11, 11, 7]
    assert shared(40, [*wants, Want(7, 100, last=True)]) == [11, 11, 7, 11]
    assert shared(33, [*wants, Want(7, 100, last=True)]) == [11, 11, 7, 0]
    assert shared(5, wants, 2) == [1, 0, 4]
    assert shared(0, wants) == [0, 0, 0]


def test_what_is_wrong_is_seen_at_every_usual_size_and_a_wide_one_says_what_to_do_whole() -> None:
    parts = ("0000:18:00.0", "✗ falls-back", "1 falls-back", f"{WARNINGS} warnings", "! warning", "1 no pool")

    def missing(app: Dashboard) -> list[str]:
        text = "\n".join(screen_lines(app))
        return [part for part in parts if part not in text]

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((80, 24), (120, 40), (180, 50), (200, 50)):
            await driver.resize_terminal(*size)
            await until(driver, lambda: not missing(app))
            if size[0] >= 180:
                await until(driver, lambda: any("Enter: why, and what to do" in line for line in screen_lines(app)))

    pilot(scenario, size=(80, 24))


def test_the_list_with_the_focus_shows_all_its_records_at_80x24() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for name in ("pools", "ports", "findings"):
            records = app.query_one(f"#overview-{name}", RecordList)
            records.focus()
            await until(driver, lambda shown=records: shown.size.height >= shown.virtual_size.height)  # type: ignore[misc]

    pilot(scenario, size=(80, 24))


EXPLAINED = (
    ("pools", "0000:18:00.0", "user space may map it"),
    ("ports", FALLEN, "The kernel would find no provider"),
    ("findings", FALLEN_FINDING, "p2p-falls-back"),
)
"""A record of a list, and what its page says."""


def test_enter_explains_the_record() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for name, key, said in EXPLAINED:
            records = app.query_one(f"#overview-{name}", RecordList)
            await until(driver, lambda records=records, key=key: records.go_to(key))  # type: ignore[misc]
            records.focus()
            await driver.press("enter")
            await until(driver, lambda: len(app.screen_stack) == 2)
            await until(driver, lambda said=said: any(said in line for line in screen_lines(app)))  # type: ignore[misc]
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario, size=(120, 60))


def test_with_room_the_record_under_the_cursor_is_explained_too() -> None:
    """Beside lists that show whole, else below them, else beside lists that cut something for it."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        records = app.query_one("#overview-findings", RecordList)
        for size, beside in (((180, 50), False), ((180, 40), True), ((200, 50), True)):
            await driver.resize_terminal(*size)
            await until(driver, lambda: records.go_to(FALLEN_FINDING))
            records.focus()
            await until(driver, lambda: any("The nearest memory" in line for line in screen_lines(app)))
            records.go_to("link-below-best 0000:81:00.0")
            await until(driver, lambda: any("warning: 0000:81:00.0" in line for line in screen_lines(app)))
            assert app.view.has_class("-roomy") is beside, size
            await driver.resize_terminal(80, 24)
            await until(driver, lambda: not any("warning: 0000:81:00.0" in line for line in screen_lines(app)))

    pilot(scenario, size=(180, 50))


def test_the_answer_comes_first_on_the_page_of_a_finding_and_its_source_last() -> None:
    text = text_of(FindingPages(FALLEN_FINDING)(DEMO))
    places = [text.index(word) for word in ("The nearest memory", "What to do", "Port 3 (rdma)", "known from", "code")]
    assert places == sorted(places)
    assert "p2pctl port state 3" not in text
    assert "what to do -" not in text_of(FindingPages("cmb-not-registered 0000:98:00.0")(DEMO))


def test_the_screen_says_which_key_answers_and_what_is_printed_which_command() -> None:
    def told(*, live: bool) -> str:
        panel = findings_panel(DEMO, UNICODE, live=live)
        column = next(one for one in panel.columns if one.title == "what to do")
        return cell(column, panel.items[panel.keys.index(FALLEN_FINDING)]).text

    assert told(live=True) == "Enter: why, and what to do"
    assert told(live=False).startswith("p2pctl ")


def test_it_begins_at_the_worst_and_all_that_is_wrong_is_seen_at_80x24_with_whole_counts() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        findings = app.query_one("#overview-findings", RecordList)
        await until(driver, lambda: findings.has_focus)
        await until(driver, lambda: sum("! warning" in line for line in screen_lines(app)) == WARNINGS)
        text = "\n".join(screen_lines(app))
        assert "✗ falls-back" in text
        assert "✗ not-eligible" in text
        assert "no pool" in text
        title = next(line for line in screen_lines(app) if "P2P by port" in line)
        assert "1 falls-back, 1 not-eligible, 3 confirmed, …" in title, "a count is whole or not there"

    pilot(scenario, size=(80, 24))


def test_a_host_on_which_nothing_is_wrong_begins_with_its_pools() -> None:
    fine = replace(DEMO, findings=(), ports=tuple(one for one in DEMO.ports if one.state == "confirmed"))
    panels = {one.name: one for one in overview_panels(fine, History(), UNICODE, Remembered())}
    assert (count_wrong(panels["findings"]), count_wrong(panels["ports"])) == (0, 0)
    assert count_wrong(panels["pools"]) == 1


def test_lines_for_what_is_wrong_come_before_what_others_would_like() -> None:
    assert shared(21, [Want(4, 11), Want(4, 11, urgent=4), Want(4, 7, urgent=6)]) == [7, 7, 7]
    assert shared(21, [Want(4, 11), Want(4, 11, urgent=4), Want(4, 7, urgent=6)], 0) == [11, 4, 6]


def test_a_filter_is_for_all_lists() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        lists = {name: app.query_one(f"#overview-{name}", RecordList) for name in ("pools", "ports", "findings")}
        await until(driver, lambda: lists["findings"].has_focus)
        await driver.press("slash", *"archive")
        await until(driver, lambda: len(lists["ports"].rows.shown) == 4)
        assert [len(lists[name].rows.shown) for name in ("pools", "findings")] == [0, 2]
        assert any(line.startswith("All lists /") for line in screen_lines(app))
        await driver.press("enter", "escape")
        await until(driver, lambda: all(one.rows.text == "" for one in lists.values()))

    pilot(scenario)


def test_o_goes_to_the_view_that_has_more_and_lands_on_the_record() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        records = app.query_one("#overview-ports", RecordList)
        await until(driver, lambda: records.go_to(FALLEN))
        records.focus()
        await driver.press("o")
        await until(driver, lambda: app.view.NAME == "target")
        target = app.query_one("#target-namespaces", RecordList)
        await until(driver, lambda: target.has_focus and target.current is not None)
        assert target.current is not None
        assert target.current[0] == f"namespace 2 of {ARCHIVE}"
        await driver.press("escape")
        await until(driver, lambda: app.view.NAME == "overview")
        records = app.query_one("#overview-pools", RecordList)
        await until(driver, lambda: records.go_to("0000:19:00.0"))
        records.focus()
        await driver.press("o")
        await until(driver, lambda: app.view.NAME == "pools")
        await until(driver, lambda: any("Holders of 0000:19:00.0" in line for line in screen_lines(app)))
        await driver.press("escape")
        await until(driver, lambda: app.view.NAME == "overview" and records.has_focus)
        assert records.current is not None
        assert records.current[0] == "0000:19:00.0"

    pilot(scenario)


def test_ascii_shows_nothing_but_ascii() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: any("falls-back" in line for line in screen_lines(app)))
        view = app.view.region
        lines = screen_lines(app)[view.y : view.bottom]
        assert [line for line in lines if not line.isascii()] == []

    pilot(scenario, settings=Settings(ascii=True), size=(200, 50))
