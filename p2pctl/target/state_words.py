"""The sentences about a port's state: what was heard, what is missing, what may be out of date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.verdict import Reason
from p2pctl.target.evidence import Said
from p2pctl.target.log_lines import Using
from p2pctl.target.observation import Export, Observer
from p2pctl.target.prediction import Prediction
from p2pctl.units import format_bytes


def fallen(deciding: Iterable[Said]) -> Iterator[Reason]:
    """That the kernel said of hosts that they fall back."""
    for one in deciding:
        who = f"controller {one.cntlid}" if one.cntlid is not None else "a connected host"
        text = f"the kernel said so of {who}: its I/O goes through system memory"
        yield Reason("kernel-said", text)


def doubt(said: Said, export: Export, observer: Observer | None) -> str:
    """What else a line may be about; empty where it is about this for sure."""
    ports = [] if observer is None else [one.port.name for one in observer.by(said) if one is not export]
    others = [f"namespace {nsid} of {nqn}" for nqn, nsid in said.others]
    others += [f"port {name}" for name in ports]
    return f" (or said of {', '.join(others)}: the line does not tell)" if others else ""


def unheard(snapshot: Snapshot, export: Export, observer: Observer, *, heard: bool) -> Iterator[Reason]:
    """Why a prediction is no more than that."""
    log = snapshot.log
    if heard:
        yield Reason("evidence-ambiguous", "the kernel logged a line that may be about it, and as well about others")
    elif log is None or isinstance(log.records, Missing):
        yield Reason("log-unread", "the kernel's log was not read (it needs root), so nothing can be confirmed")
    elif not log.complete and export.enabled is True:
        yield Reason("log-wrapped", "the log does not go back far enough: the kernel's line may have been lost")
    elif export.enabled is not True:
        yield Reason("disabled", "the namespace is disabled: this is what would happen")
    else:
        since = observer.hearing.ports.get(export.port.number or 0)
        connected = (
            one
            for one in observer.hearing.announced
            if export.subsystem.nqn in one.subsystems and (since is None or one.record.sequence > since.sequence)
        )
        if not any(connected):
            yield Reason("no-host", "no host has connected since: the kernel decides when one does")


def inline_writes(export: Export, state: str) -> Iterator[Reason]:
    """Writes that come inside the command never use P2P memory (drivers/nvme/target/rdma.c)."""
    size = export.port.attributes.get("param_inline_data_size", ABSENT)
    if export.devices.transport != "rdma" or state not in {"predicted", "confirmed", "possibly-exhausted"}:
        return
    if isinstance(size, Missing) or size == "0":
        return
    upto = format_bytes(int(size)) if size.isascii() and size.isdigit() else "one page"
    text = (
        f"writes up to {upto} come inside the command and go through system memory: inline_data_size 0 on port "
        f"{export.port.name} sends them through P2P memory, too"
    )
    yield Reason("inline-writes", text)


def forecast(prediction: Prediction) -> str:
    """The prediction in a few words."""
    if prediction.state != "predicted":
        return prediction.reasons[0].text if prediction.reasons else prediction.state
    how = {"bus-address": "directly", "through-host-bridge": "through the host bridge"}.get(
        prediction.map_type or "", ""
    )
    which = " or ".join(map(str, prediction.providers))
    return f"by the rules the kernel takes {which}{f', reached {how}' if how else ''}"


def stale_reasons(
    prediction: Prediction, observer: Observer | None, sure: list[Said], providers: tuple[Address, ...]
) -> tuple[str, ...]:
    """Why what was heard may be past."""
    reasons = []
    if observer is not None and not observer.shown:
        reasons.append("the log does not tell when a host leaves: it may be gone")
    used = {one.provider for one in sure if isinstance(one.line, Using)}
    if providers and not used <= {*prediction.providers}:
        reasons.append("by the rules the next host would fare otherwise: something changed since this one connected")
    elif not providers and prediction.state == "predicted":
        reasons.append("by the rules the next host would get P2P memory: something changed since this one connected")
    return tuple(reasons)
