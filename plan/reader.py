"""Batch loaders derived from declarations: what the same level of an operation asks for is asked for once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from asyncpg import DataError
from tortoise.expressions import Q

from plan.declarations import Standing
from plan.errors import BadInput
from plan.explain import LevelRead
from plan.loader import Loader
from plan.nodes import NodeDefinition, node_of
from plan.predicates import fingerprint
from plan.rows import Row
from plan.statements import PlainStatements, Window
from plan.writing import Statement

if TYPE_CHECKING:
    from plan.explain import Report

Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Mapping[str, Any]]]]
"""Runs one statement with its values and answers its rows."""


@dataclass(frozen=True, slots=True)
class Written:
    """A row that a mutation has written, to be read for its answer; `otherwise` stands in if it cannot be seen."""

    node: NodeDefinition
    row_id: Any
    otherwise: Callable[[], Any]


class Reader:
    """Reads for one viewer and one execution: it loads nothing twice, so make a fresh one each time.

    `name` is the operation's, for the statements' comments. With `planned`, what a mutation has written is not loaded
    here: the plan reads it together with all that is asked about it.
    """

    def __init__(self, viewer: Any, fetch: Fetch) -> None:
        self.viewer = viewer
        self.fetch = fetch
        self.name = ""
        self.planned = False
        self._report: Report | None = None
        self.kept: dict[Hashable, Any] = {}
        """What fields have worked out for this execution, and need not again for each row."""
        self._loaders: dict[Hashable, Loader[Any, Any]] = {}

    def fresh(self) -> Reader:
        """A reader for the same viewer that has loaded nothing yet."""
        return self.for_viewer(self.viewer)

    def for_viewer(self, viewer: Any) -> Reader:
        """A reader for another viewer, by the same connection."""
        reader = Reader(viewer, self.fetch)
        reader.name, reader.planned, reader._report = self.name, self.planned, self._report
        return reader

    def ones(self, node: NodeDefinition) -> Loader[Any, Row | None]:
        """By their ids, the rows that the viewer may see."""

        async def load(ids: list[Any]) -> list[Row | None]:
            rows = await self._rows(node, self._statements.rows_by(node, "id", ids))
            by_id = {row["id"]: row for row in rows}
            return [by_id.get(row_id) for row_id in ids]

        return self._loader(("one", node.name), load)

    def firsts(self, node: NodeDefinition, key: str, order: tuple[str, ...]) -> Loader[Any, Row | None]:
        """By parents, the first of the rows that hold the parent in `key`, or None."""

        async def load(parents: list[Any]) -> list[Row | None]:
            rows = await self._windows(node, key, parents, Q(), Window(order, 1))
            return [found[0] if found else None for found in rows]

        return self._loader(("first", node.name, key, order), load)

    def windows(self, node: NodeDefinition, key: str, condition: Q, window: Window) -> Loader[Any, list[Row]]:
        """By parents, their rows within `window`; parents with an equal condition and window share a statement."""

        async def load(parents: list[Any]) -> list[list[Row]]:
            return await self._windows(node, key, parents, condition, window)

        return self._loader(("window", node.name, key, fingerprint(condition), window), load)

    def aggregates(
        self, node: NodeDefinition, key: str, condition: Q, aggregate: str, nothing: Any = None
    ) -> Loader[Any, Any]:
        """By parents, an aggregate (in SQL, over the alias `x`) of their rows that the viewer may see."""

        async def load(parents: list[Any]) -> list[Any]:
            found = await self._run(self._statements.values_by(node, key, parents, condition, aggregate))
            values = {row["key"]: row["value"] for row in found}
            return [values.get(parent, nothing) for parent in parents]

        return self._loader(("aggregate", node.name, key, fingerprint(condition), aggregate), load)

    def counts(self, node: NodeDefinition, key: str, condition: Q) -> Loader[Any, int]:
        """By parents, how many rows of theirs the viewer may see."""
        return self.aggregates(node, key, condition, "count(*)", 0)

    def batches(self, name: Hashable, by: Callable[[list[Row]], Awaitable[Sequence[Any]]]) -> Loader[Row, Any]:
        """By rows, what `by` answers for all that ask under `name` at once."""
        return self._loader(("batch", name), by)

    async def standing(self, standing: Standing) -> Any:
        """The rows that say what the viewer is."""

        async def load(standings: list[Standing]) -> list[Any]:
            return [await self._run(self._statements.standing(each)) for each in standings]

        loader = self._loader("standing", load)
        for coming in loader.ask([standing]):
            await coming
        return loader.known(standing)

    async def one(self, node: NodeDefinition, row_id: Any) -> Row | None:
        """The row with this id, if the viewer may see it."""
        return await self.ones(node).load(row_id)

    @property
    def _statements(self) -> PlainStatements:
        return PlainStatements(self.viewer, self.name)

    def begin(self, name: str, report: Report | None) -> None:
        """Names the operation that is read for, and whom to tell of each statement."""
        self.name, self._report = name, report

    async def _rows(self, node: NodeDefinition, statement: Statement) -> list[Row]:
        return [Row(node, values) for values in await self._run(statement)]

    async def _run(self, statement: Statement) -> Sequence[Mapping[str, Any]]:
        began = perf_counter()
        try:
            rows = await self.fetch(statement.text, statement.values)
        except DataError as error:  # only values come from the client: a cursor's number too large, a NUL in a text
            raise BadInput("An argument holds a value that the database cannot take.") from error
        if self._report is not None:
            self._report.told(statement.text, statement.values, perf_counter() - began, [LevelRead("", "", len(rows))])
        return rows

    async def _windows(
        self, node: NodeDefinition, key: str, parents: list[Any], condition: Q, window: Window
    ) -> list[list[Row]]:
        rows = await self._rows(node, self._statements.windows_by(node, key, parents, condition, window))
        return _grouped(rows, key, parents)

    def _loader(self, name: Hashable, load: Callable[[list[Any]], Awaitable[Sequence[Any]]]) -> Loader[Any, Any]:
        if name not in self._loaders:
            self._loaders[name] = Loader(load)
        return self._loaders[name]


async def load(info: Any, cls: type, row_id: Any) -> Row | None:
    """The row of the declared type `cls` with this id, read for the viewer of `info`."""
    reader: Reader = info.context.reader
    return await reader.one(node_of(cls), row_id)


async def load_written(info: Any, cls: type, row_id: Any, otherwise: Callable[[], Any]) -> Any:
    """What a mutation answers that has written this row of `cls`: the row, read anew, or what `otherwise` says."""
    reader: Reader = info.context.reader
    written = Written(node_of(cls), row_id, otherwise)
    return written if reader.planned else await found(reader, written)


async def found(reader: Reader, written: Written) -> Any:
    """The written row, or what stands in for it."""
    return await reader.one(written.node, written.row_id) or written.otherwise()


def _grouped(rows: list[Row], key: str, parents: list[Any]) -> list[list[Row]]:
    of_parent: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        of_parent[row[key]].append(row)
    return [of_parent[parent] for parent in parents]
