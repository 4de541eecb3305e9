"""What the names in an answer mean, so that no two fields of one name are in each other's way by accident."""

from itertools import chain

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    is_abstract_type,
)

Parent = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


def possible(schema: GraphQLSchema, parent: Parent) -> list[GraphQLObjectType]:
    """The types that an object of `parent` can have."""
    return [parent] if isinstance(parent, GraphQLObjectType) else list(schema.get_possible_types(parent))


class Names:
    """Of one document.

    Fields of one name that may meet in one object must be the same call; those in different objects may be different
    ones, of the same type.
    """

    def __init__(self) -> None:
        self._shapes: dict[str, str] = {}
        self._calls: dict[str, list[tuple[Parent, str]]] = {}

    def taken(self, wished: str, name: str, parent: Parent, call: str, shape: str) -> str:
        """The first of `wished`, `name`, `name2`, … that is free for `call` on `parent`, or stands for it already."""
        numbered = (f"{name}{number}" for number in range(2, 1000))
        return next(n for n in chain((wished, name), numbered) if self._take(n, parent, call, shape))

    def _take(self, name: str, parent: Parent, call: str, shape: str) -> bool:
        known = self._calls.setdefault(name, [])
        met = [other for kind, other in known if _may_meet(parent, kind)]
        if self._shapes.setdefault(name, shape) != shape or any(other != call for other in met):
            return False
        known.append((parent, call))
        return True


def _may_meet(one: Parent, other: Parent) -> bool:
    return one is other or is_abstract_type(one) or is_abstract_type(other)
