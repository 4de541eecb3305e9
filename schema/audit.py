"""The audit log: who did what, to what, from where and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import strawberry
from strawberry.utils.str_converters import to_camel_case, to_snake_case
from tortoise.expressions import Q

import models
from plan import BadInput, Node, column, computed, decode_id, encode_id, node, to_one
from plan.nodes import NODES
from schema.scalars import EVENT_TYPE, Json, in_utc

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.teams import Team

MOST_TYPES = 50


@strawberry.type(description="A thing that was done something to. It may be gone, or nothing that you may see.")
class AuditSubject:
    """A thing by its name alone."""

    typename: str = strawberry.field(description="Its type, for example `Video`.")
    id: strawberry.ID = strawberry.field(description="Its global id, for `node(id)`, which answers null if it is gone.")


@strawberry.input(description="Narrows the log down; what is left out or null does not narrow.")
class AuditFilter:
    """Filter of `Team.auditLog`."""

    actor_id: strawberry.ID | None = strawberry.field(default=None, description="Only what this person did.")
    types: list[str] | None = strawberry.field(
        default=None, description="Only these, for example `video.deleted`; an empty list does not narrow. At most 50."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only what was done to this thing, or to something of it: its global id."
    )
    since: datetime | None = strawberry.field(default=None, description="Only from this moment on.")
    until: datetime | None = strawberry.field(default=None, description="Only before this moment.")


def matching(
    *,
    actor_id: str | None = None,
    types: Sequence[str] = (),
    subject_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Q:
    """The entries that a client asks for; BadInput for what can be asked of no entry."""
    if len(types) > MOST_TYPES:
        raise BadInput(f"At most {MOST_TYPES} types; {len(types)} were asked for.")
    if malformed := next((name for name in types if not EVENT_TYPE.fullmatch(name)), None):
        raise BadInput(f"{malformed[:50]!r} is no type of an entry.")
    return models.AuditEntry.matching(
        actor_id=None if actor_id is None else _person(actor_id),
        types=types,
        subject=None if subject_id is None else _subject_in(subject_id),
        since=None if since is None else in_utc(since),
        until=None if until is None else in_utc(until),
    )


def _person(global_id: str) -> UUID:
    name, row_id = decode_id(global_id)
    if name != "User":
        raise BadInput("`actorId` is the id of a User.")
    return row_id


def _subject_in(global_id: str) -> str:
    name, row_id = decode_id(global_id)
    return f"{to_snake_case(name)}:{row_id}"


def _subjects(named: Sequence[str]) -> list[AuditSubject]:
    """The things whose types clients know, in the order of the entry."""
    parts = (subject.partition(":") for subject in named)
    typed = ((_type_of(noun), row_id) for noun, _, row_id in parts)
    return [AuditSubject(typename=t, id=strawberry.ID(encode_id(t, UUID(i)))) for t, i in typed if t in NODES]


def _type_of(noun: str) -> str:
    camel = to_camel_case(noun)
    return camel[:1].upper() + camel[1:]


def _subject(named: Sequence[str]) -> AuditSubject | None:
    return next(iter(_subjects(named[:1])), None)


def _related(named: Sequence[str]) -> list[AuditSubject]:
    return _subjects(named[1:])


def _details(text: str) -> dict[str, Any]:
    details: dict[str, Any] = orjson.loads(text)
    return details


@node(table=models.AuditEntry, visible=models.AuditEntry.visible_to)
class AuditEntry(Node):
    """What somebody did. Those of a team are for its owners and admins; those of your account for you alone."""

    type: str = column(description="What was done, for example `video.deleted` or `member.removed`.")
    at: datetime = column("created_at", description="When it was done.")
    actor: User | None = to_one("actor_id", description="Who did it; null if you share no team any more.")
    team: Team | None = to_one("team_id", description="In which team; null for what concerns an account.")
    subject: AuditSubject | None = computed(
        "subjects", by=_subject, description="To what it was done; null where that is nothing with an id."
    )
    related: list[AuditSubject] = computed("subjects", by=_related, description="What else it names.")
    details: Json = computed("details", by=_details, description="What else there is to say, as the event tells it.")
    address: str | None = column(description="The network address that it was done from, if it is known.")
    device: str | None = column(description="The program that it was done with, as it calls itself.")
    api_key_prefix: str | None = column(
        description="`ApiKey.prefix` of the key that it was done with; null for what somebody did who had signed in."
    )
    request_id: str | None = column(description="The `X-Request-ID` of the request that did it.")
