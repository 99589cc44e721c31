"""What the machine's boot makes of the kernel's options and of the target, where that is not what somebody meant."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.acs import redirection_matters
from p2pctl.findings.finding import Finding, Severity
from p2pctl.findings.platform import translated_gpus
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import Missing
from p2pctl.model.machine import GrubOption
from p2pctl.resolver.acs_remedies import grub_line
from p2pctl.resolver.command_line import CONFIG, DISABLE

_BY_GRUB = "BOOT_IMAGE="
"""GRUB puts it in front of the options: a line without it comes from another boot loader."""
_RESCUE = frozenset({"single", "recovery"})
"""In such an entry GRUB leaves options out."""


def boot_findings(scene: Scene) -> Iterator[Finding]:
    """Options of GRUB's settings that are not in force, and a unit that clears the target when it stops."""
    yield from _not_in_force(scene)
    yield from _nvmetcli(scene)


def _not_in_force(scene: Scene) -> Iterator[Finding]:
    machine, line = scene.snapshot.machine, scene.line
    wanted = machine.grub if machine is not None else Missing.NOT_READ
    if line is None or isinstance(wanted, Missing):
        return
    if not line.text.startswith(_BY_GRUB) or _RESCUE & set(line.options):
        return
    for one in wanted:
        if one.option not in line.options:
            yield _lost(scene, one, line.options)


def _lost(scene: Scene, one: GrubOption, options: tuple[str, ...]) -> Finding:
    place = f"{one.path}:{one.line}"
    whole, semicolon, _ = one.option.partition(";")
    cut = bool(semicolon) and bool(options) and options[-1] == whole
    if cut:
        text = f"GRUB cut {one.option} at its first semicolon: {whole} is all that the kernel was given"
        remedy = "quote the option for GRUB, run update-grub (or grub2-mkconfig), and boot"
    else:
        text = f"{one.option} stands in GRUB's settings, and not on the command line of the running kernel"
        remedy = "run update-grub (or grub2-mkconfig) and boot; look for a later file in /etc/default/grub.d"
    return Finding(
        "acs-list-truncated" if cut else "grub-option-not-in-force",
        _severity(scene, one.option),
        None,
        text,
        place,
        remedy,
        meaning="everything after the semicolon is lost, options of other kinds included" if cut else None,
        line=one.option,
        commands=(grub_line(one.option), "update-grub") if semicolon else ("update-grub",),
        risk="a wrong kernel command line may keep a machine from booting: keep the old entry",
        verify=("cat /proc/cmdline",),
    )


def _severity(scene: Scene, option: str) -> Severity:
    if DISABLE in option or CONFIG in option:
        return "warning" if redirection_matters(scene) else "info"
    if option.partition("=")[0] in {"iommu", "amd_iommu", "intel_iommu"}:
        return "warning" if translated_gpus(scene) else "info"
    return "info"


def _nvmetcli(scene: Scene) -> Iterator[Finding]:
    """Its ExecStop is ``nvmetcli clear``: stopping or restarting the unit takes a live target away."""
    machine, nvmet = scene.snapshot.machine, scene.snapshot.nvmet
    unit = machine.nvmetcli if machine is not None else Missing.NOT_READ
    if isinstance(unit, Missing):
        return
    live = nvmet is not None and bool(nvmet.subsystems or nvmet.ports)
    state = "it starts at boot" if unit.enabled is True else "it does not start at boot"
    yield Finding(
        "nvmetcli-service",
        "warning" if live and unit.enabled is True else "info",
        "nvmet.service",
        f"nvmetcli's unit is here ({state}): when it is stopped or restarted, it clears the whole target, whoever made "
        "it",
        unit.path,
        "let one tool own the target: take over what nvmetcli saved, then keep its unit from starting; do not stop it "
        "(no --now), for that clears the target",
        meaning="hosts lose their namespaces at once" if live else "nothing while the target is empty",
        line=f"ExecStop={unit.stop}" if unit.stop else None,
        commands=(
            "p2pctl diff /etc/nvmet/config.json",
            "systemctl disable nvmet.service",
        ),
        risk="nothing restores the target at boot until p2pctl's own unit does",
        verify=("systemctl is-enabled nvmet.service  # disabled", "p2pctl status"),
    )
