"""Figures that every request adds to.

prometheus_client takes a lock for each and asks each whether it may be added to, which takes longer than all else about
it. These belong to one thread, that of the event loop, which also shows them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Label = str | int
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BOUNDS = [*map(floatToGoString, SECONDS), "+Inf"]


class _Series:
    """How many have taken up to each of the bounds and longer than the one before, and how long all have."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.seconds = 0.0


class Times(Collector):
    """A histogram of seconds for each combination of labels."""

    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._described = name, text, labels
        self._series: dict[tuple[Label, ...], _Series] = {}
        registry.register(self)

    def add(self, seconds: float, *labels: Label) -> None:
        """Something has taken so long."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = _Series()
        series.counts[bisect_left(SECONDS, seconds)] += 1
        series.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        name, text, labels = self._described
        family = HistogramMetricFamily(name, text, labels=labels)
        for values, series in self._series.items():
            family.add_metric(_shown(values), [*zip(_BOUNDS, accumulate(series.counts), strict=True)], series.seconds)
        yield family


class Counts(Collector):
    """A count for each combination of labels."""

    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._described = name, text, labels
        self._counts: dict[tuple[Label, ...], int] = {}
        registry.register(self)

    def add(self, *labels: Label) -> None:
        """It was once more."""
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        name, text, labels = self._described
        family = CounterMetricFamily(name, text, labels=labels)
        for values, count in self._counts.items():
            family.add_metric(_shown(values), count)
        yield family


def _shown(labels: Iterable[Label]) -> list[str]:
    return [str(label) for label in labels]
