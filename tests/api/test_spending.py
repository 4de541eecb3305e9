"""What operations cost, and what happens to who has spent all of it, over the wire."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from domain.permissions import Scope
from domain.tokens import new_token
from edge import hooks
from local.client import Client
from local.redis import EmbeddedRedis
from tests.api.test_deadlines import locked
from tests.api.test_sockets import signed_in
from tests.factories import Factory, gid
from tests.own import own_studio
from tests.studio import Studio, running
from tests.waiting import until

LIMIT = 10_000
COSTLY = "{ viewer { memberships(first: 49) { nodes { team { videos(first: 98) { nodes { id } } } } } } }"
NODES = 1 + 50 + 49 * (1 + 99)
"""Two fit into a minute, and some cheap ones."""
CHEAP = "{ viewer { id } }"
TEAM = 'team(id: "VGVhbToAAAAAAAAAAAAAAAAAAAAB")'
BY_ID = f"{{ {TEAM} {{ videos(first: 97) {{ nodes {{ versions(first: 49) {{ nodes {{ id }} }} }} }} }} }}"
WRONGLY = "query($wrong: Int!) { a: viewer { memberships(first: $wrong) { nodes { role } } } " + COSTLY[1:]
"""Valid, and refused for the variable that is given."""


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[tuple[Studio, Factory]]:
    """A product with small budgets."""
    async with own_studio("api", "relay", NODES_PER_MINUTE=str(LIMIT)) as made:
        yield made


@pytest.fixture
async def make(own: tuple[Studio, Factory]) -> Factory:
    """With the better part of a minute ahead: budgets begin anew with each of the clock's."""
    await until(lambda: time.time() % 60 < 40, seconds=30)
    return own[1]


async def post(client: Client, query: str, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return await client.http.post(f"{client.url}/graphql", json=body, headers=client.headers())


async def cost(client: Client, query: str, **variables: Any) -> dict[str, int]:
    answer = (await post(client, query, **variables)).json()
    assert "errors" not in answer
    told: dict[str, int] = answer["extensions"]["cost"]
    return told


async def spend(client: Client) -> None:
    """All but what a cheap query or two take."""
    for _ in range(2):
        assert (await cost(client, COSTLY))["nodes"] == NODES


def is_refused(response: httpx.Response) -> bool:
    answer = response.json()
    (error,) = answer["errors"]
    seconds = error["extensions"]["retryAfterSeconds"]
    assert answer.keys() == {"errors", "extensions"}
    assert response.status_code == 429
    assert error["extensions"]["code"] == "THROTTLED"
    assert str(seconds) in error["message"]
    assert 0 < seconds <= 60
    assert response.headers["retry-after"] == str(seconds)
    left = answer["extensions"]["cost"]
    assert left["limit"] == LIMIT
    assert left["remaining"] < left["nodes"]
    assert response.headers["ratelimit"] == f'"nodes-60";r={left["remaining"]};t={seconds}'
    assert response.headers["ratelimit-policy"] == f'"nodes-60";q={LIMIT};w=60'
    return True


async def test_every_answer_says_what_it_cost_and_what_is_left(make: Factory) -> None:
    person = await make.person()
    assert await cost(person.client, CHEAP) == {
        "nodes": 1, "limit": LIMIT, "remaining": LIMIT - 1, "resetsIn": pytest.approx(40, abs=21)
    }  # fmt: skip
    paged = "query($n: Int) { viewer { memberships(first: $n) { nodes { role } } } }"
    assert [(await cost(person.client, paged, n=n))["nodes"] for n in (5, 7, 5, None)] == [7, 9, 7, 22]
    assert (await cost(person.client, "{ __typename }"))["nodes"] == 1
    told = await cost(person.client, 'mutation { createTeam(input: {name: "New"}) { __typename } }')
    assert told["remaining"] == LIMIT - 1 - 7 - 9 - 7 - 22 - 1 - told["nodes"]


async def test_sockets_say_it_too_and_share_the_budget(make: Factory, own: tuple[Studio, Factory]) -> None:
    crew = await make.crew()
    person, video = crew.viewer, gid(await make.video(crew))
    async with signed_in(own[0], person.client.token) as socket:
        (answer,) = await socket.ask(CHEAP)
        assert answer["extensions"]["cost"]["remaining"] == LIMIT - 1
        await spend(person.client)
        (refused,) = await socket.ask(COSTLY)
        (error,) = refused["failed"]
        assert error["extensions"]["code"] == "THROTTLED"
        assert 0 < error["extensions"]["retryAfterSeconds"] <= 60
        left = (await socket.ask(CHEAP))[0]["extensions"]["cost"]["remaining"]
        assert left == LIMIT - 2 * NODES - 2
        page = "query($id: ID!) { video(id: $id) { versions(first: 90) { nodes { id } } } }"
        assert (await socket.ask(page, id=video))[0]["extensions"]["cost"]["nodes"] == 92
        await _use_up(person.client)
        changed = "subscription($id: ID!) { videoChanged(id: $id) { type } }"
        assert await socket.code(changed, id=video) == "THROTTLED"
        assert is_refused(await post(person.client, CHEAP))


async def _use_up(client: Client) -> None:
    while (await post(client, CHEAP)).status_code == 200:
        pass


async def test_hooks_are_paid_out_of_the_same_budget(make: Factory) -> None:
    program = await make.key((await make.crew()).owner, Scope.READ, Scope.WEBHOOKS)
    before = (await cost(program, CHEAP))["remaining"]
    response = await program.http.get(f"{program.url}/hooks/me", headers=program.headers())
    assert response.status_code == 200
    assert (await cost(program, CHEAP))["remaining"] == before - hooks.NODES - 1
    await spend(program)
    await _use_up(program)
    assert is_refused(await program.http.get(f"{program.url}/hooks/me", headers=program.headers()))


EVENT_NODES = 1 + 99 + 98 * 51
HEARD = """subscription($id: ID!) { videoChanged(id: $id) { video {
    title comments(first: 98) { nodes { author { memberships(first: 49) { nodes { role } } } } }
} } }"""


async def test_each_event_is_paid_out_of_a_budget_of_events(make: Factory, own: tuple[Studio, Factory]) -> None:
    crew = await make.crew()
    video, editor, viewer = gid(await make.video(crew)), crew.editor.client, crew.viewer.client
    begun = (await viewer.run("Video", id=video))["extensions"]["position"]
    before = (await cost(viewer, CHEAP))["remaining"]
    async with signed_in(own[0], viewer.token) as socket:
        payload = {"query": HEARD, "variables": {"id": video}, "extensions": {"lastEventId": begun}}
        await socket.send(id="1", type="subscribe", payload=payload)
        for title in ("One", "Two"):
            await editor.do("EditVideo", input={"id": video, "title": title})
        heard = (await socket.told())["payload"]
        assert heard["data"]["videoChanged"]["video"]["title"] in ("One", "Two")
        ended = await socket.told()
        assert ended["type"] == "error"
        assert ended["payload"][0]["extensions"]["code"] == "THROTTLED"
        assert 0 < ended["payload"][0]["extensions"]["retryAfterSeconds"] <= 60
        told = await cost(viewer, CHEAP)
        assert told["remaining"] > before - 1.1 * EVENT_NODES, "what is left to ask with is not touched by events"
        light = "subscription($id: ID!) { videoChanged(id: $id) { video { title } } }"
        payload = {
            "query": light,
            "variables": {"id": video},
            "extensions": {"lastEventId": heard["extensions"]["eventId"]},
        }
        await socket.send(id="2", type="subscribe", payload=payload)
        assert (await socket.told())["payload"]["data"]["videoChanged"]["video"]["title"] == "Two"


async def test_who_has_spent_it_waits_and_nobody_else_does(make: Factory) -> None:
    person, other = await make.person(), await make.person()
    key = await make.key(person, Scope.READ)
    assert other.client.http.headers["X-Forwarded-For"] != person.client.http.headers["X-Forwarded-For"]
    await spend(person.client)
    assert is_refused(await post(person.client, COSTLY))
    assert (await cost(person.client, CHEAP))["remaining"] == LIMIT - 2 * NODES - 1  # what was refused took nothing
    again = await make.session(person)
    await cost(again.client, CHEAP)  # by then it is known who holds the token
    assert is_refused(await post(again.client, COSTLY))
    assert (await cost(other.client, CHEAP))["remaining"] == LIMIT - 1
    assert (await cost(key, CHEAP))["remaining"] == LIMIT - 1
    await spend(key)
    assert is_refused(await post(key, COSTLY))


async def test_nobody_pays_by_the_address(make: Factory) -> None:
    here, elsewhere = make.client(), make.client()
    await spend(here)
    for token in (None, "wrong", new_token()):  # whatever they show that is nobody's
        here.token = token
        assert is_refused(await post(here, COSTLY))
    assert (await cost(elsewhere, CHEAP))["remaining"] == LIMIT - 1
    person = await make.person()
    person.client.http.headers["X-Forwarded-For"] = here.http.headers["X-Forwarded-For"]
    assert (await cost(person.client, COSTLY))["remaining"] == LIMIT - NODES


async def test_tokens_that_nobody_holds_are_paid_by_the_address(make: Factory) -> None:
    here = make.client()
    for _ in range(2):
        here.token = new_token()
        await cost(here, COSTLY)
    here.token = new_token()
    assert is_refused(await post(here, COSTLY))


@pytest.mark.parametrize("query", [COSTLY, WRONGLY])
async def test_a_token_that_is_good_no_more_spends_nothing_of_whose_it_was(make: Factory, query: str) -> None:
    person = await make.person()
    robbed = (await make.session(person)).client
    await cost(robbed, CHEAP)
    await robbed.do("SignOut")
    await post(robbed, query, wrong="none")
    assert (await cost(person.client, CHEAP))["remaining"] > LIMIT - 1000
    await post(robbed, query, wrong="none")
    assert is_refused(await post(robbed, COSTLY)), "its address has paid"


@pytest.mark.parametrize("query", [COSTLY, BY_ID], ids=["who asks is looked up first", "who asks is not known yet"])
async def test_who_hangs_up_has_spent_it(make: Factory, own: tuple[Studio, Factory], query: str) -> None:
    person, here = await make.person(), make.client()
    here.http.headers["X-Forwarded-For"] = person.client.http.headers["X-Forwarded-For"]
    async with locked(own[0]) as lock:
        for _ in range(2):
            asking = asyncio.create_task(post(person.client, query))
            await lock.until_running(1)
            asking.cancel()
            await lock.until_running(0)
    assert is_refused(await post(person.client if query == COSTLY else here, COSTLY))


async def test_a_new_session_that_asks_much_at_once_gets_no_more(make: Factory, own: tuple[Studio, Factory]) -> None:
    person = await make.person()
    async with locked(own[0]) as lock:
        asked = [asyncio.create_task(post(person.client, COSTLY)) for _ in range(6)]
        await lock.until_running(4)  # two on the word of the address, two on that of the person, who was looked up
        await until(lambda: sum(each.done() for each in asked) == 2)
    assert sorted([(await each).status_code for each in asked]) == [200] * 4 + [429] * 2


async def test_neighbours_on_one_line_are_one(make: Factory) -> None:
    here, next_door = make.client(), make.client()
    here.http.headers["X-Forwarded-For"] = "2001:db8:7::1"
    next_door.http.headers["X-Forwarded-For"] = "2001:db8:7::2"
    await spend(here)
    assert is_refused(await post(next_door, COSTLY))


async def test_the_processes_of_one_product_have_one_budget(make: Factory, own: tuple[Studio, Factory]) -> None:
    studio = own[0]
    folder = studio.folder / "other"
    folder.mkdir()
    settings = {"NODES_PER_MINUTE": str(LIMIT)}
    with running(Studio(folder, studio.database_url, studio.redis_url, **settings), "api") as other:
        await until(lambda: time.time() % 60 < 40, seconds=30)
        person = await make.person()
        there = Client(other.url, person.client.token)
        await spend(person.client)

        async def known() -> bool:
            return (await cost(there, CHEAP))["remaining"] < LIMIT - 2 * NODES

        await until(known)
        assert is_refused(await post(there, COSTLY))
        await there.http.aclose()


async def test_german_is_spoken_too(make: Factory) -> None:
    here = make.client(language="de")
    await spend(here)
    assert "Versuch es in" in (await post(here, COSTLY)).json()["errors"][0]["message"]


async def test_without_an_end_only_the_cost_is_told() -> None:
    async with own_studio("api", NODES_PER_MINUTE="0") as (_, make):
        person = await make.person()
        for _ in range(30):
            assert await cost(person.client, COSTLY) == {"nodes": NODES}


async def test_when_redis_goes_the_process_goes_on_counting(make: Factory, own: tuple[Studio, Factory]) -> None:
    folder = own[0].folder / "mortal"
    folder.mkdir()
    with (
        EmbeddedRedis(folder / "redis", lasting=False) as redis,
        running(Studio(folder, own[0].database_url, redis.url(), NODES_PER_MINUTE=str(LIMIT)), "api") as mortal,
    ):
        await until(lambda: time.time() % 60 < 40, seconds=30)
        person = await make.person()
        there = Client(mortal.url, person.client.token)
        await cost(there, COSTLY)
        assert redis.process is not None
        redis.process.kill()
        redis.process.wait()
        await cost(there, COSTLY)
        assert is_refused(await post(there, COSTLY))
        await until(lambda: "budgets.alone" in mortal.log("api"))
        redis.start()
        await until(lambda: "budgets.together" in mortal.log("api"))
        assert is_refused(await post(there, COSTLY))
        await there.http.aclose()


async def test_an_operator_is_told_once_of_a_proxy_that_makes_everybody_one() -> None:
    settings = {"NODES_PER_MINUTE": str(LIMIT), "FORWARDED_ALLOW_IPS": "192.0.2.1"}
    async with own_studio("api", **settings) as (studio, make):
        client = make.client()
        for _ in range(4):
            client.http.headers["X-Forwarded-For"] = "198.51.100.7"
            await post(client, COSTLY)
        assert studio.log("api").count("proxy.unnamed") == 1
        assert "198.51.100.7" not in studio.log("api")
