"""The target: its objects, and who uses them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.target import NAMES, TargetContents
from p2pctl.dashboard.contents.target_keys import record_key
from p2pctl.dashboard.contents.target_pages import target_page_of
from p2pctl.dashboard.dialogs.page import PageDialog
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.views.target import Target
from p2pctl.dashboard.views.target_layout import LEAST, SPARE, share, stacked
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.model.connections import Connections
from p2pctl.model.facts import ABSENT, UNREADABLE, Gap
from p2pctl.model.log import KernelLog
from p2pctl.model.nvmet import Host, Nvmet, Referral, Subsystem, TargetNamespace
from p2pctl.model.rnbd import ExportedDevice, ExportSession, Rnbd
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.layout import Look
from p2pctl.render.pages import page_lines
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, screen_lines, until

POOL0 = "nqn.2026-11.org.example:pool0"
ARCHIVE = "nqn.2026-11.org.example:archive"
KEY = "DHHC-1:01:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:"
HOSTILE = "nqn.evil:[bold]x[/bold] [/] \x1b[2J" + "界" * 60 + "n" * 200


def pictured(snapshot: Snapshot) -> Picture:
    """What is concluded of a snapshot."""
    return Painter(lambda _: {}).paint(snapshot)


def panels(snapshot: Snapshot | None = None) -> dict[str, Panel]:
    """All panels by name."""
    return {panel.name: panel for panel in TargetContents().panels(pictured(snapshot or demo_snapshot()))}


def target(snapshot: Snapshot) -> Nvmet:
    """The target, which there is."""
    assert snapshot.nvmet is not None
    return snapshot.nvmet


def changed(**parts: object) -> Snapshot:
    """The demo host with other parts of its target."""
    snapshot = demo_snapshot()
    return replace(snapshot, nvmet=target(snapshot)._replace(**parts))  # type: ignore[arg-type]


def text_of(name: str, key: str, snapshot: Snapshot | None = None) -> str:
    """The page of a record."""
    make = target_page_of(name, key)
    assert make is not None
    page = make(pictured(snapshot or demo_snapshot()))
    assert page is not None
    return "\n".join(page_lines(page, Look(width=120)))


def test_every_kind_of_object_has_its_list() -> None:
    shown = panels()
    assert tuple(shown) == NAMES[:6]
    assert [len(one.items) for one in shown.values()] == [7, 2, 3, 3, 2, 0]


def test_keys_are_unique_in_the_whole_view() -> None:
    keys = [key for panel in panels().values() for key in panel.keys]
    assert len(keys) == len(set(keys))


def test_a_namespace_tells_its_p2p_state_by_each_port_the_gravest_first() -> None:
    shown = dict(zip(panels()["namespaces"].keys, panels()["namespaces"].items, strict=True))
    assert shown[f"namespace 1 of {POOL0}"]["states"] == "confirmed"
    assert shown[f"namespace 2 of {ARCHIVE}"]["states"] == "3: falls-back, 2: transport-cannot"


def test_a_port_counts_states_and_connections() -> None:
    first = panels()["ports"].items[0]
    assert (first["port"], first["states"], first["users"]) == ("1", "1 not-eligible, 3 confirmed, 1 off", 2)


def test_connections_that_are_only_concluded_are_marked_so_and_none_found_is_unknown() -> None:
    snapshot = demo_snapshot()
    hidden = replace(snapshot, connections=Connections(snapshot.taken, debugfs=UNREADABLE))
    assert [item["users"] for item in panels(hidden)["ports"].items] == ["2?", "1?", "1?"]
    assert {item["basis"] for item in panels(hidden)["connections"].items} == {"log", "inferred"}
    silent = replace(hidden, log=KernelLog(snapshot.taken, UNREADABLE, complete=False), network=None)
    assert panels(silent)["connections"].empty.startswith("Not known")
    assert [item["users"] for item in panels(silent)["ports"].items] == [UNREADABLE] * 3


def test_keys_of_hosts_are_never_shown() -> None:
    snapshot = demo_snapshot()
    hosts = {nqn: Host(nqn, {**one.attributes, "dhchap_key": KEY}) for nqn, one in target(snapshot).hosts.items()}
    secret = changed(hosts=hosts)
    panel = panels(secret)["hosts"]
    assert [item["dhchap_key"] for item in panel.items] == ["set", "set"]
    assert KEY not in repr(panels(secret))
    assert KEY not in text_of("hosts", panel.keys[0], secret)


def test_keys_that_were_not_read_are_unknown_and_it_says_where_to_look() -> None:
    notes = panels()["hosts"].notes
    assert any("p2pctl host list" in note for note in notes)
    assert notes[0] == f"Any host may use {ARCHIVE}, without authentication."


@pytest.mark.parametrize(
    ("nvmet", "told"),
    [
        (Nvmet(0, present=False, loaded=False), "modprobe nvmet"),
        (Nvmet(0, present=False, loaded=True), "mount -t configfs"),
        (Nvmet(0, present=False, loaded=False, built=False), "CONFIG_NVME_TARGET"),
        (Nvmet(0, present=UNREADABLE, loaded=ABSENT), "could not be read"),
        (None, "could not be read"),
    ],
)
def test_without_a_target_one_list_says_why_and_what_to_do(nvmet: Nvmet | None, told: str) -> None:
    shown = panels(replace(demo_snapshot(), nvmet=nvmet, connections=None, log=None))
    assert tuple(shown) == ("namespaces",)
    assert told in shown["namespaces"].empty


def test_a_target_that_may_not_be_read_names_what_is_needed() -> None:
    gap = Gap("nvmet", None, "/sys/kernel/config/nvmet", 13, "root")
    shown = panels(replace(demo_snapshot(), nvmet=Nvmet(0, UNREADABLE, UNREADABLE, gaps=(gap,))))
    assert shown["namespaces"].notes == ("/sys/kernel/config/nvmet: needs root",)


def test_an_empty_target_says_how_to_begin() -> None:
    shown = panels(replace(demo_snapshot(), nvmet=Nvmet(0, present=True, loaded=True)))
    assert "p2pctl apply FILE" in shown["subsystems"].empty
    assert shown["namespaces"].empty == "There is no namespace."


def test_rnbd_has_lists_where_it_is_loaded() -> None:
    snapshot = demo_snapshot()
    use = ExportSession("client1", "disk", "rw", read_only=False)
    rnbd = Rnbd(0, client=False, server=True, exported=(ExportedDevice("nvme9n1", "nvme9n1", (use,)),))
    shown = panels(replace(snapshot, rnbd=rnbd))
    assert [item["session"] for item in shown["rnbd-devices"].items] == ["client1"]
    assert "never use P2P memory" in shown["rnbd-devices"].notes[0]
    idle = panels(replace(snapshot, rnbd=Rnbd(0, client=False, server=True)))
    assert idle["rnbd-paths"].empty.startswith("No sessions.")


def test_every_record_has_a_page_and_none_once_it_is_gone() -> None:
    port = target(demo_snapshot()).ports["1"]
    referral = Referral("far", {"addr_traddr": "192.0.2.99", "addr_trtype": "tcp"})
    there = changed(ports={"1": port._replace(referrals={"far": referral})})
    gone = replace(there, nvmet=Nvmet(0, present=True, loaded=True), connections=None, log=None)
    shown = panels(there)
    assert shown["referrals"].items
    for panel in shown.values():
        for key in panel.keys:
            make = target_page_of(panel.name, key)
            assert make is not None
            assert make(pictured(there)) is not None, key
            assert make(pictured(gone)) is None, key


def test_the_page_of_a_namespace_tells_what_its_state_rests_on() -> None:
    text = text_of("namespaces", f"namespace 1 of {POOL0}")
    assert "confirmed" in text
    assert "port 1, log: nvmet: using p2pmem on 0000:18:00.0 for nsid 1" in text


def test_a_page_does_not_list_what_other_parts_of_the_host_lack() -> None:
    assert "configuration space" not in text_of("hosts", panels()["hosts"].keys[0])


def test_records_that_have_not_changed_stay_the_same_objects() -> None:
    contents = TargetContents()
    snapshot = demo_snapshot()
    first = {panel.name: panel for panel in contents.panels(pictured(snapshot))}
    later = replace(snapshot, taken=snapshot.taken + 1, pools=demo_snapshot(5.0).pools)
    second = {panel.name: panel for panel in contents.panels(pictured(later))}
    for name in ("namespaces", "subsystems", "ports", "connections", "hosts"):
        pairs = zip(first[name].items, second[name].items, strict=True)
        assert all(before is after for before, after in pairs), name
        assert first[name].columns == second[name].columns


def test_after_a_change_only_the_changed_namespace_is_made_anew() -> None:
    contents = TargetContents()
    first, *_ = contents.panels(pictured(demo_snapshot()))
    fresh = demo_snapshot()
    subsystems = dict(target(fresh).subsystems)
    pool0 = subsystems[POOL0]
    changed_one = TargetNamespace(5, {**pool0.namespaces[5].attributes, "enable": "0"})
    subsystems[POOL0] = pool0._replace(namespaces={**pool0.namespaces, 5: changed_one})
    second, *_ = contents.panels(pictured(replace(fresh, nvmet=target(fresh)._replace(subsystems=subsystems))))
    made = [
        key for key, before, after in zip(first.keys, first.items, second.items, strict=True) if before is not after
    ]
    assert made == [f"namespace 5 of {POOL0}"]


def test_subjects_of_findings_name_records() -> None:
    keys = {key for panel in panels().values() for key in panel.keys}
    subjects = [one.subject for one in pictured(demo_snapshot()).findings if one.code.startswith("p2p-")]
    assert subjects
    assert {record_key(subject or "") for subject in subjects} <= keys


@given(st.lists(st.integers(3, 60), min_size=1, max_size=8), st.data())
def test_all_lines_are_shared_and_no_list_starves(wanted: list[int], data: st.DataObject) -> None:
    lines = data.draw(st.integers(LEAST * len(wanted) + SPARE, 120))
    favoured = data.draw(st.none() | st.integers(0, len(wanted) - 1))
    assert stacked(lines, len(wanted))
    given_lines = share(wanted, lines, favoured)
    assert sum(given_lines) == lines
    assert all(got >= min(want, LEAST) for got, want in zip(given_lines, wanted, strict=True))
    if favoured is not None:
        others = sum(min(want, LEAST) for want in wanted) - min(wanted[favoured], LEAST)
        assert given_lines[favoured] >= min(wanted[favoured], lines - others)


def seen(app: Dashboard) -> list[str]:
    """The names of the lists that are seen."""
    return [name for name in NAMES if app.query_one(f"#target-{name}", RecordList).is_on_screen]


ROOM = (((80, 24), 1, True), ((120, 40), 6, False), ((200, 30), 6, False), ((20, 5), 1, True), ((200, 50), 6, False))
"""Sizes, how many lists are then seen, and whether behind tabs."""


def test_as_many_lists_are_seen_as_there_is_room_for() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size, lists, tabs in ROOM:
            await driver.resize_terminal(*size)
            await until(driver, lambda lists=lists: len(seen(app)) == lists)  # type: ignore[misc]
            assert app.query_one("#target-tabs").display is tabs, size

    pilot(scenario, size=ROOM[0][0], settings=Settings(view="target"))


def test_keys_go_through_all_lists_round_and_round() -> None:
    order = [f"target-{name}" for name in NAMES[:6]]

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size, lists in (((80, 24), 1), ((120, 40), 6), ((200, 50), 6)):
            await driver.resize_terminal(*size)
            await until(driver, lambda lists=lists: len(seen(app)) == lists)  # type: ignore[misc]
            app.query_one("#target-namespaces").focus()
            await until(driver, lambda: NAMES[0] in seen(app))
            visited = []
            for key in ("]", "tab", "]", "tab", "]", "]", "[", "shift+tab"):
                await driver.press(key)
                await driver.pause()
                visited.append(app.focused.id if app.focused else None)
            assert visited == [*order[1:], order[0], order[5], order[4]], size
            assert NAMES[4] in seen(app), size
            await driver.press("tab", "tab")

    pilot(scenario, size=(80, 24), settings=Settings(view="target"))


def test_a_screen_that_grows_shows_more_lists_and_keeps_the_focus() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: seen(app) == ["namespaces"])
        app.query_one("#target-namespaces").focus()
        await driver.press("]", "]")
        await until(driver, lambda: seen(app) == ["ports"])
        await driver.resize_terminal(200, 50)
        await until(driver, lambda: len(seen(app)) == 6)
        assert app.focused is app.query_one("#target-ports")
        await driver.resize_terminal(80, 24)
        await until(driver, lambda: seen(app) == ["ports"])

    pilot(scenario, size=(80, 24), settings=Settings(view="target"))


def test_a_click_on_a_tab_shows_its_list() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: seen(app) == ["namespaces"])
        row = next(line for line in screen_lines(app) if "[Namespaces 7]" in line)
        await driver.click("#target-tabs", offset=(row.index("Hosts") + 1, 0))
        await until(driver, lambda: seen(app) == ["hosts"])
        assert any("[Hosts 2]" in line for line in screen_lines(app))

    pilot(scenario, size=(80, 24), settings=Settings(view="target"))


def test_a_jump_shows_the_list_that_holds_the_record() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: seen(app) == ["namespaces"])
        view = app.query_one(Target)
        assert view.go_to(f"port 3 namespace 2 of {ARCHIVE}")
        records = app.query_one("#target-namespaces", RecordList)
        assert records.current is not None
        assert records.current[0] == f"namespace 2 of {ARCHIVE}"
        assert view.go_to("port 2")
        await until(driver, lambda: seen(app) == ["ports"])
        assert app.focused is app.query_one("#target-ports")
        assert not view.go_to("port 77")

    pilot(scenario, size=(80, 24), settings=Settings(view="target"))


def test_enter_opens_one_page() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: bool(seen(app)))
        app.query_one("#target-namespaces").focus()
        await driver.press("enter")
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        await until(driver, lambda: any("buffered_io" in line for line in screen_lines(app)))
        await driver.press("escape")
        await until(driver, lambda: not isinstance(app.screen, PageDialog))

    pilot(scenario, settings=Settings(view="target"))


def test_a_target_that_goes_away_leaves_a_screen_that_says_so_and_comes_back() -> None:
    source = HeldSource()
    there = source.snapshot

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: len(seen(app)) == 6)
        hosts = app.query_one("#target-hosts")
        hosts.focus()
        await until(driver, lambda: app.focused is hosts)
        source.snapshot = replace(there, nvmet=Nvmet(0, present=False, loaded=False), connections=None, log=None)
        app.sampler.look_now()
        await until(driver, lambda: any("modprobe nvmet" in line for line in screen_lines(app)))
        assert app.focused is app.query_one("#target-namespaces")
        source.snapshot = there
        app.sampler.look_now()
        await until(driver, lambda: len(seen(app)) == 6)

    pilot(scenario, source=source, settings=Settings(view="target"), size=(120, 40))


def test_hostile_names_are_only_names_at_any_size() -> None:
    hosts = {HOSTILE: Host(HOSTILE)}
    subsystems = {HOSTILE: Subsystem(HOSTILE, namespaces={1: TargetNamespace(1, {"device_path": "/dev/[/]\x1b[2J"})})}

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((20, 5), (80, 24), (200, 50)):
            await driver.resize_terminal(*size)
            await until(driver, lambda: bool(seen(app)))
            app.query_one("#target-namespaces").focus()
            for _ in NAMES[:6]:
                await driver.press("]")
                await until(driver, lambda: bool(seen(app)))
                assert "\x1b" not in "\n".join(screen_lines(app)), size
            await driver.press("enter")
            await until(driver, lambda: isinstance(app.screen, PageDialog))
            assert "\x1b" not in "\n".join(screen_lines(app)), size
            await driver.press("escape")

    source = HeldSource(changed(subsystems=subsystems, hosts=hosts, ports={}))
    pilot(scenario, source=source, size=(20, 5), settings=Settings(view="target"))


def test_the_page_of_a_port_takes_the_states_that_are_known_and_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To work out the states of a large host takes seconds, and a page is asked for with every picture."""
    picture = pictured(demo_snapshot())
    monkeypatch.setattr("p2pctl.render.port_states.port_states", None)
    make = target_page_of("ports", "port 1")
    assert make is not None
    first = make(picture)
    later = make(replace(picture, snapshot=replace(picture.snapshot, taken=picture.snapshot.taken + 1)))
    assert first is not None
    assert later is not None
    assert later.sections is first.sections
    assert later.report.generated == first.report.generated + 1
    assert [item["state"] for item in first.report.items[0]["states"]].count("confirmed") == 3  # type: ignore[index,union-attr,call-overload]
    fewer = make(replace(picture, ports=()))
    assert fewer is not None
    assert fewer.report.items[0]["states"] == []


def test_lists_stand_beside_each_other_where_that_hides_nothing_or_lines_are_few() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        body = app.query_one("#target-body")
        for size, beside in (((200, 50), False), ((200, 30), True), ((400, 50), True)):
            await driver.resize_terminal(*size)
            await until(driver, lambda beside=beside: body.has_class("-split") is beside)  # type: ignore[misc]
            await until(driver, lambda: any("Referrals (" in line for line in screen_lines(app)))
            if not beside:
                assert any("UUID" in line for line in screen_lines(app)), size
                assert "+" not in next(line for line in screen_lines(app) if line.startswith("Namespaces (")), size

    pilot(scenario, settings=Settings(view="target"), size=(200, 50))
