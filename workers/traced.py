"""Events and jobs as parts of the traces in which they came about."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from domain.traces import Kind, Span, Tracer, within
from models import EventRecord, Job


@contextmanager
def handled(tracer: Tracer, consumer: str, events: Sequence[EventRecord]) -> Iterator[None]:
    """Goes on with the trace of each event while `consumer` handles them; what the event leads to goes on from there.

    What is done for a batch as a whole belongs to no single trace, so only of an event alone the statements are told.
    """
    spans = [span for event in events if (span := _span(tracer, consumer, event, len(events))) is not None]
    try:
        with within(spans.pop() if len(events) == len(spans) == 1 else None):
            yield
    except BaseException as error:
        for span in spans:
            span.fail(type(error).__qualname__)
        raise
    finally:
        for span in spans:
            span.end()


def _span(tracer: Tracer, consumer: str, event: EventRecord, size: int) -> Span | None:
    if event.traceparent is None:
        return None
    told: dict[str, str | int] = {
        "messaging.operation.type": "process",
        "messaging.destination.name": "events",
        "messaging.consumer.group.name": consumer,
        "messaging.message.id": str(event.id),
        "messaging.batch.message_count": size,
        "event.type": event.type,
    }
    span = tracer.begin(f"relay {consumer}", Kind.CONSUMER, told, parent=event.traceparent)
    if span is not None:
        event.traceparent = span.traceparent
    return span


def attempted(tracer: Tracer, job: Job, traceparent: str | None) -> Span | None:
    """The span of an attempt at a job: a part of what woke it, or of what it was made for."""
    told = {"job.id": str(job.id), "job.kind": job.kind.value, "job.attempt": job.attempt, "job.queue": job.queue.value}
    return tracer.begin(f"job {job.kind.value}", Kind.CONSUMER, told, parent=traceparent or job.traceparent)
