"""What becomes of a query when the database is away, when nobody waits any more, when the plan itself is at fault."""

import asyncio
import logging
from typing import Any

import asyncpg
import pytest

from domain.errors import Forbidden
from domain.ids import new_id
from domain.viewers import ANONYMOUS
from plan import careful as careful_module
from plan import encode_id, planned
from plan.compiler import Compiler
from plan.planned import Planned
from tests.plan.conftest import Asker, Desk
from tests.plan.twice import Watch, paths_of, watched
from tests.plan.world import World, a_world

TWO = "query Two($id: ID!) { viewer { name } team(id: $id) { name videos { nodes { title id } } } kind: __typename }"


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


@pytest.fixture
def own(desk: Desk) -> tuple[Desk, Watch]:
    return watched(desk)


def team(world: World) -> str:
    return encode_id("Team", world.ids["Team"][0])


class Failing(Asker):
    """Its database fails with `error`, and counts how often it was asked."""

    error: BaseException
    asked = 0

    async def fetch(self, text: str, values: Any) -> Any:
        self.asked += 1
        raise self.error


def failing(desk: Desk, world: World, error: BaseException) -> Failing:
    asker = Failing(desk.engine, desk.caller._replace(viewer=world.viewer))
    asker.error = error
    return asker


AWAY = [
    ConnectionResetError("gone"),
    TimeoutError(),
    FileNotFoundError("no socket"),
    asyncpg.CannotConnectNowError("starting"),
    asyncpg.TooManyConnectionsError("full"),
    asyncpg.AdminShutdownError("stopped"),
    asyncpg.ConnectionDoesNotExistError("closed"),
    asyncpg.InvalidCatalogNameError("dropped"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
async def test_an_outage_is_told_at_each_root_and_nothing_is_tried_again(own, world, error):
    desk, watch = own
    asker = failing(desk, world, error)
    answer = await asker.ask(TWO, id=team(world))
    assert answer["data"] == {"viewer": None, "team": None, "kind": "Query"}
    assert paths_of(answer) == ["viewer", "team"]
    assert [told["extensions"] for told in answer["errors"]] == [{"code": "UNAVAILABLE"}] * 2
    assert asker.asked == 1
    assert watch.how == "planned"


@pytest.mark.parametrize("error", [asyncpg.QueryCanceledError("statement timeout"), asyncpg.OutOfMemoryError("full")])
async def test_a_statement_that_the_server_gave_up_is_not_tried_again(own, world, error):
    asker = failing(own[0], world, error)
    answer = await asker.ask(TWO, id=team(world))
    assert [told["extensions"]["code"] for told in answer["errors"]] == ["INTERNAL"] * 2
    assert asker.asked == 1


async def test_an_outage_leaves_what_is_wrong_with_arguments(own, world):
    asker = failing(own[0], world, ConnectionResetError())
    answer = await asker.ask('{ a: node(id: "bad") { id } b: viewer { id } }')
    assert [told["extensions"]["code"] for told in answer["errors"]] == ["INVALID", "UNAVAILABLE"]


async def test_a_refusal_of_the_applications_is_told_at_each_root(own, world):
    asker = failing(own[0], world, Forbidden())
    answer = await asker.ask(TWO, id=team(world))
    assert [told["extensions"]["code"] for told in answer["errors"]] == ["FORBIDDEN"] * 2
    assert asker.asked == 1


async def test_the_next_query_is_answered_again(own, world):
    desk, _ = own
    await failing(desk, world, ConnectionResetError()).ask(TWO, id=team(world))
    assert (await desk.asker(world.viewer).data(TWO, id=team(world)))["team"]["name"] == "Crew"


async def test_a_cancellation_goes_through(own, world):
    desk, watch = own
    asker = failing(desk, world, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await asker.ask(TWO, id=team(world))
    assert asker.asked == 1
    assert not watch.runs


async def test_what_nobody_waits_for_is_not_run_again(desk, world):
    class Stuck(Failing):
        async def fetch(self, text: str, values: Any) -> Any:
            self.asked += 1
            await asyncio.Event().wait()

    short, _ = watched(desk, seconds=0.05)
    asker = Stuck(short.engine, desk.caller._replace(viewer=world.viewer))
    answer = await asker.ask(TWO, id=team(world))
    assert [told["extensions"]["code"] for told in answer["errors"]] == ["TIMEOUT"]
    assert asker.asked == 1


def boom(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a fault of the plan's own")


async def aboom(*_: Any, **__: Any) -> Any:
    boom()


FAULTS = {
    "compiling": (Compiler, "query", boom),
    "the builder's making": (planned, "builder", boom),
    "reading": (Planned, "read", aboom),
    "writing": (Planned, "statement", boom),
    "SQL": (planned, "statement", lambda *_: "SELECT nonsense FROM nowhere"),
    "answering": (Planned, "answer", boom),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_the_plans_own_is_answered_plainly(own, world, monkeypatch, caplog, fault):
    desk, watch = own
    expected = await desk.asker(world.viewer, plain=True).data(TWO, id=team(world))
    assert watch.how == "asked"
    monkeypatch.setattr(*FAULTS[fault])
    with caplog.at_level(logging.WARNING, "plan.runner"):
        assert await desk.asker(world.viewer).data(TWO, id=team(world)) == expected
    assert watch.how == "fault"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[2] is not None, "a log without a traceback finds nothing"


async def test_a_fault_in_building_is_found_by_going_over_it(own, world, monkeypatch, caplog):
    """The builder only knows that something is unusual: what is right all the same is told, and logged as a fault."""
    desk, watch = own
    monkeypatch.setattr(planned, "builder", lambda _outline: boom)
    asker = desk.asker(world.viewer)
    data = await asker.data(TWO, id=team(world))
    assert (data["team"]["name"], watch.how, asker.statements.total()) == ("Crew", "planned", 2)
    assert [record.getMessage() for record in caplog.records] == ["an answer's builder failed"]


async def test_a_fault_in_finding_errors_too(own, world, monkeypatch):
    desk, watch = own
    monkeypatch.setattr(careful_module.Careful, "answer", boom)
    answer = await desk.asker(world.viewer).ask('{ node(id: "bad") { id } }')
    assert [told["extensions"]["code"] for told in answer["errors"]] == ["INVALID"]
    assert watch.how == "fault"


@pytest.mark.parametrize("given", [{"filter": {"text": "a\0b"}}, {"filter": {"tags": ["\0"]}}], ids=str)
async def test_values_that_no_database_takes_are_the_clients_fault(own, world, caplog, given):
    """So nobody fills our log with them."""
    desk, watch = own
    asked = """query ($id: ID!, $filter: VideoFilter) {
        viewer { name } team(id: $id) { videos(filter: $filter) { totalCount } } }"""
    answer = await desk.asker(world.viewer).ask(asked, id=team(world), **given)
    assert answer["data"]["viewer"]["name"] == "Ada"
    assert {told["extensions"]["code"] for told in answer["errors"]} == {"INVALID"}
    assert watch.how == "values"
    assert not caplog.records


async def test_one_cause_of_many_errors_is_logged_once(own, world, caplog):
    asker = failing(own[0], world, asyncpg.QueryCanceledError("statement timeout"))
    answer = await asker.ask("{ a: viewer { id } b: viewer { id } c: viewer { id } }")
    assert len(answer["errors"]) == 3
    assert [record.name for record in caplog.records] == ["plan.engine"]


async def test_a_mistake_that_is_made_again_holds_nothing_of_the_last_time(own, world):
    """An exception that is raised again keeps the frames, and so all the values, of every time that it was."""
    desk, _ = own
    lengths = []
    for _ in range(3):
        asker = desk.asker(world.viewer)
        context_errors = await _errors(asker, '{ node(id: "bad") { id } }')
        lengths.append([len(list(_frames(error))) for error in context_errors])
    assert lengths[0] == lengths[1] == lengths[2] != [0]


async def _errors(asker: Asker, query: str) -> list[Exception]:
    causes: list[Exception] = []

    async def run(*arguments: Any) -> Any:
        data, errors = await before(*arguments)
        causes.extend(error.original_error for error in errors)
        return data, errors

    before = asker.engine._runner.query
    asker.engine._runner.query = run
    try:
        await asker.ask(query)
    finally:
        asker.engine._runner.query = before
    return causes


def _frames(error: BaseException) -> Any:
    traceback = error.__traceback__
    while traceback:
        yield traceback
        traceback = traceback.tb_next


async def test_ids_of_nothing_are_no_outage(own):
    desk, watch = own
    data = await desk.asker(ANONYMOUS).data(TWO, id=encode_id("Team", new_id()))
    assert (data, watch.how) == ({"viewer": None, "team": None, "kind": "Query"}, "planned")
