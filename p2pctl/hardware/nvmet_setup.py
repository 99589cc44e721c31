"""Makes the target's tree available: modules and the mount of configfs."""

from __future__ import annotations

import errno
from collections.abc import Collection

from p2pctl.errors import DeniedError, P2pctlError, UnsupportedError, from_os_error
from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.reading import Reader, is_there
from p2pctl.kernel import Door
from p2pctl.model.facts import UNREADABLE
from p2pctl.model.nvmet import MODULES_TO_LOAD, ROOT, TRANSPORT_MODULES, Nvmet

_CONFIGFS = "/sys/kernel/config"
_SIGNATURE = frozenset({errno.EKEYREJECTED, errno.ENOKEY})


def ready(door: Door, *, load: bool, transports: Collection[str] = ()) -> None:
    """Sees to it that ``/sys/kernel/config/nvmet`` is there, and what serves ``transports`` (values of addr_trtype).

    Without ``load`` nothing is loaded that the kernel loads by itself once a port is linked; fc and pci are not among
    that, so that their modules are loaded in any case. A transport that is not known is left to the kernel.
    Raises UnsupportedError where something is missing, with the command that mends it, DeniedError where the kernel
    refuses, P2pctlError where loading fails.
    """
    if not is_there(door.files, ROOT):
        _prepare(door, load=load)
    for transport in sorted(transports):
        module = TRANSPORT_MODULES.get(transport)
        if module is None or not (load or transport in MODULES_TO_LOAD):
            continue
        if not is_there(door.files, f"/sys/module/{module}"):
            _load(door, module, f"ports of type {transport}")


def could_be_ready(door: Door) -> None:
    """Raises what stands against a target even where modules may be loaded: for a plan, which loads none.

    A target that is not loaded is an empty one. Raises DeniedError, UnsupportedError.
    """
    if not is_there(door.files, ROOT):
        target = _readable(door)
        if target.built is False and target.loaded is not True:
            raise _missing(target)


def _readable(door: Door) -> Nvmet:
    """The target that is not there, and why, as far as that is known."""
    target = read_nvmet(Reader(door.files), door.now())
    if target.present is UNREADABLE:
        raise DeniedError(f"{ROOT} may not be read", hint="run it as root", path=ROOT)
    return target


def _prepare(door: Door, *, load: bool) -> None:
    target = _readable(door)
    if not load:
        raise _missing(target)
    if target.loaded is not True:
        _load(door, "nvmet", "the NVMe target")
    if not is_there(door.files, ROOT):
        _mount(door)
    if not is_there(door.files, ROOT):
        raise UnsupportedError(
            f"{ROOT} is not there, though nvmet is loaded and configfs mounted",
            hint="see what the kernel says: dmesg | tail",
            path=ROOT,
        )


def _missing(target: Nvmet) -> P2pctlError:
    if target.loaded is True:
        return UnsupportedError(
            "configfs is not mounted, so that the NVMe target cannot be configured",
            hint=f"mount -t configfs none {_CONFIGFS}, or use --load",
            path=ROOT,
        )
    if target.built is False:
        return UnsupportedError(
            "this kernel was built without the NVMe target (CONFIG_NVME_TARGET)",
            hint="boot a kernel that has it",
            path=ROOT,
        )
    return UnsupportedError("the NVMe target is not loaded", hint="modprobe nvmet, or use --load", path=ROOT)


def _load(door: Door, module: str, what: str) -> None:
    try:
        door.modules.load(module)
    except OSError as error:
        doing = f"load the module {module} for {what}"
        if error.errno in _SIGNATURE:
            raise DeniedError(
                f"cannot {doing}: {_reason(error)}",
                hint="the kernel takes only modules that are signed with a key that it trusts",
                errno=error.errno,
            ) from None
        if error.errno == errno.ENOENT:
            raise UnsupportedError(
                f"cannot {doing}: {_reason(error)}",
                hint="install the package with this kernel's modules, or boot a kernel that has it",
                errno=error.errno,
            ) from None
        hint = "run it as root" if error.errno in {errno.EPERM, errno.EACCES} else f"try `modprobe {module}`; see dmesg"
        raise from_os_error(error, doing, hint=hint) from None


def _mount(door: Door) -> None:
    try:
        door.modules.mount_configfs()
    except OSError as error:
        if error.errno != errno.EBUSY:  # somebody was quicker, as systemd is once the module is there
            raise from_os_error(error, f"mount configfs at {_CONFIGFS}", hint="run it as root") from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
