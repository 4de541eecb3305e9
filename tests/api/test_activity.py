"""What happens in a team is told to its members: each type of event to those who may know of it, and no text of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from typing import Any, get_type_hints
from uuid import UUID

import pytest

import schema.root  # noqa: F401 - declares the types
from domain.activity import TOLD, UNTOLD
from domain.clock import utc_now
from domain.events import EVENT_TYPES, Event
from domain.ids import new_id
from domain.permissions import PERMISSIONS, Role, Scope
from local.client import Client, OperationFailed
from models import EventRecord, Member
from plan import decode_id, encode_id
from plan.nodes import NODES
from tests.api.test_rights import end_of
from tests.factories import Crew, Factory
from tests.own import own_studio

HIDDEN = "told to nobody"
"""Stands in every text that an event has."""
FOR_ADMINS = {"member.invited", "invitation.resent", "invitation.revoked", "invitation.declined"}


@dataclass
class Show:
    """A team in which everything has happened once: the events, by their types, in an order of their positions."""

    crew: Crew
    events: dict[str, Event]
    rows: dict[str, UUID]
    make: Factory


@pytest.fixture(scope="module")
async def show() -> AsyncIterator[Show]:
    """Without a relay, so that the events are the test's own, and nobody does anything about them."""
    async with own_studio("api") as (_, make):
        crew = await make.crew()
        video = await make.video(crew)
        version = await make.version(video)
        comment = await make.comment(version)
        member = await Member.get(team_id=crew.team.id, user_id=crew.editor.user.id)
        invitation, _ = await make.invitation(crew)
        rows = {"video": video, "version": version, "comment": comment, "member": member, "user": crew.editor.user}
        ids = {noun: row.id for noun, row in (rows | {"invitation": invitation, "team": crew.team}).items()}
        events = {name: event_of(kind, crew, ids) for name, kind in sorted(EVENT_TYPES.items())}
        for position, event in enumerate(events.values(), 1):
            await happened(event, position)
        yield Show(crew, events, ids, make)
        await EventRecord.all().delete()  # made up: no promise binds them (tests/recorded.py)


async def happened(event: Event, position: int) -> None:
    now = utc_now()
    values = {"type": event.type, "version": event.version, "subjects": event.subjects(), "payload": event.payload()}
    about = {"team_id": event.team_id, "actor_id": event.actor_id, "created_at": now, "recorded_at": now}
    await EventRecord.create(id=new_id(), position=position, **values, **about)


def event_of(kind: type[Event], crew: Crew, ids: dict[str, UUID]) -> Event:
    """One of a type, in the team and by its owner, about what there is in it."""
    hints, about = get_type_hints(kind), {"team_id": crew.team.id, "actor_id": crew.owner.user.id}
    for field in fields(kind):
        if field.name not in about:
            about[field.name] = _value(field.name, hints[field.name], ids)
    return kind(**about)


def _value(name: str, kind: Any, ids: dict[str, UUID]) -> Any:
    values = {
        str: HIDDEN,
        str | None: HIDDEN,
        int: 7,
        bool: True,
        list[str]: [HIDDEN],
        dict[str, Any]: {"text": HIDDEN},
    }
    if kind in (UUID, UUID | None):
        return ids.get(name.removesuffix("_id"), new_id())
    return values[kind]


async def all_told(client: Client, show: Show, **more: Any) -> list[dict[str, Any]]:
    """What a client is told who asks for all of it; the last that everybody hears of ends it."""
    told: list[dict[str, Any]] = []
    last = max(position for position, name in enumerate(show.events, 1) if name in TOLD and name not in FOR_ADMINS)
    async with client.follow("TeamActivity", teamId=show.crew.id, after=0, **more) as events:
        while not told or told[-1]["extensions"]["eventId"] < last:
            told.append(await asyncio.wait_for(anext(events), 10))
    assert not any("errors" in answer for answer in told)
    assert HIDDEN not in str(told)
    return told


def types(told: list[dict[str, Any]]) -> list[str]:
    return [answer["data"]["teamActivity"]["type"] for answer in told]


def test_every_type_of_event_is_told_or_says_why_not() -> None:
    assert TOLD.keys() | UNTOLD.keys() == EVENT_TYPES.keys()
    assert not TOLD.keys() & UNTOLD.keys()
    assert all(UNTOLD.values())
    for name, (action, noun) in TOLD.items():
        assert not isinstance(PERMISSIONS[action].holders, str), name
        assert f"{noun}_id" in {field.name for field in fields(EVENT_TYPES[name])}, f"{name} names no {noun}"


@pytest.mark.parametrize("role", Role)
async def test_each_role_hears_of_what_it_may_know(show: Show, role: Role) -> None:
    told = await all_told(show.crew.everybody()[role].client, show)
    unheard = set() if role in (Role.OWNER, Role.ADMIN) else FOR_ADMINS
    assert types(told) == [name for name in show.events if name in TOLD and name not in unheard]
    for answer in told:
        entry = answer["data"]["teamActivity"]
        require_sound(show, entry, role)


def require_sound(show: Show, entry: dict[str, Any], role: Role) -> None:
    """It tells of what the event names, as far as that is there, and of nothing else."""
    event = show.events[entry["type"]]
    assert entry["actor"]["id"] == show.crew.owner.id
    name, row_id = decode_id(entry["subjectId"])
    assert name in NODES
    assert row_id == getattr(event, f"{TOLD[entry['type']].noun}_id")
    for noun, known in show.rows.items():
        named = getattr(event, f"{noun}_id", None) == known
        visible = noun != "invitation" or role in (Role.OWNER, Role.ADMIN)
        kind = noun.title()
        assert (entry[noun] or {}).get("id") == (encode_id(kind, known) if named and visible else None), entry
    assert entry["job"] is entry["upload"] is None  # there are none


async def test_a_key_hears_of_what_it_is_good_for(show: Show) -> None:
    """Inviting takes the person themselves, and so does hearing of it."""
    key = await show.make.key(show.crew.owner, Scope.READ)
    assert types(await all_told(key, show)) == [name for name in show.events if name in TOLD.keys() - FOR_ADMINS]
    blind = await show.make.key(show.crew.owner, Scope.WEBHOOKS)
    async with blind.follow("TeamActivity", teamId=show.crew.id) as events:
        assert (await end_of(events))[0] == "FORBIDDEN"


async def test_only_the_types_that_are_asked_for_are_told(show: Show) -> None:
    asked = ["video.restored", "video.created", "member.invited", "version.created"]
    told = await all_told(show.crew.viewer.client, show, types=asked)
    assert types(told) == ["version.created", "video.created", "video.restored"]
    for unknown in ("video.exploded", "session.opened", ""):
        async with show.crew.owner.client.follow("TeamActivity", teamId=show.crew.id, types=[unknown]) as events:
            with pytest.raises(OperationFailed, match="INVALID"):
                await anext(events)
