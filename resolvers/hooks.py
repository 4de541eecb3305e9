"""REST hooks: webhooks that a program makes and ends by itself with an API key, as Zapier does for each of its Zaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from domain.errors import Forbidden, Invalid, NotFound
from domain.permissions import Role, allows
from domain.throttling import HOOK_OF_PERSON
from domain.webhooks.addresses import check_url
from domain.webhooks.catalogue import EVENT_KINDS, Kind
from domain.webhooks.editions import EDITION
from domain.webhooks.envelope import envelope
from domain.webhooks.examples import example
from domain.webhooks.shapes import Envelope
from models import Member, Team, User, Webhook, events
from models.database import transaction
from models.names import names_of
from resolvers import webhooks
from resolvers.caller import Caller, require, require_scope, require_somebody

ACTION = "webhook:create"
SAMPLES = 3


class Place(NamedTuple):
    """A team whose webhooks somebody looks after, and what they are in it."""

    team: Team
    role: Role


@dataclass(frozen=True, slots=True)
class Myself:
    """Whose key it is, and where it is good for hooks."""

    user: User
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A hook and its secret, which is told this once. It is not new where the same was asked for before."""

    secret: str
    row: Webhook
    is_new: bool


async def me(caller: Caller) -> Myself:
    """Who the caller is, and which teams' webhooks they look after; Forbidden for a key that is not good for that."""
    user_id = require_somebody(caller)
    require_scope(caller, ACTION)
    return Myself(await User.get(id=user_id), await _places(caller))


async def subscribe(
    caller: Caller,
    *,
    team_id: UUID | None,
    url: str,
    event_types: Sequence[str],
    video_id: UUID | None = None,
    description: str = "",
) -> Subscribed:
    """A webhook; `team_id` may be left out by who looks after the webhooks of one team alone.

    Who asks with the same key for the same types at the same address once more has not heard our answer, or has
    forgotten it: they get the hook that there is, with another secret. Nothing is sent to an address twice for it.
    Throttled where programs of one person ask too often.
    """
    where = await _team(caller, team_id)
    await caller.throttle.hit(HOOK_OF_PERSON, str(caller.viewer.user_id))
    async with transaction():
        await Team.lock(where, caller.viewer)  # two at once are one after the other
        former = await _former(caller, where, url, event_types, video_id)
        if former is not None and former.is_active:
            made = await webhooks.rotate(caller, webhook_id=former.id)
            return Subscribed(made.secret, made.row, is_new=False)
        if former is not None:  # it was told that nobody is there any more, and now somebody is again
            await webhooks.delete(caller, webhook_id=former.id)
        made = await webhooks.make(
            caller,
            webhooks.Wish(team_id=where, url=url, event_types=event_types, video_id=video_id, description=description),
        )
    return Subscribed(made.secret, made.row, is_new=True)


async def samples(caller: Caller, *, team_id: UUID | None, event_type: str) -> list[Envelope]:
    """The latest events of a type in a team, as its webhooks are told them; an example where none has happened.

    A key that is good for webhooks is good for this, since it may have all that happens sent to itself.
    """
    kind = EVENT_KINDS.get(event_type)
    if kind is None:
        raise NotFound("problem.event_type", type=event_type[:50])
    where = await _team(caller, team_id)
    await require(caller, ACTION, where)
    return await _happened(caller, kind, where) or [
        example(kind, kind.version, app_url=caller.rules.app_url, api_url=caller.rules.api_url)
    ]


async def _happened(caller: Caller, kind: Kind, team_id: UUID) -> list[Envelope]:
    found = await events.newest(team_id, kind.type, SAMPLES)
    return [
        envelope(
            record.event(),
            event_id=record.id,
            at=record.created_at,
            edition=EDITION,
            names=names,
            app_url=caller.rules.app_url,
            api_url=caller.rules.api_url,
        )
        for record, names in zip(found, await names_of(found), strict=True)
    ]


async def _team(caller: Caller, given: UUID | None) -> UUID:
    """The team that is given, whoever may do what in it, or the only one that it can be."""
    require_somebody(caller)
    require_scope(caller, ACTION)
    if given is not None:
        return given
    places = await _places(caller)
    if not places:
        raise Forbidden
    if len(places) > 1:
        raise Invalid("problem.hook_team", path=("teamId",))
    return places[0].team.id


async def _places(caller: Caller) -> list[Place]:
    """In the order in which the teams were made; without those that wait for their deletion, which take no webhooks."""
    members = await Member.filter(Member.held_by(caller.viewer), team__deletion_at__isnull=True).prefetch_related(
        "team"
    )
    places = [Place(member.team, member.role) for member in members if allows(member.role, ACTION)]
    return sorted(places, key=lambda place: (place.team.created_at, place.team.id))


async def _former(
    caller: Caller, team_id: UUID, url: str, event_types: Sequence[str], video_id: UUID | None
) -> Webhook | None:
    """What the caller's key has made of the same before, if it is still there."""
    rules = caller.rules
    written = check_url(url.strip(), ports=rules.webhook_ports, loopback=rules.webhook_loopback, path=("url",))
    own = Webhook.filter(
        Webhook.visible_to(caller.viewer), team_id=team_id, api_key_id=caller.api_key_id, url=written, video_id=video_id
    )
    alike = [row for row in await own.order_by("-created_at") if set(row.event_types) == set(event_types)]
    return alike[0] if alike else None
