"""GraphQL over HTTP, for the caller of a request."""

from datetime import datetime
from time import perf_counter

from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response

from edge import cookies
from edge.services import Services, bearer
from plan.engine import Answer, Operation, RequestRefused
from plan.http import BadRequest, read_request, refuse, respond
from schema.context import Context, SessionCookie


async def serve(request: Request, services: Services) -> Response:
    """Answers a POST to `/graphql`."""
    try:
        operation = services.engine.operation(await read_request(request))
        if operation.kind is OperationType.SUBSCRIPTION:
            raise BadRequest(400, "Subscriptions are served over websockets, at the same address.")
        token = bearer(request.headers.get("authorization")) or request.cookies.get(cookies.NAME)
        context = services.context(await services.caller(request, token))
        response = respond(request, await answer(services, operation, context))
    except BadRequest as problem:
        return refuse(request, problem)
    except RequestRefused as refused:
        return respond(request, refused.answer())
    _keep_session(response, context, services.public_url)
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


def _keep_session(response: Response, context: Context, public_url: str) -> None:
    match context.cookie:
        case SessionCookie(str(token), datetime() as expires_at):
            cookies.set_session(response, token, expires_at, public_url)
        case SessionCookie():
            cookies.clear_session(response, public_url)
