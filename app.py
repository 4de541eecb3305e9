"""The API process: `python -m uvicorn app:create_app --factory`."""

import asyncio
import gc
import resource
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.clock import utc_now
from domain.events import RIGHTS
from domain.ids import new_id
from domain.sealing import Keys
from domain.traces import Tracer, Untraced
from edge import (
    bundles,
    elsewhere,
    graphql,
    health,
    hooks,
    invitation,
    mailbox,
    maintenance,
    pages,
    recovery,
    unsubscribe,
    welcome,
)
from edge.cors import Cors
from edge.documents import Documents
from edge.event_pages import EventPages
from edge.graphiql import Graphiql
from edge.guests import end_lost_sessions, sweep_lost_sessions
from edge.history import EventHistory
from edge.metrics import Metrics, metrics_endpoint
from edge.operations import SocketOperations
from edge.pacing import Pacing
from edge.precautions import precautions
from edge.refusals import refused
from edge.requests import Requests
from edge.reviews import Reviews
from edge.rights import Rights
from edge.services import Services, describe, words
from edge.spending import Spending
from edge.tracing import Traced
from edge.watching import Stopwatch, telling
from gateways import logs
from gateways.budgets import Budgets
from gateways.documents import SharedDocuments
from gateways.mail.mailbox import Mailbox
from gateways.mail.opening import mailbox_folder
from gateways.oidc import Oidc, OidcProvider
from gateways.storage import Storage, open_storage, storage_routes
from gateways.throttling import LimitsThrottle
from gateways.traces import open_traces
from live.hub import Hub
from live.presence import Presence
from live.rooms import Rooms
from live.transport import Transport
from models.database import closed_when, database, raw_connection, require_database
from models.events import newest_position
from models.maintenance import Watch
from models.reading import Readings
from models.seen import Seen
from plan import manifest
from plan.engine import Engine
from resolvers.caller import Elsewhere, Rules
from schema.root import build_schema
from settings import Settings, load

GRAPHQL, METHODS = "/graphql", ("POST", "GET", "HEAD")
Serve = Callable[[Request, Services], Any]
"""An endpoint that uses the services of the process."""


class Api:
    """The process: its services while it runs, and the endpoints that use them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._storage: dict[str, Any] = {
            "url": settings.storage_url,
            "public_url": settings.public_url,
            "secret": settings.secret_key.get_secret_value(),
            "clock": utc_now,
        }
        self._keys = Keys(settings.secret_key.get_secret_value())
        self._development = settings.environment == "development"
        self.metrics = Metrics()
        self.graphiql = Graphiql(settings.public_url) if self._development else None
        self.tracer: Tracer = Untraced()
        self.services: Services
        self.transport: Transport[Any]
        self.rooms: Rooms[Any]

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Opens everything before the first request; at the end sends the clients elsewhere, then closes it."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            endpoint, ratio = settings.otel_exporter_otlp_endpoint, settings.traces_ratio
            self.tracer = stack.enter_context(open_traces(endpoint, process="api", ratio=ratio))
            await stack.enter_async_context(_database(settings))
            await require_database()
            readings = await stack.enter_async_context(_readings(settings))
            storage = await stack.enter_async_context(open_storage(**self._storage))
            redis: Redis = Redis.from_url(settings.redis_url)
            stack.push_async_callback(redis.aclose)
            hub = Hub(settings.redis_url)
            await hub.start(newest_position)
            stack.push_async_callback(hub.stop)
            throttle = LimitsThrottle(settings.redis_url, self._keys)
            stack.push_async_callback(throttle.close)
            budgets = Budgets(redis, self._keys, settings.nodes_per_minute)
            await stack.enter_async_context(budgets.told())
            presence = Presence(redis, new_id().hex)
            await stack.enter_async_context(presence.kept())
            self.services = self._assembled(readings, storage, hub, redis, throttle, budgets, presence)
            self.rooms = Rooms(hub, EventHistory())
            rights, reviews = Rights(self.rooms), Reviews(self.services, self.rooms)
            await stack.enter_async_context(hub.watch(RIGHTS, rights.hear))
            self.transport = Transport(SocketOperations(self.services, rights, reviews))
            hub.turned = lambda: self.transport.tell_live(is_live=hub.connected)
            for kept in (self.services.sessions_seen, self.services.keys_seen, self.services.maintenance):
                await stack.enter_async_context(kept.kept())
            stack.enter_context(closed_when(lambda: self.services.maintenance.notice is not None))
            stack.push_async_callback(self.transport.drain)
            end_sessions = partial(end_lost_sessions, self.transport, self.services)
            watches = (
                rights.follow(end_sessions),
                reviews.keep_looking(),
                sweep_lost_sessions(self.transport, self.services),
            )
            for watch in watches:
                stack.callback(asyncio.create_task(watch).cancel)
            _settle_memory()
            _open_many()
            yield

    def routes(self) -> list[BaseRoute]:
        """Every address that the process answers."""
        settings = self._settings
        return [
            Route(GRAPHQL, _Operations(self), methods=METHODS),
            WebSocketRoute(GRAPHQL, _Sockets(self)),
            *self._page("/welcome", welcome.ask, welcome.confirm),
            *self._page("/reset-password", recovery.ask_password, recovery.set_password),
            *self._page("/confirm-email", recovery.ask_agreement, recovery.agree),
            *self._page("/invitation", invitation.ask, invitation.answer),
            *self._page("/unsubscribe", unsubscribe.ask, unsubscribe.end),
            Route(
                "/sign-in/code",
                self._changing(elsewhere.take_code),
                methods=["POST"],
                max_body_size=pages.MOST_BYTES,
            ),
            Route("/sign-in/{provider}", self._changing(elsewhere.leave), methods=["GET"]),
            Route("/sign-in/{provider}/callback", self._changing(elsewhere.come_back), methods=["GET"]),
            *hooks.routes(lambda: self.services),
            bundles.ROUTE,
            *EventPages(settings.public_url, settings.app_url or settings.public_url).routes(),
            Route("/healthz", health.healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", metrics_endpoint(self.metrics, self._look)),
            *storage_routes(**self._storage, allowed_origins=settings.allowed_origins),
            *self._mailbox_routes(),
            *(self.graphiql.routes() if self.graphiql else ()),
        ]

    def _assembled(
        self,
        readings: Readings,
        storage: Storage,
        hub: Hub,
        redis: "Redis",
        throttle: LimitsThrottle,
        budgets: Budgets,
        presence: Presence,
    ) -> Services:
        settings = self._settings
        engine = Engine(
            build_schema(),
            describe,
            planning=settings.plan,
            explaining=self._development,
            exploring=settings.exploring,
            observe=telling(self.metrics.planned),
            words=words,
        )
        registered = manifest.read(settings.operations_file.read_bytes())
        only = settings.documents == "registered"
        return Services(
            engine=engine,
            documents=Documents(engine, registered, SharedDocuments(redis), only=only),
            readings=readings,
            hub=hub,
            storage=storage,
            throttle=throttle,
            presence=presence,
            spending=Spending(budgets),
            watch=Stopwatch(engine.schema, settings.slow_operation_ms),
            tracer=self.tracer,
            pacing=Pacing(kept=settings.turns),
            sessions_seen=Seen("sessions", "seen_at"),
            clock=utc_now,
            rules=Rules(
                session=timedelta(days=settings.session_days),
                link=timedelta(seconds=settings.link_seconds),
                upload_time=timedelta(hours=settings.upload_hours),
                upload_max_bytes=settings.upload_max_bytes,
                upload_part_bytes=settings.upload_part_bytes,
                keys=self._keys,
                app_url=settings.app_url or settings.public_url,
                api_url=settings.public_url,
                webhook_ports=settings.webhook_ports,
                webhook_loopback=settings.webhooks_to_itself,
                comments_per_minute=settings.comments_per_minute,
                elsewhere=[
                    Elsewhere(each.key, each.name, f"{settings.public_url}/sign-in/{each.key}")
                    for each in settings.oidc_providers
                ],
            ),
            metrics=self.metrics,
            keys_seen=Seen("api_keys", "used_at"),
            maintenance=Watch(always=settings.maintenance),
            public_url=settings.public_url,
            app_url=settings.app_url or settings.public_url,
            oidc=Oidc(_providers(settings), settings.public_url),
            allowed_origins=settings.allowed_origins,
            development=self._development,
            ready_checks={"database": _database_answers, "redis": redis.ping, "storage": storage.check},
        )

    def _page(self, path: str, ask: Serve, act: Serve) -> list[Route]:
        """A page with a form, and what the form is sent to."""
        return [
            Route(path, self._changing(ask), methods=["GET"]),
            Route(path, self._changing(act), methods=["POST"], max_body_size=pages.MOST_BYTES),
        ]

    def _changing(self, serve: Serve) -> Callable[[Request], Any]:
        """A page that leads to a change: closed while nothing can be changed."""

        async def endpoint(request: Request) -> Response:
            response: Response = maintenance.page(request, self.services) or await serve(request, self.services)
            return response

        return endpoint

    def _mailbox_routes(self) -> list[BaseRoute]:
        folder = mailbox_folder(self._settings.smtp_url) if self._development else None
        return mailbox.routes(Mailbox(folder)) if folder else []

    async def _readyz(self, _request: Request) -> Response:
        on = self.services.maintenance.notice is not None
        return await health.readiness(self.services.ready_checks, maintenance=on)

    def _look(self) -> None:
        self.metrics.sockets(self.transport.open_sockets, self.transport.open_operations)
        self.metrics.rooms(self.rooms, self.transport.closed_as_too_slow)
        self.metrics.maintenance(on=self.services.maintenance.notice is not None)
        if self.services.readings.replica is not None:
            self.metrics.replica(self.services.readings.replica)


class _Operations:
    """The HTTP endpoint, as an ASGI application: what Starlette wraps a function in takes as long as a small answer."""

    path = GRAPHQL
    """What the log and the figures call it."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope.setdefault("route", self)
        graphiql = self._api.graphiql
        if graphiql is not None and graphiql.is_wanted(scope):
            response = graphiql.page()
        else:
            response = await graphql.serve(scope, receive, self._api.services)
        await response(scope, receive, send)


class _Sockets:
    """The websocket endpoint, as an ASGI application (Starlette would wrap a function)."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket."""
        await self._api.transport(scope, receive, send)


class _Front:
    """Operations and sockets go straight to their endpoint, with the middlewares around it; all else goes by Starlette.

    Its routing and its handlers of exceptions, of which these have no use, take as long as a small answer, and for as
    long as a socket is open some kilobytes.
    """

    def __init__(self, api: Api, middlewares: Sequence[Middleware], others: ASGIApp) -> None:
        self._others = others
        self._operations: ASGIApp = _Operations(api)
        self._sockets: ASGIApp = _Sockets(api)
        for middleware in reversed(middlewares):
            self._operations = middleware.cls(self._operations, *middleware.args, **middleware.kwargs)
            self._sockets = middleware.cls(self._sockets, *middleware.args, **middleware.kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket, or the lifespan."""
        if scope["type"] == "http" and scope["path"] == GRAPHQL and scope["method"] in METHODS:
            await self._operations(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == GRAPHQL:
            await self._sockets(scope, receive, send)
        else:
            await self._others(scope, receive, send)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI application, with settings from the environment unless given."""
    settings = settings or load()
    logs.configure(settings.log_level, people=settings.environment == "development")
    api = Api(settings)
    always = precautions(settings.public_url)
    middlewares = [
        Middleware(Cors, path=GRAPHQL, origins=settings.allowed_origins, always=always),
        Middleware(Requests, observe=api.metrics.request, always=always),
    ]
    if settings.otel_exporter_otlp_endpoint is not None:
        middlewares.insert(1, Middleware(Traced, tracer=lambda: api.tracer))
    others = Starlette(
        routes=api.routes(),
        lifespan=api.lifespan,
        middleware=middlewares,
        exception_handlers={HTTPException: refused},
    )
    # To where it would lead is what the request says of the host, whoever wrote that.
    others.router.redirect_slashes = False
    return _Front(api, middlewares, others)


def _providers(settings: Settings) -> list[OidcProvider]:
    return [
        OidcProvider(each.key, each.name, each.issuer, each.client_id, each.client_secret.get_secret_value())
        for each in settings.oidc_providers
    ]


def _settle_memory() -> None:
    """What is there by now stays: to look through it again and again would stop every request for tens of ms.

    Answers make thousands of objects and drop them together: looking for rings after each 700 took a tenth of the time.
    After 20,000 there were as many to be dropped in one go, and everybody waited for 100 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 40, 5)


def _open_many() -> None:
    """As many connections as the machine allows: what is granted at first, often 1,024, silent sockets soon hold."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _database(settings: Settings) -> AbstractAsyncContextManager[None]:
    pooler = settings.database_pooler == "transaction"
    return database(settings.database_url, connections=settings.database_connections, pooler=pooler)


def _readings(settings: Settings) -> Readings:
    return Readings(
        settings.database_url,
        connections=settings.database_read_connections,
        pooler=settings.database_pooler == "transaction",
        replica_url=settings.database_replica_url,
    )


async def _database_answers() -> None:
    async with raw_connection() as connection:
        await connection.fetchval("SELECT 1")
