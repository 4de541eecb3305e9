"""Which documents are worth validating: judged by their shape, before the schema is asked anything.

Some rules of validation take time that grows with the square of a document. What passes here is validated in some ten
milliseconds, whatever it says. A document need not be valid to be judged: what is missing, unknown or circular is left
to validation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

MOST_CHARACTERS = 50_000
MOST_TOKENS = 2_000
MOST_OPERATIONS = 20
MOST_FRAGMENTS = 60
MOST_DEPTH = 25
"""Of fields and fragments within each other. The usual introspection has 18, ours have 7."""
MOST_COMPARISONS = 30_000
"""Validation compares every field with those of the same name in the answer: n fields count n². Ours have 200."""

Selecting = ExecutableDefinitionNode | FieldNode | InlineFragmentNode
"""What has a selection set."""


class TooCostly(Exception):
    """To answer the document would take more than is granted. The message is for the developer of the client."""

    @classmethod
    def over(cls, what: str, found: int, most: int) -> TooCostly:
        """The document has `found` of `what`."""
        return cls(f"The document costs too much: {found} {what}, where {most} are allowed.")


def require_modest(document: DocumentNode) -> None:
    """Raises TooCostly for a parsed document that may take long to validate; takes time linear in its size."""
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    fragments = [part for part in document.definitions if isinstance(part, FragmentDefinitionNode)]
    require("operations", len(operations), MOST_OPERATIONS)
    require("fragments", len(fragments), MOST_FRAGMENTS)
    names = Counter(name for definition in (*operations, *fragments) for name in _response_names(definition))
    require("comparisons of fields of the same name", sum(times * times for times in names.values()), MOST_COMPARISONS)
    _Depths(fragments).require_shallow(operations)


def require(what: str, found: int, most: int) -> None:
    """Raises TooCostly where there is more than allowed."""
    if found > most:
        raise TooCostly.over(what, found, most)


def _response_names(definition: Selecting) -> Iterator[str]:
    """The names that all fields of a definition have in the answer, those of its fragments left out."""
    pending: list[Selecting] = [definition]
    while pending:
        for selection in selections(pending.pop()):
            if isinstance(selection, FieldNode):
                yield selection.alias.value if selection.alias else selection.name.value
            if isinstance(selection, FieldNode | InlineFragmentNode):
                pending.append(selection)


def selections(node: Selecting) -> tuple[SelectionNode, ...]:
    """What a node selects; nothing for a leaf."""
    return node.selection_set.selections if node.selection_set else ()


class _Depths:
    """How deep selections lie within each other, each fragment measured once however often it is spread."""

    def __init__(self, fragments: list[FragmentDefinitionNode]) -> None:
        self._fragments = {fragment.name.value: fragment for fragment in fragments}
        self._known: dict[str, int] = {}

    def require_shallow(self, operations: list[OperationDefinitionNode]) -> None:
        """Raises TooCostly where an operation, or a fragment that none uses, goes too deep."""
        for definition in (*operations, *self._fragments.values()):
            self._below(definition, 0)

    def _below(self, node: Selecting, depth: int) -> int:
        """How many levels lie below a node, which itself lies `depth` levels down."""
        return max((1 + self._selected(selection, depth + 1) for selection in selections(node)), default=0)

    def _selected(self, selection: SelectionNode, depth: int) -> int:
        # Checked on the way down too: no document brings this function to the interpreter's limit of recursion.
        require("levels", depth, MOST_DEPTH)
        if not isinstance(selection, FragmentSpreadNode):
            return self._below(cast("Selecting", selection), depth)
        levels = self._fragment(selection.name.value, depth)
        require("levels", depth + levels, MOST_DEPTH)
        return levels

    def _fragment(self, name: str, depth: int) -> int:
        if name not in self._known and name in self._fragments:
            self._known[name] = 0  # what it has when it spreads itself: validation refuses that
            self._known[name] = self._below(self._fragments[name], depth)
        return self._known.get(name, 0)
