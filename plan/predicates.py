"""A Tortoise `Q` as a piece of SQL over one aliased table, its values apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pypika_tortoise.dialects.postgresql import PostgreSQLQuery
from pypika_tortoise.queries import Table
from pypika_tortoise.terms import Parameterizer
from tortoise.expressions import Q, ResolveContext

from plan.tables import table_name


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition with numbered placeholders, and what stands in them."""

    text: str
    values: tuple[Any, ...]


def predicate(table: Any, condition: Q, alias: str, *, first: int) -> Predicate:
    """`condition` over `table` under `alias`; placeholders count from `first`. A join is a TypeError."""
    if not condition:
        return Predicate("TRUE", ())
    criterion = _resolved(table, condition, alias)
    values = Parameterizer(lambda index: f"${index + first - 1}")
    text = criterion.get_sql(PostgreSQLQuery.SQL_CONTEXT.copy(parameterizer=values, with_namespace=True))
    return Predicate(text, tuple(values.values))


def require_joinless(table: Any, visible: Any, viewers: Sequence[Any]) -> None:
    """Fails, when types are declared, on a predicate that the plan could not put into a statement.

    A predicate may refuse some of `viewers` by a TypeError (those who are no single person), but not all of them.
    """
    refused: TypeError | None = None
    taken = list[Any]()
    for viewer in viewers:
        try:
            taken.append(visible(viewer))
        except TypeError as error:
            refused = error
    if refused is not None and not taken:
        raise TypeError(f"the predicate of {table.__name__} takes no viewer at all") from refused
    for condition in taken:
        if not condition:
            raise TypeError(f"{table.__name__} is visible to everybody: its predicate is empty")
        _resolved(table, condition, "x")


def _resolved(table: Any, condition: Q, alias: str) -> Any:
    context = ResolveContext(model=table, table=Table(table_name(table)).as_(alias), annotations={}, custom_filters={})
    modifier = condition.resolve(context)
    if modifier.joins:
        raise TypeError(f"a condition on {table.__name__} needs a join: say it with IN (Subquery(…))")
    return modifier.where_criterion
