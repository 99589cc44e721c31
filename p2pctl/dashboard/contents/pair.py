"""Two devices: which of them lends, what the verdict is in words, and the page that explains it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from p2pctl.dashboard.picture import Picture, Verdicts
from p2pctl.model.address import Address
from p2pctl.render.explain import explain_page
from p2pctl.render.explain_case import Case, Host, Question, bridges_of, judged
from p2pctl.render.explain_words import headline
from p2pctl.render.page import Lines, Page, Section
from p2pctl.render.text import clean
from p2pctl.render.verdicts import Names, ProviderKind
from p2pctl.resolver.verdict import Client, Hop, Verdict


class Pair(NamedTuple):
    """One direction between two devices."""

    provider: Address
    client: Client


def pairs_of(names: Names, one: Address, other: Address) -> tuple[Pair, ...]:
    """The directions that make sense: whoever can lend does; both, where both can. Where none can, as they came."""
    for kinds in ({"pool"}, {"pool", "exporter"}):
        found = tuple(
            Pair(lender, user) for lender, user in ((one, other), (other, one)) if names.kind(lender) in kinds
        )
        if found:
            return found
    return (Pair(one, other),)


def case_of_pair(picture: Picture, pair: Pair) -> Case:
    """The verdict with its reasons. Raises NotFoundError."""
    verdicts = picture.verdicts
    host = Host(picture.snapshot, verdicts.resolver.topology, verdicts.names)
    return judged(host, verdicts.resolver, *pair)


def said(picture: Picture, pair: Pair) -> str:
    """The verdict in a sentence, cleaned. Raises NotFoundError."""
    return clean(headline(picture.verdicts.names, case_of_pair(picture, pair)))


def trail(verdict: Verdict, dot: str) -> dict[str, str]:
    """What each node of the tree is to a pair, by address or name of the host bridge: ``lends``, ``uses``, ...

    A dot alone is a node that passes the traffic on.
    """
    found = {str(hop.address): _role(hop, verdict, dot) for hop in verdict.path}
    crosses = verdict.map_type == "through-host-bridge" or verdict.common is None or verdict.verdict != "allowed"
    for bridge in bridges_of(verdict) if crosses else ():
        opened = verdict.crossing is not None and verdict.crossing.open
        answer = opened or bridge.answer
        found[bridge.root] = f"{dot} {'?' if answer is None else 'passes' if answer else 'refuses'}"
    return found


def _role(hop: Hop, verdict: Verdict, dot: str) -> str:
    if hop.address == verdict.provider:
        return "lends" if hop.address != verdict.client else "own"
    if hop.address == verdict.client:
        return "uses"
    if hop.counts and hop.redirects is not False:
        return f"{dot} ?" if hop.redirects is None else f"{dot} sends up"
    return dot


class Explanation:
    """Makes the page of one or more pairs; works it out again only when the fabric is another."""

    def __init__(self, *pairs: Pair) -> None:
        self.pairs = pairs
        self._known: tuple[Verdicts, Page] | None = None

    def __call__(self, picture: Picture) -> Page:
        """The page. Raises NotFoundError once one of them is gone."""
        if self._known is None or self._known[0] is not picture.verdicts:
            self._known = (picture.verdicts, self._made(picture))
        return self._known[1]

    def _made(self, picture: Picture) -> Page:
        selection = picture.verdicts.selection
        pages = [
            _answer_first(explain_page(picture.snapshot, Question(pair.provider, (pair.client,), selection)).page)
            for pair in self.pairs
        ]
        first = pages[0]
        if len(pages) == 1:
            return first
        report = first.report._replace(items=[item for page in pages for item in page.report.items])
        both = _both_ways(picture.verdicts.names, [pair.provider for pair in self.pairs])
        return Page(report, (both, *(section for page in pages for section in page.sections)))


_LENDS: Mapping[ProviderKind, str] = MappingProxyType({
    "pool": "has a pool of P2P memory.",
    "exporter": "has no pool: it may only export its memory through its driver (dma-buf).",
    "bar": "has no pool, and no driver that is known to export its memory.",
})  # fmt: skip


def _both_ways(names: Names, lenders: Iterable[Address]) -> Section:
    """What each of them has to lend, and how to read what follows."""
    told = tuple(f"{names.label(one)} {_LENDS[names.kind(one)]}" for one in lenders)
    return Section("Asked both ways", (Lines((*told, "A <- B: A lends its memory, B uses it.")),))


_ANSWERS = ("Why", "What is missing", "What to do")


def _answer_first(page: Page) -> Page:
    """The verdict, why, what to do; the path, which takes most lines, comes after."""
    head, *rest = page.sections
    answers = [one for word in _ANSWERS for one in rest if isinstance(one.title, str) and one.title.startswith(word)]
    return page._replace(sections=(head, *answers, *(one for one in rest if one not in answers)))


def title_of(names: Names, pair: Pair) -> str:
    """``nvme0 lends, nvme7 uses``, cleaned."""
    lender, user = names.name(pair.provider) or pair.provider, names.name(pair.client) or pair.client
    return clean(f"{lender} lends, {user} uses")
