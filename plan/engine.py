"""From a GraphQL request to its answer: documents parsed and validated once, then executed.

An answer is the plain mapping of the GraphQL specification, ready for JSON. Errors that are nobody's business are
masked and logged whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Protocol, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
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
    validate,
)
from graphql.execution import get_variable_values
from graphql.execution.values import get_argument_values
from strawberry import Schema

from plan.costs import Tariff
from plan.documents import Documents
from plan.errors import BadInput
from plan.shapes import MOST_CHARACTERS, MOST_TOKENS, TooCostly, require, require_modest

Answer = dict[str, Any]
log = logging.getLogger(__name__)
CHARACTERS_KEPT = 1_000_000
OPERATION_SECONDS = 10
MOST_ERRORS = 5
"""Of validation: each is looked up in the text, and a client mends the first."""


class Context(Protocol):
    """What an execution carries; the application's context has more."""

    @property
    def request_id(self) -> str:
        """Named in masked errors, so that the log can be searched for it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request as it came in."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A request whose document is sound and whose operation is known."""

    document: DocumentNode
    node: OperationDefinitionNode
    request: Request

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation

    @property
    def root_fields(self) -> list[str]:
        """The names of the fields asked for at the root, leaving out what hides in fragments."""
        return [part.name.value for part in self.node.selection_set.selections if isinstance(part, FieldNode)]


@dataclass(frozen=True, slots=True)
class Sound:
    """A document that is parsed and valid, and what its operations cost."""

    document: DocumentNode
    tariff: Tariff


class RequestRefused(Exception):
    """The request never came to execution: syntax, validation, variables, cost, or no such operation.

    `errors` and `code` are for the client.
    """

    def __init__(self, errors: list[GraphQLError], code: str = "BAD_REQUEST") -> None:
        super().__init__(errors)
        self.errors = errors
        self.code = code

    @classmethod
    def too_costly(cls, reason: TooCostly) -> RequestRefused:
        """For what would take more than is granted."""
        return cls([GraphQLError(str(reason))], "TOO_COSTLY")

    def answer(self) -> Answer:
        """The answer without `data` that the specification asks for."""
        return {"errors": [dict(error.formatted) | {"extensions": {"code": self.code}} for error in self.errors]}


Describe = Callable[[Exception, Any], Mapping[str, Any] | None]
"""Turns an application's error into `message` and `extensions` for the client of a context, or None to mask it."""


class Engine:
    """Answers operations over one schema."""

    def __init__(self, schema: Schema, describe: Describe, *, seconds: float = OPERATION_SECONDS) -> None:
        self.schema = schema._schema  # noqa: SLF001 - the graphql-core schema, which Strawberry keeps to itself
        self._describe = describe
        self._seconds = seconds
        self._documents = Documents(self._judged, CHARACTERS_KEPT)

    def operation(self, request: Request) -> Operation:
        """The request's operation; RequestRefused when there is none, or it is not sound, or it costs too much."""
        try:
            require("characters", len(request.query), MOST_CHARACTERS)
            judged = self._documents[request.query]
            if isinstance(judged, RequestRefused):
                # A new one: an exception that is raised again keeps the frames of every time that it was.
                raise RequestRefused(judged.errors, judged.code)
            node = _chosen(judged.document, request.operation_name)
            judged.tariff.require_affordable(node, request.variables)
        except TooCostly as reason:
            raise RequestRefused.too_costly(reason) from reason
        return Operation(judged.document, node, request)

    async def run(self, operation: Operation, context: Context, root: Any = None) -> Answer:
        """Executes the operation, once; RequestRefused when its variables are not of their types.

        For a subscription, `root` is the event at hand. What only reads is given up after `seconds`. A mutation is
        not: cut short in its commit, nobody would know whether it was done. The database limits its statements.
        """
        limit = None if operation.kind is OperationType.MUTATION else self._seconds
        try:
            async with asyncio.timeout(limit):
                return await self._executed(operation, context, root)
        except TimeoutError:  # ours: those of fields are among the answer's errors
            message = f"It took longer than {self._seconds} seconds, and was given up."
            return {"data": None, "errors": [{"message": message, "extensions": {"code": "TIMEOUT"}}]}

    def root_call(self, operation: Operation) -> tuple[Any, dict[str, Any]]:
        """The Strawberry field and the coerced arguments (by Python name) of a subscription's one root field."""
        variables = get_variable_values(
            self.schema, operation.node.variable_definitions or (), dict(operation.request.variables)
        )
        if isinstance(variables, list):
            raise RequestRefused(variables)
        node = _only_field(operation)
        assert self.schema.subscription_type is not None, "a valid subscription has a type"
        definition = self.schema.subscription_type.fields[node.name.value]
        arguments = get_argument_values(definition, node, variables)
        declared = definition.extensions["strawberry-definition"]
        names = {argument.python_name.replace("_", "").lower(): argument.python_name for argument in declared.arguments}
        return declared, {names[name.lower()]: value for name, value in arguments.items()}

    def failed(self, error: Exception, context: Context) -> Answer:
        """The answer for an error outside of any field."""
        return {"data": None, "errors": [self._formatted(GraphQLError(str(error), original_error=error), context)]}

    def _judged(self, query: str) -> Sound | RequestRefused:
        try:
            document = parse(query, max_tokens=MOST_TOKENS)
            require_modest(document)
        except TooCostly as reason:
            return RequestRefused.too_costly(reason)
        except GraphQLError as error:
            return RequestRefused([error])
        errors = validate(self.schema, document, max_errors=MOST_ERRORS)
        return RequestRefused(errors) if errors else Sound(document, Tariff(self.schema, document))

    async def _executed(self, operation: Operation, context: Context, root: Any) -> Answer:
        result = execute(
            self.schema,
            operation.document,
            root_value=root,
            context_value=context,
            variable_values=dict(operation.request.variables),
            operation_name=operation.request.operation_name,
        )
        return self._answer(await result if isawaitable(result) else result, context)

    def _answer(self, result: ExecutionResult, context: Context) -> Answer:
        if result.data is None and result.errors and not any(error.path for error in result.errors):
            raise RequestRefused(result.errors)  # no field is at fault: it is the variables
        answer: Answer = {"data": result.data}
        if result.errors:
            answer["errors"] = [self._formatted(error, context) for error in result.errors]
        return answer

    def _formatted(self, error: GraphQLError, context: Context) -> dict[str, Any]:
        formatted: dict[str, Any] = dict(error.formatted)
        cause = error.original_error
        if isinstance(cause, BadInput):
            return formatted | {"extensions": {"code": "INVALID"}}
        if cause is None or isinstance(cause, GraphQLError):
            return formatted  # graphql-core's own words: a null where none may be, a variable of the wrong type
        described = self._describe(cause, context)
        if described is not None:
            return formatted | dict(described)
        log.error("an operation failed at %s", error.path, exc_info=cause)
        message = f"Something went wrong on our side. Request {context.request_id}."
        return formatted | {"message": message, "extensions": {"code": "INTERNAL", "requestId": context.request_id}}


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
