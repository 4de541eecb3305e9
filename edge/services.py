"""What every endpoint of one API process shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.requests import HTTPConnection
from structlog.contextvars import get_contextvars

from domain.clock import Clock
from domain.errors import DomainError, Unavailable
from domain.viewers import Viewer
from edge.metrics import Metrics
from gateways.storage import Storage
from i18n import negotiate, translate
from live.hub import Hub
from models.database import is_outage, raw_connection
from plan import Reader
from plan.engine import Engine
from resolvers.accounts import viewer_of
from resolvers.caller import Caller, Rules
from schema.context import Context

log = structlog.get_logger("edge.services")


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, when the process starts."""

    engine: Engine
    hub: Hub
    storage: Storage
    clock: Clock
    rules: Rules
    metrics: Metrics
    public_url: str
    allowed_origins: tuple[str, ...]
    ready_checks: dict[str, Callable[[], Any]]

    def context(self, caller: Caller) -> Context:
        """A fresh context: made for every operation, and for every event of a subscription."""
        return Context(
            caller=caller,
            reader=Reader(caller.viewer, _fetch),
            request_id=get_contextvars().get("request_id", "-"),
            observe=self.metrics.mutation,
        )

    async def caller(self, connection: HTTPConnection, token: str | None) -> Caller:
        """Who is behind a connection that showed `token`."""
        headers = connection.headers
        return Caller(
            viewer=await viewer_of(token, self.clock()),
            locale=negotiate(headers.get("accept-language")),
            clock=self.clock,
            storage=self.storage,
            rules=self.rules,
            device=headers.get("user-agent", ""),
        )

    async def still(self, caller: Caller, token: str | None) -> Caller:
        """The same caller with today's rights: signed out meanwhile, they are nobody."""
        return replace(caller, viewer=await viewer_of(token, self.clock()) if token else Viewer())

    def trusts(self, origin: str | None) -> bool:
        """Whether web pages of `origin` may use the cookie: ours, and those that the operator named."""
        return origin is not None and origin in (origin_of(self.public_url), *self.allowed_origins)


def bearer(header: str | None) -> str | None:
    """The token in an `Authorization: Bearer …` header."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write an Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def describe(error: Exception, context: Context) -> dict[str, Any] | None:
    """A domain error in a query or subscription, for the client; None for what must be masked."""
    if is_outage(error):
        log.warning("unavailable", error=repr(error))
        error = Unavailable()
    if not isinstance(error, DomainError):
        return None
    message = translate(context.caller.locale, error.message, **error.params)
    return {"message": message, "extensions": {"code": error.code.value}}


async def _fetch(text: str, values: Sequence[Any]) -> Any:
    async with raw_connection() as connection:
        return await connection.fetch(text, *values)
