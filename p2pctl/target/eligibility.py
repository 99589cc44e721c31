"""What ``enable=1`` would answer to a namespace that wants P2P memory.

drivers/nvme/target/core.c (``nvmet_p2pmem_ns_enable``) looks at the namespace and its disk alone: the network card is
looked at when a host connects. drivers/pci/p2pdma.c (``pci_p2pdma_enable_store``) looks at a named provider when
``p2pmem`` itself is written.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.block import BlockDevice
from p2pctl.model.facts import ABSENT, Fact, Gap, Missing
from p2pctl.model.nvmet import Attributes
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.resolver.verdict import Reason
from p2pctl.target.judge import Judge

PARTS: frozenset[PartName] = frozenset({"pci", "pools", "nvme", "block", "kernel"})
"""The parts of a Snapshot that it is told from."""

Word = Literal["off", "not-eligible", "eligible", "unknown"]

_ON = frozenset("yYtTeE")
_OFF = frozenset("nNfFdD")
_NVME_DISK = re.compile(r"nvme[0-9]+n[0-9]+")
_NO_MEMORY = "nvmet: no peer-to-peer memory is available for {path}"
_NO_FEATURE = "nvmet: peer-to-peer DMA is not supported by the driver of {path}"
_NOT_BLOCK = "nvmet: peer-to-peer DMA is not supported by non-block device namespaces"
_NOT_PCI = "cannot be used for peer-to-peer DMA as it is not a PCI device"
_TOO_FAR = (
    "{client}: cannot be used for peer-to-peer DMA as the client and provider ({provider}) do not share an upstream "
    "bridge or whitelisted host bridge"
)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The answer, and what it rests on."""

    word: Word
    reasons: tuple[Reason, ...] = ()
    refused_by: Literal["p2pmem", "enable"] | None = None
    """Which attribute's write the kernel refuses."""
    errno: int | None = None
    """What that write is answered with."""
    kernel_lines: tuple[str, ...] = ()
    """What the kernel logs then; of several, one of them."""
    disk: str | None = None
    """The whole disk, by its kernel name."""
    drive: Address | None = None
    """Its PCI function."""
    providers: tuple[Address, ...] = ()
    """Pools that may serve the disk, closest first; a named provider alone."""
    gaps: tuple[Gap, ...] = ()
    """What would have to be read for a certain answer."""


def setting(text: Fact[str]) -> Fact[Literal["off", "auto"] | Address] | None:
    """What a text in ``p2pmem`` means to the kernel; None for one that it refuses.

    It looks for a PCI function of that name before anything else (drivers/pci/p2pdma.c, ``pci_p2pdma_enable_store``).
    """
    if isinstance(text, Missing):
        return text
    address = Address.from_sysfs(text)
    if address is not None:
        return address
    if text in {"0", "1"}:
        return "auto" if text == "1" else "off"
    taken_for = _boolean(text)
    return None if taken_for is None else "auto" if taken_for else "off"


def _boolean(text: str) -> bool | None:
    """What ``kstrtobool`` makes of a text that begins with no digit (lib/kstrtox.c); None where it refuses it."""
    if text[:1] in _ON or text[:2].lower() == "on":
        return True
    if text[:1] in _OFF or text[:2].lower() == "of":
        return False
    return None


def eligibility(
    snapshot: Snapshot,
    attributes: Attributes,
    *,
    rules: str | None = None,
    followed: Mapping[str, str] = MappingProxyType({}),
) -> Eligibility:
    """What the kernel would answer to a namespace with these attributes.

    ``followed`` gives the paths that device links such as /dev/disk/by-id/... lead to. Raises NotFoundError for rules
    that nobody knows.
    """
    return judge_namespace(Judge(snapshot, rules, followed), attributes)


def judge_namespace(judge: Judge, attributes: Attributes) -> Eligibility:
    """The same, by a judge that is there already."""
    wanted = setting(attributes.get("p2pmem", ABSENT))
    if wanted is ABSENT:
        text = "this kernel gives its namespaces no p2pmem attribute: it was built without CONFIG_PCI_P2PDMA"
        return Eligibility("off", (Reason("kernel-without-p2pdma", text),))
    if isinstance(wanted, Missing):
        return _unknown(Reason("setting-unknown", "its p2pmem setting could not be read"), "p2pmem")
    if wanted is None:
        text = f"{attributes['p2pmem']!r} is no setting: write 1 for any provider, 0 for none, or a PCI address"
        line = f"pci-p2pdma: No such PCI device: {attributes['p2pmem']}"
        return _refused(Reason("setting-invalid", text), line, by="p2pmem")
    if wanted == "off":
        return Eligibility(
            "off", (Reason("switched-off", "p2pmem is off: set it to auto, or to a device with P2P memory"),)
        )
    if isinstance(wanted, Address):
        refused = _provider(judge, wanted)
        if refused is not None:
            return refused
    return _disk(judge, attributes, wanted if isinstance(wanted, Address) else None)


def _provider(judge: Judge, provider: Address) -> Eligibility | None:
    """Why a named provider is refused, or may be; None for one that the kernel takes."""
    if judge.exists(provider) is False:
        text = f"there is no PCI function {provider}"
        offers = "p2pctl pool list shows who offers memory"
        line = f"pci-p2pdma: No such PCI device: {provider}"
        taken_for = _boolean(str(provider))
        if taken_for is None:
            return _refused(Reason("provider-unknown", f"{text}: {offers}"), line, by="p2pmem")
        # It reports success then, and shows the boolean.
        text += f", and the kernel would take the name for {'on' if taken_for else 'off'}: {offers}"
        return replace(_refused(Reason("provider-unknown", text), by="p2pmem"), errno=None)
    published = judge.published(provider)
    if published is False:
        what = "has P2P memory, but keeps it to itself" if provider in judge.pools else "has no P2P memory"
        reason = Reason("provider-unpublished", f"{provider} {what}: p2pctl pool list shows who offers some", provider)
        return _refused(reason, f"{provider}: PCI device has no peer-to-peer memory: {provider}", by="p2pmem")
    if published is None:
        reason = Reason("provider-not-known", f"whether {provider} offers P2P memory could not be read", provider)
        return _unknown(reason, "pool", str(provider), f"/sys/bus/pci/devices/{provider}/p2pmem/published")
    return None


def _disk(judge: Judge, attributes: Attributes, provider: Address | None) -> Eligibility:
    device = attributes.get("device_path", ABSENT)
    buffered = attributes.get("buffered_io", ABSENT)
    if isinstance(device, Missing) and device is not ABSENT:
        return _unknown(Reason("device-unknown", "its device_path could not be read"), "device_path")
    if isinstance(device, Missing) or device in {"", "(null)"}:
        return _refused(Reason("no-device", "it has no device yet: set device_path"), "")
    if setting(buffered) == "auto":
        text = "buffered_io is on: the device is used as a file, by way of the page cache. Switch one of the two off"
        return _refused(Reason("buffered-io", text), _NOT_BLOCK)
    name, block = judge.disk(device)
    if block is None:
        return _no_disk(judge, device, name)
    return _on_disk(judge, device, block, provider)


def _no_disk(judge: Judge, device: str, name: str) -> Eligibility:
    if not device.startswith("/dev/"):
        text = f"{device} is a file: the target uses P2P memory for block devices only. Export a drive instead"
        return _refused(Reason("file-backed", text), _NOT_BLOCK)
    listed = judge.snapshot.block is not None and not any(g.fact == "block devices" for g in judge.snapshot.block.gaps)
    if listed and device.startswith(f"/dev/{name}") and _NVME_DISK.fullmatch(name):
        text = f"there is no block device {name}: a drive may have gone, or changed its number"
        return Eligibility("not-eligible", (Reason("no-such-device", text),), "enable", errno.ENOENT, disk=name)
    reason = Reason("device-unknown", f"which disk {device} is cannot be told from here")
    return _unknown(reason, "block device", name, device)


def _on_disk(judge: Judge, device: str, block: BlockDevice, provider: Address | None) -> Eligibility:
    name, drive = block.name, block.address
    if isinstance(drive, Missing) and drive is not ABSENT:
        reason = Reason("device-unknown", f"the PCI function of {name} could not be read")
        return _unknown(reason, "block device", name, f"/sys/block/{name}")
    nvme = name.startswith("nvme")
    array = name.startswith("md") and judge.since_release((7, 2)) is not False
    if not nvme and not array:
        why = f" ({block.reason})" if block.reason else ""
        text = f"the driver of {name} cannot do P2P DMA{why}: only NVMe drives can. Export one of those"
        return _refused(Reason("driver-cannot", text), _NO_FEATURE.format(path=device), disk=name)
    if isinstance(drive, Missing):
        return _rootless(judge, device, block, provider)
    return _reach(judge, device, name, drive, provider)


def _rootless(judge: Judge, device: str, block: BlockDevice, provider: Address | None) -> Eligibility:
    """An NVMe multipath head, a drive behind a fabric, or an array: no PCI function is above them."""
    name = block.name
    lines = [_NOT_PCI if provider is not None else _NO_MEMORY.format(path=device)]
    if name.startswith("md"):
        lines.append(_NO_FEATURE.format(path=device))
    why = f": {block.reason}" if block.reason else ""
    namespace = judge.snapshot.nvme.namespaces.get(name) if judge.snapshot.nvme else None
    if (namespace is not None and namespace.multipath) or "multipath" in (block.reason or ""):
        code = "multipath-head"
        text = f"{name} is a multipath head, above which there is no PCI device: boot with nvme_core.multipath=N"
    else:
        code, text = "not-a-pci-device", f"{name} has no PCI device above it{why}. Export a local drive itself"
    return _refused(Reason(code, text), *lines, disk=name)


def _reach(judge: Judge, device: str, name: str, drive: Address, provider: Address | None) -> Eligibility:
    if provider is not None:
        verdict = judge.joint(provider, (drive,)).verdict
        if verdict == "allowed":
            return Eligibility("eligible", disk=name, drive=drive, providers=(provider,))
        if verdict == "unknown":
            return _untold(judge, name, drive, (provider,))
        head = Reason(
            "provider-denied",
            f"{name} may not use the memory of {provider}: p2pctl explain {provider} {name} tells why",
            provider,
        )
        line = _TOO_FAR.format(client=drive, provider=provider)
        return _refused(head, line, more=judge.why(provider, drive), disk=name, drive=drive)
    ranking = judge.ranking((drive,))
    if ranking is None:
        return _unknown(Reason("pools-unread", "which P2P memory there is was not read"), "pool")
    reachable = tuple(one.address for one in ranking.candidates if one.eligible)
    if reachable:
        return Eligibility("eligible", disk=name, drive=drive, providers=reachable)
    perhaps = tuple(one.address for one in ranking.candidates if one.eligible is None)
    if perhaps:
        return _untold(judge, name, drive, perhaps)
    if not any(one.published for one in ranking.candidates):
        text = "no device offers P2P memory: somebody has to, such as a drive with a CMB"
    else:
        text = f"no P2P memory may be used by {name}: p2pctl providers {name} tells why"
    return _refused(Reason("no-provider", text), _NO_MEMORY.format(path=device), disk=name, drive=drive)


def _untold(judge: Judge, name: str, drive: Address, providers: tuple[Address, ...]) -> Eligibility:
    named = ", ".join(map(str, providers[:4]))
    reason = Reason("verdict-unknown", f"whether {name} may use the memory of {named} cannot be told")
    gaps = tuple(
        gap for gap in judge.snapshot.gaps if gap.fact in {"configuration space", "acs", "iommus", "cpu", "pool"}
    )
    gaps = gaps[:8] or (Gap("configuration space", str(drive), None, None, "root (CAP_SYS_ADMIN)"),)
    return Eligibility("unknown", (reason,), disk=name, drive=drive, gaps=gaps)


def _unknown(reason: Reason, fact: str, address: str | None = None, path: str | None = None) -> Eligibility:
    return Eligibility("unknown", (reason,), gaps=(Gap(fact, address, path, None, "a look at it, as root"),))


def _refused(
    reason: Reason,
    *lines: str,
    by: Literal["p2pmem", "enable"] = "enable",
    more: tuple[Reason, ...] = (),
    disk: str | None = None,
    drive: Address | None = None,
) -> Eligibility:
    number = errno.ENODEV if by == "p2pmem" else errno.EINVAL
    said = tuple(line for line in lines if line)
    return Eligibility("not-eligible", (reason, *more), by, number, said, disk, drive)
