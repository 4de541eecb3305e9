"""REST hooks: `/hooks`, for programs that make and end webhooks by themselves, as Zapier does.

An API key is all that lets anybody in. What browsers send by themselves is not looked at, so that no page of another
site can have anything done here.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.api_keys import looks_like_key
from domain.errors import DomainError, NotFound, ProblemCode, Throttled, Unauthenticated, Unavailable
from edge import maintenance, negotiation, quotas
from edge.addresses import tell_of_proxy
from edge.headers import header, listed
from edge.refusals import refusal
from edge.services import Services, bearer
from edge.spending import BudgetSpent
from i18n import translate
from models.database import DEADLOCK, transactions_within
from plan import BadInput, decode_id, encode_id
from plan.codes import RequestCode
from plan.engine import OPERATION_SECONDS
from plan.http import BadRequest, Reply, read_body
from plan.negotiation import LEGACY
from plan.requests import RequestRefused
from resolvers import hooks, webhooks
from resolvers.caller import Caller
from schema.ids import uuid_of
from schema.teams import Team
from schema.videos import Video
from schema.webhooks import Webhook

NODES = 10
"""What a request takes from the budget of its key, or of the address where it shows none."""
MOST_BYTES = 16 * 1024
"""Of the body: an address and every type of event are less."""
_STATUS = {
    ProblemCode.UNAUTHENTICATED: 401,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.CONFLICT: 409,
    ProblemCode.INVALID: 422,
    ProblemCode.THROTTLED: 429,
    ProblemCode.UNAVAILABLE: 503,
}
Serve = Callable[[Request, Caller], Awaitable[Response]]


def routes(services: Callable[[], Services]) -> list[Route]:
    """The addresses; `services` are those of the process, once it runs."""

    def endpoint(serve: Serve, *, changes: bool) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            response = await _answered(serve, request, services(), changes=changes)
            response.headers["Cache-Control"] = "no-store"
            return response

        return answer

    return [
        Route("/hooks", endpoint(subscribe, changes=True), methods=["POST"]),
        Route("/hooks/me", endpoint(me, changes=False), methods=["GET"]),
        Route("/hooks/samples/{type}", endpoint(samples, changes=False), methods=["GET"]),
        Route("/hooks/{id}", endpoint(unsubscribe, changes=True), methods=["DELETE"]),
    ]


async def subscribe(request: Request, caller: Caller) -> Response:
    """POST `/hooks`: a new hook, or (200) the one that the same key has made of the same before."""
    wish = _wish(await _body(request))
    try:
        made = await hooks.subscribe(
            caller,
            team_id=None if wish.team is None else uuid_of(Team, wish.team, "teamId"),
            url=wish.url,
            event_types=wish.event_types,
            video_id=None if wish.video is None else uuid_of(Video, wish.video, "videoId"),
            description=wish.description,
        )
    except DomainError as error:
        error.path = wish.path_of(error.path)
        raise
    row = made.row
    told = {
        "id": encode_id("Webhook", row.id),
        "secret": made.secret,
        "eventTypes": row.event_types,
        "teamId": encode_id("Team", row.team_id),
        "videoId": row.video_id and encode_id("Video", row.video_id),
        "targetUrl": row.url,
    }
    return _told(told, 201 if made.is_new else 200)


async def unsubscribe(request: Request, caller: Caller) -> Response:
    """DELETE `/hooks/{id}`: the end of a hook. What is gone already is not found, which is as good."""
    webhook_id = uuid_of(Webhook, _id(request.path_params["id"]), "id")
    await webhooks.delete(caller, webhook_id=webhook_id)
    return Response(status_code=204)


async def samples(request: Request, caller: Caller) -> Response:
    """GET `/hooks/samples/{type}`: the latest events of a type, in the shape in which a hook is told them."""
    team = request.query_params.get("teamId")
    team_id = None if not team else uuid_of(Team, team, "teamId")
    return _told(await hooks.samples(caller, team_id=team_id, event_type=request.path_params["type"]))


async def me(_request: Request, caller: Caller) -> Response:
    """GET `/hooks/me`: whose key it is, and for which teams it can make hooks."""
    myself = await hooks.me(caller)
    teams = [
        {"id": encode_id("Team", place.team.id), "name": place.team.name, "role": place.role.name}
        for place in myself.places
    ]
    scopes = sorted(scope.name for scope in caller.scopes or ())
    return _told({"id": encode_id("User", myself.user.id), "name": myself.user.name, "scopes": scopes, "teams": teams})


class _Wish(NamedTuple):
    url: str
    event_types: list[str]
    team: str | None
    video: str | None
    description: str
    sent_as: Mapping[str, str]
    """What a use-case calls a field → what it was called in the body."""

    def path_of(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The place of a fault, as it was sent. One type of event is no list, in which it would have a place."""
        named = tuple(self.sent_as.get(part, part) for part in path)
        return named[:1] if named[:1] == ("eventType",) else named


async def _body(request: Request) -> bytes | bytearray:
    kind, coding = listed(request.scope, b"content-type"), listed(request.scope, b"content-encoding")
    return await read_body(kind, coding, request.receive, MOST_BYTES)


def _wish(body: bytes | bytearray) -> _Wish:
    """What a POST asks for; BadRequest for what is no such thing."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(400, f"The body is not JSON: {error}.") from error
    if not isinstance(given, Mapping):
        raise BadRequest(400, "The body must be a JSON object.")
    url, types = _one_of(given, "targetUrl", "hookUrl"), _one_of(given, "eventTypes", "eventType")
    wanted = [given[types]] if types == "eventType" else given[types]
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise BadRequest(400, "`eventType` must be a string, `eventTypes` a list of strings.")
    return _Wish(
        url=_text(given, url) or "",
        event_types=wanted,
        team=_text(given, "teamId"),
        video=_text(given, "videoId"),
        description=_text(given, "description") or "",
        sent_as={"url": url, "eventTypes": types},
    )


def _one_of(given: Mapping[str, Any], name: str, other: str) -> str:
    """Which of two names for the same is there. Without either, it could only be guessed what is wanted."""
    there = [each for each in (name, other) if given.get(each) is not None]
    if len(there) != 1:
        raise BadRequest(400, f"Say either `{name}` or `{other}`.")
    return there[0]


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(400, f"`{name}` must be a string.")
    return value or None


def _id(given: str) -> str:
    """A global id, as it stands in an address; NotFound for what is none: there is nothing at such an address."""
    try:
        decode_id(given)
    except BadInput as error:
        raise NotFound from error
    return given


async def _answered(serve: Serve, request: Request, services: Services, *, changes: bool) -> Response:
    """What is served to whoever has shown a key, or why it is not; `changes` are not made while nothing can be."""
    caller = services.stranger(request.scope)
    try:
        if changes:
            maintenance.require_changeable(services, lambda: caller.locale)
        caller = await services.caller(request.scope, _key(request))
        services.spending.pay(caller, NODES)
        _require_key(caller)
        with transactions_within(OPERATION_SECONDS):
            response = await serve(request, caller)
    except BadRequest as problem:
        return refusal(problem.status, str(problem), headers=problem.headers, code=RequestCode.BAD_REQUEST)
    except RequestRefused as refused:
        return _refused(request, refused)
    except (DomainError, DEADLOCK) as error:
        response = _problem(error if isinstance(error, DomainError) else Unavailable(), caller)
    finally:
        await _note(services, caller, changes=changes)
    negotiation.say(response, caller.locale)
    quotas.tell(response, caller.throttle)
    return response


async def _note(services: Services, caller: Caller, *, changes: bool) -> None:
    if caller.api_key_id is None:
        return
    services.note(caller)
    if changes:
        await services.has_written(caller.viewer, caller.api_key_id)


def _key(request: Request) -> str | None:
    """The API key that is shown: in `Authorization`, or, where that holds what is for somebody else, in `X-API-Key`."""
    shown = (bearer(header(request.scope, b"authorization")), header(request.scope, b"x-api-key"))
    return next((each for each in shown if each and looks_like_key(each)), None)


def _require_key(caller: Caller) -> None:
    if caller.api_key_id is None:
        raise Unauthenticated("problem.api_key")


def _told(value: Any, status: int = 200) -> Response:
    return Reply(orjson.dumps(value), status, LEGACY)


def _problem(error: DomainError, caller: Caller) -> Response:
    """A rule's refusal, in the caller's language, with the name of the field at fault."""
    more: dict[str, Any] = {"path": list(error.path)} if error.path else {}
    if isinstance(error, Throttled):
        more["retryAfterSeconds"] = error.params["retry_after_seconds"]
    message = translate(caller.locale, error.message, **error.params)
    response = Reply(
        orjson.dumps({"errors": [{"message": message, "extensions": {"code": error.code, **more}}]}),
        _STATUS[error.code],
        LEGACY,
    )
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = "5"
    return response


def _refused(request: Request, refused: RequestRefused) -> Response:
    """A refusal that GraphQL's clients know as well: in maintenance, or with nothing left of the minute."""
    response = Reply(orjson.dumps(refused.answer()), refused.status or 400, LEGACY)
    if isinstance(refused, BudgetSpent | maintenance.InMaintenance):
        refused.tell(response)
        if refused.locale is not None:
            negotiation.say(response, refused.locale)
    if isinstance(refused, BudgetSpent):
        tell_of_proxy(request.scope)
    return response
