"""What there is to ask for in one round: ids that exist, and for each root field arguments with which it does its work.

Those are the variables of `tests/operations.py`, so that a new root field is reached without a word here.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, OperationType, Undefined, get_operation_ast, parse
from graphql.utilities import value_from_ast_untyped

from domain.permissions import Role
from local.client import document
from tests.furnished import Furnished
from tests.operations import ASKED_BY

Root = tuple[OperationType, str]
"""A root field."""


@dataclass
class Given:
    """Strategies are made once and hold this; what they draw from it is that of the round at hand."""

    ids: list[str] = field(default_factory=list)
    """Of everything that the team has, and of what another team has that was asked about before."""
    arguments: dict[Root, list[dict[str, Any]]] = field(default_factory=dict)
    asked_by: dict[Root, Role] = field(default_factory=dict)
    """Who asks for it where it is not the owner."""

    def fill(self, there: Furnished) -> None:
        """Begins another round: what was there is somebody else's now."""
        self.ids = [*there.ids.values(), *self.ids[: len(there.ids)]]
        self.arguments = {}
        for operation, values in there.variables.items():
            root, arguments = _called(operation, values)
            self.arguments.setdefault(root, []).append(arguments)
            if operation in ASKED_BY:
                self.asked_by[root] = ASKED_BY[operation]


def _called(operation: str, values: dict[str, Any]) -> tuple[Root, dict[str, Any]]:
    """The root field of an operation, and its arguments when the operation has these variables."""
    parsed = get_operation_ast(parse(document(operation)), operation)
    (call,) = parsed.selection_set.selections
    assert isinstance(call, FieldNode)
    arguments = {each.name.value: value_from_ast_untyped(each.value, values) for each in call.arguments or ()}
    given = {name: value for name, value in arguments.items() if value is not Undefined}
    return (parsed.operation, call.name.value), given
