"""What clients ask: a GraphQL request, the operation in it, or why it was refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

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
)

from plan.codes import RequestCode
from plan.shapes import TooCostly

MOST_WORDS = 1_000
"""Characters of an error's message: some repeat what was sent."""

Answer = dict[str, Any]
"""The mapping of the specification, ready for JSON (moments may still be `datetime`)."""


_NONE: Mapping[str, Any] = MappingProxyType({})


# What is made for each request is a tuple: a frozen dataclass takes three times as long to make.
class Request(NamedTuple):
    """A GraphQL request as it came in; its text may be empty where `extensions` name the document."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = _NONE
    extensions: Mapping[str, Any] = _NONE


class Operation(NamedTuple):
    """A request whose document is sound and whose operation is known."""

    document: DocumentNode
    node: OperationDefinitionNode
    kind: OperationType
    """Query, mutation or subscription."""
    request: Request
    nodes: int
    """What it takes from a budget."""

    @property
    def root_fields(self) -> list[str]:
        """The names of the fields asked for at the root, leaving out what hides in fragments."""
        return [part.name.value for part in self.node.selection_set.selections if isinstance(part, FieldNode)]

    def all_root_fields(self) -> dict[str, str]:
        """The names of all fields asked for at the root, fragments opened, by what they are called in the answer."""
        return {node.alias.value if node.alias else node.name.value: node.name.value for node in self._roots()}

    def _roots(self) -> Iterator[FieldNode]:
        parts = [part for part in self.document.definitions if isinstance(part, FragmentDefinitionNode)]
        fragments = {part.name.value: part for part in parts}

        def fields(selections: Iterable[SelectionNode]) -> Iterator[FieldNode]:
            for part in selections:
                if isinstance(part, FieldNode):
                    yield part
                elif isinstance(part, InlineFragmentNode):
                    yield from fields(part.selection_set.selections)
                # One that comes twice is the same fields: each is opened once, however they are nested.
                elif isinstance(part, FragmentSpreadNode) and part.name.value in fragments:
                    yield from fields(fragments.pop(part.name.value).selection_set.selections)

        return fields(self.node.selection_set.selections)


class RequestRefused(Exception):
    """The request never came to execution: syntax, validation, variables, cost, or no such operation.

    `errors` and `code` are for the client; an error may have a code of its own in its extensions. `status` is that of
    HTTP, where it must be a certain one.
    """

    def __init__(
        self, errors: list[GraphQLError], code: StrEnum = RequestCode.BAD_REQUEST, status: int | None = None
    ) -> None:
        super().__init__(errors)
        self.errors = errors
        self.code = code
        self.status = status

    @classmethod
    def too_costly(cls, reason: TooCostly) -> RequestRefused:
        """For what would take more than is granted."""
        return cls([GraphQLError(str(reason))], RequestCode.TOO_COSTLY)

    def answer(self) -> Answer:
        """The answer without `data` that the specification asks for."""
        return {"errors": [self._told(error) for error in self.errors]}

    def _told(self, error: GraphQLError) -> dict[str, Any]:
        message = error.message if len(error.message) <= MOST_WORDS else error.message[:MOST_WORDS] + "…"
        return dict(error.formatted) | {"message": message, "extensions": self._extensions(error)}

    def _extensions(self, error: GraphQLError) -> dict[str, Any]:
        return {"code": self.code, **(error.extensions or {})}
