"""Documents are parsed once, kept within bounds, and refused with a reason when they are not sound."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.viewers import ANONYMOUS
from plan.documents import Kept
from plan.engine import CHARACTERS_KEPT, REFUSED_CHARACTERS_KEPT, Engine
from plan.requests import Request, RequestRefused
from plan.shapes import MOST_CHARACTERS
from tests.plan.conftest import Desk

VIEWER = "{ viewer { id } }"


@pytest.fixture
def engine(desk: Desk) -> Engine:
    return desk.engine


def refused(engine: Engine, query: str, name: str | None = None) -> str:
    """The message of the one error that `query` is refused with."""
    with pytest.raises(RequestRefused) as caught:
        engine.operation(Request(query, name))
    answer = caught.value.answer()
    assert set(answer) == {"errors"}
    code = "TOO_COSTLY" if "costs too much" in answer["errors"][0]["message"] else "BAD_REQUEST"
    assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
    return answer["errors"][0]["message"]


@given(texts=st.lists(st.text("abc", max_size=4)), most=st.integers(0, 8))
def test_what_was_used_last_is_kept_up_to_the_bound(texts, most):
    made: list[str] = []
    documents: Kept[str, str] = Kept(most)
    kept: list[str] = []
    for text in texts:
        before = len(made)
        assert documents.get(text, len(text), lambda text=text: made.append(text) or text.upper()) == text.upper()
        assert (len(made) > before) is (text not in kept)
        if len(text) <= most:
            kept = [*(other for other in kept if other != text), text]
        while sum(map(len, kept)) > most:
            kept.pop(0)
        assert documents.characters == sum(map(len, kept)) <= most
        assert len(documents) == len(kept)


def test_what_is_put_twice_counts_once():
    documents: Kept[str, str] = Kept(10)
    for made in ("first", "second"):
        documents.put("key", made, 6)
    assert (documents.find("key"), documents.find("other"), documents.characters) == ("second", None, 6)
    documents.put("other", "third", 6)
    assert (documents.find("key"), documents.find("other"), documents.characters) == (None, "third", 6)


def test_a_document_is_parsed_once(engine):
    assert engine.operation(Request(VIEWER)).document is engine.operation(Request(VIEWER)).document


def test_thousands_of_different_documents_do_not_fill_the_memory(engine):
    for index in range(3_000):
        assert engine.operation(Request(f"{{__typename}}#{index:01000}"))
    assert engine._documents.characters <= CHARACTERS_KEPT
    assert len(engine._documents) <= CHARACTERS_KEPT / 1_000


def test_what_is_refused_pushes_out_nothing_that_is_sound(engine):
    sound = engine.operation(Request(VIEWER)).document
    for index in range(200):
        refused(engine, f"{{nothing}}#{index:05000}")
    assert engine.operation(Request(VIEWER)).document is sound
    assert engine._refused.characters <= REFUSED_CHARACTERS_KEPT


def test_a_refusal_is_no_longer_than_anybody_reads(engine):
    assert len(refused(engine, "{ viewer { id(" + "x" * 40_000 + ": 1) } }")) < 2_000


def test_a_huge_document_is_neither_read_nor_kept(engine):
    before = len(engine._documents)
    huge = f"{VIEWER}#".ljust(MOST_CHARACTERS, "x")
    assert f"{MOST_CHARACTERS + 1} characters" in refused(engine, huge + "x")
    assert len(engine._documents) == before
    assert engine.operation(Request(huge))


@pytest.mark.parametrize("query", ["{ nothing }", "{", "{" + "viewer { id }" * 200 + "}"], ids=range(3))
def test_a_refusal_that_is_told_again_holds_nothing_of_the_last_time(engine, query):
    for _ in range(3):
        refused(engine, query)
    assert engine._refused.get(query, 0, None).__traceback__ is None


@pytest.mark.parametrize("query", ["", "{", "{ viewer { id }", "nonsense", "\0", "{ viewer { id } } }", '{ node(id: "'])
def test_what_is_not_graphql_is_a_syntax_error(engine, query):
    assert refused(engine, query).startswith("Syntax Error")


@pytest.mark.parametrize(
    "query",
    ["{ nothing }", "{ viewer }", "{ viewer { id { id } } }", "{ node { id } }", "{ ...gone }",
     "query ($a: Int) { viewer { id } }", "{ team(id: 1, colour: 2) { id } }",
     "subscription { videoChanged(id: 1) { type } jobProgress(id: 1) { percent } }"],
)  # fmt: skip
def test_what_the_schema_does_not_offer_is_refused(engine, query):
    assert not refused(engine, query).startswith("Syntax Error")


def nested(depth: int) -> dict[str, str]:
    """Documents that each nest another thing."""
    chain = " ".join(f"fragment f{index} on Query {{ ...f{index + 1} }}" for index in range(depth))
    ring = "team { videos { nodes { "
    return {
        "fields": "{a" * depth + "}" * depth,
        "inline fragments": "{" + "...{" * depth + "viewer{id}" + "}" * (depth + 1),
        "lists": "{ node(id: " + "[" * depth + "]" * depth + ") { id } }",
        "objects": "{ node(id: " + "{a:" * depth + "1" + "}" * depth + ") { id } }",
        "types": "query ($a: " + "[" * depth + "Int" + "]" * depth + ") { viewer { id } }",
        "fragments": f"{{ ...f0 }} {chain} fragment f{depth} on Query {{ viewer {{ id }} }}",
        "known fields": "{ video(id: 1) {" + ring * depth + "id" + "}" * (3 * depth + 2),
    }


@pytest.mark.parametrize("thing", nested(1))
def test_however_deep_a_document_goes_it_is_answered(engine, thing):
    for depth in (150, 200, 250, 330, 1000):
        with contextlib.suppress(RequestRefused):  # some depths are fine, none may fail in another way
            engine.operation(Request(nested(depth)[thing]))
    assert refused(engine, nested(5_000)[thing])


@pytest.mark.parametrize("thing", nested(1))
async def test_what_is_deep_and_sound_can_also_be_run(desk, thing):
    asker = desk.asker(ANONYMOUS)
    for depth in (1, 2, 5, 7, 10, 20, 100, 190):
        try:
            answer = await asker.ask(nested(depth)[thing])
        except RequestRefused:
            continue
        assert "INTERNAL" not in str(answer)


def test_an_operation_is_chosen_by_its_name(engine):
    two = "query A { viewer { id } } query B { viewer { name } }"
    assert engine.operation(Request(two, "B")).node.name.value == "B"
    assert engine.operation(Request(two, "A")).root_fields == ["viewer"]
    assert "named 'C'" in refused(engine, two, "C")
    assert "without a name" in refused(engine, two)
