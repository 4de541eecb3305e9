"""What clients ask: a GraphQL request, the operation in it, or why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode, OperationType

from plan.shapes import TooCostly

Answer = dict[str, Any]
"""The mapping of the specification, ready for JSON (moments may still be `datetime`)."""


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
