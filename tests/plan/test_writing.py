"""Nothing of a client's text stands in SQL but names, nor in the code that builds answers; and what writing takes."""

import builtins
import re
from typing import Any

import orjson
import pytest
from tortoise.expressions import Q, Subquery

import models
from domain.ids import new_id
from domain.viewers import NOBODY
from plan import builder, encode_id
from plan.arguments import Bound
from plan.nodes import NODES
from plan.predicates import conditioned, template_of
from plan.requests import RequestRefused
from plan.texts import Fixed, IdText, ObjectText, joined
from plan.writing import Given, OfViewer, Writing
from tests.plan.conftest import Desk
from tests.plan.test_bad_input import packed
from tests.plan.twice import both, watched
from tests.plan.world import World, a_world

SEARCH = """query ($id: ID!, $filter: VideoFilter, $after: String) {
  team(id: $id) { videos(filter: $filter, after: $after) { totalCount nodes { title } } } }"""
HOSTILE = [
    "zq'); DROP TABLE videos; --", 'zq"; DELETE FROM users; --', "zq*/ UNION SELECT 1 /*", "zq\\", "zq$1", "zq$2::text",
    "zq{0}", "zq%s", "zq)", "zq((", "zq]", "zq}", "\x02zq0\x02", "\x020\x02", "\x030\x03", "\x01zq", "\x01",
    "zq\n--", "zq\u2028", "zq'''", 'zq"""',
]  # fmt: skip


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The code of each builder that is made."""
    made: list[str] = []

    def noting(text: str, *more: Any) -> Any:
        made.append(text)
        return builtins.compile(text, *more)

    monkeypatch.setattr(builder, "compile", noting, raising=False)
    return made


def team(world: World) -> str:
    return encode_id("Team", world.ids["Team"][0])


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
async def test_filters_are_values_only(desk, world, written, text):
    own, _ = watched(desk)
    usual = (await both(own, world.viewer, SEARCH, id=team(world), filter={"text": "zq", "tags": ["zq"]}))[1]
    for given in ({"text": text, "tags": [text]}, {"tags": [text]}, {"text": text}):
        answer, asker = await both(own, world.viewer, SEARCH, id=team(world), filter=given)
        assert "errors" not in answer
        assert asker.statements.total() == 1
        (statement,) = asker.statements
        assert "zq" not in statement
        assert not set("\x01\x02\x03") & set(statement)
        if len(given) == 2 and len(text) == 2:
            assert asker.statements == usual.statements
    assert not any("zq" in code for code in written)


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
async def test_literals_are_values_only(desk, world, written, text):
    literal = orjson.dumps(text).decode()
    asked = (
        f'{{ team(id: "{team(world)}") {{ videos(filter: {{text: {literal}, tags: [{literal}]}}) {{ totalCount }} }} }}'
    )
    answer, asker = await both(desk, world.viewer, asked)
    assert answer["data"] == {"team": {"videos": {"totalCount": 0}}}
    (statement,) = asker.statements
    assert "zq" not in statement
    assert not any("zq" in code for code in written)


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
async def test_cursors_are_values_only(desk, world, text):
    place = {"-created_at": "2026-01-01T00:00:00+00:00", "-id": str(new_id())}
    for cursor in (
        text,
        packed([text, place]),
        packed(["Video", {text: 1, **place}]),
        packed(["Video", place | {"-id": text}]),
    ):
        answer, asker = await both(desk, world.viewer, SEARCH, id=team(world), after=cursor)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID"]
        assert not any("zq" in statement for statement in asker.statements)


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
async def test_ids_are_values_only(desk, world, text):
    name = encode_id(text.encode("ascii", "ignore").decode(), new_id())
    for given in (text, name):
        _, asker = await both(
            desk, world.viewer, "query ($id: ID!) { node(id: $id) { id } video(id: $id) { id } }", id=given
        )
        assert not any("zq" in statement for statement in asker.statements)


@pytest.mark.parametrize("name", ["a-b", "a*/b", "a b", "a;b", "a'b", 'a"b', "é", "a\0", "1a", "a$"])
async def test_a_name_is_one_of_graphqls_or_is_refused(desk, world, name):
    for asked in (f"query {name} {{ viewer {{ id }} }}", f"{{ {name}: viewer {{ id }} }}"):
        with pytest.raises(RequestRefused):
            await desk.asker(world.viewer).ask(asked)


@pytest.mark.parametrize("name", ["build", "r", "s", "null", "n0", "l0", "c1", "__class__x", "None", "def", "_" * 500])
async def test_a_name_may_be_a_word_of_pythons_or_of_ours(desk, world, name):
    asked = f"query {name} {{ {name}: viewer {{ {name}: name memberships {{ {name}: nodes {{ {name}: id }} }} }} }}"
    answer, asker = await both(desk, world.viewer, asked)
    (statement,) = asker.statements
    assert answer["data"][name][name] == "Ada"
    assert statement.startswith(f"/* {name} */ ")


async def test_an_alias_stands_in_statements_only_as_a_key(desk, world):
    asker = desk.asker(world.viewer)
    await asker.data("{ zq: viewer { zqq: memberships { zqqq: nodes { zqqqq: team { zqqqqq: name } } } } }")
    (statement,) = asker.statements
    assert "zq" not in re.sub(r'[{,]"\w+":', "", statement)


@pytest.mark.parametrize("key", ["a'b", 'a"b', "a b", "a\n", "", "é", "1a", "a\\"])
def test_a_key_that_is_no_name_of_graphqls_is_written_into_no_statement(key):
    with pytest.raises(ValueError, match="is no name"):
        ObjectText({key: Fixed("Video")}).parts(None)


def test_of_an_object_with_many_fields_no_call_has_more_arguments_than_postgresql_takes():
    text = ObjectText({f"f{number}": IdText("t1", "Video") for number in range(400)})
    assert max(call.count(", ") for call in re.findall(r"concat\(([^()]*)", joined(text.parts(None)))) < 100


def test_equal_slots_share_a_parameter_and_equal_rights_a_name():
    writing = Writing()
    assert [writing.parameter(OfViewer("user_id")) for _ in range(2)] == ["$1", "$1"]
    assert writing.parameter(OfViewer("session_id")) == "$2"
    assert {writing.parameter(Given(1)) for _ in range(2)} == {"$3", "$4"}, "values may differ by type"
    rights = [writing.right(select, "uuid[]") for select in ("SELECT 1", "SELECT 2", "SELECT 1")]
    assert rights[0] == rights[2] != rights[1]
    assert writing.text("SELECT body", "Named").startswith(
        '/* Named */ WITH "right0" AS MATERIALIZED (SELECT ARRAY(SELECT 1)'
    )
    assert Writing().text("SELECT body") == "SELECT body"


def test_conditions_that_ask_for_other_rights_have_another_shape():
    """They look alike but for what the right is."""
    shapes = set()
    for column in ("user_id", "team_id"):
        mine = models.Member.filter(**{column: NOBODY}).values("team_id")
        template = template_of(models.Video, Q(team_id__in=Subquery(mine)))
        shapes.add(Bound(template=template).shape)
    assert len(shapes) == 2


def test_a_subquery_is_not_taken_for_one_that_has_lain_in_its_place():
    """What is kept is found by the text of a condition, and that of a subquery is its place in memory."""
    for column in ("user_id", "team_id") * 20:
        writing = Writing()
        conditioned(
            NODES["Video"], Q(team_id__in=Subquery(models.Member.filter(**{column: NOBODY}).values("id"))), "x", writing
        )
        assert f'WHERE "{column}"' in writing.text("")
