"""GraphQL over HTTP, for the caller of a request."""

from datetime import datetime
from time import perf_counter

from graphql import GraphQLError, OperationType
from starlette.responses import Response
from starlette.types import Receive, Scope

from domain.api_keys import looks_like_key
from domain.errors import Forbidden
from domain.throttling import network_of
from domain.tokens import token_hash
from edge import caching, cookies, idempotency, maintenance, negotiation, quotas
from edge.addresses import network_address, tell_of_proxy
from edge.asking import accepted, asked, require_servable, shown
from edge.compression import LEAST_BYTES, shrink
from edge.headers import header, listed
from edge.leaving import HungUp, WhileThere
from edge.pacing import OutOfTurn
from edge.requests import REQUEST_ID
from edge.services import Services
from edge.spending import BudgetSpent
from i18n import DEFAULT
from models.replica import Replica
from plan.http import BadRequest, Reply, refuse, respond
from plan.negotiation import LEGACY, MODERN
from plan.requests import Answer, Operation, RequestRefused
from resolvers.caller import require_reading
from resolvers.idempotency import Once
from schema.context import Context, SessionCookie

_NOBODY_WAITS = 499
"""For the log and the figures alone: what nginx calls it."""
_WAYS: dict[str | None, dict[str, bool]] = {"off": {"plain": True}, "analyze": {"analyzing": True}}
"""What `X-Plan` may ask for, in development: see `Engine.run`."""


async def serve(scope: Scope, receive: Receive, services: Services) -> Response:
    """Answers a request to `/graphql`: a POST, or a GET for what only reads."""
    who = network_of(network_address((scope.get("client") or ("",))[0]))
    try:
        with services.pacing.of(who):
            reply = await _reply(scope, receive, services)
    except HungUp:
        return Response(status_code=_NOBODY_WAITS)
    if scope["method"] != "POST":
        caching.withhold(reply)
    return reply


async def _reply(scope: Scope, receive: Receive, services: Services) -> Reply:
    if (media_type := accepted(scope)) is None:
        return _refuse(LEGACY, BadRequest(406, f"Answers are {MODERN.decode()} or {LEGACY.decode()}."))
    try:
        operation = await services.documents.operation(await asked(scope, receive))
        require_servable(scope, operation)
        maintenance.require_open(services, operation, lambda: negotiation.asked(scope))
        token = shown(scope)
        once = services.once(operation, listed(scope, idempotency.HEADER))
        context = await _context(scope, services, operation, token, once)
        hashed: str | None = context.identity.values[0] if context.identity else None
        bill = services.spending.bill(context.caller, operation.nodes, hashed)
        if is_public := _is_public(scope, token, services, operation):
            context.speak(DEFAULT)  # whoever gets it from a cache may have asked for any language
        try:
            found = await _found(scope, receive, services, operation, context)
        except BaseException:
            services.spending.settle(bill, context.caller)
            raise
        cost = services.spending.settle(bill, context.caller, known=context.identity is None)
        if not is_public:  # what caches hand to others tells nothing of who has asked first
            found.setdefault("extensions", {})["cost"] = cost
        reply = respond(media_type, found)
        services.note(context.caller)
    except BadRequest as problem:
        return _refuse(media_type, problem)
    except RequestRefused as refused:
        return _refusal(scope, respond(media_type, refused.answer()), refused)
    if not is_public:
        negotiation.say(reply, context.caller.locale)
    elif "errors" in found:
        negotiation.say_english(reply)  # of what is public itself, each part may be in another language
    else:
        caching.offer(reply, scope, media_type, found)
    if len(reply.body) >= LEAST_BYTES and operation.kind is OperationType.QUERY:
        await shrink(reply, scope)
    _keep_session(reply, context, services.public_url)
    quotas.tell(reply, context.caller.throttle)
    return reply


def _is_public(scope: Scope, token: str | None, services: Services, operation: Operation) -> bool:
    return scope["method"] != "POST" and token is None and caching.is_public(services.engine.schema, operation)


async def _found(scope: Scope, receive: Receive, services: Services, operation: Operation, context: Context) -> Answer:
    """The answer; a query is given up when its client hangs up."""
    asked_way = header(scope, b"x-plan") if services.development else None
    way = _WAYS.get(asked_way, {})
    try:
        if operation.kind is not OperationType.QUERY:
            return await answer(services, operation, context, **way)
        with WhileThere(receive):
            return await answer(services, operation, context, **way)
    except Forbidden as error:
        return services.engine.failed(error, context)


def _refuse(media_type: bytes, problem: BadRequest) -> Reply:
    reply = refuse(media_type, problem)
    negotiation.say_english(reply)
    return reply


def _refusal(scope: Scope, reply: Reply, refused: RequestRefused) -> Reply:
    reply.status_code = refused.status or reply.status_code
    if not isinstance(refused, BudgetSpent | maintenance.InMaintenance):
        negotiation.say_english(reply)
    elif refused.locale is not None:
        negotiation.say(reply, refused.locale)
    if isinstance(refused, BudgetSpent | OutOfTurn):
        tell_of_proxy(scope)
    if isinstance(refused, BudgetSpent | OutOfTurn | maintenance.InMaintenance):
        refused.tell(reply)
    return reply


async def _context(
    scope: Scope, services: Services, operation: Operation, token: str | None, once: Once | None
) -> Context:
    """The context for the holder of `token`. A query's own statement finds out who that is.

    Not where there is a replica: what the session has written decides whether that may answer. Nor of an API key, which
    may not be good for reading. Nor where it decides whether it can be paid.
    """
    known_first = operation.kind is not OperationType.QUERY or services.readings.replica is not None
    request_id = scope.get(REQUEST_ID)
    if known_first or token is None or looks_like_key(token):
        return services.context(await services.caller(scope, token, once), once, request_id)
    stranger, hashed = services.stranger(scope), token_hash(token)
    if not services.spending.may_wait(hashed, stranger, operation.nodes):
        return services.context(await services.caller(scope, token), None, request_id)
    context = services.context(stranger, None, request_id)
    context.identity = services.identity(hashed)
    return context


async def answer(services: Services, operation: Operation, context: Context, **way: bool) -> Answer:
    """Runs a query or mutation; a query's answer says up to which event it is sure to be fresh.

    Raises Forbidden for a query with an API key that is not good for reading, and RequestRefused for a mutation whose
    idempotency key came with another request.
    """
    if operation.kind is OperationType.QUERY:
        require_reading(context.caller)
    began = perf_counter()
    replica = await _replica_for(services, operation, context)
    # Taken before the data: a subscription that resumes from here can only repeat, never miss.
    position = replica.position if replica else services.hub.position
    with services.watch.over(operation) as watched:
        found = await services.run(operation, context, fresh=replica is None, **way)
        if watched is not None:
            watched.answered(found)
    field = next(iter(operation.root_fields), "fragment")
    services.metrics.operation(operation.kind.value, field, perf_counter() - began)
    if operation.kind is OperationType.QUERY:
        found.setdefault("extensions", {})["position"] = position
    return found if context.once is None else idempotency.settled(context.once, found)


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
