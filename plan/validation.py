"""GraphQL's own rules, which find their ways around a document quicker.

For each document and each kind of node in it, graphql-core asks every rule by name for what it does there: that is
more than a third of what a small document takes to validate. What a rule does is known once its class is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, specified_rules
from graphql import validate as graphql_validate
from graphql.language.visitor import EnterLeaveVisitor
from graphql.validation import ASTValidationRule

from plan.introspection import NoIntrospection

_NOTHING = EnterLeaveVisitor(None, None)


def validate(
    schema: GraphQLSchema, document: DocumentNode, max_errors: int, *, exploring: bool = True
) -> list[GraphQLError]:
    """The errors of a document, at most so many and one that says so; none for a valid one.

    Without `exploring` the schema may not be asked about itself, and errors do not say what may have been meant.
    """
    rules = _RULES if exploring else _RULES_OF_A_CLOSED_SCHEMA
    return graphql_validate(schema, document, rules, max_errors=max_errors, hide_suggestions=not exploring)


def _quicker(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """The rule, which knows what it does at which kind of node."""
    does: dict[str, tuple[str | None, str | None]] = {}

    def method(begin: str, kind: str) -> str | None:
        return next((name for name in (f"{begin}_{kind}", begin) if getattr(rule, name, None)), None)

    def get_enter_leave_for_kind(self: Any, kind: str) -> EnterLeaveVisitor:
        if kind not in does:
            does[kind] = method("enter", kind), method("leave", kind)
        enter, leave = does[kind]
        if enter is leave is None:
            return _NOTHING
        return EnterLeaveVisitor(getattr(self, enter) if enter else None, getattr(self, leave) if leave else None)

    return type(rule.__name__, (rule,), {"get_enter_leave_for_kind": get_enter_leave_for_kind})


_RULES: Collection[type[ASTValidationRule]] = tuple(map(_quicker, specified_rules))
_RULES_OF_A_CLOSED_SCHEMA = (*_RULES, _quicker(NoIntrospection))
