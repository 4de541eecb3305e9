"""Figures of ours look to Prometheus like those of its own library."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from edge.figures import SECONDS, Counts, Times

TAKEN = (0.0, 0.0005, 0.001, 0.0011, 0.3, 10, 10.5, 1e6)


def shown(registry: CollectorRegistry) -> list[str]:
    """What is told of them, without when they were made."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


def test_times_are_told_as_a_histogram_tells_them() -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("taken_seconds", "Time.", ["route", "status"], registry=theirs, buckets=SECONDS)
    times = Times("taken_seconds", "Time.", ["route", "status"], ours)
    assert shown(ours) == shown(theirs)
    for status in (200, 404):
        for seconds in TAKEN[: status // 50]:
            histogram.labels('/"a"', str(status)).observe(seconds)
            times.add(seconds, '/"a"', status)
    assert shown(ours) == shown(theirs)
    assert any(line.endswith(f" {float(len(TAKEN))}") for line in shown(ours))


def test_counts_are_told_as_a_counter_tells_them() -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    counter = Counter("ran", "How often.", ["kind"], registry=theirs)
    counts = Counts("ran", "How often.", ["kind"], ours)
    for kind in ("query", "mutation", "query"):
        counter.labels(kind).inc()
        counts.add(kind)
    assert shown(ours) == shown(theirs)
    assert 'ran_total{kind="query"} 2.0' in shown(ours)
