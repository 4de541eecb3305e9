"""Sessions over the wire: which there are, when they were seen, and their end."""

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.tokens import new_token, token_hash
from domain.viewers import NOBODY, Viewer
from local.client import Client
from models import EventRecord, Session
from plan import encode_id
from tests import services
from tests.factories import Factory, Person, gid, uuid_in
from tests.studio import Studio, running

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


async def sessions_of(client: Client) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await client.do("MySessions"))["sessions"]["nodes"]
    return nodes


async def own(person: Person) -> Session:
    assert person.client.token
    return await Session.get(token_hash=token_hash(person.client.token))


async def is_signed_in(person: Person) -> bool:
    return (await person.client.run("Viewer"))["data"]["viewer"] is not None


async def told_of(person: Person, kind: str) -> list[dict[str, Any]]:
    rows = await EventRecord.filter(type=kind, actor_id=person.user.id).order_by("id")
    return [row.payload for row in rows]


async def test_ones_own_open_sessions_are_shown_the_last_seen_first(make: Factory) -> None:
    ada, now = await make.person(), utc_now()
    await Session.filter(user_id=ada.user.id).update(seen_at=now - timedelta(hours=1))
    browser = await make.session(ada, device=FIREFOX, address="192.0.2.7", seen_at=now)
    await make.session(ada, expires_at=now - timedelta(seconds=1))
    await make.session(ada, ended_at=now)
    nodes = await sessions_of(ada.client)
    assert [node["id"] for node in nodes] == [gid(await own(browser)), gid(await own(ada))]
    assert [node["current"] for node in nodes] == [False, True]
    assert (nodes[0]["device"], nodes[0]["address"]) == ("Firefox, Linux", "192.0.2.7")


async def test_nobody_sees_the_sessions_of_somebody_else(make: Factory) -> None:
    crew = await make.crew()
    query = "query($id: ID!) { team(id: $id) { members { nodes { user { name sessions { totalCount } } } } } }"
    answer = await crew.owner.client.ask(query, None, {"id": crew.id})
    members = answer["data"]["team"]["members"]["nodes"]
    assert {node["user"]["name"]: node["user"]["sessions"]["totalCount"] for node in members} == {
        "Owner": 1, "Admin": 0, "Editor": 0, "Viewer": 0,
    }  # fmt: skip


async def test_who_asks_without_a_session_sees_none(make: Factory) -> None:
    """As an API key does: whoever finds one learns of no devices."""
    ada = await make.person()
    seen = [await Session.filter(Session.visible_to(Viewer(ada.user.id, asking))) for asking in (NOBODY, new_id())]
    assert seen == [[], []]
    assert await Session.filter(Session.visible_to(Viewer(ada.user.id, (await own(ada)).id)))


async def test_which_session_asks(make: Factory) -> None:
    crew = await make.crew()
    session = await own(crew.editor)
    await Session.filter(id=session.id).update(team_id=crew.team.id, device=FIREFOX)
    asking = await crew.editor.client.do("CurrentSession")
    assert (asking["id"], asking["current"], asking["team"]["id"]) == (gid(session), True, crew.id)
    assert (asking["device"], asking["userAgent"]) == ("Firefox, Linux", FIREFOX)
    assert (await make.client().run("CurrentSession"))["data"] == {"session": None}


async def test_a_revoked_session_ends_at_once_and_the_others_stay(make: Factory) -> None:
    ada = await make.person()
    lost = await make.session(ada)
    session = await own(lost)
    assert await is_signed_in(lost)
    ended = await ada.client.do("RevokeSession", id=gid(session))
    assert ended["endedAt"] is not None
    assert [await is_signed_in(lost), await is_signed_in(ada)] == [False, True]
    assert len(await sessions_of(ada.client)) == 1
    told = await told_of(ada, "session.ended")
    assert told == [{"user_id": str(ada.user.id), "session_id": str(session.id)}]


async def test_a_session_is_revoked_once_even_by_two_at_once(make: Factory) -> None:
    ada = await make.person()
    session = await own(await make.session(ada))
    answers = await asyncio.gather(*(ada.client.run("RevokeSession", id=gid(session)) for _ in range(4)))
    kinds = sorted(answer["data"]["revokeSession"]["__typename"] for answer in answers)
    assert kinds == ["Conflict", "Conflict", "Conflict", "Session"]
    assert len(await told_of(ada, "session.ended")) == 1


async def test_the_sessions_of_others_cannot_be_revoked(make: Factory) -> None:
    crew = await make.crew()
    session = await own(crew.viewer)
    for client, code in ((crew.owner.client, "NOT_FOUND"), (make.client(), "UNAUTHENTICATED")):
        answer = await client.run("RevokeSession", id=gid(session))
        assert answer["data"]["revokeSession"]["code"] == code
    assert await is_signed_in(crew.viewer)


async def test_revoking_the_session_that_asks_clears_the_cookie(make: Factory, studio: Studio) -> None:
    ada = await make.person()
    query = "mutation($id: ID!) { revokeSession(id: $id) { __typename } }"
    async with httpx.AsyncClient(base_url=studio.url, cookies={"session": str(ada.client.token)}) as browser:
        body = {"query": query, "variables": {"id": gid(await own(ada))}}
        answer = await browser.post("/graphql", json=body)
    assert answer.json()["data"] == {"revokeSession": {"__typename": "Session"}}
    assert 'session=""' in answer.headers["set-cookie"]
    assert not await is_signed_in(ada)


@pytest.mark.parametrize("keep", [True, False])
async def test_signing_out_everywhere(make: Factory, keep: bool) -> None:
    ada, eve = await make.person(), await make.person()
    others = [await make.session(ada) for _ in range(3)]
    await make.session(ada, ended_at=utc_now())
    ended = await ada.client.do("SignOutEverywhere", keepCurrent=keep)
    assert ended["ended"] == (3 if keep else 4)
    assert [await is_signed_in(other) for other in others] == [False] * 3
    assert [await is_signed_in(ada), await is_signed_in(eve)] == [keep, True]
    assert await told_of(ada, "session.all_ended") == [{"user_id": str(ada.user.id), "ended": ended["ended"]}]


async def test_signing_out_is_told(make: Factory) -> None:
    ada = await make.person()
    session = await own(ada)
    await ada.client.do("SignOut")
    assert await told_of(ada, "session.ended") == [{"user_id": str(ada.user.id), "session_id": str(session.id)}]
    event = await EventRecord.get(type="session.ended", actor_id=ada.user.id)
    assert (event.team_id, event.address) == (None, ada.client.http.headers["X-Forwarded-For"])


async def test_what_was_seen_last_is_written_when_the_process_ends(make: Factory, studio: Studio) -> None:
    ada = await make.person()
    await Session.filter(user_id=ada.user.id).update(seen_at=utc_now() - timedelta(days=1))
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    with running(Studio(folder, studio.database_url, studio.redis_url), "api") as other:
        client = Client(other.url, ada.client.token)
        async with client:
            assert (await client.run("Viewer"))["data"]["viewer"]
    assert utc_now() - (await own(ada)).seen_at < timedelta(minutes=2)
    shutil.rmtree(folder)


async def test_an_id_of_something_else_is_no_session(make: Factory) -> None:
    ada = await make.person()
    for wrong in (encode_id("User", ada.user.id), encode_id("Session", uuid_in(ada.id))):
        assert (await ada.client.run("RevokeSession", id=wrong))["data"]["revokeSession"]["code"] == "NOT_FOUND"
    answer = await ada.client.run("RevokeSession", id=new_token())
    assert answer["data"]["revokeSession"]["code"] == "INVALID"
