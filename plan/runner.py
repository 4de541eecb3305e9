"""Runs operations by their plans: compiled once, then bound, read and built for each request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any, NamedTuple, cast

import asyncpg
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    default_field_resolver,
    default_type_resolver,
    get_named_type,
    is_abstract_type,
    is_non_null_type,
    located_error,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.executor import CollectedErrors, Executor
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Path
from strawberry.types.base import get_object_definition

from plan.arguments import Convert
from plan.collecting import Collector, Selected, deciding, deciding_variables, decisions
from plan.compiler import Compiler
from plan.declarations import Reference
from plan.documents import Kept, weight
from plan.draft import NotCompilable, Outline, TooLongToSpell
from plan.effort import noted
from plan.explain import Report
from plan.nodes import NODES
from plan.planned import Planned, Read
from plan.reader import Written, found

log = logging.getLogger(__name__)
CHARACTERS_KEPT = 600_000
"""Of documents with a plan, each field of which counts for `_OF_A_FIELD`: a hundred megabytes at the very most."""
_OF_A_FIELD = 10
MOST_DECISIONS = 8
"""Variables of `@skip` and `@include`: each combination is a plan of its own."""

PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidCatalogNameError,
)
"""What the database raises that asking again would not mend: it is away, or takes too long."""

Describe = Callable[[Exception, Any], Mapping[str, Any] | None]
"""Turns an application's error into `message` and `extensions` for the client of a context, or None to mask it."""

Observe = Callable[[OperationType, str], None]
"""Told of every operation how it was run: `planned`, or for which reason it was not."""

Data = dict[str, Any] | None
Outcome = tuple[Data, Sequence[GraphQLError]]


class Asked(NamedTuple):
    """What is to be run: a document of which one operation is meant, with its coerced variables."""

    text: str
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: VariableValues
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The operation's, or nothing."""
        return self.operation.name.value if self.operation.name else ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A field that is resolved to an object (a mutation, an event), and the plans of what that object may be."""

    selected: Selected
    values: Mapping[str, Planned]
    rows: Mapping[str, Planned]

    @property
    def parts(self) -> list[Planned]:
        """All of them."""
        return [*self.values.values(), *self.rows.values()]


Plan = Planned | list[Answered]


class Runner:
    """Plans and runs the operations over one schema."""

    def __init__(
        self, schema: GraphQLSchema, convert: Convert, describe: Describe, observe: Observe, *, spelling: bool
    ) -> None:
        self._schema = schema
        self._convert = convert
        self._describe = describe
        self._observe = observe
        self._spelling = spelling
        self._deciding: Kept[str, tuple[str, ...]] = Kept(CHARACTERS_KEPT)
        self._plans: Kept[tuple[Any, ...], Plan | NotCompilable] = Kept(CHARACTERS_KEPT)

    def known(self, asked: Asked) -> Plan | None:
        """The operation's plan, where it has been compiled; NotCompilable where it is known that there is none."""
        names = self._names(asked)
        if len(names) > MOST_DECISIONS:
            raise NotCompilable("decisions", f"@skip and @include depend on {len(names)} variables")
        plan = self._plans.find(_key(asked, names))
        if isinstance(plan, NotCompilable):
            raise NotCompilable(plan.reason, plan.detail)
        return plan

    def plan(self, asked: Asked) -> Plan:
        """The operation's plan; NotCompilable where there is none."""
        if (known := self.known(asked)) is not None:
            return known
        names = self._names(asked)
        plan = self._compiled(asked, names)
        self._plans.put(_key(asked, names), plan, _weight(asked.text, plan))
        if isinstance(plan, NotCompilable):
            raise NotCompilable(plan.reason, plan.detail)
        return plan

    def _names(self, asked: Asked) -> tuple[str, ...]:
        """Of the variables that decide what is selected."""
        if "@" not in asked.text:  # no directive is written otherwise, and to look for them takes as long as to compile
            return ()
        return self._deciding.get(asked.text, weight(asked.text), lambda: deciding_variables(asked.document))

    def _compiled(self, asked: Asked, names: Sequence[str]) -> Plan | NotCompilable:
        with noted():
            return self._compile(asked, names)

    def _compile(self, asked: Asked, names: Sequence[str]) -> Plan | NotCompilable:
        variables = deciding(names, asked.variables)
        collector = Collector(self._schema, asked.document, asked.operation, variables)
        try:
            if asked.operation.operation is OperationType.QUERY:
                root = cast("GraphQLObjectType", self._schema.query_type)
                return self._planned(collector, asked.name, lambda compiler: compiler.query(root))
            return [self._answered(selected, collector, asked.name) for selected in collector.roots()]
        except NotCompilable as reason:
            return NotCompilable(reason.reason, reason.detail)  # without the frames, which hold what was asked
        except GraphQLError as error:  # a variable of @skip that is null: the executor says so in its own words
            return NotCompilable("directives", error.message)
        except Exception as error:
            log.warning("a document could not be compiled", exc_info=True)
            return NotCompilable("fault", repr(error))

    def _planned(self, collector: Collector, name: str, compiled: Callable[[Compiler], Outline]) -> Planned:
        of_tuples = partial(compiled, Compiler(collector, self._convert, spelling=False))
        try:
            outline = compiled(Compiler(collector, self._convert, spelling=self._spelling))
        except TooLongToSpell:
            outline = of_tuples()
        return Planned(outline, name, of_tuples if outline.spelled else None)

    def _answered(self, selected: Selected, collector: Collector, name: str) -> Answered:
        if selected.name == "__typename":
            return Answered(selected, {}, {})
        kind = get_named_type(selected.definition.type)
        kinds = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        values, rows = dict[str, Planned](), dict[str, Planned]()
        for each in cast("Sequence[GraphQLObjectType]", kinds):
            if each.name in NODES:
                rows[each.name] = self._planned(collector, name, partial(_row, selected, each))
            else:
                values[each.name] = self._planned(collector, name, partial(_value, selected, each))
        return Answered(selected, values, rows)

    async def query(self, plan: Planned, asked: Asked, context: Any, report: Report | None) -> Outcome:
        """Runs a query by its plan; NotCompilable where the plan has a fault of its own."""
        try:
            try:
                read = await plan.read(None, context, asked.variables, report)
            except Exception as error:
                if not isinstance(error, PASSING) and self._describe(error, context) is None:
                    raise
                read = plan.unread(None, context, asked.variables, error)
            return plan.answer(read)
        except Exception as error:
            _log(error)
            raise NotCompilable(_reason(error), repr(error)) from error

    def _note(self, kind: OperationType, fault: Exception) -> None:
        """Counts a fault after which an answer is completed plainly, and logs it."""
        self._observe(kind, _reason(fault))
        _log(fault)

    def _executor(self, asked: Asked, context: Any, root: Any) -> Executor[Any]:
        """graphql-core's, for what is left to it. Its own `build` would coerce the variables once more."""
        parts = [part for part in asked.document.definitions if isinstance(part, FragmentDefinitionNode)]
        return Executor(
            self._schema,
            {part.name.value: part for part in parts},
            {part.name.value: FragmentDetails(part, None) for part in parts},
            root,
            context,
            asked.operation,
            asked.variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
        )

    async def serially(
        self, fields: list[Answered], asked: Asked, context: Any, root: Any, report: Report | None
    ) -> Outcome:
        """Runs the fields of a mutation, or the one of a subscription for an event (`root`), one after the other."""
        data: dict[str, Any] = {}
        errors = CollectedErrors()
        at_fault = partial(self._note, asked.operation.operation)
        for answered in fields:
            selected = answered.selected
            if selected.name == "__typename":
                data[selected.key] = selected.parent.name
                continue
            path = Path(None, selected.key, selected.parent.name)
            executor = self._executor(asked, context, root)  # with errors of its own
            resolving = _Resolving(answered, path, executor, asked.variables, report, at_fault)
            try:
                value, more = await resolving.value(root, context)
            except Exception as error:  # noqa: BLE001 - told in the field's place
                located = located_error(error, selected.nodes, path.as_list())
                if is_non_null_type(selected.definition.type):
                    return None, [*errors.errors, located]
                errors.add(located, path)
                data[selected.key] = None
                continue
            errors.errors.extend(more)
            if value is None and is_non_null_type(selected.definition.type):
                return None, errors.errors
            data[selected.key] = value
        return data, errors.errors


@dataclass(frozen=True, slots=True)
class _Resolving:
    """One field on its way: its resolver is called once, what it answers is completed by a plan."""

    answered: Answered
    path: Path
    executor: Executor[Any]
    variables: VariableValues
    report: Report | None
    at_fault: Callable[[Exception], None]
    """Told of what is at fault in a plan."""

    async def value(self, source: Any, context: Any) -> tuple[Any, Sequence[GraphQLError]]:
        """The field's completed value, and the errors below it."""
        outcome = await self._resolved(source, context)
        if outcome is None or isinstance(outcome, Exception):
            return await self._completed(outcome)
        if isinstance(outcome, Written):
            return await self._written(outcome, context)
        return await self._value(outcome, context)

    async def _resolved(self, source: Any, context: Any) -> Any:
        selected = self.answered.selected
        arguments = get_argument_values(selected.definition, selected.nodes[0], self.variables)
        info = self.executor.build_resolve_info(selected.definition, selected.nodes, selected.parent, self.path)
        resolve = cast("Callable[..., Any]", selected.definition.resolve)
        context.reader.planned = True
        outcome = resolve(source, info, **arguments)
        return await outcome if isawaitable(outcome) else outcome

    async def _written(self, written: Written, context: Any) -> tuple[Any, Sequence[GraphQLError]]:
        planned = self.answered.rows[written.node.name]
        try:
            read = await planned.read(written, context, self.variables, self.report)
            seen = bool(read.roots[0])
            data, errors = planned.answer(read) if seen else (None, ())
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the change is made and must be answered
            self.at_fault(error)
            return await self._completed(await found(context.reader, written))
        if not seen:
            return await self._value(written.otherwise(), context)
        return data and data[self.answered.selected.key], errors

    async def _value(self, outcome: Any, context: Any) -> tuple[Any, Sequence[GraphQLError]]:
        try:
            planned = self.answered.values[get_object_definition(type(outcome), strict=True).name]
            read = await self._read(planned, outcome, context)
            return planned.answer(read, self.path)
        except Exception as error:  # noqa: BLE001 - whatever it is, the change is made and must be answered
            self.at_fault(error)
            return await self._completed(outcome)

    async def _read(self, planned: Planned, outcome: Any, context: Any) -> Read:
        try:
            return await planned.read(outcome, context, self.variables, self.report)
        except PASSING as error:
            return planned.unread(outcome, context, self.variables, error)

    async def _completed(self, outcome: Any) -> tuple[Any, Sequence[GraphQLError]]:
        """The outcome as graphql-core completes it: what is done is not done again, only read plainly."""
        selected = self.answered.selected
        info = self.executor.build_resolve_info(selected.definition, selected.nodes, selected.parent, self.path)
        completed: Any = self.executor.complete_value(
            selected.definition.type, selected.details, info, self.path, outcome, None
        )
        if isawaitable(completed):
            completed = await completed
        return completed, self.executor.collected_errors.errors


def _key(asked: Asked, names: Sequence[str]) -> tuple[Any, ...]:
    return asked.text, asked.name, decisions(names, asked.variables) if names else ()


def _weight(text: str, plan: Plan | NotCompilable) -> int:
    if isinstance(plan, NotCompilable):
        return weight(text)
    parts = [plan] if isinstance(plan, Planned) else [part for answered in plan for part in answered.parts]
    return weight(text) + _OF_A_FIELD * sum(part.fields for part in parts)


def _row(selected: Selected, kind: GraphQLObjectType, compiler: Compiler) -> Outline:
    return compiler.row(selected, kind, _WRITTEN)


def _value(selected: Selected, kind: GraphQLObjectType, compiler: Compiler) -> Outline:
    return compiler.value(selected, kind)


def _reason(fault: Exception) -> str:
    return "values" if isinstance(fault, asyncpg.DataError) else "fault"


def _log(fault: Exception) -> None:
    """Logs what is at fault in a plan: not the client's own values, such as a text that no database takes."""
    if not isinstance(fault, asyncpg.DataError):
        log.warning("a plan failed", exc_info=fault)


_WRITTEN = Reference(lambda written, _context: written.row_id)
