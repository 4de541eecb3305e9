"""Operations that take long, as the log tells of them: enough to find out why, and nothing of anybody's."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from asyncpg import Connection

from edge.watching import LINES
from models.database import raw_connection, transaction
from plan.manifest import hash_of
from tests.api.test_sockets import opened
from tests.factories import PASSWORD, Factory, gid
from tests.own import own_studio
from tests.studio import Studio
from tests.waiting import until

MANY = "query Undecided({}) {{viewer {{{}}}}}"
VIDEO = "query Title($id: ID!) {video(id: $id) {title}}"
WAITING = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def slow(studio: Studio) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in studio.log("api").splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "operation.slow"]


@asynccontextmanager
async def held_up(asked: list[Awaitable[Any]]) -> AsyncIterator[Connection]:
    """The videos cannot be read until somebody has waited for them."""
    async with asyncio.TaskGroup() as tasks, transaction(), raw_connection() as connection:
        await connection.execute("LOCK TABLE videos IN ACCESS EXCLUSIVE MODE")
        for each in asked:
            tasks.create_task(each)  # type: ignore[arg-type]

        async def is_waited_for() -> bool:
            return bool(await connection.fetchval(WAITING))

        await until(is_waited_for)
        yield connection


async def test_what_is_slow_is_told_of_once_without_its_values() -> None:
    async with own_studio("api", SLOW_OPERATION_MS="1") as (studio, make):
        person = await make.secured(await make.person())
        video = gid(await make.video(await make.crew()))
        await make.client().do("SignIn", input={"email": person.user.email, "password": PASSWORD})
        await until(lambda: len(slow(studio)) == 1)
        (line,) = slow(studio)
        assert (line["operation"], line["kind"], line["way"]) == ("SignIn", "mutation", "planned")
        length = len(person.user.email)
        assert line["variables"] == {"input": {"email": f"<string {length}>", "password": "[hidden]"}}
        assert line["ms"] > line["database_ms"] > 0
        assert line["statements"] > 3
        await by_socket(studio, make, video)
        await by_the_plain_path(studio, make)
        for secret in (person.user.email, PASSWORD, video):
            assert secret not in studio.log("api")


async def by_socket(studio: Studio, make: Factory, video: str) -> None:
    async with opened(studio) as socket:
        await socket.init({})
        async with held_up([socket.ask(VIDEO, id=video)]) as connection:
            await connection.execute("SELECT pg_sleep(0.1)")  # longer than all else may take
    await until(lambda: slow(studio)[-1]["operation"] == "Title")
    line = slow(studio)[-1]
    assert (line["kind"], line["document"]) == ("query", hash_of(VIDEO))
    assert line["variables"] == {"id": f"<string {len(video)}>"}
    assert line["database_ms"] > line["ms"] / 2, "it was the database that was waited for"


async def by_the_plain_path(studio: Studio, make: Factory) -> None:
    """With the reason: it is often why."""
    names = [f"n{number}" for number in range(9)]
    declared, asked = (", ".join(f"${n}: Boolean!" for n in names), " ".join(f"{n}: id @skip(if: ${n})" for n in names))
    body = {"query": MANY.format(declared, asked), "variables": dict.fromkeys(names, True)}
    client = make.client()
    for _ in range(LINES):  # the first is slow, since it is new
        await client.http.post(f"{studio.url}/graphql", json=body)
    await until(lambda: slow(studio)[-1]["operation"] == "Undecided")
    assert (slow(studio)[-1]["way"], slow(studio)[-1]["variables"]) == ("decisions", dict.fromkeys(names, True))


async def test_when_all_is_slow_the_log_does_not_make_it_slower() -> None:
    async with own_studio("api", SLOW_OPERATION_MS="1") as (studio, make):
        crew = await make.crew()
        video, http = gid(await make.video(crew)), crew.editor.client.http
        headers = {"Authorization": f"Bearer {crew.editor.client.token}"}
        asked = {"json": {"query": VIDEO, "variables": {"id": video}}, "headers": headers}
        answers = []

        async def ask() -> None:
            answers.append((await http.post(f"{studio.url}/graphql", **asked)).json()["data"]["video"])

        async with held_up([ask() for _ in range(3 * LINES)]):
            pass
        assert answers == [{"title": "A cut"}] * 3 * LINES
        assert len(slow(studio)) == LINES


async def test_nothing_is_slow_where_that_is_switched_off() -> None:
    async with own_studio("api", SLOW_OPERATION_MS="0") as (studio, make):
        person = await make.secured(await make.person())
        await make.client().do("SignIn", input={"email": person.user.email, "password": PASSWORD})
        studio.stop("api")
        assert '"request"' in studio.log("api")
        assert slow(studio) == []
