"""What an HTTP request to `/graphql` asks, in which form it wants the answer, and what it shows of who asks."""

from graphql import OperationType
from starlette.types import Receive, Scope

from edge import cookies
from edge.headers import header, headers, listed
from edge.services import bearer
from plan.effort import turn
from plan.http import SMALL, BadRequest, read_body, request_in_body, request_in_url
from plan.negotiation import LEGACY, media_type
from plan.requests import Operation, Request

UNFORGED = (b"x-requested-with", b"graphql-preflight", b"graphql-require-preflight")
"""Headers that a page of another site can have sent only where CORS allows it."""


def accepted(scope: Scope) -> bytes | None:
    """The media type of the answer, MODERN or LEGACY; None where the client takes neither."""
    accept = listed(scope, b"accept")
    return LEGACY if accept is None or accept == LEGACY else media_type(accept)


async def asked(scope: Scope, receive: Receive) -> Request:
    """The GraphQL request: of a POST in its body, otherwise in the address. BadRequest where there is none.

    A large one is read when it is the client's `turn`.
    """
    if scope["method"] != "POST":
        return request_in_url(scope["query_string"])
    body = await read_body(listed(scope, b"content-type"), listed(scope, b"content-encoding"), receive)
    if len(body) > SMALL:
        await turn()
    return request_in_body(body)


def shown(scope: Scope) -> str | None:
    """The token of a session or key that the request shows.

    A cookie is sent along by pages of other sites, too. With a POST that is not JSON they get nowhere; a GET by
    cookie must show that it comes from where scripts may write headers: BadRequest otherwise.
    """
    if (written := bearer(header(scope, b"authorization"))) is not None:
        return written
    token = cookies.session(scope)
    if token is not None and scope["method"] != "POST" and not _is_unforged(scope):
        message = "A GET with a cookie must have a header `X-Requested-With` or `GraphQL-Preflight`, with any value."
        raise BadRequest(400, message)
    return token


def _is_unforged(scope: Scope) -> bool:
    """Whether no page of another site can have sent it unasked. Apollo Client gives a GET a type that none can give."""
    given = headers(scope)
    return given.get(b"content-type") == LEGACY or not given.keys().isdisjoint(UNFORGED)


def require_servable(scope: Scope, operation: Operation) -> None:
    """BadRequest for an operation that is served otherwise: over a websocket, by POST alone."""
    if operation.kind is OperationType.SUBSCRIPTION:
        raise BadRequest(400, "Subscriptions are served over websockets, at the same address.")
    if operation.kind is OperationType.MUTATION and scope["method"] != "POST":
        raise BadRequest(405, "What changes something is sent by POST.", allow="POST")
