"""Figures for Prometheus: `/metrics`."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from models.database import is_outage
from models.events import backlog, parked
from models.jobs import waiting

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one API process, and those of the database that every process sees alike."""

    def __init__(self) -> None:
        self.registry, self.shared = CollectorRegistry(), CollectorRegistry()
        self._requests = Histogram(
            "http_request_seconds",
            "Time to answer HTTP requests.",
            ["route", "status"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._operations = Histogram(
            "graphql_operation_seconds",
            "Time to execute operations, by kind and first root field.",
            ["kind", "field"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._mutations = Histogram(
            "resolver_seconds",
            "Time that the use-case behind a mutation took.",
            ["field"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._gauges = {
            name: Gauge(name, text, registry=self.registry)
            for name, text in (
                ("websockets_open", "Sockets connected to this process."),
                ("websocket_operations_open", "Operations running over them."),
            )
        } | {
            name: Gauge(name, text, labels, registry=self.shared)
            for name, text, labels in (
                ("queue_depth", "Queued jobs, those included whose time has not come.", ("queue",)),
                (
                    "relay_lag_events",
                    "Recorded events that the relay has not handed on to this consumer.",
                    ("consumer",),
                ),
                ("parked_events", "Events that a consumer failed on and put aside.", ("consumer",)),
                ("relay_lag_seconds", "Age of the oldest recorded event that has no position yet.", ()),
            )
        }

    def request(self, route: str, status: int, seconds: float) -> None:
        """An HTTP request was answered."""
        self._requests.labels(route, str(status)).observe(seconds)

    def operation(self, kind: str, field: str, seconds: float) -> None:
        """An operation was executed."""
        self._operations.labels(kind, field).observe(seconds)

    def mutation(self, field: str, seconds: float) -> None:
        """A mutation's use-case ran."""
        self._mutations.labels(field).observe(seconds)

    def sockets(self, sockets: int, operations: int) -> None:
        """What is connected at this moment."""
        self._gauges["websockets_open"].set(sockets)
        self._gauges["websocket_operations_open"].set(operations)

    def queues(self, depth: Mapping[str, int]) -> None:
        """How many jobs wait at this moment."""
        for queue, count in depth.items():
            self._gauges["queue_depth"].labels(queue).set(count)

    def relay(self, lag: Mapping[str, int], lag_seconds: float, parked: Mapping[str, int]) -> None:
        """How far the relay and its consumers are behind at this moment."""
        for consumer, count in lag.items():
            self._gauges["relay_lag_events"].labels(consumer).set(count)
            self._gauges["parked_events"].labels(consumer).set(parked.get(consumer, 0))
        self._gauges["relay_lag_seconds"].set(lag_seconds)


def metrics_endpoint(metrics: Metrics, look: Callable[[], tuple[int, int]]) -> Callable[[Request], object]:
    """The endpoint of `/metrics`; `look` answers open sockets and open operations."""

    async def endpoint(_request: Request) -> Response:
        metrics.sockets(*look())
        return Response(
            generate_latest(metrics.registry) + await _shared(metrics), headers={"Content-Type": CONTENT_TYPE}
        )

    return endpoint


async def _shared(metrics: Metrics) -> bytes:
    """The database's figures; none while it is away: those of before would pass for today's."""
    try:
        metrics.queues(await waiting())
        metrics.relay(*await backlog(), await parked())
    except Exception as error:
        if is_outage(error):
            return b""
        raise
    return generate_latest(metrics.shared)
