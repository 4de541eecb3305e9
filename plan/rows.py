"""What a type's fields are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plan.nodes import NodeDefinition


class Row:
    """One row of a node's table: its columns by name."""

    __slots__ = ("node", "values")

    def __init__(self, node: NodeDefinition, values: Mapping[str, Any]) -> None:
        self.node = node
        self.values = values

    def __getitem__(self, column: str) -> Any:
        return self.values[column]
