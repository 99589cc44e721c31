"""Samples in the text format of Prometheus (version 0.0.4, which every release of it reads)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from p2pctl.metrics.families import Sheet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_KINDS = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


class _Sheets(Collector):
    """Sheets as the library collects them."""

    def __init__(self, sheet: Sheet, others: Iterable[Collector] = ()) -> None:
        self._sheet = sheet
        self._others = others

    def collect(self) -> Iterator[Metric]:
        for family, samples in self._sheet:
            metric = _KINDS[family.kind](family.name, family.text, labels=family.labels)
            for labels, value in samples.items():
                metric.add_metric(labels, value)
            yield metric
        for other in self._others:
            yield from other.collect()


def exposition(sheet: Sheet) -> bytes:
    """What a reading says."""
    return generate_latest(_Sheets(sheet))


class OwnExposition:
    """What a program that serves metrics says of itself: its sheet, and what every process says of itself."""

    def __init__(self) -> None:
        self._process = ProcessCollector(registry=None)

    def __call__(self, sheet: Sheet) -> bytes:
        """The text."""
        return generate_latest(_Sheets(sheet, (self._process,)))
