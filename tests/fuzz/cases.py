"""Who asks what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from graphql import get_named_type, is_leaf_type, is_required_argument

from domain.viewers import ScopeViewer
from plan.declarations import AnyById, ById, PlanField
from plan.nodes import NODES
from plan.requests import Request
from tests.fuzz.documents import Document, drawn
from tests.fuzz.stages import Stage
from tests.fuzz.values import Pools
from tests.fuzz.world import TEXTS

SAME = 0.4
RARE = 0.1


@dataclass(frozen=True)
class Case:
    """`viewer` asks for `document`; for a subscription, `root` is the event at hand.

    With `by_token`, the plan is left to find out who asks.
    """

    viewer: str
    document: Document
    root: Any = None
    by_token: bool = False

    def __str__(self) -> str:
        event = f"\nof {self.root}" if self.root else ""
        return f"{self.viewer} asks{' by a token' if self.by_token else ''}\n{self.document}{event}"

    @property
    def request(self) -> Request:
        return Request(self.document.query, self.document.operation_name, self.document.variables)

    def asking(self, query: str) -> "Case":
        """The same with another text."""
        return replace(self, document=replace(self.document, query=query))


Talk = tuple[Case, ...]
"""One text asked for several times: what is kept of it for the first must do for the others."""


def queries(stage: Stage, pools: dict[str, Pools]) -> Callable[[Random], Talk]:
    """Who belongs to a team asks more often. A whole role asks for things by their id: it is no person."""
    schema = stage.engine.schema
    by_id = [name for name, found in schema.query_type.fields.items() if _is_by_id(found)]
    roles = [name for name, who in stage.viewers.items() if isinstance(who, ScopeViewer)]
    people = [name for name in stage.viewers if name not in roles]
    names = [*("owner", "viewer", "both") * 4, *people, *roles]

    def draw(random: Random) -> Talk:
        viewer = random.choice(names)
        document = drawn(random, schema, pools[viewer], by_id if viewer in roles else None)
        first, like = Case(viewer, document, by_token=random.random() < SAME), roles if viewer in roles else people
        return first, *(_again(random, first, like, pools[viewer]) for _ in range(random.choice((0, 0, 1, 2))))

    return draw


def _again(random: Random, case: Case, viewers: list[str], pools: Pools) -> Case:
    """The same text, asked by another with other variables, perhaps for another of its operations."""
    document, viewer = case.document, random.choice([*viewers, case.viewer, case.viewer])
    variables = {name: _other(random, value, pools) for name, value in document.variables.items()}
    left_out = random.choice([*variables]) if variables and random.random() < RARE else ""
    given = {name: value for name, value in variables.items() if name != left_out}
    name = random.choice(document.operations) if document.operation_name else None
    return replace(case, viewer=viewer, document=replace(document, operation_name=name, variables=given))


def _other(random: Random, value: Any, pools: Pools) -> Any:
    """Another value of the same type, often the same one."""
    if random.random() < SAME or value is None:
        return value
    if random.random() < RARE:
        return None
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return random.choice((1, 2, 3, 5))
    if isinstance(value, dict):
        return {name: _other(random, item, pools) for name, item in value.items() if random.random() < SAME}
    alike = next((ids for ids in pools.ids.values() if value in ids), None)
    return random.choice(alike or (value, *TEXTS))


def _is_by_id(found: Any) -> bool:
    declared = found.extensions["strawberry-definition"]
    return isinstance(declared, PlanField) and isinstance(declared.declaration, ById | AnyById)


def wholes(stage: Stage, pools: dict[str, Pools]) -> Iterator[Case]:
    """Something of each type, asked for all that it has, by whoever may see it: what is rare is not left to luck."""
    for name in NODES:
        kind = stage.engine.schema.type_map[name]
        text = f"query Q($id: ID!) {{ node(id: $id) {{ ... on {name} {{ {' '.join(_all_of(kind))} }} }} }}"
        for viewer in ("owner", "both"):
            for row_id in pools[viewer].seen.get(name, [])[:2]:
                yield Case(viewer, Document(text, "Q", {"id": row_id}))


def _all_of(kind: Any) -> Iterator[str]:
    for name, field in kind.fields.items():
        if not any(is_required_argument(argument) for argument in field.args.values()):
            yield name if is_leaf_type(get_named_type(field.type)) else f"{name} {{ __typename }}"
