"""What the running kernel says of a pair, beside what is predicted."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from p2pctl.proof.trace import Counts
from p2pctl.render.explain_case import Asked, Case
from p2pctl.render.page import Block, Lines
from p2pctl.render.report import Item
from p2pctl.render.text import Span
from p2pctl.resolver.verdict import VerdictWord


def kernel_item(asked: Asked, verdict: VerdictWord) -> Item:
    """What the running kernel said of a pair."""
    told = asked.answer
    return {
        "answer": None if told is None else told.answer,
        "agrees": asked.agrees(verdict),
        "text": asked.text,
        "disk": None if told is None else told.inquiry.disk,
        "attribute": None if told is None else told.attribute,
        "errno": None if told is None else told.errno,
        "error": None if told is None or told.errno is None else errno.errorcode.get(told.errno, str(told.errno)),
        "log": [] if told is None else list(told.log),
    }


def kernel_blocks(asked: Asked, case: Case) -> Iterator[Block]:
    """The same for people; a disagreement first."""
    agrees = asked.agrees(case.verdict.verdict)
    text = asked.text[:1].upper() + asked.text[1:].rstrip(".")
    if agrees is False:
        verdict = case.verdict
        command = f"p2pctl capture --redact disagreement-{verdict.provider}-{verdict.client}.tar.gz"
        yield Lines(
            (
                Span(f"DISAGREEMENT: predicted {verdict.verdict}, and yet: {asked.text.rstrip('.')}.", "bad"),
                f"Please report it with a recording of this host, made before anything changes: {command}",
            )
        )
    else:
        yield Lines((f"{text}{', as was predicted' if agrees else ''}.",))
    if asked.answer is not None and asked.answer.log:
        yield Lines(asked.answer.log, bullet="    ", whole=True)


def trace_item(traced: Counts) -> Item:
    """The requests that were counted."""
    return {**traced._asdict(), "by_pool": dict(traced.by_pool)}


def trace_lines(traced: Counts) -> Lines:
    """The same for people."""
    least = "" if traced.complete else "at least "
    told = (
        f"the kernel asked pools for memory {traced.requests} times, and found none {least}{traced.refused} times: "
        "such requests go through system memory, and no file of the kernel says so"
    )
    if traced.requests == 0:
        told = "the kernel asked no pool for memory: nobody used P2P through the NVMe target"
    lines = [f"In {traced.seconds:.1f} s {told}."]
    lines += [f"{pool}: {count} times without memory" for pool, count in traced.by_pool.items()]
    if traced.missed:
        lines.append(f"{traced.missed} requests came too fast to be counted.")
    return Lines(tuple(lines))
