"""Asking by the plan and plainly: what is told must be the same."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import strawberry
from graphql import OperationType
from strawberry.schema.config import StrawberryConfig

import models
from domain.viewers import ANONYMOUS, AnyViewer
from edge.services import describe
from plan import Connection, Node, by_id, link, node, to_many
from plan.engine import Engine
from plan.nodes import NODES
from schema.scalars import SCALARS
from tests.plan.conftest import Asker, Desk, the_schema

Answer = dict[str, Any]


@dataclass
class Watch:
    """Is told how operations were run."""

    runs: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __call__(self, kind: OperationType, how: str) -> None:
        self.runs[kind.value, how] += 1

    @property
    def how(self) -> str:
        """How the one operation since the last look was run."""
        ((_, how),) = self.runs.elements()
        self.runs.clear()
        return how


def watched(desk: Desk, **options: Any) -> tuple[Desk, Watch]:
    """A desk with an engine of its own, whose plans nobody else has asked for."""
    watch = Watch()
    return Desk(Engine(the_schema(), describe, observe=watch, **options), desk.caller), watch


async def both(desk: Desk, viewer: AnyViewer, query: str, **variables: Any) -> tuple[Answer, Asker]:
    """The answer, which must be the plain one too, and who has asked for it by the plan."""
    asker, plainly = desk.asker(viewer), desk.asker(viewer, plain=True)
    answer, plain = await asker.ask(query, **variables), await plainly.ask(query, **variables)
    assert orjson.dumps(answer["data"]) == orjson.dumps(plain["data"])
    assert errors_of(answer) == errors_of(plain)
    return answer, asker


def errors_of(answer: Answer) -> list[bytes]:
    """The errors, whole, in an order of their own."""
    return sorted(orjson.dumps(error, option=orjson.OPT_SORT_KEYS) for error in answer.get("errors", ()))


def paths_of(answer: Answer) -> list[str]:
    """Where the errors are, as `a.0.b`."""
    return [".".join(map(str, error["path"])) for error in answer.get("errors", ())]


@contextmanager
def trial(desk: Desk, **fields: tuple[Any, Any]) -> Iterator[Desk]:
    """A desk with types of its own: `Trial` over videos, with these fields, and `TrialTeam`, which has `trials`."""
    known = dict(NODES)
    one = _declared("Trial", models.Video, fields)
    many = to_many("team_id", order="title", description="d")
    _declared("TrialTeam", models.Team, {"trials": (Connection[one], many)})
    kinds = link([ANONYMOUS])
    roots = {"trial": one, "trial_team": NODES["TrialTeam"].cls}
    query = _class(
        "Query", (), {name: (kind | None, by_id("video:view", description="d")) for name, kind in roots.items()}
    )
    schema = strawberry.Schema(query=strawberry.type(query), types=kinds, config=StrawberryConfig(scalar_map=SCALARS))
    try:
        yield Desk(Engine(schema, describe), desk.caller)
    finally:
        NODES.clear()
        NODES.update(known)


def _declared(name: str, table: Any, fields: dict[str, tuple[Any, Any]]) -> Any:
    return node(table=table, visible=table.visible_to)(_class(name, (Node,), fields))


def _class(name: str, bases: tuple[type, ...], fields: dict[str, tuple[Any, Any]]) -> type:
    annotations = {name: kind for name, (kind, _) in fields.items()}
    values = {name: declared for name, (_, declared) in fields.items()}
    return type(name, bases, {"__annotations__": annotations, "__module__": __name__, "__doc__": "T.", **values})
