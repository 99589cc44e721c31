"""What several uses ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2pctl.findings.devices import Device
from p2pctl.findings.finding import some
from p2pctl.findings.kernel import kernel_has_p2pdma, kernel_remedy
from p2pctl.findings.requirements.requirement import Requirement
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing, known
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.selection import parse_release

AS_ROOT = "run p2pctl as root, or look at a capture that root took"
_ANSWERS: dict[str, Answer] = {"allowed": True, "denied": False, "unknown": None}


def kernel_p2pdma(scene: Scene) -> Requirement:
    """The kernel itself."""
    built, evidence = kernel_has_p2pdma(scene.snapshot)
    running = f"Linux {scene.release or 'of unknown release'}{_distribution(scene.snapshot)}"
    title = "a kernel with P2PDMA"
    if isinstance(built, Missing):
        text = f"whether {running} was built with CONFIG_PCI_P2PDMA is not known"
        return Requirement("kernel-p2pdma", title, None, text, evidence, "look for its build configuration")
    text = f"{running} was built {'with' if built else 'without'} CONFIG_PCI_P2PDMA"
    return Requirement("kernel-p2pdma", title, built, text, evidence, None if built else kernel_remedy(scene.snapshot))


def _distribution(snapshot: Snapshot) -> str:
    name = known(snapshot.machine.distribution_name, None) if snapshot.machine else None
    return f" of {name}" if name else ""


def at_least(scene: Scene, version: tuple[int, int]) -> Answer:
    """Whether the running release is this one or a later one."""
    parsed = None if scene.release is None else parse_release(scene.release)
    return None if parsed is None else parsed.version >= version


def drives(scene: Scene) -> list[Device]:
    """NVMe functions, whoever drives them."""
    return [device for device in scene.devices.values() if device.kind == "nvme"]


def gpus(scene: Scene, vendor: int) -> list[Device]:
    """GPUs of one vendor; a function without memory to lend is what a screen hangs on."""
    return [
        one
        for one in scene.devices.values()
        if one.function.vendor == vendor and one.kind == "gpu" and one.exporter is not None
    ]


def local_drive(scene: Scene) -> Requirement:
    """A drive in this machine."""
    found = drives(scene)
    title = "a local NVMe drive"
    if not found and _unlisted(scene.snapshot):
        return Requirement(
            "nvme-drive", title, None, "the devices could not be listed", "/sys/bus/pci/devices", AS_ROOT
        )
    text = f"{len(found)} found: {some(name_of(one) for one in found)}" if found else "there is none"
    return Requirement("nvme-drive", title, bool(found), text, "/sys/bus/pci/devices/*/class")


def _unlisted(snapshot: Snapshot) -> bool:
    return snapshot.pci is None or any(gap.fact == "pci functions" for gap in snapshot.pci.gaps)


def name_of(device: Device) -> str:
    """``nvme0``, or its address."""
    return device.names[0] if device.names else str(device.function.address)


def reach(
    scene: Scene, title: str, lenders: Sequence[Address], clients: Iterable[Address], *, every: bool = False
) -> Requirement:
    """Whether the kernel's rules let some client use the memory of some lender; with ``every``, each of them.

    A device and itself are no pair here.
    """
    resolver = scene.resolver
    pairs = [(lender, client) for lender in lenders for client in clients if lender != client]
    evidence = f"the rules of {resolver.rules.name}" if resolver else "no PCI tree"
    if resolver is None or not pairs:
        return Requirement("reach", title, None if resolver is None else False, "there is no such pair", evidence)
    answers: dict[Answer, tuple[Address, Address]] = {}
    for pair in pairs:
        answer = _ANSWERS[resolver.verdict(*pair).verdict]
        answers.setdefault(answer, pair)
        if answer is (not every):
            break
    answer = _least(answers) if every else _best(answers)
    lender, client = answers[answer]
    named = f"{scene.named(client)} and the memory of {scene.named(lender)}"
    if answer is None:
        return Requirement("reach", title, None, f"it cannot be told of {named}", evidence, AS_ROOT)
    if answer:
        text = "every pair is allowed" if every else f"allowed between {named}"
        return Requirement("reach", title, True, text, evidence)
    text = f"denied between {named}" if every else f"no pair is allowed, such as {named}"
    remedy = f"p2pctl explain {lender} {client} tells why, and what would change it"
    return Requirement("reach", title, False, text, evidence, remedy)


def _best(answers: dict[Answer, tuple[Address, Address]]) -> Answer:
    return True if True in answers else None if None in answers else False


def _least(answers: dict[Answer, tuple[Address, Address]]) -> Answer:
    return False if False in answers else None if None in answers else True
