"""The four operations: three reads by GET, one write by POST."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.graphql.handwritten import statements
from domain.clock import utc_now
from domain.ids import new_id
from domain.tokens import token_hash
from plan import BadInput, decode_id

LARGEST_PAGE = 100
LONGEST_BODY = 5000
NOBODY = UUID(int=0)


def json_of(value: Any, *, status: int = 200) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(value), status_code=status, media_type="application/json")


async def video(request: Request) -> Response:
    """One video with its maker and its newest version."""
    return await _read(request, statements.VIDEO, _id(request.path_params["id"], "Video"))


async def library(request: Request) -> Response:
    """A page of a team's videos, newest first."""
    return await _read(request, statements.LIBRARY, _id(request.path_params["id"], "Team"), _first(request))


async def room(request: Request) -> Response:
    """The threads of a version, with their answers."""
    return await _read(request, statements.ROOM, _id(request.path_params["id"], "Version"), _first(request), 20)


async def add_comment(request: Request) -> Response:
    """Opens a thread on a version."""
    given = _comment_of(await request.body())
    async with request.app.state.pool.acquire() as connection:
        viewer = await _viewer(connection, request)
        if viewer == NOBODY:
            return _problem("Unauthenticated", "Sign in first.")
        async with connection.transaction():
            place = await connection.fetchrow(statements.PLACE, viewer, given["version"])
            if problem := _problem_of(place, given):
                return problem
            text = await _write(connection, viewer, place, given, request.scope.get("request_id"))
    return Response(text, media_type="application/json")


async def _read(request: Request, statement: str, *values: Any) -> Response:
    async with request.app.state.pool.acquire() as connection:
        viewer = await _viewer(connection, request)
        text = await connection.fetchval(statement, viewer, *values)
    return Response(text, media_type="application/json")


async def _viewer(connection: asyncpg.Connection, request: Request) -> UUID:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return NOBODY
    found: UUID | None = await connection.fetchval(statements.SESSION, token_hash(token), utc_now())
    return found or NOBODY


async def _write(connection: asyncpg.Connection, viewer: UUID, place: Any, given: dict[str, Any], request: Any) -> str:
    now, comment = utc_now(), new_id()
    team, video, version = place["team_id"], place["video_id"], given["version"]
    comment_values = (comment, now, team, video, version, given["body"], given["start_ms"])
    text: str = await connection.fetchval(statements.WRITE, viewer, *comment_values)
    about = {"video": video, "version": version, "comment": comment}
    subjects = [f"{noun}:{value}" for noun, value in {"team": team, **about}.items()]
    payload = {f"{noun}_id": value for noun, value in about.items()} | {"parent_id": None}
    event = (new_id(), now, team, viewer, subjects, orjson.dumps(payload, default=str).decode(), request)
    await connection.execute(statements.RECORD, *event)
    return text


def _comment_of(body: bytes) -> dict[str, Any]:
    try:
        given = orjson.loads(body)
        text, start_ms = given["body"].strip(), given.get("startMs", 0)
        version = _id(given["versionId"], "Version")
    except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
        raise HTTPException(400, "Send a JSON object with versionId and body.") from error
    return {"version": version, "body": text, "start_ms": start_ms}


def _problem_of(place: Any, given: dict[str, Any]) -> Response | None:
    if place is None:
        return _problem("NotFound", "There is no such version.")
    if place["deleted_at"] is not None:
        return _problem("Conflict", "The video is in the trash.")
    if not 1 <= len(given["body"]) <= LONGEST_BODY:
        return _problem("Invalid", f"Write 1 to {LONGEST_BODY:,} characters.")
    if not isinstance(given["start_ms"], int) or not 0 <= given["start_ms"] <= place["duration_ms"]:
        return _problem("Invalid", "There is no such moment.")
    return None


def _problem(kind: str, message: str) -> Response:
    return json_of({"data": {"addComment": {"__typename": kind, "message": message}}})


def _id(text: str, kind: str) -> UUID:
    try:
        name, row_id = decode_id(text)
    except BadInput as error:
        raise HTTPException(400, str(error)) from error
    return row_id if name == kind else NOBODY


def _first(request: Request) -> int:
    text = request.query_params.get("first", "20")
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
        raise HTTPException(400, f"A page has 1 to {LARGEST_PAGE} rows.")
    return int(text)


ROUTES = [
    Route("/videos/{id}", video),
    Route("/teams/{id}/videos", library),
    Route("/versions/{id}/comments", room),
    Route("/comments", add_comment, methods=["POST"]),
]
