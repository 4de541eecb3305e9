"""Around every request: an id that follows it into the logs and the workers, a line in the log, a figure."""

import re
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, bound_contextvars, reset_contextvars

from domain.ids import new_label
from edge.headers import besides, header
from edge.precautions import Precautions, lacking
from edge.refusals import failed, unavailable
from gateways.logs import Plainly
from models.database import is_outage

REQUEST_ID = "edge.request_id"
"""In the scope of every request and socket."""
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
log, lines = structlog.get_logger("edge.requests"), Plainly("edge.requests")
Observe = Callable[[str, int, float], None]


class Requests:
    """ASGI middleware: takes over a client's `X-Request-ID` or makes one, and answers with it, and with precautions.

    What the application cannot start without is one sentence in the log, not a traceback.
    """

    def __init__(self, app: ASGIApp, observe: Observe, always: Precautions) -> None:
        self._app = app
        self._observe = observe
        self._always = always

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request or socket."""
        if scope["type"] == "lifespan":
            return self._app(scope, receive, _briefly(send))
        given = header(scope, b"x-request-id") or ""
        scope[REQUEST_ID] = request_id = given if _ID.fullmatch(given) else new_label()
        if scope["type"] == "http":
            return self._serve(scope, receive, send, request_id)
        return self._open(scope, receive, send, request_id)

    async def _open(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        with bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began, status = perf_counter(), 0
        bound = bind_contextvars(request_id=request_id)

        def sending(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message["headers"]
                more = (b"x-request-id", request_id.encode()), *lacking(given, self._always), *besides(scope)
                message = {**message, "headers": [*given, *more]}
            return send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:  # nobody hears what we would say
            status = status or 408
        except Exception as error:  # whatever it was, the client is told under the id with which the log has all of it
            log.warning("unavailable", error=repr(error)) if is_outage(error) else log.exception("request failed")
            if status:
                raise  # too late to tell: the line breaks
            answer = unavailable(scope) if is_outage(error) else failed(scope, request_id)
            await answer(scope, receive, sending)
        finally:
            seconds = perf_counter() - began
            route = route_of(scope)
            self._observe(route, status, seconds)
            ms = round(seconds * 10_000) / 10  # to round to a decimal takes five times as long
            lines.info("request", request_id=request_id, method=scope["method"], route=route, status=status, ms=ms)
            reset_contextvars(**bound)


def _briefly(send: Send) -> Send:
    async def sending(message: Message) -> None:
        error = sys.exception()  # Starlette tells of a failed start while it handles what was raised
        if message["type"] == "lifespan.startup.failed" and isinstance(error, (OSError, ValueError)):
            log.debug("start failed", exc_info=error)
            message = {**message, "message": f"The API cannot start: {error}"}
        await send(message)

    return sending


def route_of(scope: Scope) -> str:
    """The route's own path, never the one asked for: that may hold ids and signatures."""
    route = scope.get("route")
    mounted = scope.get("root_path", "")
    return getattr(route, "path", None) or mounted or "unknown"
