"""Pages of other origins, which browsers let read our answers only with our leave."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge import quotas
from edge.headers import header


class Cors:
    """ASGI middleware: pages of `origins` may post to `path`, with the cookie.

    It stands around everything else, so that they can read refusals, too. Other paths see to it themselves.
    """

    def __init__(self, app: ASGIApp, path: str, origins: Sequence[str]) -> None:
        self._app = app
        self._path = path
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", *quotas.HEADERS],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope.get("path") != self._path:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and header(scope, b"origin") is None:  # no page asks
            await self._app(scope, receive, _varying(send))
        else:
            await self._open(scope, receive, send)


def _varying(send: Send) -> Send:
    """Says in the response, as for pages, that pages of other origins may get another one."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"vary", b"Origin")]}
        await send(message)

    return sending
