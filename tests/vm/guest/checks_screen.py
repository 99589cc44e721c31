"""The dashboard in a terminal, over a real kernel: what somebody at the screen sees of what happens, and may change."""

from __future__ import annotations

import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.dashboard.terminal import Terminal
from tests.vm.guest.api import NVMET, PCI, Context, modprobe, reset_nvmet, wait
from tests.vm.guest.target import disk, summary

SECONDS = 600
SIZE = (120, 40)
PATIENCE = 180.0
"""Seconds for anything to appear: the machine is emulated, textual's import alone takes it five."""
NQN = "nqn.shown"
"""Short, so that the log's lines about it show whole."""
SPACE = NVMET / f"subsystems/{NQN}/namespaces/1"
HOME = Path("/run/screen")
TAKEN = 8 << 20


def after_each() -> None:
    """The next check finds no target."""
    if NVMET.exists():
        reset_nvmet()


def opened(*words: str) -> Terminal:
    """The dashboard, as soon as it shows something."""
    HOME.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH")}
    environment = {**kept, "HOME": str(HOME), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    argv = [sys.executable, "-P", "-m", "p2pctl", "dashboard", *words]
    screen = Terminal(argv, SIZE, environment, PATIENCE)
    screen.see("Pools")
    return screen


@cache
def watching() -> Terminal:
    """The screen that the checks without ``--write`` share: to open one takes a while. The last of them ends it."""
    return opened()


def to(screen: Terminal, number: int, title: str) -> Terminal:
    """Looks at a view."""
    screen.type(str(number))
    screen.see(f"[{number} {title}]")
    return screen


def cells(screen: Terminal, *words: str) -> list[str]:
    """What stands in the first line that has these words, of the lists only; nothing where no line has them."""
    found = (line for line in screen.lines[2:-1] if all(word in line for word in words))
    return next(found, "").split()


def without(screen: Terminal, address: str, pools: int) -> bool:
    """Whether so many pools are shown and nothing is said of this one; the count is drawn before the lines below it."""
    return f"Pools ({pools})" in screen.text and not cells(screen, address)


def used(screen: Terminal, address: str, amount: str) -> None:
    """Waits until a pool, of 16 MiB, is shown with so much of it in use."""
    screen.until(lambda: amount in cells(screen, address, "16M"), f"{amount} of {address} in use")


def delay(screen: Terminal, act: Callable[[], object], seen: Callable[[], bool], what: str) -> str:
    """Does something while the screen goes on, and says how many seconds after it had been done that was seen."""
    done: list[float] = []

    def work() -> None:
        act()
        done.append(time.monotonic())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    screen.until(seen, what)
    moment = time.monotonic()
    thread.join(PATIENCE)
    assert done, f"{what}: it did not end"
    return f"{max(moment - done[0], 0):.1f} s"


def closed(screen: Terminal) -> None:
    """Closes the dialog of a change that has come to its end."""
    screen.type("\r")
    screen.until(lambda: "done: changed" not in screen.text, "a closed dialog")


@contextmanager
def taken(pool: Path) -> Iterator[None]:
    """This process has a part of a pool."""
    descriptor = os.open(pool / "allocate", os.O_RDWR)
    try:
        with mmap.mmap(descriptor, TAKEN, mmap.MAP_SHARED):
            yield
    finally:
        os.close(descriptor)


def short(pool: Path) -> str:
    """How much of a pool the kernel has given away, as the screen writes it."""
    from p2pctl.units import format_short

    return format_short(int((pool / "size").read_text()) - int((pool / "available").read_text()))


def made(context: Context) -> None:
    """A namespace on a drive with a pool, by hand; not enabled."""
    SPACE.mkdir(parents=True)
    (SPACE / "device_path").write_text(disk(context, "n2"))


def exported() -> None:
    """Hosts reach the subsystem by a port, made by hand: from here on they would notice what happens to it."""
    port = NVMET / "ports/9"
    port.mkdir()
    (port / "addr_trtype").write_text("loop")
    (port / "subsystems" / NQN).symlink_to(NVMET / "subsystems" / NQN)


def settings() -> dict[str, str]:
    """Every attribute of the namespace that can be read."""
    files = (file for file in SPACE.iterdir() if file.is_file() and file.stat().st_mode & 0o400)
    return {file.name: file.read_text() for file in files}


def check_the_screen_shows_the_pools_of_the_drives(context: Context) -> None:
    """Every pool with the level that the kernel tells, on two views; and that nothing may be changed."""
    start = time.monotonic()
    screen = watching()
    for number, title in ((1, "Overview"), (2, "Pools")):
        to(screen, number, title)
        for identity in ("n1", "n2"):
            used(screen, context.bdf(identity), short(context.pci(identity) / "p2pmem"))
        if number == 1:
            summary(context, f"screen opened in {time.monotonic() - start:.0f} s")
    assert without(screen, context.bdf("n3"), 2), "it has no pool"
    assert "READ-ONLY" in screen.lines[0]
    assert context.release in screen.lines[0]


def check_a_pool_leaves_the_screen_and_comes_back(context: Context) -> None:
    """Unbound from its driver, removed from the bus, pulled out: gone from the whole view, while the other stays."""
    address, other = context.bdf("n2"), context.bdf("n1")
    driver, function = PCI / "drivers/nvme", PCI / "devices" / address
    screen = to(watching(), 2, "Pools")
    for word, take, give in (
        ("unbind", lambda: (driver / "unbind").write_text(address), lambda: (driver / "bind").write_text(address)),
        ("remove", lambda: (function / "remove").write_text("1"), lambda: (PCI / "rescan").write_text("1")),
        ("unplug", lambda: context.host_action("unplug", "n2"), lambda: context.host_action("plug", "n2")),
    ):
        screen.until(lambda: all(cells(screen, pool, "16M") for pool in (address, other)), "both pools")
        gone = delay(screen, take, lambda: without(screen, address, 1), f"{word}: {address} gone")
        screen.until(lambda: bool(cells(screen, other, "16M")), "the other pool")
        back = delay(screen, give, lambda: bool(cells(screen, address, "16M")), f"{word}: {address} back")
        summary(context, f"{word}: gone from the screen {gone} later, back there {back} after it came back")
    assert wait((context.pci("n2") / "p2pmem/size").exists, 30)


def check_a_level_that_moves_moves_on_the_screen(context: Context) -> None:
    """A process maps half of a pool: the level rises and the process is named; it lets go, and the level falls."""
    address, pool = context.bdf("n2"), context.pci("n2") / "p2pmem"
    screen = to(watching(), 2, "Pools")
    screen.type("G")
    screen.see(f"Holders of {address}")
    before = short(pool)
    used(screen, address, before)
    start = time.monotonic()
    with taken(pool):
        now = short(pool)
        assert now != before
        used(screen, address, now)
        assert "50%" in cells(screen, address, "16M")
        rise = time.monotonic() - start
        screen.until(lambda: bool(cells(screen, "process", f"pid {os.getpid()}")), "who took it")
        holder = time.monotonic() - start
    start = time.monotonic()
    used(screen, address, before)
    screen.until(lambda: not cells(screen, f"pid {os.getpid()}"), "its holder gone")
    summary(context, f"level seen after {rise:.1f} s, holder {holder:.1f} s, fall {time.monotonic() - start:.1f} s")


def check_a_target_that_is_made_by_hand_is_shown(context: Context) -> None:
    """What is made and written in configfs, and the line that the kernel logs when it is enabled."""
    modprobe("nvmet")
    screen = to(watching(), 5, "Target")
    path = disk(context, "n2")
    told = delay(screen, lambda: made(context), lambda: bool(cells(screen, NQN, path)), "a namespace")
    assert "no" in cells(screen, NQN, path)
    (SPACE / "enable").write_text("1")
    screen.until(lambda: "yes" in cells(screen, NQN, path), "an enabled namespace")
    to(screen, 6, "Log")
    screen.until(lambda: bool(cells(screen, "kernel", "adding nsid 1")), "a line of the kernel's")
    screen.until(lambda: bool(cells(screen, "target", "namespace 1", "was enabled")), "an event")
    summary(context, f"namespace seen after {told}")


def check_without_write_no_key_changes_anything(context: Context) -> None:
    """Each key of a change, on a namespace: no dialog opens, and configfs is as it was."""
    modprobe("nvmet")
    screen = to(watching(), 5, "Target")
    made(context)
    screen.until(lambda: bool(cells(screen, NQN, disk(context, "n2"))), "a namespace")
    before = settings()
    for key in "pELUA":
        screen.type(key)
        # A dialog would take this key, and the view would stay.
        to(to(screen, 6, "Log"), 5, "Target")
    assert settings() == before
    assert b"P2P memory of" not in screen.output


def check_q_gives_the_terminal_back() -> None:
    """Exit code 0; the screen of before, its cursor and its modes are there again."""
    screen = watching()
    assert not screen.restored
    screen.type("q")
    assert screen.end() == 0
    assert screen.restored


def check_the_p2p_memory_of_a_namespace_is_set_at_the_screen(context: Context) -> None:
    """Chosen, planned, agreed to: the kernel has it. Then enabled, and disabled by a typed yes."""
    modprobe("nvmet")
    made(context)
    pool = context.bdf("n2")
    with opened("--write", "--view", "target", "--interval", "5") as screen:
        screen.until(lambda: bool(cells(screen, NQN, disk(context, "n2"))), "a namespace")
        assert "READ-ONLY" not in screen.lines[0]
        screen.type("p")
        screen.see("P2P memory of namespace 1")
        assert all(cells(screen, address) for address in (pool, context.bdf("n1"))), screen.text
        screen.until(lambda: "0" in cells(screen, pool, "allowed, distance"), "the drive's own pool, which comes first")
        screen.type("gjj\r")
        screen.see("Do it?")
        assert f"cd {SPACE}" in screen.text, screen.text
        assert f"echo {pool} > p2pmem" in screen.text, screen.text
        screen.type("n")
        screen.until(lambda: "Do it?" not in screen.text, "no")
        assert (SPACE / "p2pmem").read_text().strip() == "0", "No was the answer"
        screen.type("p")
        screen.see("P2P memory of namespace 1")
        screen.until(lambda: "0" in cells(screen, pool, "allowed, distance"), "the drive's own pool, which comes first")
        screen.type("gjj\r")
        screen.see("Do it?")
        screen.type("y")
        screen.see("done: changed")
        assert (SPACE / "p2pmem").read_text().strip() == pool
        closed(screen)
        screen.until(lambda: pool in cells(screen, NQN, disk(context, "n2")), "the new value")
        screen.type("E")
        screen.see("Do it?")
        screen.type("y")
        screen.see("done: changed")
        assert (SPACE / "enable").read_text().strip() == "1"
        closed(screen)
        screen.until(lambda: "yes" in cells(screen, NQN, disk(context, "n2")), "an enabled namespace")
        exported()
        screen.until(lambda: bool(cells(screen, "9", "loop", NQN)), "a port")
        screen.type("E")
        screen.see("Type yes")
        screen.type("yes")
        screen.until(lambda: "Enter alone is no" not in screen.text, "the word")
        screen.type("\r")
        screen.see("done: changed")
        assert (SPACE / "enable").read_text().strip() == "0"
        closed(screen)
        to(screen, 6, "Log")
        screen.until(lambda: bool(cells(screen, "kernel", "adding nsid 1")), "a line of the kernel's")
        screen.type("q")
        assert screen.end() == 0
        assert screen.restored
