"""Whoever is not in a team cannot tell that anything of it exists: generated from the schema, for every root field."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_required_argument,
    is_required_input_field,
)
from strawberry import Schema

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from domain.permissions import PERMISSIONS, Audience, Role
from domain.tokens import new_token
from local.client import Client, OperationFailed
from models import Job, Member, Session, Upload, Version, Video
from models.database import transaction
from plan import encode_id
from plan.nodes import NODES
from schema.root import build_schema
from tests.factories import Crew, Factory, gid

PROBLEM = " fragment P on Problem { code message path }"
IN_ANOTHER_STATE = {
    "restoreVideo": ("Conflict", "The video is not in the trash."),
    "completeUpload": ("Invalid", "Part 1 has not arrived (1 parts are not right)."),
}
"""What the owner is told by mutations that want their thing otherwise than `furnished` leaves it."""
SAMPLES = {"String": "x", "Int": 1, "SafeInt": 1, "Boolean": False, "Float": 1.0, "DateTime": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
async def schema(models: None) -> Schema:
    return build_schema()


async def furnished(make: Factory) -> tuple[Crew, dict[str, str]]:
    """A team with something of every type in it, and the global ids."""
    crew = await make.crew()
    video = await make.video(crew)
    version = await make.version(video)
    comment = await make.comment(version)
    async with transaction():
        job = await Job.enqueue(
            JobKind.INGEST, utc_now(), payload={"upload_id": str(new_id())}, team_id=crew.team.id, video_id=video.id
        )
    upload = await crew.editor.client.do("StartUpload", input={"videoId": gid(video), "fileName": "a", "size": 1})
    member = await Member.get(team_id=crew.team.id, role=Role.OWNER)
    entry = await make.entry(crew, subjects=[f"video:{video.id}"])
    session = await Session.create(
        user_id=crew.owner.user.id, token_hash=new_token(), expires_at=utc_now() + timedelta(hours=1)
    )
    rows = (crew.team, member, crew.owner.user, session, video, version, comment, job, entry)
    ids = {type(row).__name__: gid(row) for row in rows} | {"Upload": upload["upload"]["id"]}
    assert ids.keys() == NODES.keys(), "a new type wants something of its own in `furnished`"
    return crew, ids


def value_for(kind: Any, row_id: str) -> Any:
    """Some value of an input type, with `row_id` wherever an id goes."""
    bare = get_nullable_type(kind)
    if isinstance(bare, GraphQLList):
        return [value_for(bare.of_type, row_id)]
    named = get_named_type(bare)
    if isinstance(named, GraphQLInputObjectType):
        required = {name: field for name, field in named.fields.items() if is_required_input_field(field)}
        return {name: value_for(field.type, row_id) for name, field in required.items()}
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    return row_id if named.name == "ID" else SAMPLES[named.name]


def takes_an_id(kind: Any) -> bool:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        return any(takes_an_id(field.type) for field in named.fields.values())
    return named.name == "ID"


def documents(schema: Schema, kind: str, row_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """For every root field that takes an id: its name, a document, and variables that point at `row_id`."""
    for name, field in getattr(schema._schema, f"{kind}_type").fields.items():
        needed = {a: given for a, given in field.args.items() if is_required_argument(given)}
        if not any(takes_an_id(given.type) for given in needed.values()):
            continue
        head = ", ".join(f"${a}: {given.type}" for a, given in needed.items())
        passed = ", ".join(f"{a}: ${a}" for a in needed)
        told, fragment = ("__typename ...P", PROBLEM) if kind == "mutation" else ("__typename", "")
        yield (
            name,
            f"{kind} X({head}) {{ {name}({passed}) {{ {told} }} }}{fragment}",
            {a: value_for(given.type, row_id) for a, given in needed.items()},
        )


async def test_a_stranger_sees_nothing(make: Factory, schema: Schema) -> None:
    _, ids = await furnished(make)
    stranger = (await make.crew()).owner
    clients = (stranger.client, make.client())

    async def try_everything(type_name: str, row_id: str) -> None:
        nowhere = encode_id(type_name, new_id())
        for kind in ("query", "mutation"):
            there = documents(schema, kind, row_id)
            for (name, query, variables), (_, _, elsewhere) in zip(
                there, documents(schema, kind, nowhere), strict=True
            ):
                for client in clients:
                    seen = await client.ask(query, "X", variables)
                    assert without_position(seen) == without_position(await client.ask(query, "X", elsewhere)), name
                    assert "INTERNAL" not in str(seen), (name, seen)
                    assert refused(seen), (name, seen)

    await asyncio.gather(*(try_everything(*pair) for pair in ids.items()))


async def test_a_stranger_hears_nothing(make: Factory, schema: Schema) -> None:
    _, ids = await furnished(make)
    for client, code in (((await make.crew()).owner.client, "NOT_FOUND"), (make.client(), "UNAUTHENTICATED|NOT_FOUND")):
        for row_id in ids.values():
            for name, _, _ in documents(schema, "subscription", row_id):
                with pytest.raises(OperationFailed, match=code):
                    await first(client, name[0].upper() + name[1:], row_id)


async def test_the_owner_of_the_very_same_things_does_see_them(make: Factory, schema: Schema) -> None:
    """Otherwise the tests above would pass on an API that answers nothing to anybody."""
    crew, ids = await furnished(make)
    for name, _, _ in documents(schema, "query", ""):
        answers = await asyncio.gather(*(run(crew.owner.client, schema, "query", name, i) for i in ids.values()))
        assert any(answer["data"][name] is not None for answer in answers), name
    for name, _, _ in documents(schema, "mutation", ""):
        crew, ids = await furnished(make)  # each mutation finds everything as it was made
        answers = [await run(crew.owner.client, schema, "mutation", name, row_id) for row_id in ids.values()]
        told = [answer["data"][name] for answer in answers]
        assert not [problem for problem in told if problem["__typename"] == "Forbidden"], name
        done = [value for value in told if value["__typename"] != "NotFound"]
        assert [(value["__typename"], value.get("message")) for value in done] == [done_right(schema, name)]


def done_right(schema: Schema, name: str) -> tuple[str, str | None]:
    """What a mutation answers about the one thing that it is for: its name, and the message of a problem."""
    union = get_named_type(schema._schema.mutation_type.fields[name].type)  # type: ignore[union-attr]
    assert isinstance(union, GraphQLUnionType)
    return IN_ANOTHER_STATE.get(name, (union.types[0].name, None))


async def test_a_role_without_the_permission_is_refused(make: Factory, schema: Schema) -> None:
    for role in Role:
        crew, ids = await furnished(make)
        for name, field in schema._schema.mutation_type.fields.items():  # type: ignore[union-attr]
            holders = PERMISSIONS[field.extensions["strawberry-definition"].action].holders
            if isinstance(holders, Audience):
                continue
            client = crew.everybody()[role].client
            answers = await asyncio.gather(*(run(client, schema, "mutation", name, i) for i in ids.values()))
            kinds = {answer["data"][name]["__typename"] for answer in answers}
            assert ("Forbidden" in kinds) is (role not in holders), (role, name, kinds)
        if role not in PERMISSIONS["video:edit"].holders:  # type: ignore[operator]
            untouched = await Video.get(team_id=crew.team.id), await Version.filter(team_id=crew.team.id).count()
            assert (untouched[0].title, untouched[0].deleted_at, untouched[1]) == ("A cut", None, 1)
            assert await Upload.filter(team_id=crew.team.id).count() == 1


async def run(client: Client, schema: Schema, kind: str, name: str, row_id: str) -> dict[str, Any]:
    query, variables = next((q, v) for found, q, v in documents(schema, kind, row_id) if found == name)
    return await client.ask(query, "X", variables)


async def first(client: Client, operation: str, row_id: str) -> dict[str, Any]:
    async with client.follow(operation, id=row_id) as events:
        return await anext(events)


def refused(answer: dict[str, Any]) -> bool:
    value = next(iter(answer["data"].values()))
    return value is None or value["__typename"] in ("NotFound", "Unauthenticated")


def without_position(answer: dict[str, Any]) -> dict[str, Any]:
    return {part: value for part, value in answer.items() if part != "extensions"}
