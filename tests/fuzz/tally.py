"""What came of the documents of one run, and what of the schema they reached."""

import sys
from collections import Counter
from typing import Any

from graphql import GraphQLSchema

from plan.nodes import NODES
from tests.fuzz.arguments import WAYS
from tests.fuzz.documents import Document
from tests.fuzz.seen import Answered

ASKED = "asked"
"""The reason for having no plan where the plain path was asked for."""


class Tally:
    """Counts outcomes, the fields that were answered, and the ways in which arguments were given."""

    def __init__(self, schema: GraphQLSchema, runs: Counter[str]) -> None:
        self._schema = schema
        self._runs = runs
        self.outcomes: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()

    def note(self, document: Document, answer: dict[str, Any]) -> None:
        self.outcomes[_outcome(answer)] += 1
        if answer.get("data"):
            answered = Answered(self._schema, document.query, document.operation_name)
            self.fields.update(answered.fields(answer["data"]))
            self.ways.update(document.ways)

    def planned(self) -> float:
        """The share of operations that had a plan."""
        return self._runs["planned"] / (self._runs.total() - self._runs[ASKED])

    def require_coverage(self) -> None:
        """Fails where a field of a declared type was never answered, or an argument never given in some way."""
        fields = {f"{name}.{found}" for name in NODES for found in self._schema.type_map[name].fields}
        assert fields - self.fields.keys() == set(), sorted(fields - self.fields.keys())
        arguments = {a for name in NODES for found in self._schema.type_map[name].fields.values() for a in found.args}
        assert {f"{name}: {way}" for name in arguments for way in WAYS} - _without_places(self.ways) == set()

    def tell(self, text: str) -> None:
        """To who runs the suite by hand: `pytest -s` shows it."""
        counts = [*self.outcomes.most_common(), *self._runs.most_common()]
        sys.stderr.write(f"{text}: {', '.join(f'{count} {what}' for what, count in counts)}\n")

    def tell_coverage(self) -> None:
        """How much of the schema was reached, and what of it least often."""
        rare = ", ".join(f"{name} {count}×" for name, count in self.fields.most_common()[:-11:-1])
        sys.stderr.write(f"{len(self.fields)} fields answered, least often {rare}\n")
        sys.stderr.write(f"{len(self.ways)} ways of giving arguments\n")


def _without_places(ways: Counter[str]) -> set[str]:
    """`first: variable` for `Team.videos(first): variable`."""
    return {way.partition("(")[2].replace(")", "") for way in ways}


def _outcome(answer: dict[str, Any]) -> str:
    if "data" not in answer:
        return f"refused as {answer['errors'][0]['extensions']['code']}"
    return "with errors" if "errors" in answer else "without errors"
