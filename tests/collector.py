"""Whoever collects traces: a server that takes OTLP over HTTP, as a process of an operator's would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

QUICKLY = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
"""Milliseconds after which a process sends what it has."""


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    process: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]


class Collector:
    """What has arrived so far, and every byte of it."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.bytes = b""

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            process = _attributes(resource.resource.attributes)["service.name"].removeprefix("video-creator-")
            for scope in resource.scope_spans:
                self.spans += [_seen(process, span) for span in scope.spans]
        self.bytes += body

    def of(self, trace_id: str) -> list[Seen]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def parent(self, span: Seen) -> Seen:
        (parent,) = [each for each in self.spans if each.span_id == span.parent_id]
        return parent

    def path(self, span: Seen) -> list[str]:
        """The names from the root of the trace down to the span."""
        return [*(self.path(self.parent(span)) if span.parent_id in {s.span_id for s in self.spans} else []), span.name]


def _seen(process: str, span: Any) -> Seen:
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    times = (span.start_time_unix_nano, span.end_time_unix_nano)
    return Seen(process, span.name, span.kind, *ids, *times, span.status.code == 2, _attributes(span.attributes))


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def collecting() -> Iterator[tuple[str, Collector]]:
    """A collector, and its address."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
