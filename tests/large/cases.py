"""What the product asks its database, each question once, and the indexes that must answer it.

The questions themselves are declared in `api.py` and `processes.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from local.large.shape import Shape
from local.seed_large import Places
from plan import encode_id
from tests.plan.conftest import Asker

Run = Callable[["World"], Awaitable[Any]]


@dataclass
class World:
    """The large library, bound to the models. `asker` asks as the owner of the average team and of the big one."""

    places: Places
    library: Shape
    asker: Asker
    connection: asyncpg.Connection

    async def ask(self, query: str, kind: str, row_id: UUID, **variables: Any) -> dict[str, Any]:
        """The answer's one root field, for the row with this id as `$id`; it must be there."""
        (found,) = (await self.asker.data(query, id=encode_id(kind, row_id), **variables)).values()
        assert found is not None
        return found


@dataclass(frozen=True)
class Case:
    """`uses` must be among the indexes of its statements. See `Plans` for `partial`."""

    run: Run
    uses: frozenset[str]
    partial: bool


CASES: dict[str, Case] = {}


def case(name: str, *uses: str, partial: bool = False) -> Callable[[Run], Run]:
    """Declares a question. `partial`: a value decides whether a partial index answers it."""

    def declare(run: Run) -> Run:
        assert name not in CASES, name
        CASES[name] = Case(run, frozenset(uses), partial)
        return run

    return declare
