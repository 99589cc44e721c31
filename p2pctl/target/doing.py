"""What a step does, in words, and what to tell when it fails."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from p2pctl.errors import BusyError, DeniedError, P2pctlError
from p2pctl.model.nvmet import SECRET_ATTRIBUTES
from p2pctl.target.meaning import is_permission, meaning
from p2pctl.target.plan import Step
from p2pctl.target.schema import key_for, kind_of
from p2pctl.target.touched import exports


def doing(step: Step) -> str:
    """The step as what follows "cannot": ``set traddr of port 1 to 192.0.2.1``. Keys are not in it."""
    match step.operation:
        case "mkdir":
            return f"make {step.subject}"
        case "rmdir":
            return f"remove {step.subject}"
        case "chmod":
            return f"hide {_key(step)} of {step.subject} from other users"
        case "write":
            return f"set {_key(step)} of {step.subject}{_to(step)}"
        case "symlink":
            target = step.value.rpartition("/")[2]
            return f"export {target} by {step.subject}" if exports(step) else f"allow {target} to use {step.subject}"
        case "unlink":
            target = (step.before or step.path).rpartition("/")[2]
            verb = "end the export of {} by {}" if exports(step) else "take from {} the right to use {}"
            return verb.format(target, step.subject)


def _key(step: Step) -> str:
    kind = kind_of(step.path)
    return step.name if kind is None else key_for(kind, step.name)


def _to(step: Step) -> str:
    if step.name in SECRET_ATTRIBUTES:
        return ""
    return f" to {step.value}" if step.value else " to nothing"


def refused(step: Step, error: OSError, log: Iterable[str] = ()) -> P2pctlError:
    """What to tell of a step that the kernel refused; ``log`` are the lines that it logged meanwhile."""
    number = error.errno or errno.EIO
    found = meaning(step, number, log)
    text = f"cannot {doing(step)}: {(error.strerror or str(error)).lower()}"
    if found is not None:
        text += f": {found.text}"
    kind = DeniedError if is_permission(step, number) else P2pctlError
    return kind(text, hint=found.hint if found else None, errno=number, path=step.path)


def not_kept(step: Step, have: str) -> P2pctlError:
    """What to tell where the kernel took a value and shows another."""
    shown = "" if step.name in SECRET_ATTRIBUTES else f": it reads {have!r}"
    hint = None
    if step.name == "enable" and kind_of(step.path) == "namespace":
        hint = "where passthru is enabled, the kernel enables no namespace of the subsystem and says nothing"
    return P2pctlError(
        f"cannot {doing(step)}: the kernel reported success and did not do it{shown}", hint=hint, path=step.path
    )


def moved(step: Step, have: str | None) -> BusyError:
    """What to tell where somebody else has changed what the step is about. None: it is gone."""
    if have is None:
        what = "it is gone"
    elif step.name in SECRET_ATTRIBUTES:
        what = "it is another now"
    else:
        what = f"it was {step.before!r} and is {have!r} now"
    return BusyError(
        f"cannot {doing(step)}: somebody else is changing the target: {what}",
        hint="run it again: the difference is computed anew",
        path=step.path,
    )
