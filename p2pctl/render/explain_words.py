"""The verdict in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from p2pctl.render.explain_case import Case, bridges_of
from p2pctl.render.verdicts import (
    Names,
)


def headline(names: Names, case: Case) -> str:
    """The verdict with its main reason, in one sentence."""
    verdict = case.verdict
    client, provider = names.label(verdict.client), names.label(verdict.provider)
    if case.refused:
        return f"Denied: the NVMe target does not use {client} for P2P."
    if verdict.verdict == "denied":
        return f"Denied: {client} may not use the memory of {provider}, because {_because(case)}."
    if verdict.verdict == "unknown":
        return f"It cannot be told whether {client} may use the memory of {provider}: {_unsure(case)}."
    if verdict.provider == verdict.client:
        return f"Allowed: {client} uses its own memory."
    how = {
        "bus-address": f"directly: the traffic stays below {verdict.common} and never reaches the host",
        "through-host-bridge": "but only through the host bridge: slower, and how much depends on the machine",
        "unknown": "but whether directly or through the host bridge is not known",
        "not-supported": "",
    }
    return f"Allowed: {client} may use the memory of {provider}, {how[verdict.map_type]}."


def _because(case: Case) -> str:
    """What stands in the way, in one clause."""
    codes = {reason.code for reason in case.reasons}
    ports = [str(reason.address) for reason in case.reasons if reason.code == "acs-redirect"]
    refused = codes & {"host-bridge-refused", "host-bridge-not-listed", "host-bridge-no-representative"}
    trust = "and this kernel lets no peer traffic through " if refused else "and the way through "
    if ports:
        what = f"ACS, a PCIe isolation feature, in {_listed(ports)} sends their traffic up to the host"
        return f"{what}, {trust}the host bridge there" if refused else f"{what}, which these rules refuse"
    if "no-common-bridge" in codes:
        what = "no PCIe switch or port is above both, so that their traffic would have to cross the host"
        return f"{what}, {trust}{'these host bridges' if len(bridges_of(case.verdict)) > 1 else 'this host bridge'}" + (
            "" if refused else " is not open under these rules"
        )
    return "; ".join(reason.text for reason in case.reasons) or "the rules refuse it"


def _unsure(case: Case) -> str:
    """What would have to be known, in one clause."""
    ports = [str(reason.address) for reason in case.reasons if reason.code == "acs-unreadable"]
    others = [one.text for one in case.reasons if one.code.endswith("-unknown")]
    acs = [f"what ACS does in {_listed(ports)} could not be read"] if ports else []
    return "; ".join((*acs, *others)) or "facts are missing"


def _listed(words: Sequence[str]) -> str:
    if len(words) > 3:
        return f"{len(words)} ports on the way"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
