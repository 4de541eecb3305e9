"""What the plan takes for obviously valid has no errors by GraphQL's own rules, however a document has gone wrong."""

from collections.abc import Iterator
from random import Random

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate

from local.client import document, operation_names
from plan.introspection import NoIntrospection
from plan.obvious import Obvious
from plan.shapes import TooCostly, require_modest
from tests.fuzz.documents import drawn
from tests.fuzz.explore import DOCUMENTS
from tests.fuzz.garbling import garbled, words
from tests.fuzz.stages import Stage
from tests.fuzz.values import Pools

SEED = 20
GARBLED = 3
"""How often each document is garbled."""


async def test_what_is_taken_for_valid_is(stage: Stage, pools: dict[str, Pools]) -> None:
    random, schema = Random(SEED), stage.engine.schema
    known = [document(name) for name in operation_names()]
    known += [drawn(random, schema, pools["owner"]).query for _ in range(DOCUMENTS // 2)]
    taken = _taken(schema, known)
    known_words = [words(text) for text in known]
    wrong = _taken(schema, [" ".join(garbled(random, known_words)) for _ in range(GARBLED * len(known))])
    for found in [*taken, *wrong]:
        assert validate(schema, found, [*specified_rules, NoIntrospection]) == [], found.loc and found.loc.source.body
    assert len(taken) > len(operation_names())
    assert len(wrong) > len(known) // 20, "too few are still valid: nothing is shown by them"


def _taken(schema: GraphQLSchema, texts: list[str]) -> list[DocumentNode]:
    obvious = Obvious(schema)
    return [found for found in _judged(texts) if obvious.is_valid(found)]


def _judged(texts: list[str]) -> Iterator[DocumentNode]:
    """Those that are documents at all, and of a form that is validated."""
    for text in texts:
        try:
            found = parse(text)
            require_modest(found)
        except (GraphQLError, TooCostly):
            continue
        yield found
