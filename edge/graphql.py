"""GraphQL over HTTP, for the caller of a request."""

from datetime import datetime
from time import perf_counter

from graphql import GraphQLError, OperationType
from starlette.responses import Response
from starlette.types import Receive, Scope

from domain.api_keys import looks_like_key
from domain.errors import Forbidden
from edge import cookies, quotas
from edge.headers import header, headers
from edge.services import Services, bearer
from models.replica import Replica
from plan.http import BadRequest, read_request, refuse, respond
from plan.requests import Answer, Operation, RequestRefused
from resolvers.caller import require_reading
from schema.context import Context, SessionCookie

_WAYS: dict[str | None, dict[str, bool]] = {"off": {"plain": True}, "analyze": {"analyzing": True}}
"""What `X-Plan` may ask for, in development: see `Engine.run`."""


async def serve(scope: Scope, receive: Receive, services: Services) -> Response:
    """Answers a POST to `/graphql`."""
    given = headers(scope)
    try:
        operation = services.engine.operation(await read_request(given, receive))
        if operation.kind is OperationType.SUBSCRIPTION:
            raise BadRequest(400, "Subscriptions are served over websockets, at the same address.")
        token = bearer(header(scope, b"authorization")) or cookies.session(scope)
        context = await _context(scope, services, operation, token)
        asked = header(scope, b"x-plan") if services.development else None
        response = respond(given, await _told(services, operation, context, _WAYS.get(asked, {})))
        services.note(context.caller)
    except BadRequest as problem:
        return refuse(given, problem)
    except RequestRefused as refused:
        return respond(given, refused.answer())
    _keep_session(response, context, services.public_url)
    quotas.tell(response, context.caller.throttle)
    return response


async def _context(scope: Scope, services: Services, operation: Operation, token: str | None) -> Context:
    """The context for the holder of `token`. A query's own statement finds out who that is.

    Not where there is a replica: what the session has written decides whether that may answer. Nor of an API key, which
    may not be good for reading.
    """
    known_first = operation.kind is not OperationType.QUERY or services.readings.replica is not None
    if known_first or token is None or looks_like_key(token):
        return services.context(await services.caller(scope, token))
    context = services.context(services.stranger(scope))
    context.identity = services.identity(token)
    return context


async def _told(services: Services, operation: Operation, context: Context, way: dict[str, bool]) -> Answer:
    try:
        return await answer(services, operation, context, **way)
    except Forbidden as error:
        return services.engine.failed(error, context)


async def answer(services: Services, operation: Operation, context: Context, **way: bool) -> Answer:
    """Runs a query or mutation; a query's answer says up to which event it is sure to be fresh.

    Raises Forbidden for a query with an API key that is not good for reading.
    """
    if operation.kind is OperationType.QUERY:
        require_reading(context.caller)
    began = perf_counter()
    replica = await _replica_for(services, operation, context)
    # Taken before the data: a subscription that resumes from here can only repeat, never miss.
    position = replica.position if replica else services.hub.position
    found = await services.run(operation, context, fresh=replica is None, **way)
    field = next(iter(operation.root_fields), "fragment")
    services.metrics.operation(operation.kind.value, field, perf_counter() - began)
    if operation.kind is OperationType.QUERY:
        found.setdefault("extensions", {})["position"] = position
    return found


async def _replica_for(services: Services, operation: Operation, context: Context) -> Replica | None:
    """The replica, if it may answer: it has what the session has written, and the events that the client knows."""
    if operation.kind is not OperationType.QUERY:
        return None
    position, replica = _position(operation), services.readings.replica
    if replica is None:
        return None
    fit = await replica.has(context.caller.written, position)
    services.metrics.read("replica" if fit else "primary")
    return replica if fit else None


def _position(operation: Operation) -> int:
    """`extensions.position` of the request: the answer must be as new as this event."""
    given = operation.request.extensions.get("position") or 0
    if isinstance(given, bool) or not isinstance(given, int):
        raise RequestRefused([GraphQLError("`extensions.position` must be a number that you were told.")])
    return given


def _keep_session(response: Response, context: Context, public_url: str) -> None:
    match context.cookie:
        case SessionCookie(str(token), datetime() as expires_at):
            cookies.set_session(response, token, expires_at, public_url)
            if context.cookie.device_token:
                cookies.set_device(response, context.cookie.device_token, public_url)
        case SessionCookie():
            cookies.clear_session(response, public_url)
