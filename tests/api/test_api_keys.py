"""API keys over the wire: made, shown once, used, and ended in every way."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from domain.api_keys import MOST_KEYS, new_key, shown_of
from domain.clock import utc_now
from domain.permissions import Scope
from domain.tokens import token_hash
from local.client import Client, OperationFailed
from models import ApiKey, EventRecord
from tests.api.test_sockets import ACK, is_refused, opened, signed_in
from tests.factories import Crew, Factory, Person, gid, uuid_in
from tests.mails import mail_to
from tests.own import own_studio
from tests.studio import Studio

GOOD_FOR_WRITING = {"name": "Nightly export", "scopes": ["WRITE"]}
WHO = "{viewer {id}}"
SCOPE = "This API key does not allow that. Use one with another scope, or sign in."


async def create(client: Client, **wish: Any) -> Any:
    return (await client.run("CreateApiKey", input=GOOD_FOR_WRITING | wish))["data"]["createApiKey"]


async def revoke(client: Client, key_id: str) -> Any:
    return (await client.run("RevokeApiKey", id=key_id))["data"]["revokeApiKey"]


async def keys_of(client: Client) -> list[dict[str, Any]]:
    return (await client.do("ApiKeys"))["apiKeys"]["nodes"]


async def who(client: Client) -> Any:
    answer = await client.ask(WHO)
    assert "errors" not in answer
    return answer["data"]["viewer"]


def row_of(client: Client) -> Any:
    return ApiKey.filter(token_hash=token_hash(client.token or ""))


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


@pytest.fixture
async def person(make: Factory) -> Person:
    return await make.person()


async def test_a_key_is_shown_once_and_acts_as_its_person(make: Factory, crew: Crew, studio: Studio) -> None:
    made = await create(crew.editor.client, expiresInDays=30)
    key, shown = made["key"], made["apiKey"]
    assert (shown["prefix"], shown["name"], shown["state"]) == (key[:11], "Nightly export", "ACTIVE")
    assert (shown["scopes"], shown["usedAt"]) == (["WRITE"], None)
    life = datetime.fromisoformat(shown["expiresAt"]) - datetime.fromisoformat(shown["createdAt"])
    assert life == timedelta(days=30)

    program = make.client(key)
    assert await who(program) == {"id": crew.editor.id}
    video = await program.do("CreateVideo", input={"teamId": crew.id, "title": "By a program"})
    assert video["createdBy"]["id"] == crew.editor.id
    assert await keys_of(crew.editor.client) == [shown]
    assert key not in str(await crew.editor.client.run("ApiKeys"))
    events = await EventRecord.filter(type="api_key.created", actor_id=crew.editor.user.id)
    about = {"user_id": str(crew.editor.user.id), "api_key_id": str(uuid_in(shown["id"]))}
    assert [event.payload for event in events] == [about | {"name": "Nightly export", "scopes": ["write"]}]
    assert key not in studio.log("api")


async def test_a_key_that_does_not_expire(person: Person) -> None:
    wish = {"scopes": ["WEBHOOKS", "READ", "READ"]}
    shown = (await create(person.client, **wish))["apiKey"]
    assert (shown["expiresAt"], shown["scopes"]) == (None, ["READ", "WEBHOOKS"])
    until = (utc_now() + timedelta(days=2)).isoformat()
    shown = (await create(person.client, expiresAt=until))["apiKey"]
    assert datetime.fromisoformat(shown["expiresAt"]) == datetime.fromisoformat(until)


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "a\x00b"}, ["name"]),
        ({"scopes": []}, ["scopes"]),
        ({"expiresInDays": 0}, ["expiresInDays"]),
        ({"expiresInDays": 2**31 - 1}, ["expiresInDays"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "9999-12-31T23:59:59Z"}, ["expiresAt"]),
        ({"expiresAt": "2030-01-01T00:00:00Z", "expiresInDays": 3}, ["expiresInDays"]),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(person: Person, wish: dict[str, Any], path: list[str]) -> None:
    problem = await create(person.client, **wish)
    assert (problem["code"], problem["path"]) == ("INVALID", ["input", *path])
    assert await keys_of(person.client) == []


async def test_fifty_keys_are_enough_also_for_two_wishes_at_once(make: Factory, person: Person) -> None:
    gone = {"revoked_at": utc_now()}, {"expires_at": utc_now()}
    for values in (*gone, *[{}] * (MOST_KEYS - 1)):
        await make.key(person, **values)
    told = await asyncio.gather(*(create(person.client) for _ in range(4)))
    assert sorted(answer.get("code", "made") for answer in told) == ["CONFLICT"] * 3 + ["made"]
    newest = (await keys_of(person.client))[0]
    await revoke(person.client, newest["id"])
    assert "key" in await create(person.client)


async def test_a_new_key_is_told_by_mail(person: Person, studio: Studio) -> None:
    """Whoever makes one by a stolen session cannot do so in silence."""
    await create(person.client)
    assert "“Nightly export”" in await mail_to(studio, person.user.email, "A new API key")


async def test_who_makes_many_has_to_wait(person: Person) -> None:
    """Each is a mail, and room for another is made by revoking one."""
    for _ in range(10):
        await revoke(person.client, (await create(person.client))["apiKey"]["id"])
    throttled = await create(person.client)
    assert throttled["code"] == "THROTTLED"
    assert 0 < throttled["retryAfterSeconds"] <= 15 * 60


async def test_nobody_and_no_key_makes_or_ends_keys(make: Factory, person: Person) -> None:
    theirs = await make.key(person, *Scope)
    key = gid(await row_of(theirs).get())
    assert (await create(make.client()))["code"] == (await revoke(make.client(), key))["code"] == "UNAUTHENTICATED"
    for answer in (await create(theirs), await revoke(theirs, key)):
        assert (answer["code"], answer["message"]) == ("FORBIDDEN", SCOPE)
    assert len(await keys_of(person.client)) == 1


async def test_keys_are_nobody_elses_business(make: Factory, crew: Crew) -> None:
    key = gid(await row_of(await make.key(crew.editor)).get())
    assert (await revoke(crew.owner.client, key))["code"] == "NOT_FOUND"
    seen = "query($id: ID!) {node(id: $id) {id ... on User {apiKeys {totalCount nodes {id}}}}}"
    for client, count in ((crew.owner.client, 0), (crew.editor.client, 1)):
        node = (await client.ask(seen, variables={"id": crew.editor.id}))["data"]["node"]
        assert (node["apiKeys"]["totalCount"], len(node["apiKeys"]["nodes"])) == (count, count)
    assert (await crew.owner.client.run("AnyNode", id=key))["data"]["node"] is None
    assert (await crew.editor.client.run("AnyNode", id=key))["data"]["node"]["id"] == key


async def test_a_key_is_revoked_once(make: Factory, person: Person) -> None:
    key = gid(await row_of(await make.key(person)).get())
    assert (await revoke(person.client, key))["state"] == "REVOKED"
    assert (await revoke(person.client, key))["code"] == "CONFLICT"
    (event,) = await EventRecord.filter(type="api_key.revoked", actor_id=person.user.id)
    assert event.payload["api_key_id"] == str(uuid_in(key))
    assert event.team_id is None


async def test_a_key_has_no_more_rights_than_its_person(make: Factory, crew: Crew) -> None:
    program = await make.key(crew.viewer, Scope.WRITE)
    wish = {"teamId": crew.id, "title": "No"}
    problem = (await program.run("CreateVideo", input=wish))["data"]["createVideo"]
    assert (problem["code"], problem["message"]) == ("FORBIDDEN", "Your role in this team does not allow this.")
    strangers = await make.key(await make.person(), Scope.WRITE)
    assert (await strangers.run("CreateVideo", input=wish))["data"]["createVideo"]["code"] == "NOT_FOUND"


async def test_a_key_that_is_not_good_for_reading_reads_nothing(make: Factory, crew: Crew, studio: Studio) -> None:
    program, video = await make.key(crew.owner, Scope.WEBHOOKS), gid(await make.video(crew))
    for query in (WHO, "{__typename}", "{...A} fragment A on Query {viewer {id}}"):
        answer = await program.ask(query)
        assert answer["data"] is None
        assert [(e["message"], e["extensions"]["code"]) for e in answer["errors"]] == [(SCOPE, "FORBIDDEN")]
    async with signed_in(studio, program.token) as socket:
        assert await socket.code(WHO) == "FORBIDDEN"
        assert await socket.code("subscription($id: ID!) {videoChanged(id: $id) {type}}", id=video) == "FORBIDDEN"
        assert await socket.code('subscription {jobProgress(id: "x") {state}}') == "FORBIDDEN"


async def test_reading_uploads_places_takes_a_key_for_writing(make: Factory, crew: Crew) -> None:
    """Their URLs let whoever has them write."""
    video = gid(await make.video(crew))
    begun = await crew.editor.client.do("StartUpload", input={"videoId": video, "fileName": "a", "size": 1})
    upload = begun["upload"]["id"]
    for scope, told in ((Scope.READ, False), (Scope.WRITE, True)):
        program = await make.key(crew.editor, scope)
        assert ((await program.run("UploadParts", id=upload))["data"]["uploadParts"] is not None) is told


ENDED = {"revoked": {"revoked_at": utc_now()}, "expired": {"expires_at": utc_now()}}


@pytest.mark.parametrize("end", ENDED)
async def test_a_key_that_has_ended_is_nobodys(make: Factory, crew: Crew, studio: Studio, end: str) -> None:
    program = await make.key(crew.owner)
    async with signed_in(studio, program.token) as socket:
        assert await socket.viewer() == {"id": crew.owner.id}
        await row_of(program).update(**ENDED[end])
        assert await socket.viewer() is None
    assert await who(program) is None
    assert (await create(program))["code"] == "UNAUTHENTICATED"
    wish = {"teamId": crew.id, "title": "No"}
    assert (await program.run("CreateVideo", input=wish))["data"]["createVideo"]["code"] == "UNAUTHENTICATED"
    async with opened(studio) as socket:
        assert await is_refused(socket, {"authorization": f"Bearer {program.token}"})
    assert [key["state"] for key in await keys_of(crew.owner.client)] == [end.upper()]


@pytest.mark.parametrize("end", ENDED)
async def test_what_a_key_follows_ends_with_it(make: Factory, crew: Crew, end: str) -> None:
    program, video = await make.key(crew.viewer), gid(await make.video(crew))
    steady = await make.key(crew.viewer)
    position = (await program.run("Video", id=video))["extensions"]["position"]
    async with (
        program.follow("VideoChanged", id=video, after=position) as events,
        steady.follow("VideoChanged", id=video, after=position) as others,
    ):
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "Seen"})
        for heard in (events, others):
            assert (await asyncio.wait_for(anext(heard), 10))["data"]["videoChanged"]["video"]["title"] == "Seen"
        await row_of(program).update(**ENDED[end])
        with pytest.raises((OperationFailed, ConnectionClosed)):  # nothing happens: the end comes by itself
            await asyncio.wait_for(anext(events), 15)
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "Still"})
        assert (await asyncio.wait_for(anext(others), 10))["data"]["videoChanged"]["video"]["title"] == "Still"


async def test_a_wrong_key_is_nobodys(make: Factory, person: Person, studio: Studio) -> None:
    program = await make.key(person)
    key = program.token or ""
    wrong = [new_key(), key[:-1], key + "x", key.swapcase(), "vc_", "vc_" + "x" * 40, "vc_" + "é" * 46, "vc_" * 5000]
    for token in wrong:
        async with httpx.AsyncClient() as http:
            headers = {b"Authorization": f"Bearer {token}".encode()}
            response = await http.post(f"{studio.url}/graphql", json={"query": WHO}, headers=headers)
        assert (response.status_code, response.json()["data"]) == (200, {"viewer": None})
    async with opened(studio) as socket:
        assert await is_refused(socket, {"token": wrong[1]})


async def test_a_key_counts_only_where_keys_belong(make: Factory, person: Person, studio: Studio) -> None:
    key = (await make.key(person)).token
    async with httpx.AsyncClient() as http:
        for more in (
            {"headers": {"Cookie": f"session={key}"}},
            {"params": {"token": key, "access_token": key, "authorization": f"Bearer {key}"}},
            {"headers": {"X-API-Key": key}},
            {"headers": {"Authorization": f"Basic {key}"}},
        ):
            response = await http.post(f"{studio.url}/graphql", json={"query": WHO}, **more)
            assert response.json()["data"] == {"viewer": None}, more
    cookie = {"Cookie": f"session={key}", "Origin": studio.url}
    async with opened(studio, cookie) as socket:
        assert await socket.init() == ACK
        assert await socket.viewer() is None
    async with opened(studio, cookie | {"Cookie": f"session={person.client.token}"}) as socket:
        await socket.init({"authorization": f"Bearer {key}"})
        assert await socket.viewer() == {"id": person.id}


async def test_a_key_is_no_session(make: Factory, person: Person) -> None:
    program = await make.key(person)
    assert (await program.run("SignOut"))["data"]["signOut"]["code"] == "FORBIDDEN"
    await person.client.do("SignOut")
    assert await who(program) == {"id": person.id}


async def test_sockets_of_keys_and_of_nobody_stay_when_a_session_ends(make: Factory, studio: Studio) -> None:
    """Neither has a session: they must not be taken for each other."""
    person, program = await make.person(), await make.key(await make.person())
    async with (
        signed_in(studio, person.client.token) as ending,
        signed_in(studio, program.token) as staying,
        signed_in(studio, None) as nobody,
    ):
        await person.client.do("SignOut")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(ending.told(), 15)
        assert await staying.viewer() is not None
        assert await nobody.viewer() is None


async def test_the_last_use_is_known_when_the_process_has_ended() -> None:
    """While it runs, it is known within half a minute: tests/models/test_seen.py."""
    async with own_studio("api") as (studio, make):
        used, unused = await make.key(await make.person()), await make.key(await make.person())
        began = utc_now()
        assert await who(used) is not None
        assert (await row_of(used).get()).used_at is None
        studio.stop("api")
        at = (await row_of(used).get()).used_at
        assert began.replace(second=0, microsecond=0) <= at <= utc_now()
        assert (await row_of(unused).get()).used_at is None


async def test_a_key_in_a_header_does_not_hide_who_signs_in(make: Factory, person: Person) -> None:
    from resolvers.passwords import hash_password
    from tests.factories import PASSWORD

    person.user.password_hash = await hash_password(PASSWORD, path=())
    await person.user.save()
    strangers = await make.key(await make.person(), Scope.READ)
    session = await strangers.do("SignIn", input={"email": person.user.email, "password": PASSWORD})
    assert session["user"]["id"] == person.id
    assert (await make.client(session["token"]).ask(WHO))["data"]["viewer"] == {"id": person.id}


def test_what_is_shown_of_a_key_is_not_its_secret() -> None:
    key = new_key()
    assert len(key) - len(shown_of(key)) == 38
