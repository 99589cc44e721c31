"""What would happen to a namespace's I/O by one port, as far as the rules tell: nothing here was observed.

drivers/nvme/target/core.c (``nvmet_p2pmem_ns_add_p2p``) decides when a host connects, for its RDMA device.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact
from p2pctl.resolver.ports import PortDevice, PortDevices
from p2pctl.resolver.providers import Ranking
from p2pctl.resolver.resolver import joint
from p2pctl.resolver.verdict import MapType, Reason
from p2pctl.target.eligibility import Eligibility
from p2pctl.target.judge import Ceiling, Judge

PredictedWord = Literal["off", "not-eligible", "transport-cannot", "predicted", "falls-back", "unknown"]

_WORST: tuple[PredictedWord, ...] = (
    "falls-back", "unknown", "predicted", "transport-cannot", "not-eligible", "off"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the rules say."""

    state: PredictedWord
    setting: Fact[Literal["off", "auto"] | Address] | None
    """What p2pmem means here: the namespace's, or the port's own where that decides."""
    providers: tuple[Address, ...] = ()
    """Those that the kernel may take: the closest, and what is as close."""
    allowed: tuple[Address, ...] = ()
    """All that it could take if closer ones went."""
    map_type: MapType | None = None
    distance: int | None = None
    bandwidth: Ceiling | None = None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()


def by_devices(
    judge: Judge,
    devices: PortDevices,
    wanted: Fact[Literal["off", "auto"] | Address] | None,
    able: Eligibility,
    drives: tuple[Address, ...],
) -> Prediction:
    """The prediction for drives that reach the port's cards, of a namespace that the kernel lets have P2P memory."""
    if not devices.devices:
        state: PredictedWord = "transport-cannot" if devices.certain else "unknown"
        return Prediction(state, wanted, reasons=devices.reasons, warnings=devices.warnings)
    each = [_by_device(judge, one, wanted, able, drives) for one in devices.devices]
    merged = each[0] if len(each) == 1 else _merge(devices, each)
    if not devices.certain and merged.state == "predicted":
        merged = replace(merged, state="unknown", reasons=(*devices.reasons, *devices.warnings, *merged.reasons))
    doubt = (Reason("enabled-all-the-same", "by the rules it could not be enabled, and the kernel has: they differ"),)
    contradicted = doubt if able.word == "not-eligible" and able.refused_by == "enable" else ()
    return replace(
        merged, setting=wanted, warnings=tuple(dict.fromkeys((*contradicted, *devices.warnings, *merged.warnings)))
    )


def _merge(devices: PortDevices, each: Sequence[Prediction]) -> Prediction:
    """Several cards may serve the port: it is as good as the worst of them."""
    states = {one.state for one in each}
    worst = next(word for word in _WORST if word in states)
    first = next(one for one in each if one.state == worst)
    providers = _union(one.providers for one in each)
    allowed = _union(one.allowed for one in each)
    reasons = tuple(dict.fromkeys(reason for one in each if one.state == worst for reason in one.reasons))
    if len(states) > 1:
        named = "; ".join(f"{device.name}: {one.state}" for device, one in zip(devices.devices, each, strict=True))
        text = f"it depends on the card that a host comes in by ({named})"
        reasons = (Reason("depends-on-device", text), *reasons)
    same = len({(one.map_type, one.distance) for one in each}) == 1
    return Prediction(
        worst,
        first.setting,
        providers,
        allowed,
        first.map_type if same else next((one.map_type for one in each if one.map_type == "through-host-bridge"), None),
        first.distance if same else None,
        min((one.bandwidth for one in each if one.bandwidth), key=lambda one: one.high or 0.0, default=None),
        reasons,
        tuple(dict.fromkeys(warning for one in each for warning in one.warnings)),
    )


def _union(groups: Iterable[tuple[Address, ...]]) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(address for group in groups for address in group))


def _by_device(
    judge: Judge,
    device: PortDevice,
    wanted: Fact[Literal["off", "auto"] | Address] | None,
    able: Eligibility,
    drives: tuple[Address, ...],
) -> Prediction:
    refusal = device.refusal
    if refusal is not None and refusal.refused:
        return Prediction("falls-back", wanted, reasons=(refusal.reason,))
    if refusal is not None or device.address is None:
        reasons = (refusal.reason,) if refusal is not None else ()
        return Prediction("unknown", wanted, reasons=reasons)
    if isinstance(wanted, Address):
        return _named(judge, device, device.address, wanted, drives)
    if not drives:
        return Prediction("unknown", wanted, reasons=able.reasons)
    return _automatic(judge, device, device.address, able, drives)


def _named(
    judge: Judge, device: PortDevice, card: Address, provider: Address, drives: tuple[Address, ...]
) -> Prediction:
    """With a named provider the card alone is asked; the drive's own side decided when it was enabled."""
    if judge.published(provider) is False:
        text = f"{provider} has no published P2P memory: all I/O goes through system memory"
        return Prediction("falls-back", provider, reasons=(Reason("pool-vanished", text, provider),))
    verdict = judge.joint(provider, (card,)).verdict
    if verdict == "unknown":
        reasons = (_untold(device, provider), *judge.why(provider, card))
        return Prediction("unknown", provider, (provider,), (provider,), reasons=reasons)
    if verdict == "denied":
        text = (
            f"{device.name} may not use the memory of {provider}, so hosts are served from system memory: "
            f"p2pctl explain {provider} {device.name} tells why"
        )
        return Prediction(
            "falls-back", provider, reasons=(Reason("card-denied", text, card), *judge.why(provider, card))
        )
    whole = judge.joint(provider, (card, *drives))
    return Prediction(
        "predicted",
        provider,
        (provider,),
        (provider,),
        whole.map_type,
        whole.distance,
        judge.ceiling(provider, (card, *drives)),
    )


def _untold(device: PortDevice, provider: Address) -> Reason:
    return Reason("verdict-unknown", f"whether {device.name} may use the memory of {provider} cannot be told", provider)


def _automatic(
    judge: Judge, device: PortDevice, card: Address, able: Eligibility, drives: tuple[Address, ...]
) -> Prediction:
    ranking = judge.ranking((card, *drives))
    if ranking is None:
        text = "which P2P memory there is, or where its devices are, could not be read"
        return Prediction("unknown", "auto", reasons=(Reason("pools-unread", text),))
    sure = [one for one in ranking.candidates if one.eligible and one.rank is not None]
    unsure = [one for one in ranking.candidates if one.eligible is None and one.rank is not None]
    allowed = tuple(one.address for one in sure)
    if not sure and unsure:
        reasons = tuple(_untold(device, one.address) for one in unsure[:1])
        return Prediction("unknown", "auto", tuple(one.address for one in unsure), reasons=reasons)
    if not sure:
        return Prediction("falls-back", "auto", reasons=_none(judge, device, card, able, ranking))
    best = sure[0].rank or 1
    closest = [one for one in (*sure, *unsure) if (one.rank or 0) <= best]
    providers = tuple(one.address for one in sorted(closest, key=lambda one: (one.rank or 0, one.address)))
    warnings = []
    if not ranking.certain:
        warnings.append(Reason("closest-unknown", "which of them is closest, and allowed, cannot be told for certain"))
    elif len(providers) > 1:
        text = "they are equally close, and the kernel takes any of them for each host: p2pctl place proposes one"
        warnings.append(Reason("tie", text))
    whole = joint([outcome for one in closest for outcome in one.joint.outcomes])
    ceilings = [judge.ceiling(one, (card, *drives)) for one in providers]
    return Prediction(
        "predicted",
        "auto",
        providers,
        allowed,
        whole.map_type,
        sure[0].joint.distance,
        min((one for one in ceilings if one is not None), key=lambda one: one.high or 0.0, default=None),
        warnings=tuple(warnings),
    )


def _none(judge: Judge, device: PortDevice, card: Address, able: Eligibility, ranking: Ranking) -> tuple[Reason, ...]:
    disk = able.disk or "its disk"
    near = next((one.address for one in ranking.candidates if one.address in able.providers), None)
    tell = f": p2pctl providers {device.name} {disk} tells why" if able.disk else ""
    text = f"no P2P memory may be used by both {device.name} and {disk}, so hosts are served from system memory{tell}"
    head = Reason("no-common-provider", text, card)
    if near is None:
        return (head,)
    return (head, *(judge.why(near, card) if judge.joint(near, (card,)).verdict == "denied" else ()))
