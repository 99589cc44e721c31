"""How a change begins, is allowed and ends on the screen. `Dashboard.check_action` is the one gate."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding, BindingType
from textual.command import CommandPalette

from p2pctl.dashboard.changing import (
    LISTS,
    Choice,
    Subject,
    Verb,
    about_what,
    choice,
    fits,
    predicted,
    request,
    subject,
)
from p2pctl.dashboard.dialogs.change import ChangeDialog
from p2pctl.dashboard.dialogs.choice import ChoiceDialog
from p2pctl.dashboard.dialogs.path import PathDialog
from p2pctl.dashboard.memories import judged
from p2pctl.dashboard.source import Event
from p2pctl.dashboard.undertaking import Undertaking
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.errors import P2pctlError

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard
    from p2pctl.dashboard.picture import Picture

BINDINGS: tuple[BindingType, ...] = (
    Binding("p", "change('p2pmem')", "P2P memory", tooltip="Choose the P2P memory of a namespace", id="target.p2pmem"),
    Binding("E", "change('switch')", "On/off", tooltip="Enable a namespace, or disable it", id="target.enable"),
    Binding("L", "change('link')", "Link", tooltip="Export a subsystem by a port", id="target.link"),
    Binding("U", "change('unlink')", "Unlink", tooltip="Export a subsystem by a port no more", id="target.unlink"),
    Binding("A", "change('apply')", "Apply", tooltip="Make the target what a document says", id="target.apply"),
)
"""The app's: what they are about is the record under the cursor, whichever list has it."""
_READ_ONLY = "Read-only: start p2pctl dashboard with --write to change the target."
_NAMESPACE, _EXPORT = "a namespace", "a subsystem or a port"
_WANTS = {"p2pmem": _NAMESPACE, "switch": _NAMESPACE, "link": _EXPORT, "unlink": _EXPORT}
"""What a change wants to be about."""


def allowed(app: Dashboard, verb: Verb) -> bool | None:
    """Whether a change may begin: False where there is nothing to change, None where nothing may be changed."""
    about = _about(app)
    if about is None or not fits(verb, about):
        return False
    return True if app.settings.write and app.changer is not None else None


def off(app: Dashboard) -> str:
    """Why no change may begin anywhere; nothing where one may."""
    if app.settings.write and app.changer is not None:
        return ""
    return "needs --write" if app.source.moves else "a recording cannot be changed"


def say_why_not(app: Dashboard, key: str) -> None:
    """Says why the key of a change does nothing here, where one is; of other keys nothing is said."""
    keys = ((one, app.settings.keymap.get(one.id or "", one.key)) for one in BINDINGS if isinstance(one, Binding))
    binding = next((one for one, given in keys if key in given.split(",")), None)
    if binding is not None and len(app.screen_stack) == 1:
        app.notify(_why_not(app, binding), markup=False)


def _why_not(app: Dashboard, binding: Binding) -> str:
    if off(app):
        return _READ_ONLY if app.source.moves else "A recording cannot be changed."
    if _about(app) is None:
        return f"{binding.description}: not here, but in the lists of the view Target."
    verb = "".join(re.findall(r"'(\w+)'", binding.action))
    return f"{binding.description}: put the cursor on {_WANTS.get(verb, 'a record')}."


def _about(app: Dashboard) -> Subject | None:
    """What the record under the cursor is about; nothing in particular where there is none; None outside the lists."""
    # The palette offers what can be done with the list below it.
    under = app.screen_stack[-2] if isinstance(app.screen, CommandPalette) else app.screen
    focused = under.focused
    if app.picture is None or not isinstance(focused, RecordList) or focused.panel is None:
        return None
    if focused.panel.name not in LISTS.get(app.view.NAME, ()):
        return None
    return subject(focused.panel.name, focused.current[1]) if focused.current else Subject()


def begin(app: Dashboard, verb: Verb) -> None:
    """Asks what is left open, and then plans it. `allowed` must have said that it may begin."""
    about, picture = _about(app), app.picture
    if about is None or picture is None:
        return
    ascii_only = app.settings.ascii
    if verb == "apply":
        app.push_screen(PathDialog("Apply which document?", ascii_only=ascii_only), partial(_chosen, app, verb, about))
        return
    options = choice(verb, about, picture.snapshot)
    if options is None:
        _plan(app, verb, about, None)
        return
    memory = _Memory(picture, about) if verb == "p2pmem" else None
    app.push_screen(ChoiceDialog(options, rules=memory, ascii_only=ascii_only), partial(_chosen, app, verb, about))


class _Memory(NamedTuple):
    """What the rules say of the P2P memory of a namespace, as `Rules` asks."""

    picture: Picture
    about: Subject

    def judged(self, choice: Choice) -> Choice:
        """With a verdict for each."""
        return judged(self.picture, self.about, choice)

    def tell(self, value: str) -> tuple[str, ...]:
        """All about one."""
        return predicted(self.picture.snapshot, self.about, value, self.picture.links)


def _chosen(app: Dashboard, verb: Verb, about: Subject, value: str | None) -> None:
    if value is not None:
        _plan(app, verb, about, value)


def _plan(app: Dashboard, verb: Verb, about: Subject, value: str | None) -> None:
    nvmet = app.picture.snapshot.nvmet if app.picture else None
    asked = request(verb, about, nvmet, value) if nvmet is not None else None
    if asked is None or app.picture is None or app.changer is None:
        app.notify("It is not there any more, or cannot be told apart by its number.", severity="warning", markup=False)
        return
    app.undertaking = Undertaking(app.changer, asked)
    app.push_screen(ChangeDialog(app.undertaking, app.picture.snapshot, ascii_only=app.settings.ascii))


def ended(app: Dashboard, undertaking: Undertaking) -> Event:
    """What the log is told of a change that came to its end; the host is read again."""
    app.sampler.look_now()
    asked, end = undertaking.request, undertaking.end
    if isinstance(end, P2pctlError):
        return Event(_now(app), "target", about_what(asked), f"failed: {asked.title}: {end.message}", "error")
    text = "; ".join(end.lines if end else ()) or asked.title
    return Event(_now(app), "target", about_what(asked), text, "warning" if end and end.remarks else "info")


def _now(app: Dashboard) -> float:
    try:
        return app.source.now()
    except (OSError, P2pctlError):
        return time.time()


def tell(app: Dashboard) -> None:
    """Has the dialog say how it stands with the change."""
    for screen in app.screen_stack:
        if isinstance(screen, ChangeDialog) and screen.is_mounted and screen.undertaking is app.undertaking:
            screen.tell()


def busy(app: Dashboard) -> bool:
    """Whether a change is being carried out. It is then said why nothing else may come in between."""
    if app.undertaking is None or app.undertaking.phase != "doing":
        return False
    app.notify("A change is being carried out: s stops it and undoes it.", severity="warning", markup=False)
    return True


def leave(app: Dashboard, code: int | None = None) -> bool:
    """Has the program end with the change that is carried out, if there is one; see `Undertaking.leave`."""
    leaves = app.undertaking is not None and app.undertaking.leave(code)
    if leaves:
        tell(app)
    return leaves
