"""Mutations that are sent again under one `Idempotency-Key` are done once, and answered each time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from graphql import OperationType

from domain.idempotency import KEPT
from domain.permissions import Role, Scope
from local.client import document, operation_names
from models import Comment, EventRecord, IdempotencyKey, Job, Member, Video
from models.database import raw_connection
from plan.manifest import hash_of
from schema.fields import MutationField
from tests.api.test_sockets import signed_in
from tests.factories import PASSWORD, Crew, Factory, gid
from tests.furnished import furnished
from tests.operations import ASKED_BY, kind_of, root_field_of
from tests.plan.conftest import the_schema
from tests.repeating import REUSED, Told, ask, create, made, new_key, of, run
from tests.studio import Studio

CREATE = document("CreateVideo")
REFUSED = (400, "IDEMPOTENCY_KEY_REFUSED")


@pytest.fixture(scope="module")
async def fields(models: None) -> dict[str, MutationField]:
    """Each mutation of `web/operations`, by the operation's name."""
    mutations: Any = the_schema()._schema.mutation_type
    names = [name for name in operation_names() if kind_of(name) is OperationType.MUTATION]
    return {name: mutations.fields[root_field_of(name)].extensions["strawberry-definition"] for name in names}


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


async def test_every_mutation_that_takes_a_key_is_done_once_and_answered_twice(
    make: Factory, fields: dict[str, MutationField]
) -> None:
    """Whatever a mutation answers, its own variables asked for again under its key answer the same, and do nothing."""
    there = await furnished(make)
    replayed = set()
    for operation, values in there.variables.items():
        if operation not in fields or fields[operation].keyless:
            continue
        client, key = there.crew.everybody()[ASKED_BY.get(operation, Role.OWNER)].client, new_key()
        first = await run(client, key, operation, **values)
        assert first.status == 200
        assert not first.replayed
        assert "code" not in first.value, (operation, first.answer)
        again = await run(client, key, operation, **values)
        assert again.replayed, (operation, again.answer)
        assert again.kind == first.kind
        assert again.answer["data"] == first.answer["data"] or operation in MOVING, operation
        assert not await EventRecord.exists(request_id=again.request_id), operation
        assert not await Job.exists(request_id=again.request_id), operation
        replayed.add(operation)
    assert replayed == {name for name, field in fields.items() if not field.keyless}


MOVING = {"SetAvatar", "CompleteUpload", "SendTestEvent", "ResendDelivery"}
"""What answers a job or a delivery, which workers have begun with meanwhile."""


async def test_every_other_mutation_refuses_the_key_and_does_nothing(
    make: Factory, fields: dict[str, MutationField]
) -> None:
    there = await furnished(make)
    done = await EventRecord.filter(actor_id=there.crew.owner.user.id).count()
    refusing = {name: field for name, field in fields.items() if field.keyless}
    assert refusing
    for operation in refusing:
        client = there.crew.everybody()[ASKED_BY.get(operation, Role.OWNER)].client
        told = await run(client, new_key(), operation, **there.variables[operation])
        assert told.refused == REFUSED
        assert root_field_of(operation) in told.answer["errors"][0]["message"]
    assert await EventRecord.filter(actor_id=there.crew.owner.user.id).count() == done


async def test_what_is_answered_again_is_read_again(crew: Crew) -> None:
    """The same row as it is now: the mutation's answer is not a copy."""
    key, client = new_key(), crew.editor.client
    first = await create(crew, key)
    await client.do("EditVideo", input={"id": first.value["id"], "title": "Another title"})
    again = await create(crew, key)
    assert again.replayed
    assert again.value["id"] == first.value["id"]
    assert again.value["title"] == "Another title"


async def test_without_a_key_everything_is_done_again(crew: Crew) -> None:
    told = [await create(crew, None) for _ in range(2)]
    assert [each.replayed for each in told] == [False, False]
    assert await made(crew) == 2
    assert await IdempotencyKey.filter(user_id=crew.editor.user.id).count() == 0


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, "naïve", '""', '"a b"', "a, b"])
async def test_what_is_no_key_is_refused(crew: Crew, key: str) -> None:
    client = crew.editor.client
    headers = [*client.headers().items(), ("Idempotency-Key", key.encode("latin-1"))]
    asked: Any = {"json": {"query": CREATE, "variables": of(crew)}, "headers": headers}
    response = await client.http.post(f"{client.url}/graphql", **asked)
    assert Told(response.status_code, response.json()).refused == (400, "IDEMPOTENCY_KEY_INVALID")
    assert await made(crew) == 0


@pytest.mark.parametrize("key", ["k", "~" * 255, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"])
async def test_what_is_visible_ascii_is_a_key(crew: Crew, key: str) -> None:
    assert [(await create(crew, key)).replayed for _ in range(2)] == [False, True]


async def test_the_quotes_of_the_draft_are_not_part_of_the_key(crew: Crew) -> None:
    key = new_key()
    assert [(await create(crew, form)).replayed for form in (f'"{key}"', key)] == [False, True]


async def test_two_headers_are_no_key(crew: Crew) -> None:
    client, key = crew.editor.client, new_key()
    headers = [*client.headers().items(), ("Idempotency-Key", key), ("Idempotency-Key", key)]
    asked = {"query": CREATE, "variables": of(crew)}
    response = await client.http.post(f"{client.url}/graphql", json=asked, headers=headers)
    assert response.json()["errors"][0]["extensions"]["code"] == "IDEMPOTENCY_KEY_INVALID"


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_key_with_another_request_is_refused(crew: Crew, accept: str) -> None:
    client, key = crew.editor.client, new_key()
    video = (await create(crew, key)).value["id"]
    other = {
        "other variables": (CREATE, of(crew, "Another")),
        "another operation": (document("EditVideo"), {"input": {"id": video, "title": "Another"}}),
        "other words": (CREATE + " ", of(crew)),
    }
    for query, variables in other.values():
        assert (await ask(client, key, query, accept, variables=variables)).refused == REUSED
    assert await made(crew) == 1
    assert (await Video.get(team_id=crew.team.id)).title == "New"
    assert (await create(crew, key)).replayed


async def test_the_order_of_variables_makes_no_other_request(crew: Crew) -> None:
    client, key = crew.editor.client, new_key()
    query = (
        "mutation ($team: ID!, $title: String!) { createVideo(input: {teamId: $team, title: $title}) { __typename } }"
    )
    for variables in ({"team": crew.id, "title": "New"}, {"title": "New", "team": crew.id}):
        assert (await ask(client, key, query, variables=variables)).kind == "Video"
    assert await made(crew) == 1


MAKES = "createVideo(input: $input) { __typename }"


@pytest.mark.parametrize(
    "query",
    [
        f"{{ a: {MAKES} b: {MAKES} }}",
        f"{{ {MAKES} ...F }} fragment F on Mutation {{ ... {{ other: {MAKES} }} }}",
        f"{{ {MAKES} signOut {{ __typename }} }}",
    ],
)
async def test_two_mutations_are_too_many_for_a_key(crew: Crew, query: str) -> None:
    query = f"mutation ($input: CreateVideoInput!) {query}"
    told = await ask(crew.editor.client, new_key(), query, variables=of(crew))
    assert told.refused == REFUSED
    assert await made(crew) == 0


async def test_one_mutation_may_be_in_fragments_and_beside_a_typename(crew: Crew) -> None:
    query = "mutation ($input: CreateVideoInput!) { __typename ...F ...G } fragment G on Mutation { ...F } "
    query += f"fragment F on Mutation {{ {MAKES} }}"
    key = new_key()
    told = [await ask(crew.editor.client, key, query, variables=of(crew)) for _ in range(2)]
    assert [each.replayed for each in told] == [False, True]
    assert told[0].answer["data"] == told[1].answer["data"]


async def test_a_query_may_have_a_key_which_does_nothing(crew: Crew) -> None:
    client, key = crew.editor.client, new_key()
    assert [(await run(client, key, "Viewer")).value["id"] for _ in range(2)] == [crew.editor.id] * 2
    assert (await ask(client, "no key", "{ viewer { id } }")).status == 200
    assert await IdempotencyKey.filter(user_id=crew.editor.user.id).count() == 0


async def test_each_person_has_keys_of_their_own(crew: Crew) -> None:
    key = new_key()
    for person in (crew.editor, crew.owner):
        told = await run(person.client, key, "CreateVideo", **of(crew))
        assert not told.replayed
    assert await made(crew) == 2
    stranger_says = await run(crew.viewer.client, key, "CreateVideo", **of(crew))
    assert stranger_says.kind == "Forbidden"


async def test_a_person_has_the_same_keys_wherever_they_ask_from(make: Factory, crew: Crew) -> None:
    """Signed in anew, or by their API key: the request is still theirs. What a key is not good for it is not told."""
    key = new_key()
    assert not (await create(crew, key)).replayed
    later, program = (await make.session(crew.editor)).client, await make.key(crew.editor, Scope.WRITE)
    for client in (later, program):
        assert (await run(client, key, "CreateVideo", **of(crew))).replayed
    reader = await make.key(crew.editor, Scope.READ)
    assert (await run(reader, key, "CreateVideo", **of(crew))).kind == "Forbidden"
    assert await made(crew) == 1


async def test_nobody_is_told_to_sign_in(make: Factory, crew: Crew) -> None:
    key = new_key()
    for _ in range(2):
        assert (await run(make.client(), key, "CreateVideo", **of(crew))).kind == "Unauthenticated"
    assert await IdempotencyKey.filter(key=key).count() == 0


async def test_what_was_refused_is_tried_again(crew: Crew) -> None:
    """Nothing of it is kept: what was wrong may have been put right."""
    client, key = crew.editor.client, new_key()
    video = (await create(crew, None)).value["id"]
    edit = {"input": {"id": video, "title": "Edited"}}
    await client.do("DeleteVideo", id=video)
    assert (await run(client, key, "EditVideo", **edit)).kind == "Conflict"
    await client.do("RestoreVideo", id=video)
    told = await run(client, key, "EditVideo", **edit)
    assert (told.kind, told.replayed) == ("Video", False)
    assert (await run(client, key, "EditVideo", **edit)).replayed


async def test_what_would_be_refused_by_now_is_answered(crew: Crew) -> None:
    """Trashed is trashed: sent again without a key it is a Conflict, under its key it is what it was."""
    client, key = crew.editor.client, new_key()
    video = (await create(crew, None)).value["id"]
    told = [await run(client, key, "DeleteVideo", id=video) for _ in range(2)]
    assert told[0].answer["data"] == told[1].answer["data"]
    assert (await run(client, None, "DeleteVideo", id=video)).kind == "Conflict"


async def test_a_password_that_has_been_changed_is_not_asked_for_again(make: Factory) -> None:
    """The present one is the new one by now: the use-case would say that it is wrong, and count it as a guess."""
    person, key = await make.secured(await make.person()), new_key()
    change = {"input": {"current": PASSWORD, "new": "another long one"}}
    told = [await run(person.client, key, "ChangePassword", **change) for _ in range(8)]
    assert {each.kind for each in told} == {"User"}
    assert [each.replayed for each in told] == [False] + [True] * 7


@asynccontextmanager
async def faulty(table: str) -> AsyncIterator[None]:
    """Whatever is inserted into the table fails, as by a fault of ours."""
    fails = "BEGIN RAISE EXCEPTION 'a fault'; END"
    async with raw_connection() as connection:
        await connection.execute(
            f"CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $${fails}$$;"
            f"CREATE TRIGGER fails BEFORE INSERT ON {table} EXECUTE FUNCTION fails()"
        )
    try:
        yield
    finally:
        async with raw_connection() as connection:
            await connection.execute("DROP FUNCTION fails() CASCADE")


async def test_what_failed_by_our_fault_is_not_kept(crew: Crew, make: Factory) -> None:
    version = gid(await make.version(await make.video(crew)))
    client, key = crew.editor.client, new_key()
    said = {"input": {"versionId": version, "body": "Once"}}
    async with faulty("comments"):
        told = await run(client, key, "AddComment", **said)
        assert [error["extensions"]["code"] for error in told.answer["errors"]] == ["INTERNAL"]
    assert await IdempotencyKey.filter(key=key).count() == 0
    told = await run(client, key, "AddComment", **said)
    assert (told.kind, told.replayed) == ("Comment", False)
    assert await Comment.filter(team_id=crew.team.id).count() == 1


async def test_what_is_gone_or_out_of_sight_by_now_is_not_found(crew: Crew) -> None:
    gone, unseen = new_key(), new_key()
    for key in (gone, unseen):
        assert (await create(crew, key, key)).kind == "Video"
    await Video.filter(title=gone).delete()
    assert (await create(crew, gone, gone)).kind == "NotFound"
    await Member.filter(team_id=crew.team.id, user_id=crew.editor.user.id).delete()
    assert (await create(crew, unseen, unseen)).kind == "NotFound"
    assert await made(crew) == 1


async def test_whoever_may_only_look_by_now_is_still_told(crew: Crew) -> None:
    """It is done, and they may see it. They could not do it again."""
    key = new_key()
    await create(crew, key)
    await Member.filter(team_id=crew.team.id, user_id=crew.editor.user.id).update(role=Role.VIEWER)
    assert (await create(crew, key)).kind == "Video"
    assert (await create(crew, new_key())).kind == "Forbidden"


async def test_a_team_that_was_left_is_left_again(crew: Crew) -> None:
    """What is answered is no row: its plain values are kept."""
    client, key = crew.editor.client, new_key()
    told = [await run(client, key, "LeaveTeam", id=crew.id) for _ in range(2)]
    assert [(each.kind, each.value["left"], each.replayed) for each in told] == [
        ("TeamLeft", True, False),
        ("TeamLeft", True, True),
    ]
    assert (await run(client, None, "LeaveTeam", id=crew.id)).kind == "NotFound"


async def test_a_key_stands_for_its_request_for_a_day(crew: Crew) -> None:
    key = new_key()
    await create(crew, key)
    row = await IdempotencyKey.get(user_id=crew.editor.user.id, key=key)
    row.created_at -= KEPT - timedelta(minutes=1)
    await row.save()
    assert (await create(crew, key)).replayed
    row.created_at -= timedelta(minutes=1)
    await row.save()
    assert not (await create(crew, key, "Later")).replayed
    assert await made(crew) == 2
    assert (await create(crew, key, "Later")).replayed


async def test_nothing_is_kept_of_what_was_asked(crew: Crew) -> None:
    """The request is a digest that takes the operator's secret to make: no password can be found by trying."""
    key = new_key()
    await create(crew, key, "Nobody reads this")
    row = await IdempotencyKey.get(user_id=crew.editor.user.id, key=key)
    assert len(row.request) == 16
    assert row.answer is None
    assert row.answer_type == "Video"
    assert row.answer_id == (await Video.get(team_id=crew.team.id)).id


async def test_over_sockets_the_key_is_in_the_extensions(studio: Studio, crew: Crew) -> None:
    key = new_key()
    extensions = {"idempotencyKey": key}
    async with signed_in(studio, crew.editor.client.token) as socket:
        told = [(await socket.ask(CREATE, extensions=extensions, **of(crew)))[0] for _ in range(2)]
        assert told[0]["data"] == told[1]["data"]
        assert [each["extensions"].get("replayed") for each in told] == [None, True]
        assert await socket.code(CREATE, extensions=extensions, **of(crew, "Another")) == REUSED[1]
        assert await socket.code("mutation { signOut { __typename } }", extensions=extensions) == REFUSED[1]
        for wrong in ("", "a b", 1, ["a"], {}):
            code = await socket.code(CREATE, extensions={"idempotencyKey": wrong}, **of(crew))
            assert code == "IDEMPOTENCY_KEY_INVALID", wrong
    assert await made(crew) == 1
    # The same request over HTTP, by header and by extension.
    assert (await ask(crew.editor.client, key, CREATE, variables=of(crew))).replayed
    assert (await ask(crew.editor.client, None, CREATE, variables=of(crew), extensions=extensions)).replayed
    both = await ask(crew.editor.client, new_key(), CREATE, variables=of(crew), extensions=extensions)
    assert both.refused == (400, "IDEMPOTENCY_KEY_INVALID")


async def test_a_document_may_be_named_by_its_hash(crew: Crew) -> None:
    client, key = crew.editor.client, new_key()
    by_hash = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(CREATE)}}
    assert not (await ask(client, key, CREATE, variables=of(crew), extensions=by_hash)).replayed
    assert (await ask(client, key, "", variables=of(crew), extensions=by_hash)).replayed
    assert (await ask(client, key, CREATE, variables=of(crew))).replayed


async def test_pages_of_other_origins_may_send_the_header(studio: Studio) -> None:
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    async with httpx.AsyncClient(base_url=studio.url) as client:
        response = await client.options("/graphql", headers=asked)
    assert response.status_code == 200
    assert "idempotency-key" in response.headers["Access-Control-Allow-Headers"].lower()


async def test_variables_that_lie_too_deep_are_refused(crew: Crew) -> None:
    client, deep = crew.editor.client, "[" * 500 + "]" * 500
    body = f'{{"query": "mutation {{ removeAvatar {{ __typename }} }}", "variables": {{"a": {deep}}}}}'
    headers = client.headers() | {"Idempotency-Key": new_key(), "Content-Type": "application/json"}
    response = await client.http.post(f"{client.url}/graphql", content=body, headers=headers)
    assert Told(response.status_code, response.json()).refused == (400, "BAD_REQUEST")


async def test_what_a_use_case_does_without_a_transaction_is_kept_too(make: Factory) -> None:
    """An upload that is completed already: nothing is written but the key."""
    there = await furnished(make)
    client, values = there.crew.owner.client, there.variables["CompleteUpload"]
    await client.do("CompleteUpload", **values)
    key = new_key()
    told = [await run(client, key, "CompleteUpload", **values) for _ in range(2)]
    assert [(each.kind, each.replayed) for each in told] == [("Job", False), ("Job", True)]
