"""What an operation costs is known before it runs, for the variables it is asked with."""

from time import process_time

import pytest
from graphql import get_introspection_query, get_operation_ast, parse, validate

from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import ANONYMOUS, Viewer
from local.client import document, operation_names
from models import Member, Team, Video
from plan import encode_id
from plan.costs import MOST_NODES, MOST_VALUES, Cost, Tariffs
from plan.requests import Request, RequestRefused
from plan.shapes import MOST_ROOT_FIELDS, MOST_TOKENS
from tests.plan.hostile import doubling, there_and_back
from tests.plan.world import user, version

LIBRARY = """query ($id: ID!, $first: Int) { team(id: $id) { videos(first: $first) { totalCount edges { cursor node {
  id title description status tags createdAt updatedAt durationMs versionCount createdBy { id name }
  latestVersion { id number createdAt posterUrl proxyUrl frameRate { numerator denominator } }
  jobs(first: 20) { nodes { id kind state step percent createdBy { id name } } } } } } } }"""
SIZES = ("first", "last", "count")
PAGED = "query ($n: Int) { video(id: 1) { versions(first: $n) { nodes { id } } } }"


@pytest.fixture
def cost(desk):
    def count(query: str, **variables) -> Cost:
        parsed = parse(query)
        assert validate(desk.engine.schema, parsed) == []
        return Tariffs(desk.engine.schema).of(parsed).cost(get_operation_ast(parsed), variables)

    return count


@pytest.fixture
def refused(desk):
    def ask(query: str, **variables) -> str:
        with pytest.raises(RequestRefused) as caught:
            desk.engine.operation(Request(query, None, variables))
        (error,) = caught.value.answer()["errors"]
        assert error["extensions"] == {"code": "TOO_COSTLY"}
        return error["message"]

    return ask


@pytest.mark.parametrize(
    ("query", "nodes", "values"),
    [
        ("{ viewer { id } }", 1, 2),
        ("{ viewer { id } a: viewer { id name } }", 2, 5),
        ("{ viewer { ... { id } ... on User { id } } }", 1, 5),
        ("{ a: viewer { ...F } b: viewer { ...F } } fragment F on User { id name }", 2, 8),
        ("{ video(id: 1) { title } }", 1, 2),
        ("{ video(id: 1) { tags description } }", 1, 14),
        ("{ video(id: 1) { durationMs jobCount versionCount } }", 3, 4),
        ("{ video(id: 1) { team { name } } }", 2, 3),
        ("{ version(id: 1) { frameRate { numerator } } }", 1, 3),
        ("{ video(id: 1) { versions(first: 3) { nodes { id } } } }", 5, 2 + 3 * 2),
        ("{ video(id: 1) { versions(last: 3) { edges { cursor node { id } } } } }", 5, 2 + 3 * 4),
        ("{ video(id: 1) { versions { nodes { id } } } }", 22, 2 + 20 * 2),
        ("{ video(id: 1) { versions(first: null) { nodes { id } } } }", 22, 2 + 20 * 2),
        ("{ video(id: 1) { versions(first: 50) { totalCount } } }", 53, 3),
        ("{ video(id: 1) { versions(first: 1000000) { nodes { id } } } }", 102, 2 + 100 * 2),
        ("{ video(id: 1) { versions(first: 0) { nodes { id } } } }", 3, 2 + 2),
        ("{ video(id: 1) { versions(first: 2, last: 5) { nodes { id } } } }", 7, 2 + 5 * 2),
        ("query { video(id: 1) { versions(first: 3) { ...F } a: versions(first: 5) { ...F } } }\n"  # noqa: ISC004
         "fragment F on VersionConnection { nodes { id } }", 11, 3 + 3 * 2 + 5 * 2 + 2),
        ("{ team(id: 1) { videos(first: 4) { nodes { versions(first: 5) { nodes { createdBy { id } } } } } } }",
         1 + 5 + 4 * (6 + 5), 2 + 4 * (2 + 5 * 3)),
        ("{ version(id: 1) { restorations { id } } }", 1 + 20, 2 + 20 * 2),
        ("{ version(id: 1) { restorations { createdBy { id } } } }", 1 + 20 * 2, 2 + 20 * 3),
        ("{ version(id: 1) { restorations { restorations { id } } } }", 1 + 20 * 21, 2 + 20 * (2 + 20 * 2)),
        ("{ uploadParts(id: 1) { missing { url } } }", 1, 1 + 1000 * 2),
        ("{ __schema { types { name } } }", 0, 1 + 10 * 2),
        ("{ __typename viewer { __typename } }", 1, 3),
    ],
)  # fmt: skip
def test_every_thing_has_its_price(cost, query, nodes, values):
    assert cost(query) == Cost(nodes, values)


@pytest.mark.parametrize(
    ("variables", "rows"),
    [({"n": 7}, 7), ({}, 20), ({"n": None}, 20), ({"n": 1e1}, 100), ({"n": "x"}, 100), ({"n": 2**31}, 100),
     ({"n": -1}, 1), ({"other": 5}, 20)],
    ids=str,
)  # fmt: skip
def test_a_variable_counts_for_what_is_given(cost, variables, rows):
    assert cost(PAGED, **variables).nodes == 2 + rows
    assert cost(PAGED.replace("$n: Int", "$n: Int = 9"), **variables).nodes == 2 + (rows if "n" in variables else 9)


def test_what_costs_too_much_at_worst_is_asked_for_its_variables(desk, refused):
    query = there_and_back(3, "first: $n").replace("{", "query ($n: Int!) {", 1)
    assert desk.engine.operation(Request(query, None, {"n": 20})).kind.value == "query"
    nodes = 102 + 100 * (102 + 100 * 102)
    assert refused(query, n=100) == (f"The document costs too much: {nodes} nodes, where {MOST_NODES} are allowed.")


def test_a_default_that_is_no_size_is_left_alone(desk):
    """It has more digits than Python turns into a number."""
    variables = f"query ($n: Int = 10, $m: Int = null, $id: ID! = {'1' * 5000}) {{"
    query = there_and_back(3, "first: $n, last: $m").replace("id: 1", "id: $id").replace("{", variables, 1)
    assert desk.engine.operation(Request(query))


def test_the_way_there_and_back_ends_soon(refused):
    assert "nodes" in refused(there_and_back(4))


def test_what_is_shown_often_costs_though_it_is_loaded_once(refused):
    many = " ".join(f"a{number}: createdAt" for number in range(190))
    query = f"{{ team(id: 1) {{ videos(first: 100) {{ nodes {{ versions(first: 5) {{ nodes {{ {many} }} }} }} }} }} }}"
    assert f"values, where {MOST_VALUES} are allowed" in refused(query)


@pytest.mark.parametrize(
    ("kind", "field"),
    [("query", "viewer { id }"), ("mutation", "signOut { ... on SignedOut { ended } }")],
)
def test_fields_at_the_root_are_few(desk, refused, kind, field):
    most = {each.value: count for each, count in MOST_ROOT_FIELDS.items()}[kind]
    fields = [f"a{number}: {field}" for number in range(most + 1)]
    assert desk.engine.operation(Request(f"{kind} {{ {' '.join(fields[:-1])} }}"))
    assert refused(f"{kind} {{ {' '.join(fields)} }}") == (
        f"The document costs too much: {most + 1} fields at the root, where {most} are allowed."
    )
    hidden = f"{kind} {{ ...F }} fragment F on {kind.title()} {{ ... {{ {' '.join(fields)} }} }}"
    assert "at the root" in refused(hidden)


def test_only_the_chosen_operation_is_paid(desk, refused):
    costly = there_and_back(4)
    both = f"query Cheap {{ viewer {{ id }} }} query Costly {costly}"
    assert desk.engine.operation(Request(both, "Cheap")).node.name.value == "Cheap"
    with pytest.raises(RequestRefused, match="nodes"):
        desk.engine.operation(Request(both, "Costly"))


@pytest.mark.parametrize("name", operation_names())
def test_what_we_ask_ourselves_is_affordable_with_any_variables(desk, name):
    parsed = parse(document(name), max_tokens=MOST_TOKENS)
    Tariffs(desk.engine.schema).of(parsed).price(get_operation_ast(parsed), dict.fromkeys(SIZES, 100))


def test_a_full_library_page_and_introspection_are_affordable(desk):
    assert desk.engine.operation(Request(LIBRARY, None, {"id": "1", "first": 100}))
    everything = {"specified_by_url", "directive_is_repeatable", "schema_description", "input_value_deprecation"}
    assert desk.engine.operation(Request(get_introspection_query(**dict.fromkeys(everything, True))))


def test_doubling_is_counted_without_being_written_out(desk, refused, cost):
    twice = " ".join(f"fragment F{level} on User {{ ...F{level + 1} ...F{level + 1} }}" for level in range(20))
    query = f"{{ viewer {{ ...F0 }} }} {twice} fragment F20 on User {{ id }}"
    took = []
    for _ in range(3):  # a look for rings in all that other tests have left may fall into one of them
        began = process_time()
        assert cost(query).values > 2**20
        took.append(process_time() - began)
    assert min(took) < 0.2
    assert "values" in refused(query)
    assert "nodes" in refused(doubling(4))


async def test_the_dearest_operations_run_in_good_time(desk):
    """A second at most when measured with twenty times the rows; the slack is for slow machines."""
    owner, team = await user(), await Team.create(name="Crew")
    await Member.create(team_id=team.id, user_id=owner.id, role=Role.OWNER)
    video = await Video.create(title="Cut", team_id=team.id, created_by_id=owner.id)
    for number in range(1, 91):
        await version(video, number)
    asker = desk.asker(Viewer(owner.id, new_id()))
    back = there_and_back(2, "first: 90").replace("{", "query ($id: ID!) {", 1).replace("id: 1", "id: $id")
    many = " ".join(f"a{number}: posterUrl" for number in range(95))
    for query in (back, f"query ($id: ID!) {{ video(id: $id) {{ versions(first: 90) {{ nodes {{ {many} }} }} }} }}"):
        began = process_time()
        data = await asker.data(query, id=encode_id("Video", video.id))
        assert process_time() - began < 5
        assert len(data["video"]["versions"]["nodes"]) == 90
    with pytest.raises(RequestRefused):
        await desk.asker(ANONYMOUS).ask(there_and_back(2))
