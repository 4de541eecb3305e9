"""What is parsed at a glance is what graphql-core makes of it, however a document has gone wrong."""

from random import Random

from graphql import parse

from local.client import document, operation_names
from plan.parsing import Parser
from plan.shapes import MOST_TOKENS
from tests.fuzz.documents import drawn
from tests.fuzz.explore import DOCUMENTS
from tests.fuzz.garbling import garbled, words
from tests.fuzz.stages import Stage
from tests.fuzz.values import Pools
from tests.plan.test_parsing import told

SEED = 21


async def test_what_is_parsed_at_a_glance_is_what_it_says(stage: Stage, pools: dict[str, Pools]) -> None:
    random, schema = Random(SEED), stage.engine.schema
    known = [document(name) for name in operation_names()]
    known += [drawn(random, schema, pools["owner"]).query for _ in range(DOCUMENTS // 10)]
    parser, by_words, by_letters = Parser(schema), [words(text) for text in known], [list(text) for text in known]
    assert _taken(parser, known) > len(operation_names())
    for parts, between in ((by_words, " "), (by_letters, "")):
        wrong = [between.join(garbled(random, parts)) for _ in range(2 * DOCUMENTS)]
        assert 0 < _taken(parser, wrong) < len(wrong)


def _taken(parser: Parser, texts: list[str]) -> int:
    """How many are; each of them is compared."""
    found = {text: parser.at_a_glance(text, MOST_TOKENS) for text in texts}
    taken = {text: glance for text, glance in found.items() if glance is not None}
    for text, glance in taken.items():
        assert told(glance) == told(parse(text, max_tokens=MOST_TOKENS)), text
    return len(taken)
