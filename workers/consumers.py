"""Who cares about events: each consumer is a function over a batch of them, declared here or beside its noun."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from arq.connections import ArqRedis

from domain.clock import Clock
from domain.events import EVENT_TYPES, RIGHTS, Event, JobCancelled, JobFailed, JobQueued
from domain.jobs import JobKind, JobState
from domain.traces import Tracer, Untraced
from live.message import Message
from live.publish import publish_batch
from models import AuditEntry, EventRecord, Job, Upload
from workers.wakes import wake


@dataclass(frozen=True, slots=True)
class Tools:
    """What a consumer may need besides the database."""

    redis: ArqRedis
    clock: Clock
    app_url: str = "http://localhost"
    """Where people use the product."""
    api_url: str = "http://localhost"
    """Where programs do."""
    tracer: Tracer = field(default_factory=Untraced)


Handler = Callable[[Sequence[EventRecord], Tools], Awaitable[None]]
Filter = Callable[[EventRecord], bool]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A name (its cursor's), what it does, for which events (types; None: all), and how."""

    name: str
    handle: Handler
    types: frozenset[str] | None
    in_transaction: bool
    at_once: bool = False
    only: Filter | None = None

    def wants(self, event: EventRecord) -> bool:
        """Whether the event is for this consumer."""
        return (self.types is None or event.type in self.types) and (self.only is None or self.only(event))


CONSUMERS: dict[str, Consumer] = {}


def consumer(
    name: str,
    *events: type[Event],
    in_transaction: bool = False,
    at_once: bool = False,
    only: Filter | None = None,
) -> Callable[[Handler], Handler]:
    """Declares the consumer `name` of these events; without any, of all; of those for which `only` holds, if given.

    It gets events in order, in batches, each at least once: an effect outside of the database must be one that may
    happen twice. With `in_transaction` its writes and its cursor are one commit; it must then do nothing else. What it
    does not want costs nothing, so it should want no more than it needs.

    `at_once` is for what somebody waits for; the others begin a moment later, when that has been seen to.

    What it raises is tried again, with all that follows waiting behind it, most of a second until the event is parked:
    it should pass over what no second try can mend.
    """

    def register(handle: Handler) -> Handler:
        if name in CONSUMERS:
            raise TypeError(f"two consumers are called {name}")
        types = frozenset(event.type for event in events) or None
        CONSUMERS[name] = Consumer(name, handle, types, in_transaction, at_once, only)
        return handle

    return register


@consumer("live", at_once=True)
async def publish_live(events: Sequence[EventRecord], tools: Tools) -> None:
    """Tells every API process what happened; clients drop what they hear twice."""
    batch = ((_topics(event), _message(event)) for event in events)
    await publish_batch(tools.redis, batch)


def _message(event: EventRecord) -> Message:
    return Message(event.body(), event.position, str(event.id), event.traceparent)


def _topics(event: EventRecord) -> list[str]:
    kind = EVENT_TYPES.get(
        event.type
    )  # None for an event of a newer release, which runs beside us during a change-over
    # The rights first: whoever loses one is held before anything of this event, or of a later one, is told.
    return [RIGHTS, *event.subjects] if kind is not None and kind.revokes else event.subjects


def _somebody_did_it(event: EventRecord) -> bool:
    return event.actor_id is not None


@consumer("audit", in_transaction=True, only=_somebody_did_it)
async def keep_audit_log(events: Sequence[EventRecord], tools: Tools) -> None:
    """What people have done, in a team or to their account, is kept for who answers for it."""
    del tools
    await AuditEntry.keep([event.id for event in events])


@consumer("jobs", JobQueued, at_once=True)
async def wake_workers(events: Sequence[EventRecord], tools: Tools) -> None:
    """Wakes a worker for each job that still waits."""
    waiting = Job.filter(id__in=_job_ids(events), state=JobState.QUEUED)
    traced = {event.payload["job_id"]: event.traceparent for event in events}
    for job in await waiting.order_by("available_at"):
        await wake(tools.redis, job, traced[str(job.id)])


@consumer("clean-up", JobFailed, JobCancelled, in_transaction=True)
async def discard_failed_uploads(events: Sequence[EventRecord], tools: Tools) -> None:
    """What was uploaded for an ingest that came to nothing is thrown away."""
    # Uploads know their job; what a job says of its upload may be wrong. Many such jobs in a row, each tried again and
    # parked in the end, once kept the clean-up from everybody's files for minutes.
    for upload in await Upload.filter(job_id__in=_job_ids(events)).only("id"):
        await Job.enqueue(JobKind.DISCARD_UPLOAD, tools.clock(), payload={"upload_id": str(upload.id)})


def _job_ids(events: Sequence[EventRecord]) -> list[UUID]:
    return [UUID(event.payload["job_id"]) for event in events]
