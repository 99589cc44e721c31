"""The full answer for one pair."""

from __future__ import annotations

from p2pctl.model.address import Address
from p2pctl.resolver.case import Case
from p2pctl.resolver.path import walk
from p2pctl.resolver.questions import ask
from p2pctl.resolver.reasons import missing, reasons
from p2pctl.resolver.resolver import NOT_PCI, Resolver
from p2pctl.resolver.verdict import Asked, Client, Reason, Verdict


def resolve(resolver: Resolver, provider: Address, client: Client) -> Verdict:
    """The verdict with its evidence; the answer is the one that ``Resolver.verdict`` gives.

    Raises NotFoundError for a function that is not there.
    """
    outcome = resolver.verdict(provider, client)
    if isinstance(client, str):
        return _not_pci(resolver, provider, client)
    case = Case(
        resolver=resolver,
        provider=provider,
        client=client,
        outcome=outcome,
        way=resolver.way(provider, client),
        path=walk(resolver, provider, client),
        crossing=resolver.crossing(provider, client) if resolver.rules.crosses_host_bridge else None,
    )
    asked = ask(case)
    return Verdict(
        provider=provider,
        client=client,
        rules=resolver.rules,
        outcome=outcome,
        path=case.path,
        common=case.common,
        crossing=case.crossing,
        asked=asked,
        reasons=reasons(case, asked),
        missing=missing(case, asked),
    )


def _not_pci(resolver: Resolver, provider: Address, client: str) -> Verdict:
    text = f"{client} hangs on no PCI function"
    return Verdict(
        provider=provider,
        client=client,
        rules=resolver.rules,
        outcome=NOT_PCI,
        path=(),
        common=None,
        crossing=None,
        asked=(Asked("pci-device", answer=False, text=text),),
        reasons=(Reason("not-a-pci-device", text),),
        missing=(),
    )
