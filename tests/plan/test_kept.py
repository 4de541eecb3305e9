"""What the plan keeps between operations has bounds, whatever clients send."""

import gc
import tracemalloc
from itertools import product
from typing import Any

import pytest

from domain.viewers import ANONYMOUS
from models import Video
from plan import arguments, encode_id, predicates
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
