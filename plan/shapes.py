"""Which documents are worth validating: judged by their shape, before the schema is asked anything.

Some rules of validation take time that grows with the square of a document. What passes here is validated in some ten
milliseconds, whatever it says. A document need not be valid to be judged: what is missing, unknown or circular is left
to validation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
)

MOST_CHARACTERS = 50_000
MOST_TOKENS = 1_000
"""Ours have 140 at most, the usual introspection 180."""
MOST_OPERATIONS = 20
MOST_FRAGMENTS = 60
MOST_DEPTH = 25
"""Of fields and fragments within each other. The usual introspection has 18, ours have 7."""
MOST_ALIASES = 1_000
"""Of an operation, fragments opened. Ours have none; a page that is asked for row by row has some hundred."""
MOST_ROOT_FIELDS = {OperationType.QUERY: 50, OperationType.MUTATION: 10}
"""A subscription has one: validation says so."""
MOST_COMPARISONS = 10_000
"""Validation compares every field with those that may come to lie in the same place of the answer: n count n². One with
arguments, or with fields in it, takes as long as two."""

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
    shapes = _Shapes(fragments)
    shapes.require_modest(operations)
    if shapes.weight**2 > MOST_COMPARISONS:  # if each were compared with each: nearly no document comes to that
        require("comparisons of fields", _comparisons(_places((*operations, *fragments))), MOST_COMPARISONS)


def require(what: str, found: int, most: int) -> None:
    """Raises TooCostly where there is more than allowed."""
    if found > most:
        raise TooCostly.over(what, found, most)


Place = tuple[str | None, str]
"""The name of a field in the answer, after that of the field that it lies in: None at the top of a definition."""


def _comparisons(places: Mapping[Place, int]) -> int:
    """How many fields may be compared, twice over. Those at the top of a fragment may come to lie within any field."""
    alike, everywhere = Counter[str](), Counter[str]()
    for (within, name), times in places.items():
        everywhere[name] += times
        if within is not None:
            alike[name] += times * times
    on_top = {name: times for (within, name), times in places.items() if within is None}
    return alike.total() + sum(times * (2 * everywhere[name] - times) for name, times in on_top.items())


def _places(definitions: Iterable[Selecting]) -> Mapping[Place, int]:
    """The places of all fields, and what the fields at each count for."""
    found = Counter[Place]()
    for within, field in (placed for definition in definitions for placed in _placed(definition)):
        found[within, _response_name(field)] += _weight(field)
    return found


def _weight(field: FieldNode) -> int:
    """What it counts for when it is compared."""
    return 2 if field.selection_set or field.arguments else 1


def _placed(definition: Selecting) -> Iterator[tuple[str | None, FieldNode]]:
    """All fields that are written in a definition, each after the name of the one that it lies in."""
    pending: list[tuple[Selecting, str | None]] = [(definition, None)]
    while pending:
        node, within = pending.pop()
        for selection in selections(node):
            if isinstance(selection, FieldNode):
                yield within, selection
                pending.append((selection, _response_name(selection)))
            elif isinstance(selection, InlineFragmentNode):
                pending.append((selection, within))


def _response_name(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value


def selections(node: Selecting) -> tuple[SelectionNode, ...]:
    """What a node selects; nothing for a leaf."""
    return node.selection_set.selections if node.selection_set else ()


_Shape = tuple[int, int, int]
"""What selections come to, with every fragment opened where it is spread: how many levels lie within each other, how
many fields side by side at the top, how many aliases on whatever level."""
_NOTHING: _Shape = 0, 0, 0


class _Shapes:
    """Measures each fragment once, however often it is spread: linear in what is written, not what it opens to."""

    def __init__(self, fragments: list[FragmentDefinitionNode]) -> None:
        self._fragments = {fragment.name.value: fragment for fragment in fragments}
        self._known: dict[str, _Shape] = {}
        self.weight = 0
        """Of all fields that were measured, each where it is written."""

    def require_modest(self, operations: list[OperationDefinitionNode]) -> None:
        """Raises TooCostly where an operation, or a fragment that none uses, is too much."""
        for definition in (*operations, *self._fragments.values()):
            _, fields_on_top, aliases = self._below(definition, 0)
            require("aliases", aliases, MOST_ALIASES)
            if isinstance(definition, OperationDefinitionNode) and definition.operation in MOST_ROOT_FIELDS:
                require("fields at the root", fields_on_top, MOST_ROOT_FIELDS[definition.operation])

    def _below(self, node: Selecting, depth: int) -> _Shape:
        """What a node selects, which itself lies `depth` levels down."""
        levels = fields_on_top = aliases = 0
        if selected := selections(node):
            # Checked on the way down too: no document brings this function to the interpreter's limit of recursion.
            require("levels", depth + 1, MOST_DEPTH)
        for selection in selected:
            if isinstance(selection, FieldNode):
                inner = self._below(selection, depth + 1) if selection.selection_set else _NOTHING
                fields_on_top += 1
                self.weight += _weight(selection)
                aliases += inner[2] + (selection.alias is not None)
            else:
                inner = self._opened(selection, depth + 1)
                fields_on_top += inner[1]
                aliases += inner[2]
            levels = max(levels, inner[0] + 1)
        return levels, fields_on_top, aliases

    def _opened(self, selection: SelectionNode, depth: int) -> _Shape:
        if not isinstance(selection, FragmentSpreadNode):
            return self._below(cast("InlineFragmentNode", selection), depth)
        spread = self._fragment(selection.name.value, depth)
        require("levels", depth + spread[0], MOST_DEPTH)
        return spread

    def _fragment(self, name: str, depth: int) -> _Shape:
        if name not in self._known and name in self._fragments:
            self._known[name] = _NOTHING  # what it has when it spreads itself: validation refuses that
            self._known[name] = self._below(self._fragments[name], depth)
        return self._known.get(name, _NOTHING)
