"""Figures for Prometheus: `/metrics`."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import OperationType
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from edge.figures import Counts, Times
from live.rooms import Rooms
from models.database import is_outage
from models.events import backlog, parked
from models.jobs import waiting
from models.replica import Replica

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one API process, and those of the database that every process sees alike."""

    def __init__(self) -> None:
        self.registry, self.shared = CollectorRegistry(), CollectorRegistry()
        self._requests = Times(
            "http_request_seconds", "Time to answer HTTP requests.", ["route", "status"], self.registry
        )
        self._operations = Times(
            "graphql_operation_seconds",
            "Time to execute operations, by kind and first root field.",
            ["kind", "field"],
            self.registry,
        )
        self._planned = Counts(
            "graphql_operations_planned",
            "Operations by kind and by how they were run: `planned`, or why they were not.",
            ["kind", "how"],
            self.registry,
        )
        self._mutations = Times(
            "resolver_seconds", "Time that the use-case behind a mutation took.", ["field"], self.registry
        )
        self._replica = {
            name: Gauge(name, text, ["server"], registry=self.registry)
            for name, text in (
                ("database_fit", "Whether queries may be read there: 1, or 0."),
                ("database_lag_seconds", "How long it has not reached where the primary was."),
                ("database_lag_bytes", "How much of the primary's log it had not replayed when last seen."),
            )
        }
        self._reads = Counter(
            "graphql_reads",
            "Queries where there is a replica, by the server read from.",
            ["server"],
            registry=self.registry,
        )
        self._totals = {
            name: Counter(name, text, registry=self.registry)
            for name, text in (
                ("live_executions", "Events that were executed for those who follow something."),
                ("live_deliveries", "Events that somebody was told, each time, however many shared an execution."),
                ("websockets_closed_as_too_slow", "Sockets whose clients did not read as fast as they were told."),
            )
        }
        self._reached = dict.fromkeys(self._totals, 0)
        self._gauges = {
            name: Gauge(name, text, registry=self.registry)
            for name, text in (
                ("websockets_open", "Sockets connected to this process."),
                ("websocket_operations_open", "Operations running over them."),
                ("live_rooms", "Rooms: what is followed, by whoever is told the same of it."),
                ("live_subscribers", "Subscriptions that sit in them."),
                ("maintenance", "Whether changes are refused, because the operator is at work: 1, or 0."),
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
        self._requests.add(seconds, route, status)

    def operation(self, kind: str, field: str, seconds: float) -> None:
        """An operation was executed."""
        self._operations.add(seconds, kind, field)

    def planned(self, kind: OperationType, how: str) -> None:
        """An operation was run by its plan (`planned`), or was not, for the reason `how`."""
        self._planned.add(kind.value, how)

    def mutation(self, field: str, seconds: float) -> None:
        """A mutation's use-case ran."""
        self._mutations.add(seconds, field)

    def sockets(self, sockets: int, operations: int) -> None:
        """What is connected at this moment."""
        self._gauges["websockets_open"].set(sockets)
        self._gauges["websocket_operations_open"].set(operations)

    def rooms(self, rooms: Rooms[Any], closed_as_too_slow: int) -> None:
        """Who is told what at this moment, and what that has taken so far."""
        self._gauges["live_rooms"].set(len(rooms))
        self._gauges["live_subscribers"].set(len(rooms.seats))
        figures = rooms.figures
        self._reach("live_executions", figures.executions)
        self._reach("live_deliveries", figures.deliveries)
        self._reach("websockets_closed_as_too_slow", closed_as_too_slow)

    def _reach(self, name: str, total: int) -> None:
        self._totals[name].inc(total - self._reached[name])
        self._reached[name] = total

    def maintenance(self, *, on: bool) -> None:
        """Whether changes are refused at this moment."""
        self._gauges["maintenance"].set(on)

    def read(self, server: str) -> None:
        """A query is read from the `primary` or the `replica`."""
        self._reads.labels(server).inc()

    def replica(self, replica: Replica) -> None:
        """How far the replica is behind at this moment."""
        figures = {
            "database_fit": replica.fit,
            "database_lag_seconds": replica.lag_seconds,
            "database_lag_bytes": replica.lag_bytes,
        }
        for name, figure in figures.items():
            self._replica[name].labels("replica").set(figure)

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


def metrics_endpoint(metrics: Metrics, look: Callable[[], None]) -> Callable[[Request], object]:
    """The endpoint of `/metrics`; `look` sets the figures of this moment."""

    async def endpoint(_request: Request) -> Response:
        look()
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
