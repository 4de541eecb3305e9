"""What the product asks its database, each question once, and the indexes that must answer it.

The questions themselves are declared in `api.py` and `processes.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg

from domain.jobs import JobState
from local.large.shape import AVERAGE, Shape
from local.large.work import STATES, Work, work
from local.seed_large import Places
from models.database import transaction
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

    @cached_property
    def work(self) -> Work:
        return work(self.library)

    def job(self, state: JobState) -> int:
        """The place of a job in this state, one of the average team if there is one."""
        found = [place for place, at in enumerate(self.work.state.tolist()) if STATES[at] is state]
        teams = self.library.videos.team[self.library.versions.video[self.work.version[found]]]
        return min(zip((teams != AVERAGE).tolist(), found, strict=True))[1]


@dataclass(frozen=True)
class Case:
    """`uses` must be among the indexes of its statements. See `case` for `by_value`."""

    run: Run
    uses: frozenset[str]
    by_value: bool


CASES: dict[str, Case] = {}


def case(name: str, *uses: str, by_value: bool = False) -> Callable[[Run], Run]:
    """Declares a question.

    `by_value`: a state that few rows are in leads to its index (which has only these, perhaps): a plan made for all
    values at once cannot know that. PostgreSQL keeps such a plan only where it costs no more than one for the value.
    """

    def declare(run: Run) -> Run:
        assert name not in CASES, name
        CASES[name] = Case(run, frozenset(uses), by_value)
        return run

    return declare


class _Undone(Exception):
    pass


@asynccontextmanager
async def undone() -> AsyncIterator[None]:
    """A transaction of which nothing stays."""
    with suppress(_Undone):
        async with transaction():
            yield
            raise _Undone
