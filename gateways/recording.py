"""Spans by OpenTelemetry's SDK, sent by OTLP over HTTP. Imported only where there is an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from random import random

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import Span as Otel

from domain.traces import Attributes, Kind, Parent, Span

log = structlog.get_logger("gateways.traces")
QUEUE = 2048
"""Spans that wait to be sent; what is more is dropped."""
SEND_SECONDS = 5
"""For one batch, tries included, before it is dropped."""
_PATH = "/v1/traces"
_KINDS = {kind: SpanKind[kind.name] for kind in Kind}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def provider_for(endpoint: str, process: str) -> TracerProvider:
    """What makes spans and sends them: in batches, from a thread, so that nobody waits for a collector."""
    resource = Resource.create({"service.name": f"video-creator-{process}", "service.namespace": "video-creator"})
    provider = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)  # `Recording` chooses
    exporter = Patient(OTLPSpanExporter(endpoint.rstrip("/") + _PATH, timeout=SEND_SECONDS))
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE))
    return provider


class Patient(SpanExporter):
    """Says once that nobody takes the spans, and once that somebody does again; they are dropped meanwhile."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`."""
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            log.warning("traces.away", dropped=len(spans))
        elif self._away and not away:
            log.info("traces.back")
        self._away = away
        return result

    def shutdown(self) -> None:
        """See `SpanExporter`."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See `SpanExporter`."""
        return self._exporter.force_flush(timeout_millis)


class Recording:
    """A `domain.traces.Tracer`.

    A stranger's trace is gone on with, so that theirs and ours are one, but whether it is recorded is drawn anew, by
    chance and not by its id, which they choose as they like. They are believed only that it is not.
    """

    def __init__(self, provider: TracerProvider, ratio: float) -> None:
        self._tracer = provider.get_tracer("video-creator")
        self._ratio = ratio

    def begin(
        self, name: str, kind: Kind, attributes: Attributes, *, parent: object = None, stranger: bool = False
    ) -> Span | None:
        """See `Tracer`."""
        before = Parent.parse(parent)
        if before is not None and not before.sampled:
            return None
        if (before is None or stranger) and random() >= self._ratio:  # noqa: S311 - no secret hangs on it
            return None
        return _Recorded(self._tracer, _under(before), name, kind, attributes)


class _Recorded:
    """A `domain.traces.Span` that will be sent."""

    __slots__ = ("_span", "_tracer")

    def __init__(self, tracer: Tracer, context: Context, name: str, kind: Kind, attributes: Attributes) -> None:
        self._tracer = tracer
        self._span = tracer.start_span(name, context, _KINDS[kind], attributes)

    @property
    def trace_id(self) -> str:
        return f"{self._span.get_span_context().trace_id:032x}"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self._span.get_span_context().span_id:016x}-01"

    def part(self, name: str, kind: Kind, attributes: Attributes) -> Span:
        return _Recorded(self._tracer, _below(self._span), name, kind, attributes)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def fail(self, error: str) -> None:
        self._span.set_attribute("error.type", error)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()


def _under(parent: Parent | None) -> Context:
    if parent is None:
        return Context()
    there = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=_SAMPLED)
    return _below(NonRecordingSpan(there))


def _below(span: Otel) -> Context:
    return set_span_in_context(span, Context())
