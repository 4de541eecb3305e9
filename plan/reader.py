"""Batch loaders derived from declarations: what the same level of an operation asks for is asked for once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from asyncpg import DataError
from strawberry.dataloader import DataLoader
from tortoise.expressions import Q

from plan.errors import BadInput
from plan.nodes import NodeDefinition, node_of
from plan.rows import Row
from plan.statements import Statement, Window, counts_by, rows_by, windows_by

V = TypeVar("V")
Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Mapping[str, Any]]]]
"""Runs one statement with its values and answers its rows."""


class Reader:
    """Reads for one viewer and one execution: it loads nothing twice, so make a fresh one each time."""

    def __init__(self, viewer: Any, fetch: Fetch) -> None:
        self.viewer = viewer
        self._fetch = fetch
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def fresh(self) -> Reader:
        """A reader for the same viewer that has loaded nothing yet."""
        return Reader(self.viewer, self._fetch)

    def for_viewer(self, viewer: Any) -> Reader:
        """A reader for another viewer, by the same connection."""
        return Reader(viewer, self._fetch)

    async def one(self, node: NodeDefinition, row_id: Any) -> Row | None:
        """The row with this id, if the viewer may see it."""

        async def load(ids: list[Any]) -> list[Row | None]:
            rows = await self._rows(node, rows_by(node, "id", ids, node.visible(self.viewer)))
            by_id = {row["id"]: row for row in rows}
            return [by_id.get(row_id) for row_id in ids]

        return await self._loader(("one", node.name), load).load(row_id)  # type: ignore[no-any-return]

    async def window(self, node: NodeDefinition, key: str, parent: Any, condition: Q, window: Window) -> list[Row]:
        """The rows of one parent within `window`; parents with an equal condition and window share a statement."""

        async def load(parents: list[Any]) -> list[list[Row]]:
            visible = Q(node.visible(self.viewer), condition) if condition else node.visible(self.viewer)
            rows = await self._rows(node, windows_by(node, key, parents, visible, window))
            return _grouped(rows, key, parents)

        name = ("window", node.name, key, _fingerprint(condition), window)
        return await self._loader(name, load).load(parent)  # type: ignore[no-any-return]

    async def count(self, node: NodeDefinition, key: str, parent: Any, condition: Q) -> int:
        """How many rows of one parent the viewer may see."""

        async def load(parents: list[Any]) -> list[int]:
            visible = Q(node.visible(self.viewer), condition) if condition else node.visible(self.viewer)
            found = await self._run(counts_by(node, key, parents, visible))
            counts = {row["key"]: row["count"] for row in found}
            return [counts.get(parent, 0) for parent in parents]

        name = ("count", node.name, key, _fingerprint(condition))
        return await self._loader(name, load).load(parent)  # type: ignore[no-any-return]

    async def batched(self, name: Hashable, row: Row, by: Callable[[Sequence[Row]], Awaitable[Sequence[Any]]]) -> Any:
        """`by` for all rows that ask under `name` at once."""

        async def load(rows: list[Row]) -> Sequence[Any]:
            return await by(rows)

        return await self._loader(("batch", name), load).load(row)

    async def _rows(self, node: NodeDefinition, statement: Statement) -> list[Row]:
        return [Row(node, values) for values in await self._run(statement)]

    async def _run(self, statement: Statement) -> Sequence[Mapping[str, Any]]:
        try:
            return await self._fetch(statement.text, statement.values)
        except DataError as error:  # only values come from the client: a cursor's number too large, a NUL in a text
            raise BadInput("An argument holds a value that the database cannot take.") from error

    def _loader(self, name: Hashable, load: Callable[[list[Any]], Awaitable[Sequence[Any]]]) -> DataLoader[Any, Any]:
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load_fn=load)
        return self._loaders[name]


async def load(info: Any, cls: type, row_id: Any) -> Row | None:
    """The row of the declared type `cls` with this id, read for the viewer of `info`."""
    reader: Reader = info.context.reader
    return await reader.one(node_of(cls), row_id)


def _grouped(rows: list[Row], key: str, parents: list[Any]) -> list[list[Row]]:
    of_parent: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        of_parent[row[key]].append(row)
    return [of_parent[parent] for parent in parents]


def _fingerprint(condition: Q) -> str:
    """Equal for equal conditions: the text of a Q shows its whole tree."""
    inner = [_fingerprint(child) for child in condition.children]
    return f"{condition._is_negated}{condition.join_type}{condition.filters}{inner}"  # noqa: SLF001 - said nowhere else
