"""The answer's builder, as Python code that is made for one outline.

It is for the usual case: it looks out for no error, and raises something where there is one. `plan/careful.py` then
goes over the same values again and finds out what to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLOutputType, get_nullable_type, is_list_type, is_non_null_type
from graphql.pyutils import Undefined

from plan.draft import Outline
from plan.outline import Choice, Field, Object

Build = Callable[[Any, Any, Any, Any], dict[str, Any]]
"""Takes the object at hand, the roots' rows, the bound arguments and the batch fields' values (`s, R, B, V`)."""


class Unusual(Exception):
    """A null where none may be: reason enough to look carefully."""


def builder(outline: Outline) -> Build:
    """The function that builds the outline's answer."""
    writer = _Writer(dict(outline.names))
    answer = writer.object(outline.object)
    lines = ["def build(s, R, B, V):", "    r = p = None", *writer.lines, f"    return {answer}"]
    exec(compile("\n".join(lines), "<answer>", "exec"), writer.names)  # noqa: S102 - no text of a client is in it
    build: Build = writer.names["build"]
    return build


class _Writer:
    """Writes expressions, and the functions that they call."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.lines: list[str] = []
        names["null"] = _null
        self._leaves: dict[str, str] = {}

    def object(self, made: Object) -> str:
        """A dict display."""
        return "{" + ", ".join(f"{field.key!r}: {self.value(field)}" for field in made.fields) + "}"

    def value(self, field: Field) -> str:
        """The completed value of a field."""
        if field.quick is not None:
            return field.quick
        if field.inner is None:
            return f"{self._leaf(field.type)}({field.raw})"
        if field.present is not None:
            return self._in_place(field, field.present)
        return f"{self._completer(field.type, field.inner)}(s, r, p, {field.raw})"

    def _in_place(self, field: Field, present: str) -> str:
        """An object that lies in the same variable as its parent."""
        assert isinstance(field.inner, Object), "what is joined has one type"
        made = self.object(field.inner)
        if present == "True":
            return made
        return f"({made} if {present} else {'null()' if is_non_null_type(field.type) else 'None'})"

    def _completer(self, kind: GraphQLOutputType, inner: Object | Choice) -> str:
        """A function of `(s, r, p, value)` that completes values of the type `kind`."""
        required, nullable = is_non_null_type(kind), get_nullable_type(kind)
        name = f"c{len(self.names)}"
        self.names[name] = None
        body = self._items(nullable.of_type, inner) if is_list_type(nullable) else self._one(inner)
        self.lines += [
            f"    def {name}(s, r, p, value):",
            f"        if value is None: return {'null()' if required else 'None'}",
            *body,
        ]
        return name

    def _items(self, kind: GraphQLOutputType, inner: Object | Choice) -> list[str]:
        if isinstance(inner, Object) and is_non_null_type(kind) and inner.at == "r":
            return [f"        return [{self.object(inner)} for r in value]"]  # rows are never null
        return [f"        return [{self._completer(kind, inner)}(s, r, p, item) for item in value]"]

    def _one(self, inner: Object | Choice) -> list[str]:
        if isinstance(inner, Object):
            return [f"        {inner.at} = value", f"        return {self.object(inner)}"]
        lines = [f"        r = value; chosen = {inner.name}"]
        for name, made in inner.objects.items():
            lines.append(f"        if chosen == {name!r}: return {self.object(made)}")
        return [*lines, "        return null()"]

    def _leaf(self, kind: GraphQLOutputType) -> str:
        """A function that completes scalars, enums and lists of them."""
        key = str(kind)
        if key not in self._leaves:
            self._leaves[key] = f"l{len(self._leaves)}"
            self.names[self._leaves[key]] = leaf_completer(kind)
        return self._leaves[key]


def leaf_completer(kind: GraphQLOutputType) -> Callable[[Any], Any]:
    """Completes a value of a leaf type, or of a list of them; raises something for what is none."""
    if is_non_null_type(kind):
        return _required(leaf_completer(kind.of_type))
    if is_list_type(kind):
        return _each(leaf_completer(kind.of_type))
    return _coerced(kind.coerce_output_value)  # type: ignore[union-attr]


def _required(complete: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def required(value: Any) -> Any:
        completed = complete(value)
        return _null() if completed is None else completed

    return required


def _each(complete: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def each(values: Any) -> Any:
        if isinstance(values, Exception):
            raise values
        return None if values is None else [complete(value) for value in values]

    return each


def _coerced(coerce: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def coerced(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Exception):
            raise value
        completed = coerce(value)
        return _null() if completed is None or completed is Undefined else completed

    return coerced


def _null() -> Any:
    raise Unusual
