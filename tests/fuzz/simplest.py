"""From a document with a finding in it to the least one that still has it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    DocumentNode,
    FragmentDefinitionNode,
    Node,
    OperationDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

_REMOVABLE = {
    "operation_definition",
    "field",
    "fragment_spread",
    "inline_fragment",
    "directive",
    "argument",
    "object_field",
}


async def simplest(query: str, has_it: Callable[[str], Awaitable[bool]]) -> str:
    """Leaves out whatever can be left out, the largest parts first, as long as `has_it` holds."""
    number = 0
    while (smaller := _without(query, number)) is not None:
        if smaller != query and smaller.count("{}") <= query.count("{}") and await has_it(smaller):
            query = smaller
        else:
            number += 1
    return query


def _without(query: str, number: int) -> str | None:
    """The document without its part of this number; None where it has not so many."""
    remover = _Remover(number)
    document = visit(parse(query), remover)
    return print_ast(_tidied(document)) if remover.removed else None


class _Remover(Visitor):
    """Removes one part."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number
        self.removed = False

    def enter(self, node: Node, *_: Any) -> Any:
        if node.kind not in _REMOVABLE or self.removed:
            return None
        self._left -= 1
        self.removed = self._left < 0
        return REMOVE if self.removed else None


def _tidied(document: DocumentNode) -> DocumentNode:
    """Without the fragments and the variables that nothing uses any more."""
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    needed = {name for operation in operations for name in _spread(operation, fragments)}
    definitions = (_defining_less(operation, fragments) for operation in operations)
    return DocumentNode(definitions=(*definitions, *(fragments[name] for name in sorted(needed))))


def _defining_less(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> OperationDefinitionNode:
    inside = [operation.selection_set, *(fragments[name] for name in _spread(operation, fragments))]
    used = {name for part in inside for name in _names(part, "variable")}
    kept = tuple(d for d in operation.variable_definitions or () if d.variable.name.value in used)
    return replace(operation, variable_definitions=kept)


def _spread(operation: Node, fragments: dict[str, FragmentDefinitionNode]) -> set[str]:
    """The names of all fragments that an operation needs."""
    found, pending = set[str](), [operation]
    while pending:
        new = set(_names(pending.pop(), "fragment_spread")) & fragments.keys() - found
        found |= new
        pending += [fragments[name] for name in new]
    return found


def _names(node: Node, kind: str) -> Iterator[str]:
    """The names of all nodes of a kind."""
    found = list[str]()

    class Names(Visitor):
        def enter(self, inner: Any, *_: Any) -> None:
            if inner.kind == kind:
                found.append(inner.name.value)

    visit(node, Names())
    return iter(found)
