"""The answer where something is wrong with it: errors in their places, nulls up to where they may be.

Goes over an outline as the specification says ("Executing Selection Sets", "Handling Execution Errors"), with the
values that were read already, and answers what graphql-core's executor would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    located_error,
)
from graphql.execution.executor import CollectedErrors, Executor
from graphql.pyutils import Path, is_iterable

from plan.draft import Outline
from plan.outline import Choice, Field, Object

Scope = tuple[Any, Any, Any]
"""What stands in `s`, `r` and `p`."""


class Careful:
    """Completes one outline from its values."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._values: tuple[Any, Any, Any]
        self._errors: CollectedErrors

    def answer(
        self, source: Any, roots: Any, bounds: Any, batches: Any, path: Path | None = None
    ) -> tuple[dict[str, Any] | None, Sequence[GraphQLError]]:
        """The object, or None where a null has come up to it, and the errors on the way."""
        self._values, self._errors = (roots, bounds, batches), CollectedErrors()
        try:
            return self._object(self._outline.object, (source, None, None), path), self._errors.errors
        except GraphQLError as error:
            return None, [*self._errors.errors, error]

    def _object(self, made: Object, scope: Scope, path: Path | None) -> dict[str, Any]:
        return {field.key: self._field(field, scope, Path(path, field.key, made.type_name)) for field in made.fields}

    def _field(self, field: Field, scope: Scope, path: Path) -> Any:
        value = self._read(field.raw, scope)
        try:
            return self._completed(field.type, value, field, scope, path)
        except Exception as error:  # noqa: BLE001 - told in the field's place
            return self._handled(error, field.type, field, path)

    def _handled(self, error: Exception, kind: GraphQLOutputType, field: Field, path: Path) -> None:
        located = located_error(error, field.nodes, path.as_list())
        if is_non_null_type(kind):
            raise located
        self._errors.add(located, path)

    def _completed(self, kind: GraphQLOutputType, value: Any, field: Field, scope: Scope, path: Path) -> Any:
        if isinstance(value, Exception):
            raise value
        if is_non_null_type(kind):
            completed = self._completed(kind.of_type, value, field, scope, path)
            if completed is None:
                raise TypeError(f"Cannot return null for non-nullable field {field.parent}.{field.name}.")
            return completed
        if value is None:
            return None
        if is_list_type(kind):
            if not is_iterable(value):
                raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.parent}.{field.name}'.")
            return [
                self._item(kind.of_type, item, field, scope, path.add_key(index)) for index, item in enumerate(value)
            ]
        if is_leaf_type(kind):
            return Executor.complete_leaf_value(kind, value)
        return self._made(field.inner, value, scope, path)

    def _item(self, kind: GraphQLOutputType, value: Any, field: Field, scope: Scope, path: Path) -> Any:
        try:
            return self._completed(kind, value, field, scope, path)
        except Exception as error:  # noqa: BLE001 - told in the item's place
            return self._handled(error, kind, field, path)

    def _made(self, inner: Object | Choice | None, value: Any, scope: Scope, path: Path) -> dict[str, Any]:
        if isinstance(inner, Choice):
            inner = inner.objects[self._read(inner.name, scope)]
        assert inner is not None, "what is no leaf has fields"
        s, r, p = scope
        inside = {"s": s, "r": r, "p": p, inner.at: value}
        return self._object(inner, (inside["s"], inside["r"], inside["p"]), path)

    def _read(self, expression: str, scope: Scope) -> Any:
        if expression not in self._outline.read:
            code = f"lambda s, r, p, R, B, V: {expression}"
            self._outline.read[expression] = eval(code, dict(self._outline.names))  # noqa: S307 - no text of a client is in it
        return self._outline.read[expression](*scope, *self._values)
