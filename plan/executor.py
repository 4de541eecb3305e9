"""graphql-core's executor, with a short way to what is at hand.

For each field graphql-core makes a path and a resolve info and asks a dozen questions about types and awaitables, and
Strawberry makes an info of its own. None of it is needed where a declared field of a row has its value at hand, as
nearly all fields of a page have. Whatever is amiss with a value goes the usual way, where it is found again, and told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType, get_nullable_type, is_leaf_type, is_object_type
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.execution.executor import Executor
from graphql.pyutils import AwaitableOrValue, Path

from plan.ahead import Foreseen, Places
from plan.connections import Page
from plan.declarations import PlanField
from plan.loader import UNKNOWN
from plan.rows import Row

TYPES_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class _Held:
    """A leaf that the row holds: what answers it, and how it is shown."""

    answer: Callable[..., Any]
    shown: Callable[[Any], Any]

    def of(self, row: Row) -> Any:
        """What a client gets, or None where that takes more than a look."""
        try:
            value = self.answer(row, info=None, args=None, kwargs=None)
            return None if value is None or isinstance(value, Exception) else self.shown(value)
        except Exception:  # noqa: BLE001 - it is raised again where it is told
            return None


@dataclass(frozen=True, slots=True)
class _Foreseen:
    """A field whose value a loader has where it was foreseen: a leaf, that is shown somehow, or an object."""

    answer: Foreseen
    type: GraphQLOutputType
    shown: Callable[[Any], Any] | None

    def of(self, row: Row, node: FieldNode, context: Any) -> Any:
        """A row, a page, or what a client gets of a leaf; None where that takes more than a look."""
        try:
            value = self.answer.at_hand(row, node, context)
            if value is None or value is UNKNOWN or isinstance(value, Exception):
                return None
            if self.shown is None:
                return value if isinstance(value, Row | Page) else None
            return self.shown(value)
        except Exception:  # noqa: BLE001 - it is raised again where it is told
            return None


class PlainExecutor(Executor[Any]):
    """Answers what its base answers."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """The fields of an object: of a row's, those that it holds itself are taken out of it."""
        if not isinstance(source_value, Row):
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        held = _held(parent_type)
        results: dict[str, Any] = {}
        others = GroupedFieldSet()
        for key, details in grouped_field_set.items():
            field = held.get(details[0].node.name.value)
            value = results[key] = None if field is None else field.of(source_value)
            if value is None:
                others[key] = details
        if not others:
            return results
        rest = super().execute_fields(parent_type, source_value, path, others, position_context)
        return _joined(results, rest) if self.is_awaitable(rest) else results | rest  # type: ignore[operator]

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Places,
        path: Path,
        position_context: Any,
    ) -> Any:
        """One field: of a row's, those that were foreseen without asking a resolver."""
        node = field_details_list[0].node
        field = _foreseen(parent_type).get(node.name.value) if isinstance(source, Row) else None
        value = None if field is None else field.of(source, node, self.context_value)
        if field is None or value is None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        return value if field.shown else self._object(field.type, field_details_list, path, value)

    def _object(self, kind: GraphQLOutputType, details: Places, path: Path, value: Any) -> Any:
        try:
            inner = cast("GraphQLObjectType", get_nullable_type(kind))
            completed = self.collect_and_execute_subfields(inner, details, path, value, None)
        except Exception as error:  # noqa: BLE001 - told in the field's place
            return self.handle_field_error(error, kind, details, path)
        return self._completed(completed, kind, details, path) if self.is_awaitable(completed) else completed

    async def _completed(self, completed: Awaitable[Any], kind: GraphQLOutputType, details: Places, path: Path) -> Any:
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 - told in the field's place
            return self.handle_field_error(error, kind, details, path)


async def _joined(results: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return results | await rest


@lru_cache(TYPES_REMEMBERED)
def _held(kind: GraphQLObjectType) -> dict[str, _Held]:
    return {
        name: _Held(field.get_result, inner.coerce_output_value)
        for name, field, inner in _declared(kind)
        if field.is_basic_field and is_leaf_type(inner)
    }


@lru_cache(TYPES_REMEMBERED)
def _foreseen(kind: GraphQLObjectType) -> dict[str, _Foreseen]:
    found = dict[str, _Foreseen]()
    for name, field, inner in _declared(kind):
        answer: Any = field.get_result
        if isinstance(answer, Foreseen) and (is_leaf_type(inner) or is_object_type(inner)):
            shown = inner.coerce_output_value if is_leaf_type(inner) else None
            found[name] = _Foreseen(answer, kind.fields[name].type, shown)
    return found


def _declared(kind: GraphQLObjectType) -> Iterator[tuple[str, PlanField, Any]]:
    """The declared fields with their types, which may be null or not."""
    for name, definition in kind.fields.items():
        field = definition.extensions.get("strawberry-definition")
        if isinstance(field, PlanField):
            yield name, field, get_nullable_type(definition.type)
