"""What every endpoint of one API process shares."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from graphql import OperationType
from starlette.types import Scope
from structlog.contextvars import get_contextvars

from domain.api_keys import looks_like_key
from domain.clock import Clock
from domain.errors import DomainError, Unavailable
from domain.idempotency import KeyReused
from domain.traces import Tracer
from domain.viewers import ANONYMOUS, NOBODY, Viewer
from edge import cookies, idempotency, negotiation
from edge.addresses import network_address
from edge.documents import Documents
from edge.headers import header
from edge.metrics import Metrics
from edge.pacing import Pacing
from edge.spending import Spending
from edge.watching import Stopwatch
from gateways.oidc import Oidc
from gateways.storage import Storage
from gateways.throttling import Metered, Throttle
from i18n import closest, translate
from live.hub import Hub
from live.presence import Presence
from models import ApiKey, Session
from models.database import DEADLOCK, OUTAGES, is_outage, transactions_within
from models.maintenance import Watch
from models.reading import Readings
from models.seen import Seen
from plan import Reader
from plan.codes import RequestCode
from plan.engine import OPERATION_SECONDS, Engine
from plan.identity import Identity
from plan.requests import Answer, Operation
from resolvers import accounts, api_keys
from resolvers.caller import Caller, Holder, Rules
from resolvers.idempotency import Once
from schema.context import Context

log = structlog.get_logger("edge.services")


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, when the process starts."""

    engine: Engine
    documents: Documents
    readings: Readings
    hub: Hub
    storage: Storage
    throttle: Throttle
    presence: Presence
    spending: Spending
    watch: Stopwatch
    tracer: Tracer
    pacing: Pacing
    sessions_seen: Seen
    clock: Clock
    rules: Rules
    oidc: Oidc
    metrics: Metrics
    keys_seen: Seen
    maintenance: Watch
    public_url: str
    app_url: str
    """Where people use the product."""
    allowed_origins: tuple[str, ...]
    development: bool
    ready_checks: dict[str, Callable[[], Any]]

    def once(self, operation: Operation, header: bytes | None = None) -> Once | None:
        """See `edge.idempotency.once`."""
        return idempotency.once(operation, header, self.engine.schema, self.rules.keys)

    def context(self, caller: Caller, once: Once | None = None, request_id: str | None = None) -> Context:
        """A fresh context: made for every operation, and for every event of a subscription."""
        return Context(
            caller=caller,
            reader=Reader(caller.viewer, self.readings.fetch),
            fetch=self.readings.fetch,
            request_id=request_id or get_contextvars().get("request_id", "-"),
            observe=self.metrics.mutation,
            once=once,
        )

    async def run(
        self, operation: Operation, context: Context, root: Any = None, *, fresh: bool = True, **way: bool
    ) -> Answer:
        """Executes the operation. What a query or an event reads is as of one moment.

        A mutation's payload is read when its change is done, as of then: each of several sees its own. What need not be
        `fresh` may come from the replica; where that fails, all of it is read again from the primary. `way` is
        the engine's.
        """
        if operation.kind is OperationType.MUTATION:
            try:
                with transactions_within(OPERATION_SECONDS):
                    return await self.engine.run(operation, context, root, **way)
            finally:
                await self.has_written(context.caller.viewer, context.caller.api_key_id)
        context.fetch = partial(self.readings.fetch, fresh=fresh)
        async with (snapshot := self.readings.snapshot(fresh=fresh)) as fetch:
            context.reader = Reader(context.caller.viewer, fetch)
            found = await self.engine.run(operation, context, root, **way)
        if snapshot.failed and self.readings.gave_up(snapshot):
            return await self.run(operation, context, root, **way)
        return found

    async def has_written(self, viewer: Viewer, api_key_id: UUID | None = None) -> None:
        """Lets the viewer, or their key, read from the replica again when that has what they have written."""
        if self.readings.replica is None:
            return
        try:
            await (ApiKey.has_written(api_key_id) if api_key_id else accounts.has_written(viewer))
        except OUTAGES as error:  # the change is made, and must be answered
            log.warning("writing was not noted", error=repr(error))

    async def caller(
        self, scope: Scope, token: str | None, once: Once | None = None, language: str | None = None
    ) -> Caller:
        """Who is behind a connection that showed `token`; `once` is told along with it what was done before.

        Who has chosen no language of ours asks for it by `language`, see `edge.negotiation.asked`.
        """
        return self._as(scope, await self._holder(token, once), language)

    def stranger(self, scope: Scope) -> Caller:
        """Whoever is behind a connection, as nobody."""
        return self._as(scope, Holder())

    async def reader(self, scope: Scope) -> Caller:
        """Whoever is behind a connection, as nobody, in the language of who is signed in there: for a page of ours."""
        if (token := cookies.session(scope)) is None:
            return self.stranger(scope)
        known = await self.caller(scope, token)
        return self.stranger(scope)._replace(locale=known.locale)

    async def _holder(self, token: str | None, once: Once | None = None) -> Holder:
        now = self.clock()
        fetch = self.readings.fetch if once is None else once.looking(self.readings.fetch, now)
        if token is not None and looks_like_key(token):
            return await api_keys.holder_of(fetch, token, now)
        return await accounts.viewer_of(fetch, token, now)

    def _as(self, scope: Scope, holder: Holder, language: str | None = None) -> Caller:
        asked = negotiation.asked(scope, language)
        return Caller(
            viewer=holder.viewer,
            written=holder.written,
            expires_at=holder.expires_at,
            scopes=holder.scopes,
            api_key_id=holder.api_key_id,
            locale=closest(holder.locale) or asked,
            asked_locale=asked,
            clock=self.clock,
            storage=self.storage,
            throttle=Metered(self.throttle),
            presence=self.presence,
            rules=self.rules,
            device=header(scope, b"user-agent") or "",
            address=network_address((scope.get("client") or ("",))[0]),
            device_token=cookies.device(scope),
        )

    def identity(self, hashed: str) -> Identity:
        """How to find out, along with what is read for them, who holds the token whose hash this is."""
        return Identity(Session.HOLDER, (hashed, self.clock()), ANONYMOUS, besides=("locale",))

    async def still(self, caller: Caller, token: str | None, once: Once | None = None) -> Caller:
        """The same caller with today's rights, in the language that they have chosen by now.

        Signed out meanwhile, or their key revoked, they are nobody.
        """
        known = (await self._holder(token, once))._asdict()
        held = caller._replace(**known | {"locale": closest(known["locale"]) or caller.asked_locale})
        self.note(held)
        return held

    def note(self, caller: Caller) -> None:
        """The caller has asked for something."""
        if caller.api_key_id is not None:
            self.keys_seen.note(caller.api_key_id, self.clock())
        elif caller.viewer.session_id != NOBODY:
            self.sessions_seen.note(caller.viewer.session_id, self.clock())

    def trusts(self, origin: str | None) -> bool:
        """Whether web pages of `origin` may use the cookie: ours, and those that the operator named."""
        return origin is not None and origin in (origin_of(self.public_url), *self.allowed_origins)


_FAULTS = {RequestCode.TIMEOUT: "problem.timeout", RequestCode.INTERNAL: "problem.internal"}


def bearer(header: str | None) -> str | None:
    """The token in an `Authorization: Bearer …` header."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write an Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def words(code: RequestCode, context: Context, **about: Any) -> str:
    """See `plan.engine.Words`."""
    return translate(context.caller.locale, _FAULTS[code], **about)


def describe(error: Exception, context: Context) -> dict[str, Any] | None:
    """A domain error in a query or subscription, for the client; None for what must be masked."""
    if is_outage(error) or isinstance(error, DEADLOCK):
        log.warning("unavailable", error=repr(error))
        error = Unavailable()
    if isinstance(error, KeyReused):  # the whole request is refused for it: see `edge.idempotency.settled`
        return {}
    if not isinstance(error, DomainError):
        return None
    message = translate(context.caller.locale, error.message, **error.params)
    return {"message": message, "extensions": {"code": error.code}}
