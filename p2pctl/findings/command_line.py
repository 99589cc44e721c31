"""Options of the kernel's command line that do not do what their writer meant."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.acs import redirection_matters
from p2pctl.findings.finding import Finding, Severity
from p2pctl.findings.platform import translated_gpus
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import ABSENT
from p2pctl.resolver.acs_remedies import grub_line
from p2pctl.resolver.command_line import CommandLine, OptionFinding
from p2pctl.resolver.device_strings import names_device
from p2pctl.resolver.selection import parse_release
from p2pctl.resolver.topology import Topology

_FILE = "/proc/cmdline"
_IOMMU_OFF = ("iommu=off", "intel_iommu=off", "amd_iommu=off")
_IOMMU_HARMLESS = (5, 4)
"""The release from which P2P passes a listed host bridge whether there is an IOMMU or not."""


def command_line_findings(scene: Scene) -> Iterator[Finding]:
    """What is wrong with the options; of no more than ``info`` where nothing on this host depends on it."""
    line = scene.line
    if line is None:
        return
    if line.findings:
        acs = redirection_matters(scene)
        for one in line.findings:
            if not _may_be_meant(one):
                yield _finding(one, _severity(scene, one, acs=acs))
    yield from _no_device(scene, line)
    yield from _iommu_off(scene, line)
    yield from _bounced(scene, line)


def _may_be_meant(one: OptionFinding) -> bool:
    """A list of one device at the end of the line is a whole one, as far as the line alone can tell."""
    return one.code == "acs-list-truncated" and not one.option.endswith("=")


def _severity(scene: Scene, one: OptionFinding, *, acs: bool) -> Severity:
    if one.code == "acs-options-overlap":  # nobody can tell from the line whether something else was meant
        return "info"
    matters = bool(translated_gpus(scene)) if one.code == "iommu-option-invalid" else acs
    return "warning" if matters else "info"


def _finding(one: OptionFinding, severity: Severity) -> Finding:
    fix = one.corrected
    if fix:
        remedy: str | None = f"write {fix} in its place; p2pctl doctor {one.code} prints it quoted for GRUB"
    elif fix is None:
        remedy = "write what was meant; GRUB needs quotes around a semicolon, and p2pctl explain proposes the option"
    else:
        remedy = "leave it out"
    return Finding(
        one.code,
        severity,
        None,
        f"{one.option}: {one.text}",
        _FILE,
        remedy,
        line=one.option,
        commands=(fix, grub_line(fix)) if fix else (),
        risk="a wrong kernel command line may keep a machine from booting: keep the old entry" if fix else None,
        verify=("cat /proc/cmdline", "dmesg | grep -i 'unknown option'"),
    )


def _no_device(scene: Scene, line: CommandLine) -> Iterator[Finding]:
    """A device string that no function answers to which has ACS, or may have it as far as could be read."""
    devices = (*line.disable_acs_redir, *(device for _, device in line.config_acs))
    pci = scene.snapshot.pci
    if not devices or pci is None:
        return
    able = [address for address, function in pci.functions.items() if function.config.acs is not ABSENT]
    topology = Topology.of(scene.snapshot)
    for device in dict.fromkeys(devices):
        if not any(names_device(topology, device, address) for address in able):
            yield Finding(
                "acs-option-no-device",
                "warning" if redirection_matters(scene) else "info",
                None,
                f"{device} on the command line is no function with ACS of this host: the option does nothing there",
                _FILE,
                "write the port's path from its root bus down, which survives renumbering; p2pctl explain proposes it",
                line=device,
                verify=("p2pctl topology", "cat /proc/cmdline"),
            )


def _iommu_off(scene: Scene, line: CommandLine) -> Iterator[Finding]:
    option = next((one for one in line.options if one in _IOMMU_OFF), None)
    parsed = None if scene.release is None else parse_release(scene.release)
    if option is None or parsed is None or parsed.version < _IOMMU_HARMLESS:
        return
    yield Finding(
        "iommu-off-not-needed",
        "info",
        None,
        f"{option} switches the IOMMU off, which P2P has not needed since Linux 5.4",
        _FILE,
        "leave it out, where nothing else asks for it; iommu=pt leaves devices of the host untranslated",
        line=option,
        risk="with the IOMMU, ports may redirect (ACS): p2pctl explain --assume iommu=on tells what that does",
        verify=("ls /sys/class/iommu", "p2pctl matrix"),
    )


def _bounced(scene: Scene, line: CommandLine) -> Iterator[Finding]:
    option = next((one for one in line.options if one.startswith("swiotlb=") and "force" in _values(one)), None)
    if option is None:
        return
    lends = scene.fabric is not None and scene.fabric.lends
    yield Finding(
        "swiotlb-forced",
        "warning" if lends else "info",
        None,
        f"{option} has all DMA go through bounce buffers, which P2P memory cannot: the kernel refuses to map it",
        _FILE,
        "leave it out, unless this is a confidential guest, which needs it and can do no P2P",
        meaning=None if lends else "nothing as things are: no device here lends memory",
        line=option,
        risk="a wrong kernel command line may keep a machine from booting: keep the old entry",
        verify=("cat /proc/cmdline", "dmesg | grep -i 'software IO TLB'"),
    )


def _values(option: str) -> list[str]:
    return option.partition("=")[2].split(",")
