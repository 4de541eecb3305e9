"""A Tortoise `Q` as a piece of SQL over one aliased table: who may see a row, and which rows a client asks for.

Rendering one takes Tortoise 0.2 ms. So each is rendered once, with marks where the alias, the values and the viewer's
rights go, and only the marks are filled in afterwards.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pypika_tortoise.dialects.postgresql import PostgreSQLQuery
from pypika_tortoise.queries import Table
from pypika_tortoise.terms import Parameterizer
from tortoise.expressions import Q, ResolveContext

from plan.tables import array_type, model_of, table_name
from plan.writing import Given, OfViewer, Slot, Writing

if TYPE_CHECKING:
    from plan.nodes import NodeDefinition

Visible = Callable[[Any], Any]
"""Takes a viewer and answers the `Q` of the rows they may see."""

CONDITIONS_KEPT = 500
LONGEST_KEPT = 2_000
"""Characters of a condition with its values. Clients choose them: longer ones are rendered each time."""

VIEWERS_REMEMBERED = 500

ASKER = UUID(int=(0xA << 124) | 1)
"""In a client's condition, the person who asks: never an id of a row. For who is no single person it means nobody."""

_ALIAS = "\x01"
_VALUE = re.compile("\x02([0-9]+)\x02")
_RIGHT = re.compile("\x03([0-9]+)\x03")
_SELECT = re.compile(r'(NOT )?IN \((SELECT "(\w+)" "\w+" FROM "(\w+)")')
_OWN_ID = f'"{_ALIAS}"."id" '
_MORE = re.compile(r" (GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET) ")


@dataclass(frozen=True, slots=True)
class Right:
    """`… IN (SELECT …)` of which the SELECT, of one column, does not look at the row.

    `compared` is how the row is compared with an array of it. `probe` looks whether a row of the SELECT has its id: for
    one row that costs no more if there are thousands, as the members of a large team. Of many rows it would cost
    more than the array does, and PostgreSQL might ask it of a whole table before it joins.
    """

    select: str
    array_type: str
    compared: str
    probe: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A condition with marks for alias, values and rights."""

    text: str
    slots: tuple[Slot, ...]
    rights: tuple[Right, ...]

    def written(self, alias: str, writing: Writing, *, alone: bool = False) -> str:
        """The condition over `alias`, as part of the statement that is being written; `alone`, of a single row."""
        return self._filled(self.text, writing, alone=alone).replace(_ALIAS, alias)

    def written_of(self, key: str, parent: str, writing: Writing) -> str:
        """One that asks of the column `key` alone, over what is known to be in it."""
        return self._filled(self.text.replace(f'"{_ALIAS}"."{key}"', parent), writing)

    def of_row(self) -> list[Slot]:
        """The values that the row itself is compared with, not those that rights are found by."""
        return [self.slots[int(mark)] for mark in _VALUE.findall(self.text)]

    def _filled(self, text: str, writing: Writing, *, alone: bool = False) -> str:
        if "\x03" in text:
            text = _RIGHT.sub(lambda mark: self._right(self.rights[int(mark[1])], writing, alone=alone), text)
        if "\x02" in text:
            text = _VALUE.sub(lambda mark: writing.parameter(self.slots[int(mark[1])]), text)
        return text

    def _right(self, right: Right, writing: Writing, *, alone: bool) -> str:
        if alone and right.probe is not None:
            return self._filled(right.probe, writing)
        held = writing.right(self._filled(right.select, writing), right.array_type)
        return f"{right.compared}({held})"


class Visibility:
    """A type's predicate, rendered once for each kind of viewer."""

    def __init__(self, table: Any, visible: Visible) -> None:
        self._table = table
        self._visible = visible
        self._templates: dict[Hashable, Template] = {}
        self._of_keys: dict[tuple[Hashable, str], Template | None] = {}
        self.shared: list[Template] = []
        """For each kind of viewer that is several people at once, and is not refused."""

    def written(self, viewer: Any, alias: str, writing: Writing, *, alone: bool = False) -> str:
        """The condition for `viewer` over `alias`, in brackets. The viewer's ids become parameters.

        `alone` where it is asked of one row, which is found by its id, and not of each of many.
        """
        return f"({self._for(viewer).written(alias, writing, alone=alone)})"

    def written_of(self, viewer: Any, key: str, parent: str, writing: Writing) -> str:
        """What the condition asks of the column `key` alone, asked of the `parent` that all rows hold there.

        As ` AND (…)`, or nothing. Who may see none of a parent's rows has none of them looked at.
        """
        kind = (kind_of(viewer), key)
        if kind not in self._of_keys:
            self._of_keys[kind] = self._rendered_of(viewer, key)
        template = self._of_keys[kind]
        return "" if template is None else f" AND ({template.written_of(key, parent, writing)})"

    def _for(self, viewer: Any) -> Template:
        kind = kind_of(viewer)
        if kind not in self._templates:
            self._templates[kind] = self._rendered(viewer)
        return self._templates[kind]

    def _rendered(self, viewer: Any) -> Template:
        marked, marks = _marked(viewer)
        condition = self._visible(marked)
        if not condition:
            raise TypeError(f"{self._table.__name__} is visible to everybody: its predicate is empty")
        return self._template(condition, marks)

    def _rendered_of(self, viewer: Any, key: str) -> Template | None:
        marked, marks = _marked(viewer)
        condition = _of_column(self._visible(marked), key)
        if condition is None:
            return None
        part = self._template(condition, marks)
        same = {repr(slot): slot for slot in self._for(viewer).slots}  # so that each right is asked for once
        return replace(part, slots=tuple(same.get(repr(slot), slot) for slot in part.slots))

    def _template(self, condition: Q, marks: dict[str, str]) -> Template:
        return _template(
            self._table, condition, lambda value: OfViewer(marks[str(value)]) if str(value) in marks else None
        )

    def require_sound(self, viewers: Sequence[Any], several: Sequence[Any] = ()) -> None:
        """Fails, when types are declared, on a predicate that the plan could not put into a statement.

        It may refuse some of `viewers`, or of those that are `several` people at once, by a TypeError, but not all of
        them. What it asks must not depend on who of a kind asks: ids may only be values.
        """
        if several:
            self.shared = []
        refused: TypeError | None = None
        taken = 0
        for viewer in (*viewers, *several):
            try:
                condition = self._visible(viewer)
            except TypeError as error:
                refused = error
                continue
            taken += 1
            rendered = self._rendered(viewer)
            if viewer in several:
                self.shared.append(rendered)
            if _told(rendered, viewer) != _told(_template(self._table, condition, Given), viewer):
                raise TypeError(f"the predicate of {self._table.__name__} depends on more than the kind of viewer")
        if refused is not None and not taken:
            raise TypeError(f"the predicate of {self._table.__name__} takes no viewer at all") from refused


@lru_cache(VIEWERS_REMEMBERED)
def kind_of(viewer: Any) -> Hashable:
    """What of a viewer shapes SQL: the class, and all that is no id."""
    if not is_dataclass(viewer):
        raise TypeError(f"{viewer!r} is no viewer: viewers are dataclasses, whose UUIDs become parameters")
    values = [getattr(viewer, f.name) for f in fields(viewer)]
    return (type(viewer), *[UUID if isinstance(value, UUID) else value for value in values])


def conditioned(node: NodeDefinition, condition: Q, alias: str, writing: Writing) -> str:
    """A client's condition over `alias`, as ` AND (…)`, or nothing."""
    return f" AND ({template_of(node.table, condition).written(alias, writing)})" if condition else ""


def template_of(table: Any, condition: Q) -> Template:
    """The condition, rendered; what was asked lately is kept."""
    key = (table, fingerprint(condition))
    if key in _conditions:
        _conditions.move_to_end(key)
        return _conditions[key][0]
    made = _template(table, condition, _asked_for)
    if len(key[1]) <= LONGEST_KEPT:
        _conditions[key] = made, condition
        if len(_conditions) > CONDITIONS_KEPT:
            _conditions.popitem(last=False)
    return made


_conditions: OrderedDict[tuple[Any, str], tuple[Template, Q]] = OrderedDict()
"""With what they were made of: a subquery's text is its place in memory, which must not be another's meanwhile."""


def _asked_for(value: Any) -> Slot:
    return OfViewer("user_id") if str(value) == str(ASKER) else Given(value)


def fingerprint(condition: Q) -> str:
    """Different for different conditions: the text of a Q shows its whole tree."""
    inner = [fingerprint(child) for child in condition.children]
    kind, negated = type(condition).__qualname__, condition._is_negated  # noqa: SLF001 - said nowhere else
    return f"{kind} {negated} {condition.join_type} {condition.filters} {inner}"


def _template(table: Any, condition: Q, slot_of: Callable[[Any], Slot | None]) -> Template:
    values = Parameterizer(lambda index: f"\x02{index - 1}\x02")
    context = PostgreSQLQuery.SQL_CONTEXT.copy(parameterizer=values, with_namespace=True)
    text, rights = _rights_apart(_resolved(table, condition).get_sql(context))
    return Template(text, tuple(slot_of(value) or Given(value) for value in values.values), tuple(rights))


def _rights_apart(text: str) -> tuple[str, list[Right]]:
    """The text with a mark for each right that is in it, and these."""
    rights = list[Right]()

    def apart(text: str) -> str:
        found = _SELECT.search(text)
        if found is None:
            return text
        end = _closing(text, found.start(2))
        select, before, rest = text[found.start(2) : end], text[: found.start()], apart(text[end + 1 :])
        if _ALIAS in select:
            return f"{before}{text[found.start() : found.start(2)]}{select}){rest}"
        of_id = not found[1] and before.endswith(_OWN_ID)
        compared = f"{_OWN_ID}= ANY" if of_id else "<> ALL" if found[1] else "= ANY"
        select = apart(select)
        probe = _probe(select, found[4], found[3]) if of_id else None
        rights.append(Right(select, array_type(model_of(found[4]), found[3]), compared, probe))
        return f"{before.removesuffix(_OWN_ID) if of_id else before}\x03{len(rights) - 1}\x03{rest}"

    return apart(text), rights


def _probe(select: str, table: str, column: str) -> str | None:
    """Whether one of the rows that are selected has the row's id in the column; None where that is not so simple."""
    _, where, condition = select.partition(" WHERE ")
    if not where or _MORE.search(condition):
        return None
    # As a value, which PostgreSQL looks up each time: EXISTS it might make a hash table of, with all rows in it.
    has_it = f'({condition}) AND "{table}"."{column}" = {_OWN_ID.strip()}'
    return f'(SELECT true FROM "{table}" WHERE {has_it} LIMIT 1)'  # noqa: S608 - all ours


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that was opened before `start`. No text holds a bracket: texts are parameters."""
    depth = 1
    for position in range(start, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if not depth:
            return position
    raise ValueError("a bracket is not closed")


def _resolved(table: Any, condition: Q) -> Any:
    alias = Table(table_name(table)).as_(_ALIAS)
    modifier = condition.resolve(ResolveContext(model=table, table=alias, annotations={}, custom_filters={}))
    if modifier.joins:
        raise TypeError(f"a condition on {table.__name__} needs a join: say it with IN (Subquery(…))")
    return modifier.where_criterion


def _of_column(condition: Q, key: str) -> Q | None:
    """What must be so of one column wherever all of the condition is; None where that is nothing."""
    if type(condition) is not Q or condition._is_negated:  # noqa: SLF001 - said nowhere else
        return None
    asked = [_asked(key, name, value) for name, value in condition.filters.items()]
    asked += [_of_column(child, key) for child in condition.children]
    said = [each for each in asked if each is not None]
    if not said or (condition.join_type == Q.OR and len(said) < len(asked)):
        return None
    return Q(*said, join_type=condition.join_type)


def _asked(key: str, name: str, value: Any) -> Q | None:
    return Q(**{name: value}) if name.partition("__")[0] == key else None


def _told(template: Template, viewer: Any) -> tuple[str, list[str]]:
    return template.text, [str(slot.value(viewer, ())) for slot in template.slots]


def _marked(viewer: Any) -> tuple[Any, dict[str, str]]:
    """The viewer with an id of ours in place of each of its own, and which is where."""
    ids = [f.name for f in fields(viewer) if isinstance(getattr(viewer, f.name), UUID)]
    marks = {UUID(int=(0xF << 124) | index): name for index, name in enumerate(ids)}
    marked = replace(viewer, **{name: mark for mark, name in marks.items()})
    return marked, {str(mark): name for mark, name in marks.items()}
