"""The answer's builder, as Python code that is made for one outline.

It is for the usual case: it looks out for no error, and raises something where there is one. `plan/careful.py` then
goes over the same values again and finds out what to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any, cast

from graphql import GraphQLOutputType, get_nullable_type, is_list_type, is_non_null_type
from graphql.pyutils import Undefined, is_iterable

from plan.draft import TYPES_REMEMBERED, Outline
from plan.outline import Choice, Field, Object

CODES_KEPT, LONGEST_KEPT = 500, 2_000
"""Each of at most so many characters. To compile code takes as long as all else about a plan; what the database spells
leaves little of it, which is often alike."""

Build = Callable[[Any, Any, Any, Any], dict[str, Any]]
"""Takes the object at hand, the roots' rows, the bound arguments and the batch fields' values (`s, R, B, V`)."""


class Unusual(Exception):
    """A null where none may be, a list that is none: reason enough to look carefully."""


def builder(outline: Outline) -> Build:
    """The function that builds the outline's answer."""
    writer = _Writer(dict(outline.names))
    answer = writer.object(outline.object)
    lines = ["def build(s, R, B, V):", "    r = p = None", *writer.lines, f"    return {answer}"]
    code = "\n".join(lines)
    made = _kept_code(code) if len(code) <= LONGEST_KEPT else _code(code)
    exec(made, writer.names)  # noqa: S102 - no text of a client is in it
    build: Build = writer.names.pop("build")  # which would hold itself by them
    return build


def _code(text: str) -> CodeType:
    return compile(text, "<answer>", "exec")


_kept_code = lru_cache(CODES_KEPT)(_code)


class _Writer:
    """Writes expressions, and the functions that they call."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.lines: list[str] = []
        names["null"] = _null
        self._functions = 0
        self._leaves: dict[str, str] = {}
        self._rows: str | None = None
        """Where the rows of the connection at hand are, if it has no page."""

    def object(self, made: Object) -> str:
        """A dict display, or what is all of it at once."""
        if made.quick is not None:
            return made.quick
        return "{" + ", ".join(f"{field.key!r}: {self.value(field)}" for field in made.fields) + "}"

    def value(self, field: Field) -> str:
        """The completed value of a field."""
        if field.quick is not None:
            return field.quick
        if field.inner is None:
            return f"{self._leaf(field.type)}({field.raw})"
        if field.present is not None:
            return self._in_place(field, field.present)
        if field.rows is not None:
            return self._connection(field, field.rows)
        if self._is_of_rows(field):
            return f"[{self.object(cast('Object', field.inner))} for r in {self._rows_of(field)}]"
        return f"{self._completer(field.type, field.inner)}(s, r, p, {field.raw})"

    def _rows_of(self, field: Field) -> str:
        """Where the rows of a list are: those of a connection may need no page, any others are where they are."""
        return self._rows if self._rows and field.raw == "p.rows" else field.raw

    def _connection(self, field: Field, rows: str) -> str:
        """A connection; it needs no page of its own where only its rows are asked for, once."""
        inner, before = cast("Object", field.inner), self._rows
        if sum(below.raw == "p.rows" for below in inner.fields) == 1 and not any(map(_needs_page, inner.fields)):
            self._rows = rows
            made = self.object(inner)
        else:
            self._rows = None
            made = f"{self._function('p', self.object(inner))}(s, r, {field.raw})"
        self._rows = before
        return made

    def _function(self, variable: str, expression: str) -> str:
        """A function of `(s, r, variable)` that answers an expression."""
        name = self._new_name()
        self.lines += [f"    def {name}(s, r, {variable}):", f"        return {expression}"]
        return name

    def _new_name(self) -> str:
        self._functions += 1
        return f"c{self._functions}"

    @staticmethod
    def _is_of_rows(field: Field) -> bool:
        """Whether it is a list of rows, which is never null and holds none."""
        return isinstance(field.inner, Object) and field.inner.at == "r" and _is_certain_list(field.type)

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
        name = self._new_name()
        body = self._items(nullable.of_type, inner) if is_list_type(nullable) else self._one(inner)
        self.lines += [
            f"    def {name}(s, r, p, value):",
            f"        if value is None: return {'null()' if required else 'None'}",
            *body,
        ]
        return name

    def _items(self, kind: GraphQLOutputType, inner: Object | Choice) -> list[str]:
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


def _needs_page(field: Field) -> bool:
    """Whether a connection's field looks at more of the page than its rows."""
    return field.raw != "p.rows" and (field.quick is None or "p." in field.quick)


def _is_certain_list(kind: GraphQLOutputType) -> bool:
    nullable = get_nullable_type(kind)
    return is_non_null_type(kind) and is_list_type(nullable) and is_non_null_type(nullable.of_type)


@lru_cache(TYPES_REMEMBERED)
def leaf_completer(kind: GraphQLOutputType) -> Callable[[Any], Any]:
    """Completes a value of a leaf type, or of a list of them; raises something for what is none."""
    required, nullable = is_non_null_type(kind), get_nullable_type(kind)
    if is_list_type(nullable):
        return _each(leaf_completer(nullable.of_type), required=required)
    return _coerced(nullable.coerce_output_value, required=required)  # type: ignore[union-attr]


def _each(complete: Callable[[Any], Any], *, required: bool) -> Callable[[Any], Any]:
    def each(values: Any) -> Any:
        if isinstance(values, Exception):
            raise values
        if values is None:
            return _null() if required else None
        if values.__class__ is not list and not is_iterable(values):
            raise Unusual
        return [complete(value) for value in values]

    return each


def _coerced(coerce: Callable[[Any], Any], *, required: bool) -> Callable[[Any], Any]:
    def coerced(value: Any) -> Any:
        if value is None:
            return _null() if required else None
        if isinstance(value, Exception):
            raise value
        completed = coerce(value)
        return _null() if completed is None or completed is Undefined else completed

    return coerced


def _null() -> Any:
    raise Unusual
