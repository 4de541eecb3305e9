"""What the plan keeps between operations has bounds, whatever clients send."""

import gc
import tracemalloc
from itertools import product
from typing import Any
from weakref import ref

import pytest
from graphql.execution.values import VariableValues

from domain.viewers import ANONYMOUS
from models import Video
from plan import arguments, builder, encode_id, predicates
from plan.arguments import Request as Bindings
from plan.documents import SHORTEST, weight
from plan.engine import CHARACTERS_KEPT as DOCUMENTS_KEPT
from plan.ids import IDS_REMEMBERED, encoder
from plan.nodes import NODES
from plan.planned import STATEMENTS_KEPT, Planned
from plan.predicates import CONDITIONS_KEPT, LONGEST_KEPT
from plan.requests import Request
from plan.runner import CHARACTERS_KEPT, Runner
from tests.plan.conftest import Asker, Desk
from tests.plan.twice import watched
from tests.plan.world import World, a_world

PAGE = """query ($id: ID!, $first: Int, $last: Int, $filter: VideoFilter) {
  team(id: $id) { videos(first: $first, last: $last, filter: $filter) { nodes { id } } } }"""

LIBRARY = """query Library{} {{ team(id: 1) {{ name videos(first: 50) {{ totalCount nodes {{ id title status
  createdBy {{ id name }} latestVersion {{ id number posterUrl }} commentCount }} pageInfo {{ hasNextPage }} }} }} }}"""

FREED = (
    "{ node(id: 1) { id ... on Team { videos { edges { cursor node { title } } pageInfo { endCursor } } } } }",
    "{ viewer { name memberships { nodes { role team { name } } } } }",
    "{ video(id: 1) { tags status versions(last: 2) { nodes { posterUrl restorations { number } } } } }",
    'mutation { renameTeam(input: {id: 1, name: "Crew"}) { ... on Team { name videos { nodes { id } } } } }',
    "subscription { videoChanged(id: 1) { video { title latestVersion { number } } } }",
)


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


@pytest.fixture
def own(desk: Desk) -> Desk:
    return watched(desk)[0]


def planned(desk: Desk) -> Planned:
    """The one plan that there is."""
    ((plan, _),) = desk.engine._runner._plans._kept.values()
    return plan


def compiled(desk: Desk, query: str) -> None:
    """Has the query compiled, without running it."""
    desk.engine._plan(desk.engine._asked(desk.engine.operation(Request(query))), plain=False)


async def page(asker: Asker, world: World, **variables: Any) -> None:
    await asker.ask(PAGE, id=encode_id("Team", world.ids["Team"][0]), **variables)


def test_ten_thousand_documents_leave_memory_bounded(own):
    """The smallest, of which the most are kept."""
    for number in range(10_000):
        compiled(own, f"{{a{number}:__typename}}")
    runner: Runner = own.engine._runner
    assert max(runner._plans.characters, runner._deciding.characters) <= CHARACTERS_KEPT
    assert max(len(runner._plans), len(runner._deciding)) <= CHARACTERS_KEPT / SHORTEST
    assert len(own.engine._documents) <= DOCUMENTS_KEPT / SHORTEST


async def test_no_variables_are_kept_but_those_that_decide(own, world):
    """They may be long, and passwords."""
    gc.collect()
    before = {id(each) for each in gc.get_objects() if type(each) is VariableValues}
    given = {
        "id": encode_id("Team", world.ids["Team"][0]),
        "email": "a@example.com",
        "password": "hunter2",
        "yes": True,
    }
    asked = """query A($id: ID!, $yes: Boolean!) { team(id: $id) { videos { nodes { id title @include(if: $yes) } } } }
        mutation B($email: String!, $password: String!) {
          signIn(input: {email: $email, password: $password}) { __typename } }"""
    for name in "AB":
        operation = own.engine.operation(Request(asked, name, given))
        assert own.engine._plan(own.engine._asked(operation), plain=False)
        del operation
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) is VariableValues and id(each) not in before]
    assert [each.coerced for each in kept if each.coerced] == [{"yes": True}] * len(kept)


@pytest.mark.parametrize("query", ["{{a{}:viewer{{id}}}}", "{{a{}:node(id:1){{id}}}}", LIBRARY])
def test_a_plan_takes_some_hundred_bytes_for_each_character(own, query):
    texts = [query.format(number) for number in range(20)]
    for text in texts:
        own.engine.operation(Request(text))
    gc.collect()
    tracemalloc.start()
    try:
        for text in texts:
            compiled(own, text)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken < 150 * sum(map(weight, texts))


def test_what_is_driven_out_is_free_at_once(own):
    """It holds itself in no way: the collector of garbage would come to it when much more is there."""
    gc.collect()
    gc.disable()
    try:
        for text in (LIBRARY.format(1), *FREED):
            compiled(own, text)
        plans = [plan for plan, _ in own.engine._runner._plans._kept.values()]
        parts = [part for plan in plans for part in ([plan] if isinstance(plan, Planned) else _parts(plan))]
        for part in parts:
            bounds = [each.bound(Bindings(None, None, VariableValues({}, {}))) for each in part._outline.bindings]
            part.statement(ANONYMOUS, bounds)
        levels = [level for part in parts for level in part._outline.levels]
        documents = [sound.document for sound, _ in own.engine._documents._kept.values()]
        assert (len(plans), len(documents)) == (1 + len(FREED), 1 + len(FREED))
        assert len(levels) > len(plans)
        left = [ref(each) for each in (*parts, *levels, *documents)]
        own.engine._runner._plans._kept.clear()
        own.engine._documents._kept.clear()
        del plans, parts, part, levels, documents, bounds
        assert [each() for each in left if each() is not None] == []
    finally:
        gc.enable()


def _parts(plan: Any) -> list[Planned]:
    return [part for answered in plan for part in answered.parts]


def test_long_documents_push_each_other_out(own):
    for number in range(30):
        compiled(own, f"{{viewer{{id}}}}#{number:020000}")
    assert len(own.engine._runner._plans) < CHARACTERS_KEPT / 20_000
    assert own.engine._runner._plans.characters <= CHARACTERS_KEPT


async def test_a_thousand_shapes_leave_few_statements(own, world):
    asker = own.asker(world.viewer)
    await page(asker, world)
    filters = [None, {"text": "abc"}, {"status": "DRAFT"}, {"tags": ["a"]}, {"deleted": True}]
    for size, way, narrowed in product(range(1, 101), ("first", "last"), filters):
        _bind(own, world, filter=narrowed, **{way: size})
    assert len(planned(own)._statements) == STATEMENTS_KEPT
    ends = [key for key in arguments._ends if key[0] == id(NODES["Team"].fields["videos"].declaration)]
    assert len(ends) <= 201 * 3, "a hundred sizes from two ends and none said, in three orders, for all plans together"


async def test_statements_that_are_used_are_kept(own, world):
    asker = own.asker(world.viewer)
    await page(asker, world)
    (usual,) = asker.statements
    for size in range(1, 101):
        _bind(own, world, last=size)
        _bind(own, world)
    assert usual in [text for text, _ in planned(own)._statements.values()]


def _bind(desk: Desk, world: World, **variables: Any) -> None:
    """Writes the statement for these variables, without running it."""
    operation = desk.engine.operation(Request(PAGE, None, {"id": encode_id("Team", world.ids["Team"][0]), **variables}))
    asked = desk.engine._asked(operation)
    bounds = [each.bound(Bindings(None, None, asked.variables)) for each in planned(desk)._outline.bindings]
    assert not any(bound.failed for bound in bounds)
    planned(desk).statement(world.viewer, bounds)


async def test_conditions_are_kept_within_their_number(own, world):
    await page(own.asker(world.viewer), world)
    for number in range(CONDITIONS_KEPT + 50):
        _bind(own, world, filter={"text": f"text {number}"})
    assert len(predicates._conditions) == CONDITIONS_KEPT
    assert len(planned(own)._statements) == 2


async def test_long_texts_are_not_kept(own, world):
    long = "x" * LONGEST_KEPT
    await page(own.asker(world.viewer), world, filter={"text": long})
    assert not any(long in text for _, text in predicates._conditions)
    assert predicates.template_of(Video, Video.matching(text=long)).slots, "and yet it is sought"


def test_code_that_is_long_is_not_kept(own):
    before = builder._kept_code.cache_info()
    many = " ".join(f"a{number}: name" for number in range(200))
    compiled(own, f"{{ viewer {{ {many} }} }}")
    assert builder._kept_code.cache_info() == before
    compiled(own, "{ kept_or_made_anew: viewer { name } }")
    assert builder._kept_code.cache_info() != before


async def test_ids_are_remembered_within_their_number():
    encode = encoder("Kept", repeating=True)
    for number in range(IDS_REMEMBERED + 10):
        encode(number.to_bytes(16, "big"))
    assert encode.cache_info().currsize == IDS_REMEMBERED
    assert not hasattr(encoder("Kept"), "cache_info"), "rows that are met once are not remembered"


async def test_nothing_of_a_viewer_is_kept(own, world):
    """Somebody else who asks the same is told their own."""
    asked = "{ viewer { name email memberships { nodes { team { id } } } } }"
    assert (await own.asker(world.viewer).data(asked))["viewer"]["name"] == "Ada"
    assert await own.asker(ANONYMOUS).data(asked) == {"viewer": None}
    other = await a_world(1)
    mine = (await own.asker(other.viewer).data(asked))["viewer"]["memberships"]["nodes"]
    assert mine == [{"team": {"id": encode_id("Team", other.ids["Team"][0])}}]
