"""From a GraphQL request to its answer: documents parsed and validated once, then executed.

An answer is the plain mapping of the GraphQL specification, ready for JSON. Errors that are nobody's business are
masked and logged whole.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Protocol, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    execute,
    get_operation_ast,
    parse,
)
from graphql.execution.values import get_argument_values
from strawberry import Schema
from strawberry.types.arguments import convert_arguments

from plan.arguments import Convert
from plan.codes import RequestCode
from plan.costs import Tariff, Tariffs
from plan.declarations import PlanField
from plan.dependence import Dependence
from plan.depends import Depends
from plan.documents import Kept, weight
from plan.draft import NotCompilable
from plan.effort import noted, turn
from plan.errors import BadInput
from plan.executor import PlainExecutor
from plan.explain import Report
from plan.identity import Identity, identify
from plan.obvious import Obvious
from plan.parsing import Parser
from plan.patience import Patience, Queue
from plan.planned import Planned
from plan.reader import Fetch, Reader
from plan.requests import Answer, Operation, Request, RequestRefused
from plan.runner import Asked, Describe, Observe, Outcome, Plan, Runner
from plan.shapes import MOST_CHARACTERS, MOST_TOKENS, TooCostly, require, require_modest
from plan.validation import validate
from plan.variables import coerced_variables, many

log = logging.getLogger(__name__)
CHARACTERS_KEPT, REFUSED_CHARACTERS_KEPT = 400_000, 100_000
"""Apart from each other: who sends what is refused does not push out what others ask."""
OPERATION_SECONDS = 10
MOST_ERRORS = 5
"""Of validation: each is looked up in the text, and a client mends the first."""


class Context(Protocol):
    """What an execution carries; the application's context has more."""

    reader: Reader
    identity: Identity | None

    @property
    def fetch(self) -> Fetch:
        """Runs one statement by itself."""

    @property
    def request_id(self) -> str:
        """Named in masked errors, so that the log can be searched for it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A document that is parsed and valid, and what its operations cost."""

    document: DocumentNode
    tariff: Tariff
    _chosen: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)

    def operation(self, request: Request) -> Operation:
        """The operation that the request means; RequestRefused where there is none, TooCostly for one that is."""
        name = request.operation_name
        node = self._chosen.get(name)
        if node is None:
            node = self._chosen[name] = _chosen(self.document, name)
        cost = self.tariff.price(node, request.variables)
        return Operation(self.document, node, node.operation, request, cost.charge)


class Words(Protocol):
    """What people are told of what is nobody's fault but ours, in the language of whoever asks."""

    def __call__(self, code: RequestCode, context: Any, **about: Any) -> str:
        """The sentence: of `TIMEOUT` after so many `seconds`, of `INTERNAL` in the request `request_id`."""


def in_english(code: RequestCode, context: Any, **about: Any) -> str:
    """The words of an application that has none of its own."""
    del context
    if code is RequestCode.TIMEOUT:
        return f"It took longer than {about['seconds']} seconds, and was given up."
    return f"Something went wrong on our side. Request {about['request_id']}."


class Engine:
    """Answers operations over one schema: by a plan where there is one, otherwise by graphql-core's executor.

    With `spelling`, the database writes rows as JSON where it can; without, each comes as a tuple. With `explaining`,
    answers tell in `extensions.plan` how they came about: by which statements, with how many rows. With `exploring`,
    the schema may be asked about itself, and who misspells a name is told a similar one.
    """

    def __init__(
        self,
        schema: Schema,
        describe: Describe,
        *,
        seconds: float = OPERATION_SECONDS,
        planning: bool = True,
        spelling: bool = True,
        explaining: bool = False,
        exploring: bool = True,
        observe: Observe = lambda _kind, _how: None,
        words: Words = in_english,
    ) -> None:
        self._words = words
        self.schema = schema._schema  # noqa: SLF001 - the graphql-core schema, which Strawberry keeps to itself
        self._describe = describe
        self._seconds = seconds
        self._running = Queue(seconds)
        self._planning = planning
        self._explaining = explaining
        self._exploring = exploring
        self._observe = observe
        convert = _converter(schema)
        self._runner = Runner(self.schema, convert, describe, observe, spelling=spelling)
        self._dependence = Dependence(self.schema, convert)
        self._parser = Parser(self.schema)
        self._obvious = Obvious(self.schema)
        self._tariffs = Tariffs(self.schema)
        self._documents: Kept[str, Sound] = Kept(CHARACTERS_KEPT)
        self._refused: Kept[str, RequestRefused] = Kept(REFUSED_CHARACTERS_KEPT)

    def operation(self, request: Request) -> Operation:
        """The request's operation; RequestRefused when there is none, or it is not sound, or it costs too much."""
        try:
            sound = self._documents.find(request.query)
            if sound is None:
                require("characters", len(request.query), MOST_CHARACTERS)
                sound = self._sound(request.query)
            return sound.operation(request)
        except TooCostly as reason:
            raise RequestRefused.too_costly(reason) from reason

    def knows(self, query: str) -> bool:
        """Whether the document has been found sound, or not, and that is still known."""
        return query in self._documents or query in self._refused

    async def run(
        self, operation: Operation, context: Context, root: Any = None, *, plain: bool = False, analyzing: bool = False
    ) -> Answer:
        """Executes the operation, once; RequestRefused when its variables are not of their types.

        For a subscription, `root` is the event at hand. What only reads is given up after `seconds`. A mutation is
        not: cut short in its commit, nobody would know whether it was done. The database limits its statements.
        `plain` keeps the plan out of it; `analyzing` lets an engine that is explaining tell the time of each level.
        """
        if large := many(operation.request.variables):
            await turn()
        asked = self._asked(operation, large=large)
        report = Report(analyzing) if self._explaining else None
        if operation.kind is OperationType.MUTATION:
            return await self._answered(asked, context, root, report, plain=plain)
        try:
            with Patience(self._running) as given:
                return await self._answered(asked, context, root, report, plain=plain)
        except TimeoutError:
            if not given.is_over:
                raise
            message = self._words(RequestCode.TIMEOUT, context, seconds=self._seconds)
            return {"data": None, "errors": [{"message": message, "extensions": {"code": RequestCode.TIMEOUT}}]}

    def root_call(self, operation: Operation) -> tuple[Any, dict[str, Any]]:
        """The Strawberry field and the coerced arguments (by Python name) of a subscription's one root field."""
        asked, node = self._asked(operation), _only_field(operation)
        assert self.schema.subscription_type is not None, "a valid subscription has a type"
        definition = self.schema.subscription_type.fields[node.name.value]
        arguments = get_argument_values(definition, node, asked.variables)
        declared = definition.extensions["strawberry-definition"]
        names = {argument.python_name.replace("_", "").lower(): argument.python_name for argument in declared.arguments}
        return declared, {names[name.lower()]: value for name, value in arguments.items()}

    async def prepare(self, operation: Operation) -> None:
        """Compiles the plan, where there is one that is not known: whoever asks for it waits for their turn."""
        asked = self._asked(operation)
        try:
            if self._planning and self._runner.known(asked) is None:
                await self._new_plan(asked, plain=False)
        except NotCompilable as reason:
            log.debug("an operation has no plan: %s", reason)

    def depends(self, operation: Operation) -> Depends:
        """On whom the operation's answers depend; the language, and an API key's scopes, they may always depend on."""
        return self._dependence.of(self._asked(operation))

    def failed(self, error: Exception, context: Context) -> Answer:
        """The answer for an error outside of any field."""
        return self._answer((None, [GraphQLError(str(error), original_error=error)]), context)

    def _sound(self, query: str) -> Sound:
        with noted():
            judged = self._refused.find(query) or self._judged(query)
        if isinstance(judged, RequestRefused):
            self._refused.put(query, judged, weight(query))
            # A new one: an exception that is raised again keeps the frames of every time that it was.
            raise RequestRefused(judged.errors, judged.code)
        self._documents.put(query, judged, weight(query))
        return judged

    def _judged(self, query: str) -> Sound | RequestRefused:
        try:
            glance = self._parser.at_a_glance(query, MOST_TOKENS)
            document = glance or parse(query, max_tokens=MOST_TOKENS)
            require_modest(document)
        except TooCostly as reason:
            return RequestRefused.too_costly(reason)
        except GraphQLError as error:
            return RequestRefused([_without_document(error)])
        if not self._obvious.is_valid(document):
            told = parse(query, max_tokens=MOST_TOKENS) if glance else document  # in it, names have their places
            errors = validate(self.schema, told, MOST_ERRORS, exploring=self._exploring)
            if errors:
                return RequestRefused([_without_document(error) for error in errors])
        return Sound(document, self._tariffs.of(document))

    def _asked(self, operation: Operation, *, large: bool | None = None) -> Asked:
        given, hide = operation.request.variables, not self._exploring
        large = many(given) if large is None else large
        try:
            coerced = coerced_variables(self.schema, operation.node, given, large=large, hide_suggestions=hide)
        except TooCostly as reason:
            raise RequestRefused.too_costly(reason) from reason
        if isinstance(coerced, list):
            raise RequestRefused(coerced)
        return Asked(operation.request.query, operation.document, operation.node, coerced, given)

    async def _answered(
        self, asked: Asked, context: Context, root: Any, report: Report | None, *, plain: bool
    ) -> Answer:
        context.reader.begin(asked.name, report)
        outcome = await self._planned(asked, context, root, report, plain=plain)
        reason = outcome if isinstance(outcome, NotCompilable) else None
        self._observe(asked.operation.operation, reason.reason if reason else "planned")
        if isinstance(outcome, NotCompilable):
            await identify(context)
            outcome = await self._executed(asked, context, root)
        answer = self._answer(outcome, context)
        if report is not None:
            await report.analyze(context.fetch)
            answer["extensions"] = {"plan": report.shown(reason)}
        return answer

    async def _planned(
        self, asked: Asked, context: Context, root: Any, report: Report | None, *, plain: bool
    ) -> Outcome | NotCompilable:
        """What the plan answers, or why it does not."""
        try:
            plan = self._runner.known(asked) if self._planning and not plain else None
            if plan is None:
                plan = await self._new_plan(asked, plain=plain)
        except NotCompilable as reason:
            return reason
        if not isinstance(plan, Planned) or plan.needs_viewer:
            await identify(context)
        if not isinstance(plan, Planned):
            return await self._runner.serially(plan, asked, context, root, report)
        try:
            return await self._runner.query(plan, asked, context, report)
        except NotCompilable as reason:
            return reason

    async def _new_plan(self, asked: Asked, *, plain: bool) -> Plan:
        if self._planning and not plain:
            await turn()
        return self._plan(asked, plain=plain)

    def _plan(self, asked: Asked, *, plain: bool) -> Plan:
        if plain:
            raise NotCompilable("asked", "the plain path was asked for")
        if not self._planning:
            raise NotCompilable("off", "planning is switched off")
        return self._runner.plan(asked)

    async def _executed(self, asked: Asked, context: Context, root: Any) -> Outcome:
        result = execute(
            self.schema,
            asked.document,
            root_value=root,
            context_value=context,
            variable_values=dict(asked.given),
            operation_name=asked.name or None,
            executor_class=PlainExecutor,
        )
        result = await result if isawaitable(result) else result
        return result.data, result.errors or ()

    def _answer(self, outcome: Outcome, context: Context) -> Answer:
        data, errors = outcome
        answer: Answer = {"data": data}
        if errors:
            logged = set[int]()
            answer["errors"] = [self._formatted(error, context, logged) for error in errors]
        return answer

    def _formatted(self, error: GraphQLError, context: Context, logged: set[int]) -> dict[str, Any]:
        """For the client. A cause is logged where it is met first: hundreds of rows may have failed by one."""
        formatted: dict[str, Any] = dict(error.formatted)
        cause = error.original_error
        if isinstance(cause, BadInput):
            return formatted | {"extensions": {"code": RequestCode.INVALID}}
        if cause is None or isinstance(cause, GraphQLError):
            return formatted  # graphql-core's own words: a null where none may be, a variable of the wrong type
        described = self._describe(cause, context)
        if described is not None:
            return formatted | dict(described)
        if id(cause) not in logged:
            logged.add(id(cause))
            log.error("an operation failed at %s", error.path, exc_info=cause)
        message = self._words(RequestCode.INTERNAL, context, request_id=context.request_id)
        return formatted | {
            "message": message,
            "extensions": {"code": RequestCode.INTERNAL, "requestId": context.request_id},
        }


def _without_document(error: GraphQLError) -> GraphQLError:
    """The same to a client. It is kept for long, and would keep a parsed document, or the parser, with it."""
    alone = GraphQLError(error.message, extensions=error.extensions)
    alone.locations = error.locations
    return alone


def _converter(schema: Schema) -> Convert:
    """How Strawberry makes of arguments what resolvers get."""
    scalars = schema.schema_converter.scalar_registry

    def convert(field: PlanField, values: dict[str, Any]) -> dict[str, Any]:
        return convert_arguments(values, field.arguments, scalars, schema.config)

    return convert


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    node = get_operation_ast(document, name)
    if node is None:
        named = f"named {name!r}" if name else "to run without a name"
        raise RequestRefused([GraphQLError(f"The document has no operation {named}.")])
    return node


def _only_field(operation: Operation) -> FieldNode:
    """The one root field of a valid subscription, in however many fragments it lies."""
    fragments = {
        part.name.value: part for part in operation.document.definitions if isinstance(part, FragmentDefinitionNode)
    }
    part: SelectionNode = operation.node.selection_set.selections[0]
    while not isinstance(part, FieldNode):
        inside = fragments[part.name.value] if isinstance(part, FragmentSpreadNode) else part
        part = cast("InlineFragmentNode | FragmentDefinitionNode", inside).selection_set.selections[0]
    return part
