"""The hand-written routes as an ASGI application: `uvicorn bench.graphql.handwritten.app:create_app --factory`.

Takes `DATABASE_URL`, and with `BARE=1` leaves out the request id, the log and the metrics.
"""

import os
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.graphql.handwritten.production import Production, say
from bench.graphql.handwritten.routes import ROUTES, json_of
from models.database import is_outage


async def _keep_as_it_is(_connection: asyncpg.Connection) -> None:
    """Nothing here sets up a session, so nothing need be undone when a connection goes back to the pool."""


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    settings = {"application_name": "handwritten", "jit": "off"}
    limits = {"min_size": 1, "max_size": 10, "command_timeout": 10}
    url = os.environ["DATABASE_URL"]
    async with asyncpg.create_pool(url, **limits, server_settings=settings, reset=_keep_as_it_is) as pool:
        app.state.pool = pool
        yield


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return json_of({"errors": [{"message": error.detail}]}, status=error.status_code)


async def _failed(request: Request, error: Exception) -> Response:
    request_id = request.scope.get("request_id")
    say(event="failed", request_id=request_id, exception="".join(traceback.format_exception(error)))
    status, message = (503, "Try again.") if is_outage(error) else (500, "Something went wrong.")
    return json_of({"errors": [{"message": message, "extensions": {"requestId": request_id}}]}, status=status)


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), media_type="text/plain")


def create_app() -> Starlette:
    """The ASGI application."""
    bare = os.environ.get("BARE") == "1"
    return Starlette(
        routes=[*ROUTES, Route("/metrics", _metrics)],
        lifespan=_lifespan,
        middleware=[] if bare else [Middleware(Production)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
