"""Webhooks: making and changing them, and giving them another secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.events import (
    Event,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
)
from domain.ids import new_id
from domain.text import one_line
from domain.throttling import HOOK_OF_PERSON
from domain.webhooks import headers as own_headers
from domain.webhooks.addresses import check_url, place_of
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.editions import EDITION
from domain.webhooks.sealed import HEADERS, SECRET
from domain.webhooks.signatures import new_secret
from domain.webhooks.states import PauseReason
from models import ApiKey, Lane, Team, Video, Webhook, lanes
from models.database import transaction
from models.discards import discard as discard_waiting
from models.teams import may
from models.webhooks import MOST_WEBHOOKS
from resolvers.caller import STAYS, Caller, Following, follow, lock, require, require_somebody, tell

DESCRIPTION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A webhook as somebody wants it."""

    team_id: UUID
    url: str
    description: str = ""
    event_types: Sequence[str] = ()
    video_id: UUID | None = None
    in_order: bool = False
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook and its secret, which is told this once."""

    secret: str
    row: Webhook


async def create(caller: Caller, wish: Wish) -> Made:
    """As `make`; Throttled for who makes too many. What cannot be one is no try."""
    draft = _draft(caller, wish)
    await caller.throttle.hit(HOOK_OF_PERSON, str(require_somebody(caller)))
    return await _keep(caller, draft)


async def make(caller: Caller, wish: Wish) -> Made:
    """A webhook that is told of what happens in a team from now on; Conflict where there are as many as may be."""
    return await _keep(caller, _draft(caller, wish))


async def edit(
    caller: Caller,
    *,
    webhook_id: UUID,
    url: str | None = None,
    description: str | None = None,
    event_types: Sequence[str] | None = None,
    video_id: Any = STAYS,
    in_order: bool | None = None,
    headers: Sequence[tuple[str, str]] | None = None,
) -> Webhook:
    """Changes what is given. What waits for it goes where it leads from now on, and that is no receiver that failed."""
    given: dict[str, Any] = {
        "url": None if url is None else _url(caller, url),
        "description": None if description is None else _description(description),
        "event_types": None if event_types is None else _types(event_types),
        "in_order": in_order,
    }
    async with transaction():
        row = await _hold(caller, "webhook:edit", webhook_id)
        changes = {name: value for name, value in given.items() if value is not None and value != getattr(row, name)}
        if video_id not in (STAYS, row.video_id):
            await _require_video(caller, row.team_id, video_id)
            changes["video_id"] = video_id
        if headers is not None:
            changes |= _sealed(caller, webhook_id, headers)
        elif "url" in changes:
            _require_to_stay_at_home(row, changes["url"])
        if changes:
            row.update_from_dict({**changes, "updated_at": caller.now()})
            await row.save()
            if "url" in changes:
                await _try_anew(row, caller.now())
            elif "in_order" in changes and row.is_active:  # what waited for another to end may be due by now
                await lanes.stir([row.id], caller.now())
            await _tell(caller, WebhookEdited, row, changed=_said(changes))
    return row


async def rotate(caller: Caller, *, webhook_id: UUID, expire_others: bool = False) -> Made:
    """Another secret. For a day, deliveries are signed with the one before as well, unless that is to end at once."""
    secret = new_secret()
    async with transaction():
        row = await _hold(caller, "webhook:edit", webhook_id)
        sealed = caller.rules.keys.seal(SECRET, secret, of=str(webhook_id))
        row.rotate(sealed, caller.now(), expire_others=expire_others)
        await row.save()
        await _tell(caller, WebhookSecretRotated, row, others_ended=expire_others)
    return Made(secret, row)


async def pause(caller: Caller, *, webhook_id: UUID) -> Webhook:
    """Sends it nothing more; what happens is kept for it."""
    async with transaction():
        row = await _hold(caller, "webhook:edit", webhook_id)
        row.pause(PauseReason.ASKED, caller.now())
        await row.save()
        await _tell(caller, WebhookPaused, row, reason=PauseReason.ASKED.value)
    return row


async def resume(caller: Caller, *, webhook_id: UUID, discard: bool) -> Webhook:
    """Sends it what has happened meanwhile or, with `discard`, only what happens from now on."""
    now = caller.now()
    async with transaction():
        row = await _hold(caller, "webhook:edit", webhook_id)
        row.api_key_id = await _answering(caller, row)
        row.resume(now)
        await row.save()
        if discard:
            await discard_waiting(row.id, now)
        await _try_anew(row, now)
        await _tell(caller, WebhookResumed, row)
    return row


async def delete(caller: Caller, *, webhook_id: UUID) -> UUID:
    """Ends it. Its log goes some minutes later."""
    async with transaction():
        row = await _hold(caller, "webhook:delete", webhook_id)
        row.delete_softly(caller.now())
        await row.save()
        await _tell(caller, WebhookDeleted, row)
    return row.id


async def watch(caller: Caller, *, webhook_id: UUID) -> Following:
    """Where a webhook's attempts are told."""
    return await follow(caller, "webhook:view", Webhook, webhook_id, "webhook")


async def figures(caller: Caller, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """How each of the webhooks is doing: see `models.lanes.figures`."""
    del caller  # they are read of webhooks that the viewer sees
    found = await lanes.figures([row["id"] for row in rows])
    return [found.get(row["id"]) for row in rows]


def _draft(caller: Caller, wish: Wish) -> Made:
    """The webhook as it will be; Invalid for what cannot be one."""
    now, webhook_id, secret = caller.now(), new_id(), new_secret()
    row = Webhook(
        id=webhook_id,
        created_at=now,
        updated_at=now,
        team_id=wish.team_id,
        created_by_id=caller.viewer.user_id,
        edition=EDITION,
        video_id=wish.video_id,
        in_order=wish.in_order,
        sealed_secret=caller.rules.keys.seal(SECRET, secret, of=str(webhook_id)),
        api_key_id=caller.api_key_id,
        url=_url(caller, wish.url),
        description=_description(wish.description),
        event_types=_types(wish.event_types),
        **_sealed(caller, webhook_id, wish.headers),
    )
    return Made(secret, row)


async def _keep(caller: Caller, draft: Made) -> Made:
    row = draft.row
    async with transaction():
        await Team.lock(row.team_id, caller.viewer)  # two at once cannot both be the last for which there was room
        await require(caller, "webhook:create", row.team_id)
        await _require_room(row.team_id)
        await _require_video(caller, row.team_id, row.video_id)
        await row.save(force_create=True)
        await Lane.of(row.id, row.team_id, row.created_at).save(force_create=True)
        await _tell(caller, WebhookCreated, row)
    return draft


async def _hold(caller: Caller, action: str, webhook_id: UUID) -> Webhook:
    """The webhook, held. Forbidden to a key for what none of its person's keys has made.

    A program has no business with what people have set up by hand: whoever gets hold of its key could lead that
    elsewhere, or put an end to it.
    """
    row = await lock(caller, action, Webhook, webhook_id)
    if caller.api_key_id is not None and not row.is_of_keys_of(caller.viewer.user_id):
        raise Forbidden("problem.webhook_key")
    return row


async def _answering(caller: Caller, row: Webhook) -> UUID | None:
    """The key that a webhook hangs on once the caller resumes it, with whose end it is paused; None for none.

    A key that resumes it answers for it, so that it cannot outlive all keys. A person does where its own is good no
    more, or its own's person may have no webhooks.
    """
    if row.api_key_id is None or caller.api_key_id is not None:
        return caller.api_key_id
    if row.pause_reason is PauseReason.KEY_ENDED or not await may(row.created_by_id, "webhook:view", row.team_id):
        return None
    is_good = await ApiKey.filter(ApiKey.usable(caller.now()), id=row.api_key_id).exists()
    return row.api_key_id if is_good else None


def _require_to_stay_at_home(row: Webhook, url: str) -> None:
    """Invalid where its own headers would go to another host: what they hold was meant for the one that it has."""
    if row.sealed_headers is not None and place_of(url) != place_of(row.url):
        raise Invalid("problem.headers_again", path=("headers",))


async def _try_anew(row: Webhook, now: datetime) -> None:
    """Whatever its receiver has had is over: it is not left alone any more, and has five days from its next failure."""
    await Lane.filter(webhook_id=row.id).update(failures=0, failing_since=None, rests_until=None)
    if row.is_active:
        await lanes.stir([row.id], now)


def _url(caller: Caller, url: str) -> str:
    rules = caller.rules
    return check_url(url.strip(), ports=rules.webhook_ports, loopback=rules.webhook_loopback, path=("url",))


def _description(text: str) -> str:
    return one_line(text, path=("description",), most=DESCRIPTION) if text.strip() else ""


def _types(given: Sequence[str]) -> list[str]:
    for index, each in enumerate(given):
        if each not in EVENT_KINDS:
            raise Invalid("problem.event_type", path=("eventTypes", str(index)), type=each[:50])
    return [each for each in EVENT_KINDS if each in given]


def _sealed(caller: Caller, webhook_id: UUID, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    checked = own_headers.checked(headers, path=("headers",))
    if not checked:
        return {"header_names": [], "sealed_headers": None}
    text = orjson.dumps(checked).decode()
    return {
        "header_names": sorted(checked),
        "sealed_headers": caller.rules.keys.seal(HEADERS, text, of=str(webhook_id)),
    }


def _said(changes: Mapping[str, Any]) -> list[str]:
    """What has changed, as clients know it."""
    named = ["headers" if name == "sealed_headers" else name for name in changes if name != "header_names"]
    return sorted(named)


async def _require_room(team_id: UUID) -> None:
    if await Webhook.filter(Webhook.kept(), team_id=team_id).count() >= MOST_WEBHOOKS:
        raise Conflict("problem.webhook_count", most=MOST_WEBHOOKS)


async def _require_video(caller: Caller, team_id: UUID, video_id: UUID | None) -> None:
    """NotFound for a video that is none of the team's."""
    if video_id is not None:
        video = Video.filter(Video.visible_to(caller.viewer), id=video_id, team_id=team_id)
        if not await video.exists():
            raise NotFound(path=("videoId",))


async def _tell(caller: Caller, event: type[Event], row: Webhook, **more: Any) -> None:
    await tell(caller, event, row.team_id, webhook_id=row.id, **more)
