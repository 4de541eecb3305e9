"""From a request to its answer: what is told, what is masked, and where the cause can be found."""

import asyncio
import logging

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from domain.errors import Conflict
from domain.ids import new_id
from domain.viewers import ANONYMOUS, Viewer
from edge.services import describe
from i18n import translate
from plan import encode_id
from plan.engine import Engine
from plan.requests import Request, RequestRefused
from tests.plan.conftest import Asker, Desk, the_schema

TEAM = "query ($id: ID!) { team(id: $id) { name } }"
JOB = "subscription ($id: ID!) { jobProgress(id: $id) { percent } }"
SECRET = "postgres://user:password@host"


class Broken(Asker):
    """Its database fails with `error`."""

    error: Exception = RuntimeError(SECRET)

    async def fetch(self, text, values):
        raise self.error


@pytest.fixture
def asker(desk: Desk) -> Asker:
    return desk.asker(ANONYMOUS)


class Stuck(Asker):
    """Its database never answers, and notes who gives up waiting."""

    given_up = 0

    async def fetch(self, text, values):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise


def broken(desk: Desk, error: Exception) -> Broken:
    asker = Broken(desk.engine, desk.caller._replace(viewer=Viewer(new_id(), new_id())))
    asker.error = error
    return asker


async def test_a_fault_of_ours_is_masked_and_its_cause_logged(desk, caplog):
    with caplog.at_level(logging.ERROR, "plan.engine"):
        answer = await broken(desk, RuntimeError(SECRET)).ask(TEAM, id=encode_id("Team", new_id()))
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "request-7"}
    assert "request-7" in error["message"]
    assert (error["path"], answer["data"]) == (["team"], {"team": None})
    assert SECRET not in str(answer)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == SECRET
    assert record.exc_info[2] is not None, "a log without a traceback finds nothing"


async def test_every_field_that_fails_is_told_apart(desk, caplog):
    answer = await broken(desk, RuntimeError(SECRET)).ask('{ a: viewer { id } b: node(id: "VGVhbTo") { id } }')
    assert sorted(error["extensions"]["code"] for error in answer["errors"]) == ["INTERNAL", "INVALID"]
    assert [record.name for record in caplog.records] == ["plan.runner", "plan.engine"]


async def test_a_domain_error_is_told_in_the_callers_language(desk, caplog):
    asker = broken(desk, Conflict("problem.video_deleted"))
    asker.caller = asker.caller._replace(locale="de")
    (error,) = (await asker.ask("{ viewer { id } }"))["errors"]
    assert error["extensions"] == {"code": "CONFLICT"}
    assert error["message"] == translate("de", "problem.video_deleted")
    assert not caplog.records


async def test_an_error_outside_of_any_field_is_masked_too(desk, caplog):
    class Context:
        request_id = "request-8"

    answer = desk.engine.failed(RuntimeError(SECRET), Context())
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "request-8"}
    assert SECRET not in str(answer)
    assert len(caplog.records) == 1


async def test_the_schema_describes_itself(asker):
    told = await asker.data(get_introspection_query(descriptions=True, input_value_deprecation=True))
    assert print_schema(build_client_schema(told)) == print_schema(asker.engine.schema)


@pytest.mark.parametrize("variables", [{}, {"id": None}, {"id": 1.5}, {"id": []}, {"id": {}}], ids=str)
async def test_variables_of_the_wrong_type_never_come_to_execution(asker, variables):
    with pytest.raises(RequestRefused) as caught:
        await asker.ask(TEAM, **variables)
    assert "$id" in caught.value.answer()["errors"][0]["message"]
    assert not asker.statements


async def test_the_one_field_of_a_subscription_with_its_arguments(desk):
    operation = desk.engine.operation(Request(JOB, None, {"id": "abc"}))
    field, arguments = desk.engine.root_call(operation)
    assert (field.python_name, arguments) == ("job_progress", {"id": "abc"})
    with pytest.raises(RequestRefused):
        desk.engine.root_call(desk.engine.operation(Request(JOB)))
    inside = "subscription { ... { ...f } } fragment f on Subscription { jobProgress(id: 1) { percent } }"
    field, arguments = desk.engine.root_call(desk.engine.operation(Request(inside)))
    assert (field.python_name, arguments) == ("job_progress", {"id": "1"})


async def test_what_takes_too_long_is_given_up(desk):
    engine = Engine(the_schema(), describe, seconds=0.05)
    asker = Stuck(engine, desk.caller._replace(viewer=Viewer(new_id(), new_id())))
    answer = await asker.ask("{ viewer { id } }")
    assert answer["data"] is None
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "TIMEOUT"}]
    assert "0.05 seconds" in answer["errors"][0]["message"]
    await asyncio.sleep(0)
    assert asker.given_up == 1
