"""Looking ahead: when rows have come, all that the document asks of them is loaded before their fields are resolved.

Then graphql-core finds every value where it looks for it. A value that it has to wait for costs it a coroutine, a task
and a future, many times what the value itself takes, and as many as a page has rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from graphql import FieldNode, GraphQLField, get_named_type
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import get_argument_values
from strawberry.types.arguments import convert_arguments

from plan.declarations import PlanField

if TYPE_CHECKING:
    from plan.loader import Loader
    from plan.rows import Row

Places = list[FieldDetails]
"""Every place of the document where one field of an answer is asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A field that is asked for of some rows, or of something that belongs to them."""

    rows: Sequence[Row]
    definition: GraphQLField
    places: Places
    sight: Sight

    def inside(self) -> Iterator[Asked]:
        """What is asked for of the field's object."""
        return self.sight.fields(get_named_type(self.definition.type), self.rows, self.places)

    def arguments(self) -> dict[str, Any]:
        """The field's arguments by their Python names."""
        return self.sight.arguments(self)


@dataclass(frozen=True, slots=True)
class Step:
    """Keys to be loaded, the rows that each value stands for, and the places where something is asked of these."""

    loader: Loader[Any, Any]
    keys: Sequence[Any]
    rows: Callable[[Any], Iterable[Row]] = lambda _value: ()
    below: Sequence[Places] = ()


class Foreseen(ABC):
    """Answers a field from loaders, and says beforehand what they have to load for it."""

    @abstractmethod
    def at_hand(self, source: Row, node: FieldNode, context: Any) -> Any:
        """What the loaders have for this row, which may be UNKNOWN; `node` is where it is asked for first."""

    @abstractmethod
    def foresee(self, asked: Asked) -> Iterator[Step]:
        """What is to be loaded so that the field can be answered for these rows, and with it all below."""


class Sight:
    """The document as it is seen from one field on its way."""

    def __init__(self, info: Any) -> None:
        self.context = info.context
        self._schema = info.schema
        self._raw = info._raw_info  # noqa: SLF001 - graphql-core's own, with the nodes of the document
        self._fragments = {name: FragmentDetails(part) for name, part in self._raw.fragments.items()}
        self.places: Places = [FieldDetails(node, None) for node in self._raw.field_nodes]

    async def load(self, steps: Sequence[Step]) -> None:
        """Loads all that these steps lead to, level by level. What fails is told by the loaders to who looks there."""
        while steps:
            arriving = [future for step in steps for future in step.loader.ask(step.keys)]
            try:
                for future in arriving:
                    await future
            finally:  # given up while waiting: nobody waits for the others
                for future in arriving:
                    future.cancel()
            steps = [below for step in steps for below in self._below(step)]

    def fields(self, kind: Any, rows: Sequence[Row], places: Places) -> Iterator[Asked]:
        """What is asked for of an object of this type in these places, as graphql-core will collect it."""
        raw = self._raw
        collected = collect_subfields(raw.schema, self._fragments, raw.variable_values, raw.operation, kind, places)
        for inner in collected.grouped_field_set.values():
            definition = kind.fields.get(inner[0].node.name.value)
            if definition is not None:  # it is for __typename
                yield Asked(rows, definition, inner, self)

    def arguments(self, asked: Asked) -> dict[str, Any]:
        """The field's arguments by their Python names."""
        values = get_argument_values(asked.definition, asked.places[0].node, self._raw.variable_values)
        scalars, config = self._schema.schema_converter.scalar_registry, self._schema.config
        return convert_arguments(values, declared(asked.definition).arguments, scalars, config)

    def here(self, rows: Sequence[Row]) -> Asked:
        """The field at hand, asked for of these rows."""
        return Asked(rows, self._raw.parent_type.fields[self._raw.field_name], self.places, self)

    def _below(self, step: Step) -> Iterator[Step]:
        values = step.loader.sound(step.keys) if step.below else ()
        rows = list(dict.fromkeys(row for value in values for row in step.rows(value)))
        if rows:
            kind = self._raw.schema.type_map[rows[0].node.name]
            for places in step.below:
                yield from self._of(kind, rows, places)

    def _of(self, kind: Any, rows: Sequence[Row], places: Places) -> Iterator[Step]:
        try:
            for asked in self.fields(kind, rows, places):
                answer = declared(asked.definition).get_result
                if isinstance(answer, Foreseen):
                    yield from answer.foresee(asked)
        except Exception:  # noqa: BLE001, S110 - what is wrong with a field is told when the executor comes to it
            pass


def declared(definition: GraphQLField) -> PlanField:
    """The field as it was declared."""
    return cast("PlanField", definition.extensions["strawberry-definition"])
