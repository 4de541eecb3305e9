"""What happens in a team becomes deliveries for its webhooks: one for each event and webhook."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import orjson

from domain.events import AccountDeleted, ApiKeyRevoked, MemberLeft, MemberRemoved, MemberRoleChanged
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.envelope import Names, envelope
from models import EventRecord, Webhook
from models.names import names_of
from models.tellings import Telling, make
from workers.consumers import Tools, consumer
from workers.makers import tell_owners
from workers.pausing import pause_keyless


def _in_a_team(event: EventRecord) -> bool:
    return event.team_id is not None


@consumer("webhooks", *(kind.event for kind in EVENT_KINDS.values()), only=_in_a_team, in_transaction=True)
async def make_deliveries(events: Sequence[EventRecord], tools: Tools) -> None:
    """Notes what each webhook is to be sent, word for word, and wakes who sends it."""
    heard = await _heard(events)
    if not heard:
        return
    names = await names_of([event for event, _ in heard])
    told = [each for (event, by), named in zip(heard, names, strict=True) for each in _told(event, by, named, tools)]
    await make(told, tools.clock())


@consumer(
    "webhook-keys", ApiKeyRevoked, MemberLeft, MemberRemoved, MemberRoleChanged, AccountDeleted, in_transaction=True
)
async def look_after_what_was_left(events: Sequence[EventRecord], tools: Tools) -> None:
    """What a program has made with a key is good as long as the key is, and its person may have webhooks.

    What people have made in person goes on without them; those who own the team hear of it, and of what is paused.
    """
    for event in events:  # before anything else is paused, which they are told of each
        await tell_owners(event, tools.clock())
    await pause_keyless(tools.clock())


def body_of(event: EventRecord, edition: int, names: Names, tools: Tools) -> str:
    """What is sent of an event, word for word."""
    told = envelope(
        event.event(),
        event_id=event.id,
        at=event.created_at,
        edition=edition,
        names=names,
        app_url=tools.app_url,
        api_url=tools.api_url,
    )
    return orjson.dumps(told).decode()


async def _heard(events: Sequence[EventRecord]) -> list[tuple[EventRecord, list[Webhook]]]:
    """The events that anybody is told of, each with the webhooks that are."""
    hearing = await Webhook.hearing({event.team_id for event in events if event.team_id})
    heard = [(event, list(_by(event, hearing))) for event in events] if hearing else []
    return [(event, by) for event, by in heard if by]


def _by(event: EventRecord, hearing: Sequence[Webhook]) -> Iterator[Webhook]:
    """The webhooks of its team that there were when it happened, and that want it."""
    video_id = _video_of(event)
    for webhook in hearing:
        is_theirs = webhook.team_id == event.team_id and webhook.hears(event.position)
        if is_theirs and webhook.wants(event.type, video_id):
            yield webhook


def _told(event: EventRecord, by: Sequence[Webhook], names: Names, tools: Tools) -> Iterator[Telling]:
    """What they are sent: the same, but for each edition."""
    for edition in sorted({webhook.edition for webhook in by}):
        ids = [webhook.id for webhook in by if webhook.edition == edition]
        yield Telling(event, _video_of(event), edition, body_of(event, edition, names, tools), ids)


def _video_of(event: EventRecord) -> UUID | None:
    video_id = event.payload.get("video_id")
    return UUID(video_id) if video_id else None
