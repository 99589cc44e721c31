"""Why a pair may or may not do P2P: the verdict in a sentence, the path, the reasons, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from p2pctl.model.snapshot import Snapshot
from p2pctl.render.explain_case import Asked, Case, Host, Question, case_of, option_findings
from p2pctl.render.explain_document import case_item, link_ceiling_item, option_item
from p2pctl.render.explain_kernel import kernel_blocks, kernel_item, trace_item, trace_lines
from p2pctl.render.explain_path import path_blocks
from p2pctl.render.explain_words import headline
from p2pctl.render.items import show_link
from p2pctl.render.notes import gap_notes
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Span
from p2pctl.render.verdicts import (
    DISTANCE,
    MAP_TYPE,
    VERDICT,
    VERDICT_TONES,
    WAYS,
    Names,
    about,
    joint_item,
    selection_item,
    selection_lines,
    verdict_item,
)
from p2pctl.resolver.bandwidth import Bandwidth
from p2pctl.resolver.command_line import OptionFinding
from p2pctl.resolver.remedies import Remedy
from p2pctl.resolver.resolver import Resolver, joint
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Joint, Reason, Verdict, VerdictWord

_COLUMNS = (
    Column("provider", "provider", style="name"),
    Column("client", "client", style="name"),
    Column("client_name", "device", style="name", priority=1),
    VERDICT,
    MAP_TYPE,
    DISTANCE,
)
_LINK_COLUMNS = (
    Column("address", "link above", style="name"),
    Column("link", "runs at", style="name", show=show_link),
    Column("payload", "payload", style="bytes", priority=1),
    Column("ceiling", "at most GB/s", style="number"),
)


class Answer(NamedTuple):
    """The page, and what it comes down to."""

    page: Page
    verdict: VerdictWord


def explain_page(snapshot: Snapshot, question: Question) -> Answer:
    """The answer for each client, and for all of them together."""
    host = Host(snapshot, Topology.of(snapshot), Names(snapshot))
    resolver = Resolver(host.topology, question.selection.rules)
    cases = [case_of(host, resolver, question.provider, client) for client in question.clients]
    together = joint([case.verdict.outcome for case in cases])
    options = option_findings(snapshot)
    concerned = {question.provider, *question.clients, *(hop.address for case in cases for hop in case.verdict.path)}
    report = Report.of(
        snapshot,
        "explain",
        ({**case_item(host, case), **_kernel(question, case)} for case in cases),
        _COLUMNS,
        summary={
            "joint": joint_item(together),
            "rules": selection_item(question.selection),
            "assumed": list(question.assumed),
            "command_line": [option_item(finding) for finding in options],
            **({} if question.traced is None else {"trace": trace_item(question.traced)}),
        },
        gaps=about(snapshot, (gap for case in cases for gap in case.verdict.missing), concerned),
        flat=False,
    )
    sections = (*_sections(host, question, cases, together), *_closing(question, options))
    refused = any(case.refused for case in cases)
    return Answer(Page(report, sections), "denied" if refused else together.verdict)


def _kernel(question: Question, case: Case) -> Item:
    """What the running kernel says of the client, where it was asked."""
    asked = question.asked.get(case.verdict.client)
    return {} if asked is None else {"kernel": kernel_item(asked, case.verdict.verdict)}


def _sections(host: Host, question: Question, cases: Sequence[Case], together: Joint) -> Iterator[Section]:
    if question.assumed:
        yield Section(
            "Assumed: this is not the host as it is", (Lines(tuple(map(_sentence, question.assumed)), bullet="- "),)
        )
    if len(cases) > 1:
        yield _joint_section(host, cases, together)
    for case in cases:
        yield from _case_sections(host, case, question.asked.get(case.verdict.client), several=len(cases) > 1)


def _joint_section(host: Host, cases: Sequence[Case], together: Joint) -> Section:
    text = {
        "allowed": "Allowed for all of them together",
        "denied": "Denied for all of them together: one refusal is enough, or the memory would not be shared",
        "unknown": "It cannot be told for all of them together",
    }[together.verdict]
    distance = "" if together.distance is None else f" (sum of distances {together.distance})"
    verdicts = [case.verdict for case in cases]
    rows = tuple(verdict_item(host.names, one.provider, one.client, one.outcome, one.rules) for one in verdicts)
    columns = _COLUMNS[1:]
    return Section(
        f"All {len(cases)} clients of {host.names.label(cases[0].verdict.provider)}",
        (Lines((Span(f"{text}{distance}.", VERDICT_TONES[together.verdict]),)), Grid(columns, rows)),
    )


def _case_sections(host: Host, case: Case, asked: Asked | None, *, several: bool) -> Iterator[Section]:
    verdict = case.verdict
    tone = "bad" if case.refused else VERDICT_TONES[verdict.verdict]
    mark = f": {host.names.name(verdict.client) or verdict.client}" if several else ""
    head = f"{host.names.label(verdict.provider)} <- {host.names.label(verdict.client)}"
    yield Section(head, (Lines((Span(headline(host.names, case), tone), *_asides(host, case))),))
    if asked is not None:
        yield Section(f"The running kernel{mark}", tuple(kernel_blocks(asked, case)))
    if verdict.path:
        yield Section(f"Path{mark}", tuple(path_blocks(host, verdict)))
    yield Section(
        f"Why{mark}", (Lines(tuple(_sentence(_said(verdict, reason)) for reason in case.reasons), bullet="- "),)
    )
    if verdict.missing:
        yield Section(f"What is missing{mark}", (Lines(gap_notes(verdict.missing)),))
    if case.remedies or case.advice:
        yield Section(f"What to do{mark}", tuple(_remedies(case)))
    if case.bandwidth is not None:
        yield Section(f"Bandwidth{mark}", tuple(_bandwidth(host, case.bandwidth)))


def _said(verdict: Verdict, reason: Reason) -> str:
    """A reason for somebody who has never read the kernel."""
    match reason.code:
        case "acs-redirect":
            return f"{reason.text}: traffic from below it to a neighbour goes up to the host bridge"
        case "cpu-not-accepted" if verdict.rules.cpu is not None:
            cpu = verdict.rules.cpu
            trusted = f"{cpu.vendor} of family {cpu.family} or later"
            return f"{reason.text}; this kernel trusts every host bridge only of {trusted}"
        case _:
            return reason.text


def _asides(host: Host, case: Case) -> Iterator[str]:
    provider = case.verdict.provider
    kind = host.names.kind(provider)
    pool = host.snapshot.pools.pools.get(provider) if host.snapshot.pools else None
    if kind == "exporter":
        yield f"{host.names.label(provider)} has no pool: its driver could lend memory as a dma-buf, by the same rules."
    elif kind == "bar":
        yield f"{host.names.label(provider)} has no P2P memory: this is what would hold if it had."
    elif pool is not None and pool.published is False:
        yield "Its pool is private: only its own driver hands it out, and the NVMe target never finds it."
    if case.verdict.distance is not None and case.verdict.provider != case.verdict.client:
        way = "" if case.verdict.verdict == "denied" else f"Way: {WAYS[case.verdict.map_type]}. "
        yield f"{way}Distance: {case.verdict.distance} steps."


def _remedies(case: Case) -> Iterator[Block]:
    if not case.remedies and case.verdict.verdict == "denied":
        yield Lines(("Nothing that p2pctl knows of would make this kernel allow the pair on this machine.",))
    if len(case.remedies) > 1:
        yield Lines(("Any one of these is enough; the least invasive comes first.",))
    for number, remedy in enumerate(case.remedies, 1):
        bullet = f"{number}. " if len(case.remedies) > 1 else ""
        yield Lines((Span(_sentence(remedy.text), "strong"),), bullet=bullet)
        if remedy.commands:
            yield Lines(remedy.commands, bullet="    ", whole=True)
        yield Fields((Field("Cost", _sentence(remedy.risk)), Field("Then", _result(remedy))))
        yield Lines(("To verify:", *(f"    {line}" for line in remedy.verify)), whole=True)
    for one in case.advice:
        yield Lines((_sentence(one.text),), bullet="- ")
        if one.commands:
            yield Lines(one.commands, bullet="    ", whole=True)


def _sentence(clause: str) -> str:
    """A clause as a sentence; a device keeps its name as it is."""
    first = clause.partition(" ")[0]
    start = clause if any(map(str.isdigit, first)) else clause[:1].upper() + clause[1:]
    return f"{start}{'' if clause.endswith('.') else '.'}"


def _result(remedy: Remedy) -> str:
    outcome = remedy.result
    distance = "" if outcome.distance is None else f", distance {outcome.distance}"
    way = WAYS[outcome.map_type]
    return f"{_sentence(outcome.verdict)[:-1]}, {way}{distance}: worked out again with this change."


def _bandwidth(host: Host, found: Bandwidth) -> Iterator[Block]:
    yield Lines((_bandwidth_text(found),))
    if found.links:
        yield Grid(_LINK_COLUMNS, tuple(link_ceiling_item(host, link) for link in found.links))
    if found.warnings:
        yield Lines(tuple(map(_sentence, found.warnings)), bullet="- ")


def _bandwidth_text(found: Bandwidth) -> str:
    at = "" if found.limiting is None else f"; the link above {found.limiting} carries least"
    if found.kind == "ceiling" and found.high is not None:
        return f"At most {found.high:.1f} GB/s in one direction{at}."
    if found.kind == "measured-range" and found.low is not None and found.high is not None:
        return (
            f"Between {found.low:.1f} and {found.high:.1f} GB/s in one direction, where it was measured: measure it "
            f"here{at}."
        )
    return f"Nobody can say how fast this way is: measure it{at}."


def _closing(question: Question, options: Iterable[OptionFinding]) -> Iterator[Section]:
    if question.traced is not None:
        yield Section("Requests for pool memory", (trace_lines(question.traced),))
    lines = tuple(_option_line(finding) for finding in options)
    if lines:
        yield Section("Kernel command line", (Lines(lines, bullet="- "),))
    yield Section("", (Lines(selection_lines(question.selection)),))


def _option_line(finding: OptionFinding) -> str:
    fix = finding.corrected
    cure = "" if fix is None else f" Write {fix} instead." if fix else " Leave it out."
    return f"{finding.option}: {finding.text.rstrip('.')}.{cure}"
