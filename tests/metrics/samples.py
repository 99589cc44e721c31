"""Expositions of hosts as Prometheus would read them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from prometheus_client.parser import text_string_to_metric_families

from p2pctl.cli.metrics_reading import look
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.metrics.exposition import exposition
from p2pctl.metrics.measure import Reading, measure
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.door import DemoDoor

Labels = Mapping[str, str]


class Scrape:
    """The samples of an exposition, parsed by the library."""

    def __init__(self, data: bytes) -> None:
        self.text = data.decode()
        self.samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"twice: {key}"
                self.samples[key] = sample.value

    def value(self, metric: str, /, **labels: str) -> float | None:
        """The only sample with these labels, among others; None without any."""
        found = [one for key, one in self.samples.items() if key[0] == metric and key[1] >= frozenset(labels.items())]
        assert len(found) < 2, f"several: {metric} {labels}"
        return found[0] if found else None

    def all(self, metric: str) -> list[dict[str, str]]:
        """The labels of all samples of a metric."""
        return [dict(labels) for name, labels in self.samples if name == metric]

    def total(self, metric: str, /, **labels: str) -> float:
        """Their sum."""
        wanted = frozenset(labels.items())
        return sum(one for key, one in self.samples.items() if key[0] == metric and key[1] >= wanted)


@cache
def demo() -> Reading:
    """The demo host, its clock stopped."""
    session = Session(Globals())
    session.__dict__["door"] = DemoDoor(lambda: 0.0)
    return look(session, wake=False)


def scrape(snapshot: Snapshot, failed: str | None = None) -> Scrape:
    """What is exported of a snapshot, of which one part could not be read; no time passes meanwhile."""
    parts = {} if failed is None else {failed: "input/output error"}
    reading = Reading(snapshot, {}, (), dict.fromkeys(parts, 0.0), parts)
    return Scrape(exposition(measure(reading, lambda: 0.0, _fail)))


def _fail(error: Exception) -> None:
    raise error
