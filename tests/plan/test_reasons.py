"""What has no plan goes the plain path, is counted under the reason, and is answered no otherwise."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLField

from domain.ids import new_id
from domain.viewers import ANONYMOUS
from models import User
from plan import compiler, encode_id
from plan.draft import MOST_FIELDS
from plan.requests import RequestRefused
from plan.runner import MOST_DECISIONS
from tests.plan.conftest import Desk
from tests.plan.twice import Watch, watched
from tests.plan.world import World, a_world, session


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


@pytest.fixture
def own(desk: Desk) -> tuple[Desk, Watch]:
    return watched(desk)


def deciding(count: int) -> str:
    names = [f"b{index}" for index in range(count)]
    fields = " ".join(f"{name}: id @include(if: ${name})" for name in names)
    return f"query ({', '.join(f'${name}: Boolean = true' for name in names)}) {{ viewer {{ name {fields} }} }}"


def joining(relations: int) -> str:
    page = "fragment page on MemberConnection { nodes { team { name } } }"
    return f"{{ viewer {{ memberships {{ nodes {{ {_chain(relations)} }} }} }} }} {page}"


def spread(fields: int) -> str:
    """So many fields, in few words."""
    viewers = " ".join(f"v{number}: viewer {{ ...some }}" for number in range(fields // 21))
    page = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { ...more } edges { node { role } }"
    some = f"fragment some on User {{ id name memberships(first: 1) {{ totalCount {page} }} }}"
    return f"{{ {viewers} }} {some} fragment more on Member {{ id role team {{ id name }} user {{ id name }} }}"


def _chain(left: int) -> str:
    """Members lead to users and teams; each alias of a connection is a level that joins one more."""
    inside = " ".join(f"m{index}: memberships(first: 1) {{ ...page }}" for index in range(left))
    return f"user {{ {inside} }}"


QUERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "introspection": ('{ viewer { name } __schema { queryType { name } } __type(name: "Video") { name } }', {}),
    "resolver": (
        "query ($id: ID!) { uploadParts(id: $id) { arrived { number } missing { number } } viewer { name } }",
        {},
    ),
    "decisions": (deciding(MOST_DECISIONS + 1), {"b0": False}),
    "directives": ("query ($yes: Boolean = true) { viewer { name id @skip(if: $yes) } }", {"yes": None}),
    "fields": (spread(MOST_FIELDS + 50), {}),
    "joins": (joining(compiler.MOST_JOINS), {}),
}


@pytest.mark.parametrize("reason", QUERIES)
async def test_a_query_without_a_plan(own, world, reason):
    desk, watch = own
    query, variables = QUERIES[reason]
    if "$id" in query:
        variables = variables | {"id": encode_id("Upload", world.ids["Upload"][0])}
    for _ in range(2):  # the second time it is known
        answer = await desk.asker(world.viewer).ask(query, **variables)
        assert watch.how == reason
        assert answer == await desk.asker(world.viewer, plain=True).ask(query, **variables)
        assert watch.how == "asked"
        assert answer["data"]


async def test_as_many_decisions_and_joins_as_are_allowed(own, world):
    desk, watch = own
    assert list((await desk.asker(world.viewer).data(deciding(MOST_DECISIONS), b0=False))["viewer"])[:2] == [
        "name",
        "b1",
    ]
    assert watch.how == "planned"
    await desk.asker(world.viewer).data(joining(compiler.MOST_JOINS - 1))
    assert watch.how == "planned"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("mutation { __typename signOut { ... on SignedOut { ended } } }", "planned"),
        ("mutation { signOut { ... on SignedOut { ended kind: __typename } } }", "planned"),
        (
            "mutation { signOut { __typename ... on SignedOut { ended } ...p } } fragment p on Problem { code }",
            "planned",
        ),
    ],
)
async def test_a_mutation_without_a_plan(own, world, query, reason):
    desk, watch = own
    another = await session(await User.get(id=world.viewer.user_id))
    answer = await desk.asker(replace(world.viewer, session_id=another.id)).data(query)
    assert answer["signOut"]["ended"] is True
    assert watch.how == reason


async def test_a_payload_with_a_resolver_of_its_own(own, world):
    desk, watch = own
    asked = """mutation ($video: ID!) { startUpload(input: {videoId: $video, fileName: "a.mp4", size: 3}) {
        ... on UploadParts { missing { number size } upload { size } } } }"""
    data = await desk.asker(world.viewer).data(asked, video=encode_id("Video", world.ids["Video"][0]))
    assert data["startUpload"] == {"missing": [{"number": 1, "size": 3}], "upload": {"size": 3}}
    assert watch.how == "resolver"


async def test_planning_can_be_switched_off(desk, world):
    off, watch = watched(desk, planning=False)
    data = await off.asker(world.viewer).data("{ viewer { name } }")
    assert (data, watch.how) == ({"viewer": {"name": "Ada"}}, "off")
    await off.asker(world.viewer, plain=True).data("{ viewer { name } }")
    assert watch.how == "asked"


async def test_what_is_refused_is_not_counted(own):
    desk, watch = own
    for query, variables in (("{ nothing }", {}), ("query ($id: ID!) { video(id: $id) { id } }", {"id": None})):
        with pytest.raises(RequestRefused):
            await desk.asker(ANONYMOUS).ask(query, **variables)
    assert not watch.runs


async def test_an_object_that_may_be_of_several_types(own, monkeypatch):
    """None is declared so: where a value of ours is of an interface, only the executor can tell which type it has."""
    desk, watch = own
    types = desk.engine.schema.type_map
    failure = types["Job"].fields["failure"]
    several = GraphQLField(types["Problem"], extensions=failure.extensions, resolve=failure.resolve)
    monkeypatch.setitem(types["Job"].fields, "failure", several)
    asked = "query ($id: ID!) { job(id: $id) { failure { message } } }"
    assert await desk.asker(ANONYMOUS).data(asked, id=encode_id("Job", new_id())) == {"job": None}
    assert watch.how == "abstract"
