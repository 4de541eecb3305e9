"""Asking the schema about itself, where that is not for everybody."""

from typing import Any

from graphql import SKIP, FieldNode, GraphQLError
from graphql.language.visitor import VisitorAction
from graphql.validation import ValidationRule

from plan.codes import RequestCode


class NoIntrospection(ValidationRule):
    """Refuses `__schema` and `__type`. `__typename` stays: clients ask for it all the time, and it tells no secret."""

    def enter_field(self, node: FieldNode, *_args: Any) -> VisitorAction:
        """One error says it: what is asked of the schema is not looked at."""
        if node.name.value not in ("__schema", "__type"):
            return None
        message = f"Introspection is switched off here, and the document asks for `{node.name.value}`."
        self.report_error(GraphQLError(message, node, extensions={"code": RequestCode.INTROSPECTION_DISABLED}))
        return SKIP
