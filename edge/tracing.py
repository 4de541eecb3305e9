"""A span for each HTTP request, where requests are traced."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.traces import Kind, Span, Tracer, within
from edge.headers import header
from edge.requests import route_of

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
"""What a span may be called by."""
UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for all the time, by machines."""


class Traced:
    """ASGI middleware: goes on with the trace that the client names in `traceparent`, or begins one.

    It stands around the log, so that its line names the trace. The address asked for is not told, which may hold ids
    and signatures, only its route; nor is who asks.
    """

    def __init__(self, app: ASGIApp, tracer: Callable[[], Tracer]) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        with within(self._begun(scope)) as span:
            await self._app(scope, receive, send if span is None else _watched(span, scope, send))

    def _begun(self, scope: Scope) -> Span | None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            return None
        told = {"http.request.method": _method(scope), "url.scheme": scope["scheme"]}
        parent = header(scope, b"traceparent")
        return self._tracer().begin(_method(scope), Kind.SERVER, told, parent=parent, stranger=True)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in METHODS else "_OTHER"


def _watched(span: Span, scope: Scope, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            route, status = route_of(scope), message["status"]
            span.rename(f"{_method(scope)} {route}")
            span.note({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                span.fail(str(status))
        await send(message)

    return sending
