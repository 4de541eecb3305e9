"""A compiled object: binds arguments, reads by one statement, builds the answer."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from time import perf_counter
from typing import Any, NamedTuple

from graphql import GraphQLError
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from plan.arguments import Bound, ReferenceBinding, Request
from plan.builder import builder
from plan.careful import Careful
from plan.draft import BatchField, Outline
from plan.explain import LevelRead, Report
from plan.identity import Identity
from plan.predicates import kind_of
from plan.rows import Row
from plan.sql import Level, Scope, statement
from plan.texts import Spelled, counted
from plan.writing import Writing

log = logging.getLogger(__name__)
STATEMENTS_KEPT = 10
"""For one operation: page sizes, directions, filters and kinds of viewers make them differ."""


class Read(NamedTuple):
    """All that an answer is built from; `data` is the answer where it is built already."""

    source: Any
    roots: Any
    bounds: Sequence[Bound]
    batches: Sequence[Mapping[int, Any]]
    data: dict[str, Any] | None = None
    doubted: bool = False
    """Whether the database has written something that looks wrong."""

    @property
    def failed(self) -> bool:
        """Whether something is known to be wrong."""
        return isinstance(self.roots, Unread) or any(bound.failed is not None for bound in self.bounds)


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands for the roots' rows where reading them failed: each root that is looked at tells why."""

    error: Exception

    def __getitem__(self, _index: int) -> Exception:
        return self.error


class Planned:
    """One object that the plan answers: a whole query, a payload, an event.

    Where the database writes some of it as JSON, that is tried first, and `of_tuples` has the outline for whatever
    comes up: a null where none may be, arguments that are not sound.
    """

    def __init__(self, outline: Outline, name: str, of_tuples: Callable[[], Outline] | None = None) -> None:
        self._outline = outline
        self._name = name
        self._build = builder(outline)
        if outline.spelled:
            outline.object.fields.clear()  # nobody goes over it again: what comes up is looked for in tuples
        self._of_tuples = of_tuples
        self._careful: Planned | None = None
        self.fields = outline.fields * (2 if outline.spelled else 1)
        """How many it takes to keep it, and what it may need beside it."""
        self._standings = outline.standings
        self._statements: OrderedDict[Hashable, tuple[str, Writing]] = OrderedDict()
        self.needs_viewer = any(isinstance(each, ReferenceBinding) for each in outline.bindings)
        """Whether it must be known who asks before it is read."""

    async def read(self, source: Any, context: Any, variables: VariableValues, report: Report | None = None) -> Read:
        """Reads all that the answer needs. What the database raises goes through."""
        read = await self._read(source, context, variables, report)
        if not self._outline.spelled or read.data is not None:
            return read
        again = await self.careful._read(source, context, variables, report)  # noqa: SLF001 - one of us
        return again._replace(doubted=not read.failed)

    @property
    def careful(self) -> Planned:
        """The one that gets tuples, and can tell what is wrong with them."""
        if not self._outline.spelled:
            return self
        if self._careful is None:
            assert self._of_tuples is not None, "what is spelled has an outline of tuples"
            self._careful = Planned(self._of_tuples(), self._name)
        return self._careful

    async def _read(self, source: Any, context: Any, variables: VariableValues, report: Report | None) -> Read:
        request = Request(source, context, variables)
        bounds = [binding.bound(request) for binding in self._outline.bindings]
        if self._outline.spelled and any(bound.failed is not None for bound in bounds):
            return Read(source, (), bounds, ())
        roots: Any = ()
        if self._outline.roots:
            roots = await self._rows(context, bounds, report)
        batches = [await self._batch(batch, context, roots, bounds) for batch in self._outline.batches]
        values = (source, roots, bounds, batches)
        return Read(*values, data=self._spelled(*values)) if self._outline.spelled else Read(*values)

    def _spelled(self, *values: Any) -> dict[str, Any] | None:
        try:
            return self._build(*values)
        except Exception:  # noqa: BLE001 - what it is will be found out with the tuples at hand
            return None

    def unread(self, source: Any, context: Any, variables: VariableValues, error: Exception) -> Read:
        """What there is to answer with where reading failed."""
        request, outline = Request(source, context, variables), self.careful._outline  # noqa: SLF001 - one of us
        bounds = [binding.bound(request) for binding in outline.bindings]
        return Read(source, Unread(error), bounds, [{} for _ in outline.batches])

    def answer(self, read: Read, path: Path | None = None) -> tuple[dict[str, Any] | None, Sequence[GraphQLError]]:
        """The object, or None where a null has come up to it, and the errors on the way."""
        if read.data is not None:
            return read.data, ()
        return self.careful._answer(read, path)  # noqa: SLF001 - one of us

    def _answer(self, read: Read, path: Path | None) -> tuple[dict[str, Any] | None, Sequence[GraphQLError]]:
        careful, values = Careful(self._outline), (read.source, read.roots, read.bounds, read.batches)
        if read.failed:
            return careful.answer(*values, path)
        try:
            built = self._build(*values)
            if read.doubted:
                log.warning("rows as the database writes them looked wrong, and as tuples do not")
            return built, ()
        except Exception as unusual:  # found again, and told, by going over it carefully
            data, errors = careful.answer(*values, path)
            if not errors:
                log.warning("an answer's builder failed", exc_info=unusual)
            return data, errors

    def statement(self, viewer: Any, bounds: Sequence[Bound], identity: Identity | None = None) -> tuple[str, Writing]:
        """The statement for this kind of viewer and these arguments; those used last are kept."""
        key = (kind_of(viewer), identity and identity.select, *[bound.shape for bound in bounds])
        if key in self._statements:
            self._statements.move_to_end(key)
            return self._statements[key]
        writing = Writing(identity)
        scope = Scope(viewer, bounds, writing)
        made = statement(self._outline.roots, scope, self._name, identity, self._standings), writing
        self._statements[key] = made
        if len(self._statements) > STATEMENTS_KEPT:
            self._statements.popitem(last=False)
        return made

    async def _rows(self, context: Any, bounds: Sequence[Bound], report: Report | None) -> Any:
        identity: Identity | None = context.identity
        viewer = identity.nobody if identity else context.reader.viewer
        text, writing = self.statement(viewer, bounds, identity)
        values = writing.values(identity or viewer, bounds)
        began = perf_counter()
        (roots,) = await context.fetch(text, values)
        if identity is not None:
            identity.tell(context, next(iter(roots[-1]), None))
        context.reader.kept.update(zip(self._standings, roots[len(self._outline.roots) :], strict=False))
        if report is not None:
            seconds, counts = perf_counter() - began, _counts(self._outline.levels, roots, bounds)
            report.told(text, values, seconds, [LevelRead(each.path, each.alias, counts[each]) for each in counts])
        return roots

    async def _batch(self, batch: BatchField, context: Any, roots: Any, bounds: Sequence[Bound]) -> Mapping[int, Any]:
        """The values of a batch field, by the identity of the tuples that they belong to."""
        tuples = [
            found
            for found in _tuples(batch.level, roots, bounds)
            if batch.presence is None or found[batch.presence] is not None
        ]
        if not tuples:
            return {}
        rows = [Row(batch.node, {name: found[place] for name, place in batch.columns.items()}) for found in tuples]
        try:
            more = [context.reader.kept[batch.standing]] if batch.standing is not None else []
            values = await batch.by(context, rows, *more)
        except Exception as error:  # noqa: BLE001 - it is the error of every field that asked
            values = [error] * len(rows)
        return {id(found): value for found, value in zip(tuples, values, strict=True)}


def _counts(levels: Sequence[Level], roots: Any, bounds: Sequence[Bound]) -> Mapping[Level, int]:
    """How many rows of each level the answer shows, those that the database has put into texts included."""
    counts = dict.fromkeys(levels, 0)
    for level in levels:
        tuples, texts = _tuples(level, roots, bounds), [each for each in level.columns if isinstance(each, Spelled)]
        counts[level] += len(tuples)
        for text, found in product(texts, tuples):
            for below, rows in counted(text, found[level.columns[text]]):
                counts[below] += rows
    return {level: count for level, count in counts.items() if level.place >= 0 or level.parent is not None}


def _tuples(level: Level, roots: Any, bounds: Sequence[Bound]) -> list[Any]:
    """The tuples of a level that the answer shows."""
    if level.place < 0 or bounds[level.binding].failed is not None:
        return []
    if level.parent is None:
        return list(roots[level.place] or ())
    size = bounds[level.binding].size
    return [found for parent in _tuples(level.parent, roots, bounds) for found in (parent[level.place] or ())[:size]]
