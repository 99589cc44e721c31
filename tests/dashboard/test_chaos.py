"""Whatever the host does, and whatever is typed: the screen lives, says so, and can be left."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.picture import Painter
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Event
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.errors import NotFoundError, P2pctlError
from p2pctl.hardware.snapshot import ALL_PARTS
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import PartName, Snapshot
from tests.dashboard import hostile
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, until

SIZES = ((80, 24), (120, 40), (200, 60), (40, 12), (20, 5), (3, 2))
DEMO = demo_snapshot()

EVERYWHERE = (
    "up", "down", "left", "right", "h", "j", "k", "l", "g", "G", "home", "end", "pageup", "pagedown", "ctrl+u",
    "ctrl+d", "tab", "shift+tab", "enter", "escape", "space", "backspace", "slash", "s", "S", "c", "plus", "minus",
    "r", "y", "e", "question_mark", "ctrl+p", "a", "0", "left_square_bracket", "comma", "1", "2", "3", "4", "5",
    "6", "p", "E", "L", "U", "A", "o", "n", "N", "f1", "ctrl+l", "delete",
)  # fmt: skip
"""Keys that somebody may press anywhere; those that lead out are pressed on purpose only."""


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported lands in a directory of the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DOWNLOAD_DIR"):
        monkeypatch.setenv(name, str(tmp_path))


def unsafe(char: str) -> bool:
    """Whether a terminal would do something with it, or could not be sent it."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def check_screen(app: Dashboard) -> None:
    """Nothing but plain text of the right width stands on the screen."""
    width = app.screen._compositor.size.width  # the app may know of another size that is not laid out yet
    for strip in app.screen._compositor.render_strips():
        text = strip.text
        assert not [char for char in set(text) if unsafe(char)], repr(text)
        assert strip.cell_length == width, (strip.cell_length, width, text)


async def seen(driver: Pilot[None], app: Dashboard, snapshot: Snapshot, source: HeldSource) -> None:
    """Has the host become this, and waits until that is on the screen."""
    source.happen(Event(snapshot.taken, "device", "", "all is new", parts=ALL_PARTS), snapshot=snapshot)
    looks = source.looks
    await until(driver, lambda: source.looks > looks and app.sampler.busy_since is None)
    await driver.pause()
    await driver.pause()
    check_screen(app)


async def look_around(driver: Pilot[None], app: Dashboard) -> None:
    """Goes through every view, and opens and leaves something in each of them that has anything."""
    for number, view in enumerate(VIEWS, 1):
        await driver.press(str(number))
        check_screen(app)
        assert app.view.NAME == view.NAME
        await opened(driver, app)
        await closed(driver, app)


async def look_aside(driver: Pilot[None], app: Dashboard) -> None:
    """Goes to another view, and opens and leaves something there."""
    await driver.press("2")
    check_screen(app)
    assert app.view.NAME == "pools"
    await opened(driver, app)
    await closed(driver, app)


async def opened(driver: Pilot[None], app: Dashboard, nth: int = 0) -> bool:
    """Opens a record of the nth list that the view shows; False where there is none."""
    lists = [one for one in app.view.query(RecordList) if one.display and one.region and one.current is not None]
    if nth >= len(lists):
        return False
    lists[nth].focus()
    await driver.press("down", "enter")
    check_screen(app)
    return True


async def closed(driver: Pilot[None], app: Dashboard) -> None:
    """Leaves every dialog."""
    for _ in range(5):
        if len(app.screen_stack) == 1:
            return
        await driver.press("escape")
        await driver.pause()
    raise AssertionError(f"{app.screen!r} does not close")


async def quits(driver: Pilot[None], app: Dashboard, key: str = "ctrl+c") -> None:
    """It ends when it is told to."""
    assert app._exception is None
    await driver.press(key)
    await until(driver, lambda: app._exit)


def shown(make: Callable[[], Snapshot], size: tuple[int, int] = (80, 24)) -> None:
    """A screen that sees this host from the start lives in every view."""
    source = HeldSource(make())

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: source.looks > 0)
        await driver.pause()
        await look_around(driver, app)
        await quits(driver, app)

    pilot(scenario, source=source, size=size, ready=False)


def shown_in_turn(make: Callable[[int], Snapshot], count: int, size: tuple[int, int] = (80, 24)) -> None:
    """The same for hosts that follow each other: each is seen in every view, with a page open and without."""
    source = HeldSource()
    hosts = [make(nth) for nth in range(count)]

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for number in range(1, len(VIEWS) + 1):
            await driver.press(str(number))
            for nth, host in enumerate(hosts):
                await seen(driver, app, host, source)
                if nth == count // 2:
                    await opened(driver, app)
            await closed(driver, app)
        await quits(driver, app)

    pilot(scenario, source=source, size=size)


# --- A host that is strange.


@pytest.mark.parametrize("size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.full)])
def test_a_host_of_which_nothing_was_read(size: tuple[int, int]) -> None:
    shown(lambda: hostile.without_parts(DEMO), size)


def test_a_host_that_has_nothing() -> None:
    shown(lambda: hostile.emptied(DEMO))


@pytest.mark.full
def test_hosts_that_lack_one_part() -> None:
    parts = sorted(ALL_PARTS)
    shown_in_turn(lambda nth: hostile.without_part(DEMO, parts[nth]), len(parts))


@pytest.mark.parametrize("part", sorted(ALL_PARTS))
def test_a_picture_can_be_made_without_any_part(part: PartName) -> None:
    """What is not there is not concluded from; the rest is."""
    picture = Painter(lambda _: {}).paint(hostile.without_part(DEMO, part))
    assert (len(picture.pools) > 0) is (part != "pools")
    assert (len(picture.ports) > 0) is (part != "nvmet")


@pytest.mark.parametrize(
    "missing",
    [Missing.UNREADABLE, *(pytest.param(one, marks=pytest.mark.full) for one in (set(Missing) - {Missing.UNREADABLE}))],
)
def test_a_host_of_which_no_fact_is_known(missing: Missing) -> None:
    shown(lambda: hostile.blurred(DEMO, lambda: missing))


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.full)])
def test_hosts_of_which_some_facts_are_known(count: int) -> None:
    shown_in_turn(lambda nth: hostile.blurred(DEMO, hostile.at_random(nth)), count)


@pytest.mark.parametrize(
    ("size", "everything", "count"),
    [
        (SIZES[0], True, 2),
        pytest.param(SIZES[0], True, 3, marks=pytest.mark.full),
        pytest.param(SIZES[1], False, 3, marks=pytest.mark.full),
    ],
)
def test_hosts_whose_names_attack(size: tuple[int, int], count: int, *, everything: bool) -> None:
    shown_in_turn(lambda nth: hostile.renamed(DEMO, nth, everything=everything), count, size)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.full)])
def test_a_host_whose_names_attack_from_the_start(seed: int) -> None:
    shown(lambda: hostile.renamed(DEMO, seed))


def test_a_host_with_far_too_much_of_all() -> None:
    shown(lambda: hostile.crowded(DEMO, 500, 400))


@pytest.mark.parametrize("size", [*SIZES[-2:], *(pytest.param(size, marks=pytest.mark.full) for size in SIZES[:-2])])
def test_every_size_does(size: tuple[int, int]) -> None:
    shown(lambda: DEMO, size)


# --- A host that changes under one's hands.


@pytest.mark.parametrize(
    "number",
    [1, 5, *(pytest.param(number, marks=pytest.mark.full) for number in (2, 3, 4, 6))],
    ids=lambda number: VIEWS[number - 1].NAME,
)
def test_what_vanishes_while_its_page_is_open(number: int) -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press(str(number))
        for nth in range(5):
            if not await opened(driver, app, nth):
                break
            for snapshot in (hostile.emptied(DEMO), hostile.renamed(DEMO, 3), DEMO):
                await seen(driver, app, snapshot, source)
                await driver.press("j", "y")
            await closed(driver, app)
        await quits(driver, app)

    pilot(scenario, source=source, size=(80, 24))


@pytest.mark.parametrize("count", [4, pytest.param(24, marks=pytest.mark.full)])
def test_a_host_that_is_another_one_at_every_look(count: int) -> None:
    def make(nth: int) -> Snapshot:
        some = hostile.blurred(DEMO, hostile.at_random(nth))
        return (hostile.renamed(DEMO, nth), hostile.emptied(DEMO), some, DEMO)[nth % 4]

    shown_in_turn(make, count)


def newest(app: Dashboard) -> str:
    """What happened last."""
    return app.shown.events[len(app.shown.events) - 1].text if len(app.shown.events) else ""


def test_a_thousand_things_at_once_and_again_in_every_view() -> None:
    """They are all told of, and the screen still answers."""
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for number, view in enumerate(VIEWS, 1):
            await driver.press(str(number))
            words = [hostile.EVIL[nth % len(hostile.EVIL)] for nth in range(1000)]
            words.append(view.NAME)
            source.happen(*(Event(float(nth), "kernel", word, word, "warning") for nth, word in enumerate(words)))
            await until(driver, lambda name=view.NAME: newest(app) == name)  # type: ignore[misc]
            await driver.press("down", "G")
            check_screen(app)
            assert app.sampler.is_alive(), view.NAME
        await quits(driver, app)

    pilot(scenario, source=source, size=(80, 24))


# --- A host that fails, or hangs.

TROUBLES: tuple[Exception, ...] = (
    P2pctlError("[red]x[/] \x1b[31m is gone"),
    NotFoundError("no such device"),
    OSError(5, "Input/output error", "/sys/\x1b[31m[bold]"),
    PermissionError(13, "Permission denied"),
    OSError("[/nope]"),
    RuntimeError("a mistake of ours \x07"),
    MemoryError(),
    RecursionError("too deep"),
)


def test_a_look_that_fails_leaves_the_last_good_one_and_says_why() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        last = app.picture
        for trouble in TROUBLES:
            source.trouble = trouble
            looks = source.looks
            source.happen(Event(0.0, "device", "", "news", parts=ALL_PARTS))
            await until(driver, lambda looks=looks: source.looks > looks)  # type: ignore[misc]
            await driver.pause()
            check_screen(app)
            assert app.picture is last
        await look_around(driver, app)
        assert app.picture is last
        source.trouble = None
        await seen(driver, app, replace(DEMO, taken=DEMO.taken + 1), source)
        assert app.picture is not last
        await quits(driver, app)

    pilot(scenario, source=source, size=(80, 24))


@pytest.mark.parametrize("trouble", TROUBLES[::3], ids=lambda one: type(one).__name__)
def test_a_host_that_cannot_be_looked_at_at_all(trouble: Exception) -> None:
    source = HeldSource()
    source.trouble = trouble

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: source.looks > 0)
        await look_aside(driver, app)
        await quits(driver, app, "q")

    pilot(scenario, source=source, size=(80, 24), ready=False)


class Faulty(HeldSource):
    """Also fails where no look is."""

    def __init__(self, method: str, error: Exception) -> None:
        super().__init__()
        self.calls = 0

        def fail(*_: object) -> object:
            self.calls += 1
            # A turn of its own for whoever waits: the thread that asks again at once would starve it.
            self._bell.wait(0.01)
            raise error

        setattr(self, method, fail)


@pytest.mark.parametrize("method", ["take", "wait", "links", "refresh", "levels", "now"])
def test_a_source_of_which_a_part_is_broken(method: str) -> None:
    source = Faulty(method, ValueError("a mistake"))

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        source.happen(Event(0.0, "device", "", "news", parts=frozenset({"pools"})))
        await until(driver, lambda: source.calls > 0 or source.looks > 1)
        await look_aside(driver, app)
        assert app.sampler.is_alive()
        await quits(driver, app)

    pilot(scenario, source=source, size=(80, 24), ready=False)


def test_a_look_that_never_comes_back_stops_nothing() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        last = app.picture
        source.gate.clear()
        source.happen(Event(0.0, "device", "", "news", parts=ALL_PARTS))
        await until(driver, lambda: app.sampler.busy_since is not None)
        await look_around(driver, app)
        for size in SIZES:
            await driver.resize_terminal(*size)
            await driver.pause()
            check_screen(app)
        assert app.picture is last
        await quits(driver, app, "q")

    try:
        pilot(scenario, source=source, size=(80, 24))
    finally:
        source.gate.set()


def test_a_first_look_that_never_comes_back_stops_nothing() -> None:
    source = HeldSource()
    source.gate.clear()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: app.sampler.busy_since is not None)
        await look_around(driver, app)
        await quits(driver, app, "q")

    try:
        pilot(scenario, source=source, size=(80, 24), ready=False)
    finally:
        source.gate.set()


# --- Somebody who types anything.


def bound(app: Dashboard) -> list[str]:
    """Every key that does something just now, but for those that lead out."""
    active = app.screen.active_bindings.items()
    return [key for key, binding in active if binding.binding.action not in ("quit", "app.quit", "suspend_process")]


def something(dice: random.Random, source: HeldSource) -> None:
    """Something happens to the host."""
    seed = dice.randrange(1000)
    snapshot = dice.choice(
        (
            lambda: DEMO,
            lambda: hostile.emptied(DEMO),
            lambda: hostile.renamed(DEMO, seed, everything=bool(seed % 2)),
            lambda: hostile.blurred(DEMO, hostile.at_random(seed)),
            lambda: hostile.crowded(DEMO, 60, 60),
        )
    )()
    source.trouble = dice.choice((None, None, None, *TROUBLES))
    source.happen(Event(0.0, "pool", "0000:18:00.0", dice.choice(hostile.EVIL), parts=ALL_PARTS), snapshot=snapshot)


async def one_step(driver: Pilot[None], app: Dashboard, dice: random.Random, source: HeldSource) -> str:
    """Does something that a user, a terminal or a host may do; says what."""
    kind = dice.random()
    if kind < 0.08:
        something(dice, source)
        return "the host changes"
    if kind < 0.13:
        size = dice.choice(SIZES)
        await driver.resize_terminal(*size)
        return f"resize to {size}"
    if kind < 0.18:
        spot = (dice.randrange(app.size.width), dice.randrange(app.size.height))
        await driver.click(offset=spot, times=dice.choice((1, 2)))
        return f"click at {spot}"
    # What is written is read as keys; q would leave, but only where nothing is open.
    keys = [*EVERYWHERE, *(bound(app) * 2)] if len(app.screen_stack) == 1 else [*EVERYWHERE, *bound(app)]
    key = dice.choice([one for one in keys if one not in ("q", "ctrl+c", "ctrl+q", "ctrl+z")])
    await driver.press(key)
    return key


@pytest.mark.parametrize(
    ("seed", "steps"), [(0, 50), *(pytest.param(seed, 100, marks=pytest.mark.full) for seed in range(12))]
)
def test_any_keys_in_any_order(seed: int, steps: int) -> None:
    dice = random.Random(seed)  # noqa: S311  the same keys at every run
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        done = []
        for _ in range(steps):
            done.append(await one_step(driver, app, dice, source))
            await driver.pause()
            assert app._exception is None, done
            if app._exit:
                return
            check_screen(app)
        source.trouble = None
        await quits(driver, app)

    pilot(scenario, source=source, size=dice.choice(SIZES), settings=Settings(ascii=seed % 2 == 1))
