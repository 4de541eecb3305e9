"""GraphQL over HTTP, for the caller of a request."""

from datetime import datetime
from time import perf_counter

from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response

from edge.services import COOKIE, Services, bearer
from plan.engine import Answer, Operation, RequestRefused
from plan.http import BadRequest, read_request, refuse, respond
from schema.context import Context


async def serve(request: Request, services: Services) -> Response:
    """Answers a POST to `/graphql`."""
    try:
        asked = await read_request(request)
    except BadRequest as problem:
        return refuse(request, problem)
    try:
        operation = services.engine.operation(asked)
    except RequestRefused as refused:
        return respond(request, refused.answer())
    if operation.kind is OperationType.SUBSCRIPTION:
        return refuse(request, BadRequest(400, "Subscriptions are served over websockets, at the same address."))
    token = bearer(request.headers.get("authorization")) or request.cookies.get(COOKIE)
    context = services.context(await services.caller(request, token))
    response = respond(request, await answer(services, operation, context))
    _set_cookie(response, context, secure=services.public_url.startswith("https:"))
    return response


async def answer(services: Services, operation: Operation, context: Context) -> Answer:
    """Runs a query or mutation; a query's answer says up to which event it is sure to be fresh."""
    # Taken before the data: a subscription that resumes from here can only repeat, never miss.
    position = services.hub.position
    began = perf_counter()
    found = await services.engine.run(operation, context)
    field = next(iter(operation.root_fields), "fragment")
    services.metrics.operation(operation.kind.value, field, perf_counter() - began)
    if operation.kind is OperationType.QUERY:
        found["extensions"] = {"position": position}
    return found


def _set_cookie(response: Response, context: Context, *, secure: bool) -> None:
    if context.cookie is None:
        return
    token, expires = context.cookie.token, context.cookie.expires_at
    if token is None:
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=secure)
    else:
        assert isinstance(expires, datetime)
        response.set_cookie(COOKIE, token, expires=expires, httponly=True, samesite="lax", secure=secure)
