"""What belongs to teams, found in the models themselves, and its end."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tortoise import Tortoise
from tortoise.fields.base import OnDelete
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.models import Model

from models.database import raw_connection

SECONDS = 3600
"""How long one table may take: a large team has a million comments."""
_TOLD = "subjects @> ARRAY['team:' || $1::text]"
"""Events are found by what they are about, which has an index."""
_FIRST = "DELETE FROM webhook_lanes WHERE team_id = $1::uuid"
"""Who sends to webhooks takes lanes: without one, nobody begins anything whose parts are about to go."""
_BESIDE = {
    "invitations": "DELETE FROM mailed_links WHERE subject_id IN (SELECT id FROM invitations WHERE team_id = $1::uuid)",
    "events": f"DELETE FROM parked_events WHERE event_id IN (SELECT id FROM events WHERE {_TOLD})",  # noqa: S608 - ours
}
"""What is of a team by way of a row of these tables, and does not know its team: it goes just before them."""
_LATE = {"events": 1, "audit_entries": 2}
"""Of what there is yet, a job or a webhook, more may be told. What is kept in the log is read from events."""


def owned() -> list[type[Model]]:
    """Every model whose rows belong to a team, in an order in which none goes before what refers to it.

    These are all that have a `team_id`, but for those whose rows stay when the team goes (ON DELETE SET NULL). What has
    happened to the others is last.
    """
    left, order = (
        {model for model in Tortoise.apps["models"].values() if _belongs_to_a_team(model)},
        list[type[Model]](),
    )
    while left:
        referred_to = {target for model in left for target in _referred_to(model)}
        free = left - referred_to
        if not free:
            raise TypeError(f"these refer to each other in a ring: {left}")
        order += sorted(free, key=_table)
        left -= free
    return sorted(order, key=lambda model: _LATE.get(_table(model), 0))


async def delete_owned(team_id: UUID) -> None:
    """Deletes all that a team owns, table by table, each for good: the team takes nothing new any more."""
    async with raw_connection() as connection:
        for statement in (_FIRST, *_statements()):
            await connection.execute(statement, str(team_id), timeout=SECONDS)


def _statements() -> Iterator[str]:
    for model in owned():
        if beside := _BESIDE.get(_table(model)):
            yield beside
        yield f"DELETE FROM {_table(model)} WHERE {_condition(model)}"  # noqa: S608 - all ours


def of_a_person() -> list[Any]:
    """Every model whose rows are one person's own (`user_id`), and go with them."""
    return [model for model in Tortoise.apps["models"].values() if "user_id" in model._meta.fields_map]  # noqa: SLF001


def _belongs_to_a_team(model: type[Model]) -> bool:
    known = model._meta.fields_map  # noqa: SLF001 - said nowhere else
    return "team_id" in known and getattr(known.get("team"), "on_delete", None) is not OnDelete.SET_NULL


def _referred_to(model: type[Model]) -> Iterator[type[Model]]:
    """The other models without whose rows none of this one can be."""
    for field in model._meta.fields_map.values():  # noqa: SLF001
        if isinstance(field, ForeignKeyFieldInstance) and field.on_delete is not OnDelete.SET_NULL:
            target: type[Model] = field.related_model
            if target is not model:
                yield target


def _condition(model: type[Model]) -> str:
    return _TOLD if _table(model) == "events" else "team_id = $1::uuid"


def _table(model: type[Model]) -> str:
    return str(model._meta.db_table)  # noqa: SLF001
