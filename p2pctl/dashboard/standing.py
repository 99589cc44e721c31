"""What the top line says."""

from __future__ import annotations

from datetime import UTC, datetime

from p2pctl.dashboard.freshness import Freshness, aged, ago, behind
from p2pctl.dashboard.sampler import Sampler
from p2pctl.dashboard.widgets.top_line import Word
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot


def words(
    snapshot: Snapshot | None, freshness: Freshness, sampler: Sampler, now: float, *, write: bool
) -> tuple[Word, ...]:
    """The words, of a snapshot if there is one; ``now`` is a time of the monotonic clock."""
    right = _age(snapshot, freshness, sampler, now)
    right += [Word(_rate(sampler.interval), 5, "dim", right=True)] if sampler.source.moves else []
    mode = Word("WRITE", 1, "accent", right=True) if write else Word("READ-ONLY", 3, "dim", right=True)
    return (Word("p2pctl", 6, "strong"), *_source(snapshot), *right, mode)


def _source(snapshot: Snapshot | None) -> tuple[Word, ...]:
    if snapshot is None:
        return ()
    source = snapshot.source
    host = "" if isinstance(source.host, Missing) else source.host[:40]
    kernel = "" if isinstance(source.kernel, Missing) else source.kernel[:40]
    kind = {"demo": "DEMO", "capture": f"CAPTURE of {_moment(snapshot.taken)}", "sysroot": "SYSROOT", "live": ""}
    badge = Word(kind[source.kind], 2, "accent")
    named = () if host.casefold() == badge.text.casefold() else (Word(host, 2, "strong"),)
    return (*named, Word(kernel, 7), *((badge,) if badge.text else ()))


def _age(snapshot: Snapshot | None, freshness: Freshness, sampler: Sampler, now: float) -> list[Word]:
    """When it was seen, and how long ago where that is not a matter of course."""
    if snapshot is None:
        return []
    said = []
    if sampler.paused:
        said.append(Word(f"PAUSED {aged(freshness.age(now))}", 0, "warning", right=True))
    if freshness.stale(now, sampler.interval, paused=sampler.paused, moves=sampler.source.moves):
        said.append(Word(f"STALE {aged(freshness.age(now))}", 0, "bad", right=True))
    elif (old := behind(now, sampler.whole_at, paused=sampler.paused, moves=sampler.source.moves)) is not None:
        said.append(Word(f"all but levels {ago(old)} old", 1, "warning", right=True))
    elif freshness.old(now, paused=sampler.paused, moves=sampler.source.moves):
        said.append(Word(f"{aged(freshness.age(now))} old", 1, "dim", right=True))
    if snapshot.source.kind != "capture":
        said.append(Word(f"{_clock(snapshot.taken)} UTC", 4, right=True))
    return said


def _rate(seconds: float) -> str:
    return f"every {seconds:g} s"


def _clock(seconds: float) -> str:
    return _formatted(seconds, "%H:%M:%S")


def _moment(seconds: float) -> str:
    return _formatted(seconds, "%Y-%m-%d %H:%M UTC")


def _formatted(seconds: float, how: str) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(how)
    except (ValueError, OverflowError, OSError):
        return "?"
