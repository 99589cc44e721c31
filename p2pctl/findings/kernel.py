"""What the kernel itself lacks, or does wrong."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.finding import Finding
from p2pctl.findings.scene import Scene
from p2pctl.findings.target_ports import wanting
from p2pctl.model.facts import Fact, Missing, known
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.selection import parse_release
from p2pctl.resolver.selectors import LISTS

_KERNELS = {
    "debian": "install the kernel of backports: Debian's own have it from 6.16 on",
    "ubuntu": "install an HWE kernel, or move to 24.04: Ubuntu's own have it from 6.2 on",
}
_ANY_KERNEL = "run a kernel that has it: Debian's from 6.16 on, Ubuntu's from 6.2 on, or one of your own"
_LENDERS = LISTS | {"pool", "cmb"}
"""Facts whose gap may hide a lender."""
_NO_USER_IO = (6, 16)
"""The release on which O_DIRECT through P2P memory was seen to fail; 6.17 is fine."""


def kernel_has_p2pdma(snapshot: Snapshot) -> tuple[Fact[bool], str]:
    """Whether the kernel can do P2PDMA, and where that is known from: a pool proves it."""
    if snapshot.pools and snapshot.pools.pools:
        first = next(iter(snapshot.pools.pools))
        return True, f"/sys/bus/pci/devices/{first}/p2pmem"
    if snapshot.kernel is None:
        return Missing.NOT_READ, "not asked"
    return snapshot.kernel.p2pdma, snapshot.kernel.p2pdma_evidence


def kernel_findings(scene: Scene) -> Iterator[Finding]:
    """Built without P2PDMA, a release with a known fault, locked down."""
    yield from _without_p2pdma(scene)
    yield from _user_io(scene)
    yield from _lockdown(scene)


def kernel_remedy(snapshot: Snapshot) -> str:
    """Where this distribution has a kernel with P2PDMA."""
    distribution = known(snapshot.machine.distribution, "") if snapshot.machine else ""
    return _KERNELS.get(distribution, _ANY_KERNEL)


def _without_p2pdma(scene: Scene) -> Iterator[Finding]:
    supported, evidence = kernel_has_p2pdma(scene.snapshot)
    if supported is not False:
        return
    needed = _somebody_needs_it(scene)
    yield Finding(
        "kernel-without-p2pdma",
        "error" if needed else "info",
        None,
        "this kernel was built without CONFIG_PCI_P2PDMA: no device memory can be shared through it",
        evidence,
        kernel_remedy(scene.snapshot),
        meaning=None if needed else "nothing as things are: no device here lends memory, and no namespace asks for any",
        line=None if evidence.endswith("kallsyms") else "no CONFIG_PCI_P2PDMA=y",
        risk="another kernel changes more than this: try it on a machine that may fail",
        verify=("grep CONFIG_PCI_P2PDMA= /boot/config-$(uname -r)", "p2pctl pool list"),
    )


def _somebody_needs_it(scene: Scene) -> bool:
    """Whether some device could lend memory or the target asks for some, or that could not be read."""
    snapshot = scene.snapshot
    parts = (snapshot.pci, snapshot.pools, snapshot.nvme, snapshot.exporters)
    if any(part is None for part in parts) or any(gap.fact in _LENDERS for gap in snapshot.gaps):
        return True
    drives = snapshot.nvme.controllers.values() if snapshot.nvme else ()
    buffers = any(not isinstance(one.cmb, Missing) and one.cmb.takes_data for one in drives)
    asked = snapshot.nvmet is not None and bool(wanting(snapshot.nvmet))
    return buffers or asked or (scene.fabric is not None and scene.fabric.lends)


def _user_io(scene: Scene) -> Iterator[Finding]:
    parsed = None if scene.release is None else parse_release(scene.release)
    mappable = [state for state in scene.pools if state.mappable is True]
    if parsed is None or parsed.version != _NO_USER_IO or not mappable:
        return
    yield Finding(
        "user-io-fails",
        "warning",
        None,
        f"on Linux {scene.release} O_DIRECT I/O of programs into P2P memory was seen to fail with EIO, even within one "
        "drive; the NVMe target is not concerned",
        "/proc/sys/kernel/osrelease",
        "run 6.17 or later where programs map the memory themselves",
        meaning=f"programs that map the pool of {mappable[0].address} get an I/O error where a verdict says allowed",
        line=scene.release,
        risk="another kernel changes more than this: try it on a machine that may fail",
        verify=("uname -r",),
    )


def _lockdown(scene: Scene) -> Iterator[Finding]:
    if scene.lockdown == "none":
        return
    yield Finding(
        "kernel-locked-down",
        "info",
        None,
        f"the kernel is locked down ({scene.lockdown}): it refuses writes to configuration space, so that setpci "
        "cannot turn ACS off; the kernel command line still can",
        "/sys/kernel/security/lockdown",
        None,
        line=f"[{scene.lockdown}]",
    )
