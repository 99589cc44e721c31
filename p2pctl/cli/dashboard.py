"""``p2pctl dashboard``."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session
from p2pctl.cli.terminal import is_terminal, look, moves_cursor, wants_color
from p2pctl.errors import UsageError

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard

app = single()

ViewName = Literal["overview", "pools", "topology", "matrix", "target", "log"]

Once = Annotated[bool, typer.Option("--once", help="Print what the view would show, and end.")]
View = Annotated[
    ViewName | None,
    typer.Option("--view", metavar="NAME", help="overview, pools, topology, matrix, target or log."),
]
ListName = Annotated[
    str | None,
    typer.Option("--list", metavar="NAME", help="With --once: only this list of the view, such as holders."),
]
Interval = Annotated[
    float | None,
    typer.Option("--interval", metavar="SECONDS", help="Time between two looks at the pools (1; 0.1 to 3600)."),
]
Theme = Annotated[str | None, typer.Option("--theme", metavar="NAME", help="Colours, such as nord or p2pctl-distinct.")]
Ascii = Annotated[bool, typer.Option("--ascii", help="Draw with ASCII only.")]
Write = Annotated[bool, typer.Option("--write", help="Allow changes of the target; each is asked about.")]
NoMouse = Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")]


@command(app, "dashboard")
def show_dashboard(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    once: Once = False,
    view: View = None,
    list_name: ListName = None,
    interval: Interval = None,
    theme: Theme = None,
    ascii_only: Ascii = False,
    write: Write = False,
    no_mouse: NoMouse = False,
) -> None:
    """Show pools, the target and its P2P state live.

    $ p2pctl dashboard
    $ p2pctl dashboard --write
    $ p2pctl --demo dashboard --view topology
    $ p2pctl dashboard --once --view pools -o json
    $ p2pctl dashboard --once --view pools --list holders -o csv

    Read-only without --write. ? shows the keys, q quits. Keys can be changed in ~/.config/p2pctl/keys.yaml, such as
    "app.pause: p"; view, theme, interval and columns are kept in ~/.local/state/p2pctl/dashboard.json.
    """
    session = Session.of(ctx)
    if interval is not None and not 0.1 <= interval <= 3600:
        raise UsageError(f"no interval: {interval:g} seconds", hint="from 0.1 to 3600")
    if write and (session.options.capture or session.options.sysroot):
        raise UsageError("--write makes no sense here: this source is read-only", hint="leave --write out")
    _check_theme(theme)
    if once:
        _print(session, view or "overview", list_name, ascii_only=ascii_only)
        return
    if list_name is not None:
        raise UsageError("--list is for --once", hint="on the screen, tab goes from list to list")
    _check_terminal()
    code = _run(session, view, interval, theme, ascii_only=ascii_only, write=write, mouse=not no_mouse)
    if code:
        raise typer.Exit(code)


def _check_theme(theme: str | None) -> None:
    if theme is None:
        return
    from p2pctl.dashboard.appearance import theme_names  # noqa: PLC0415  loads textual, for whoever names one only

    if theme not in theme_names():
        raise UsageError(f"no theme is called {theme}", hint=f"themes: {', '.join(sorted(theme_names()))}")


def _check_terminal() -> None:
    """The screen is drawn on stderr, and takes its keys from stdin; nobody would look for it in a file."""
    if not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        raise UsageError("the dashboard needs a terminal", hint="p2pctl dashboard --once prints what it would show")
    if not moves_cursor(sys.stderr):
        name = os.environ.get("TERM", "")
        raise UsageError(
            f"the dashboard cannot draw on this terminal (TERM={name})",
            hint="p2pctl dashboard --once prints what it would show",
        )


def _print(session: Session, view: str, only: str | None, *, ascii_only: bool) -> None:
    from p2pctl.dashboard.once import once  # noqa: PLC0415  --help reads nothing
    from p2pctl.hardware.snapshot import ALL_PARTS  # noqa: PLC0415

    narrow = ascii_only or not look(sys.stdout, "never").unicode
    snapshot = session.snapshot(ALL_PARTS)
    separated = session.format == "csv"
    page = once(snapshot, session.device_links, view, only=only, ascii_only=narrow, separated=separated)
    session.show(page)


def _run(
    session: Session, view: str | None, interval: float | None, theme: str | None,
    *, ascii_only: bool, write: bool, mouse: bool,
) -> int:  # fmt: skip
    from p2pctl.cli import dashboard_state as kept  # noqa: PLC0415  --help loads no textual
    from p2pctl.cli.dashboard_changes import DoorChanger  # noqa: PLC0415
    from p2pctl.cli.dashboard_source import DoorSource  # noqa: PLC0415
    from p2pctl.dashboard.app import Dashboard  # noqa: PLC0415
    from p2pctl.dashboard.appearance import theme_names  # noqa: PLC0415
    from p2pctl.dashboard.keymap import binding_ids, fixed_keys, is_key  # noqa: PLC0415
    from p2pctl.dashboard.once import view_names  # noqa: PLC0415
    from p2pctl.dashboard.settings import Settings  # noqa: PLC0415

    keys = kept.load_keys(kept.keys_file(os.environ), kept.Keyboard(binding_ids, fixed_keys, is_key))
    path = kept.state_file(os.environ)
    state = kept.load_state(path)
    settings = Settings(
        interval=interval or state.interval or 1.0,
        write=write,
        ascii=ascii_only or not look(sys.stderr, "never").unicode,
        color=wants_color(session.options.color or "auto", os.environ, terminal=True),
        theme=theme or (state.theme if state.theme in theme_names() else None),
        view=view or (state.view if state.view in view_names() else "overview"),
        keymap=keys,
        lists=state.lists,
        notes=tuple(filter(None, (state.note, kept.cannot_keep(path)))),
    )
    session.door  # noqa: B018  a capture that cannot be read is told before the screen opens
    screen = Dashboard(DoorSource(session), DoorChanger(session) if write else None, settings)
    _heed_signals(screen)
    _heed_hangup(tuple(one.fileno() for one in (sys.stdin, sys.stdout, sys.stderr)))
    code = screen.run(mouse=mouse)
    if screen.kept_last:  # a screen that broke has nothing to say, and must not wipe what the last one kept
        kept.save_state(path, screen.kept_last)
    return code or screen.return_code or 0


def _heed_signals(screen: Dashboard) -> None:
    """A terminal that goes away, or a polite kill, ends the screen as ``q`` does, so that the terminal is restored."""

    def end(number: int, frame: object) -> None:
        del frame
        if not screen.end(128 + number):
            raise SystemExit(128 + number)

    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, end)


def _heed_hangup(terminal: tuple[int, ...]) -> None:
    """Sends the signal that says that the terminal has gone: who is not controlled by it gets none, and would spin."""

    def wait() -> None:
        watched = select.poll()
        watched.register(terminal[0], 0)  # a hangup is told unasked
        watched.poll()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for one in terminal:
            # To write there would fail, and the screen must go on until a change has come to its end.
            os.dup2(nowhere, one)
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, name="p2pctl-hangup", daemon=True).start()
