"""An explanation as the document for machines."""

from __future__ import annotations

from p2pctl.model.address import Address
from p2pctl.model.facts import NOT_READ
from p2pctl.render.explain_case import Case, Host, bridge_id, bridges_of
from p2pctl.render.explain_words import headline
from p2pctl.render.items import acs_item, link_item
from p2pctl.render.report import Item, Value
from p2pctl.render.verdicts import (
    verdict_item,
)
from p2pctl.resolver.bandwidth import Bandwidth, LinkCeiling
from p2pctl.resolver.command_line import OptionFinding
from p2pctl.resolver.host_bridge import BridgeAnswer
from p2pctl.resolver.remedies import Remedy
from p2pctl.resolver.verdict import Hop


def case_item(host: Host, case: Case) -> Item:
    """One pair, as the verdict contract wants it."""
    verdict = case.verdict
    return {
        **verdict_item(host.names, verdict.provider, verdict.client, verdict.outcome, verdict.rules),
        "refused_by_target": case.refused,
        "text": headline(host.names, case),
        "common": None if verdict.common is None else str(verdict.common),
        "path": [_hop_item(host, hop) for hop in verdict.path],
        "host_bridges": [_bridge_item(bridge) for bridge in bridges_of(verdict)],
        "asked": [{"rule": asked.rule, "answer": asked.word, "text": asked.text} for asked in verdict.asked],
        "reasons": [
            {"code": one.code, "text": one.text, "address": None if one.address is None else str(one.address)}
            for one in case.reasons
        ],
        "remedies": [_remedy_item(remedy) for remedy in case.remedies],
        "advice": [{"code": one.code, "text": one.text, "commands": list(one.commands)} for one in case.advice],
        "bandwidth": None if case.bandwidth is None else _bandwidth_item(host, case.bandwidth),
    }


def _hop_item(host: Host, hop: Hop) -> Item:
    return {
        "address": str(hop.address),
        "name": host.names.name(hop.address),
        "role": hop.role,
        "side": hop.side,
        "slot": hop.slot,
        "acs": acs_item(hop.acs),
        "redirects": hop.redirects,
        "counts": hop.counts,
        "link": _link(host, hop.address),
    }


def _link(host: Host, address: Address) -> Value:
    device = host.names.devices.get(address)
    return NOT_READ if device is None else link_item(device.function)


def _bridge_item(bridge: BridgeAnswer) -> Item:
    return {
        "root_bus": bridge.root,
        "first": None if bridge.first is None else str(bridge.first),
        "id": bridge_id(bridge),
        "accepted": bridge.answer,
        "code": bridge.code,
        "entry": None if bridge.entry is None else bridge.entry.name,
    }


def _remedy_item(remedy: Remedy) -> Item:
    return {
        "code": remedy.code,
        "text": remedy.text,
        "commands": list(remedy.commands),
        "risk": remedy.risk,
        "verify": list(remedy.verify),
        "result": remedy.result._asdict(),
        "ports": [str(port) for port in remedy.ports],
        "merges": [
            {
                "groups": list(merge.numbers),
                "before": [[str(member) for member in group] for group in merge.before],
                "members": [str(member) for member in merge.members],
                "guests": [str(guest) for guest in merge.guests],
            }
            for merge in remedy.merges
        ],
    }


def _bandwidth_item(host: Host, found: Bandwidth) -> Item:
    return {
        "kind": found.kind,
        "low": found.low,
        "high": found.high,
        "limiting": None if found.limiting is None else str(found.limiting),
        "payload": found.payload,
        "links": [link_ceiling_item(host, link) for link in found.links],
        "below_best": [str(address) for address in found.below_best],
        "warnings": list(found.warnings),
    }


def link_ceiling_item(host: Host, link: LinkCeiling) -> Item:
    """What one link of the way allows."""
    return {
        "address": str(link.address),
        "link": _link(host, link.address),
        "payload": link.payload,
        "raw": link.raw,
        "ceiling": link.ceiling,
        "below_best": link.below_best,
    }


def option_item(finding: OptionFinding) -> Item:
    """A finding about the command line."""
    return {"code": finding.code, "option": finding.option, "text": finding.text, "corrected": finding.corrected}
