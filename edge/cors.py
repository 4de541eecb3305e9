"""Pages of other origins, which browsers let read our answers only with our leave."""

from collections.abc import Awaitable, Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge import quotas
from edge.asking import UNFORGED
from edge.codes import AddressCode
from edge.headers import header, say_besides
from edge.precautions import Precautions, lacking
from edge.refusals import refusal

_VARY = (b"vary", b"Origin")


class Cors:
    """ASGI middleware: pages of `origins` may ask at `path`, with the cookie.

    It stands around everything else, so that they can read refusals, too. Other paths see to it themselves.
    """

    def __init__(self, app: ASGIApp, path: str, origins: Sequence[str], always: Precautions) -> None:
        self._app = app
        self._path = path
        self._always = always
        self._open = _Pages(
            app,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-None-Match",
                "Traceparent",
                "Tracestate",
                "X-Request-ID",
                *(name.decode() for name in UNFORGED),
            ],
            expose_headers=["ETag", "X-Request-ID", *quotas.HEADERS],
        )

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request or socket."""
        if scope.get("path") != self._path:
            return self._app(scope, receive, send)
        if scope["type"] == "http" and header(scope, b"origin") is None:  # no page asks: it might get another response
            say_besides(scope, _VARY)
            return self._app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] == "OPTIONS":  # may be answered here, with nothing around it
            return self._open(scope, receive, _with(self._always, send))
        return self._open(scope, receive, send)


class _Pages(CORSMiddleware):
    """Starlette's; it refuses in the form in which everything here is refused."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to what browsers ask before a page may send its request."""
        response = super().preflight_response(request_headers)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        allowed = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        said = bytes(response.body).decode()
        return refusal(response.status_code, f"{said}.", headers=allowed, code=AddressCode.BAD_REQUEST)


def _with(always: Precautions, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = message["headers"]
            message = {**message, "headers": [*given, *lacking(given, always)]}
        await send(message)

    return sending
