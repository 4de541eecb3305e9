"""What a server in production has around its requests: an id, a line in the log, a figure for Prometheus."""

import re
import sys
from time import perf_counter

import orjson
from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.clock import utc_now
from domain.ids import new_id

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_requests = Histogram("http_request_seconds", "Time to answer HTTP requests.", ["route", "status"], buckets=_SECONDS)


def say(**what: object) -> None:
    """A line in the log."""
    sys.stderr.buffer.write(orjson.dumps({"timestamp": utc_now(), **what}) + b"\n")
    sys.stderr.buffer.flush()


class Production:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = scope["request_id"] = given if _GIVEN.fullmatch(given) else str(new_id())
        began, status = perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = perf_counter() - began
            route = getattr(scope.get("route"), "path", "unknown")
            _requests.labels(route, str(status)).observe(seconds)
            ms = round(seconds * 1000, 1)
            say(event="request", request_id=request_id, method=scope["method"], route=route, status=status, ms=ms)
