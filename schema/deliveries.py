"""Deliveries: what webhooks were sent, and how that went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from tortoise.expressions import Q

import models
from domain.errors import Conflict, Throttled
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState
from live.message import Message
from models.deliveries import MOST_RESENT
from plan import BadInput, Connection, Depends, Node, Row, Standing, batch, column, node, reference, to_many, to_one
from resolvers import deliveries, webhooks
from resolvers.caller import Following
from schema.context import Context, Info
from schema.enums import Action
from schema.fields import mutation, subscription
from schema.ids import uuid_of
from schema.rights import rights
from schema.scalars import EVENT_TYPE, in_utc

if TYPE_CHECKING:
    from schema.videos import Video
    from schema.webhooks import Webhook

ATTEMPTED = "webhook.attempted"
"""What workers tell of an attempt that has ended."""


@strawberry.input(description="Narrows a log down; what is left out or null does not narrow.")
class WebhookDeliveryFilter:
    """Filter of `Webhook.deliveries`."""

    state: DeliveryState | None = strawberry.field(default=None, description="Only those in this state.")
    event_type: str | None = strawberry.field(default=None, description="Only events of this type.")
    since: datetime | None = strawberry.field(default=None, description="Only those made then or later.")
    until: datetime | None = strawberry.field(default=None, description="Only those made before that.")


def matching(
    *,
    state: DeliveryState | None = None,
    event_type: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Q:
    """The deliveries that a client asks for; BadInput for a moment that is none in UTC, and for no type of event."""
    if event_type is not None and not EVENT_TYPE.fullmatch(event_type):
        raise BadInput(f"{event_type[:50]!r} is no type of an event.")
    return models.WebhookDelivery.matching(
        state=state,
        event_type=event_type,
        since=None if since is None else in_utc(since),
        until=None if until is None else in_utc(until),
    )


async def _bodies(context: Context, rows: Sequence[Row]) -> list[str]:
    """What is sent of each; nothing of what has just been forgotten."""
    found = await models.WebhookBody.read(context.reader.fetch, {row["body_id"] for row in rows})
    return [found.get(row["body_id"], "") for row in rows]


_DISCARDS = Standing(models.WebhookDiscard, ("id", "created_at"), models.WebhookDiscard.visible_to)
"""Few: each is there only until it is written into its deliveries."""


def _as_it_stands(by: Callable[[Row, datetime | None], Any], description: str) -> Any:
    """What `by` says of a row, and of when it was discarded, if it was and that is not written into it yet."""

    async def each(context: Context, rows: Sequence[Row], discards: Sequence[Any]) -> list[Any]:
        del context
        discarded = dict(discards)
        return [by(row, discarded.get(row["queue_id"]) if _waits(row) else None) for row in rows]

    columns = ("state", "due_at", "ended_at", "queue_id")
    return batch(*columns, by=each, standing=_DISCARDS, depends=Depends.ROLE, description=description)


def _waits(row: Row) -> bool:
    return DeliveryState(row["state"]) is DeliveryState.PENDING


def _state(row: Row, discarded_at: datetime | None) -> DeliveryState:
    return DeliveryState.DISCARDED if discarded_at else DeliveryState(row["state"])


def _next_attempt_at(row: Row, discarded_at: datetime | None) -> Any:
    return None if discarded_at else row["due_at"]


def _ended_at(row: Row, discarded_at: datetime | None) -> Any:
    return discarded_at or row["ended_at"]


@node(table=models.WebhookDelivery, visible=models.WebhookDelivery.visible_to)
class WebhookDelivery(Node):
    """An event for a webhook. It is tried until it has arrived, nine times at most, in about 18 hours."""

    viewer_can: list[Action] = rights("webhook")
    webhook: Webhook | None = to_one("webhook_id", description="For which webhook it is; null once that is deleted.")
    event_id: strawberry.ID = column(
        description="The receiver knows it by this, however often it comes: `webhook-id`, and the `id` in the body."
    )
    event_type: str = column(description="What has happened: `video.created`.")
    is_test: bool = column(description="Whether it is an example that somebody had sent for a test.")
    video: Video | None = to_one("video_id", description="The video that it is about; null where it is about none.")
    body: str = batch(
        "body_id", by=_bodies, reads=True, depends=Depends.ROLE, description="What is sent, to the letter: JSON."
    )
    state: DeliveryState = _as_it_stands(_state, "Where it stands.")
    status: int | None = column(description="What the receiver answered last; null if it never did.")
    fault: Fault | None = column(description="What went wrong last; null if nothing did.")
    attempt_count: int = column(description="How often it was tried.")
    next_attempt_at: datetime | None = _as_it_stands(
        _next_attempt_at, "When it is tried next; null while it is sent, and once it has ended."
    )
    created_at: datetime = column(description="When it was made.")
    ended_at: datetime | None = _as_it_stands(_ended_at, "When it arrived, or was given up; null before.")
    attempts: Connection[WebhookAttempt] = to_many(
        "delivery_id", order="-created_at", description="How each attempt has gone, the latest first."
    )


@node(table=models.WebhookAttempt, visible=models.WebhookAttempt.visible_to)
class WebhookAttempt(Node):
    """One try at a delivery."""

    delivery: WebhookDelivery = to_one("delivery_id", description="What was tried.")
    number: int = column(description="1, 2, 3 … of its delivery; sent as `X-Webhook-Attempt`.")
    state: AttemptState = column(description="How it has gone.")
    status: int | None = column(description="What the receiver answered; null if it did not.")
    fault: Fault | None = column(description="What went wrong; null if nothing did.")
    excerpt: str = column(description="How the answer began: at most 1,024 bytes.")
    duration_ms: int | None = column(description="How long it took, in milliseconds; null while it is sent.")
    created_at: datetime = column(description="When it began.")


@strawberry.input(description="A test of a webhook.")
class SendTestEventInput:
    """Input of `sendTestEvent`."""

    webhook_id: strawberry.ID = strawberry.field(description="Which webhook.")
    event_type: str = strawberry.field(description="Of which type the example shall be, as `webhookEventTypes` has it.")


@strawberry.input(description="Which deliveries of a webhook shall be sent again.")
class ResendFailedDeliveriesInput:
    """Input of `resendFailedDeliveries`."""

    webhook_id: strawberry.ID = strawberry.field(description="Which webhook.")
    since: datetime = strawberry.field(description="Those that have failed and were made then or later.")


@strawberry.type(description="What is sent again.")
class DeliveriesResent:
    """Payload of `resendFailedDeliveries`."""

    count: int = strawberry.field(description="How many they are.")


_DeliveryId = Annotated[strawberry.ID, strawberry.argument(description="Which delivery.")]


@strawberry.type
class DeliveryMutations:
    """The mutations of deliveries."""

    @mutation(
        "webhook:send",
        answers=WebhookDelivery,
        fails=(Conflict, Throttled),
        description="Sends a webhook an example of an event, by the way that all events go. It says `test: true`.",
    )
    async def send_test_event(self, info: Info, input: SendTestEventInput) -> models.WebhookDelivery:
        from schema.webhooks import Webhook

        webhook_id = uuid_of(Webhook, input.webhook_id, "webhookId")
        return await deliveries.send_test(info.context.caller, webhook_id=webhook_id, event_type=input.event_type)

    @mutation(
        "webhook:send",
        answers=WebhookDelivery,
        fails=(Conflict, Throttled),
        description="Sends again what has ended, to the letter and under the same id.",
    )
    async def resend_delivery(self, info: Info, id: _DeliveryId) -> models.WebhookDelivery:
        return await deliveries.resend(info.context.caller, delivery_id=uuid_of(WebhookDelivery, id, "id"))

    @mutation(
        "webhook:send",
        answers=DeliveriesResent,
        fails=(Conflict, Throttled),
        description=f"Sends again what has failed since a moment: the oldest {MOST_RESENT:,} at a time, so ask again "
        "until there is none.",
    )
    async def resend_failed_deliveries(self, info: Info, input: ResendFailedDeliveriesInput) -> DeliveriesResent:
        from schema.webhooks import Webhook

        webhook_id = uuid_of(Webhook, input.webhook_id, "webhookId")
        count = await deliveries.resend_failed(info.context.caller, webhook_id=webhook_id, since=input.since)
        return DeliveriesResent(count=count)


@strawberry.type(description="An attempt at a delivery has ended.")
class WebhookDelivered:
    """Event of `webhookDeliveries`."""

    attempt_id: strawberry.Private[Any]
    attempt: WebhookAttempt | None = reference(
        lambda event, _context: event.attempt_id, depends=Depends.NOTHING, description="The attempt, and its delivery."
    )


_WebhookId = Annotated[strawberry.ID, strawberry.argument(description="Which webhook.")]


async def _watch(context: Context, webhook_id: str) -> Following:
    from schema.webhooks import Webhook

    return await webhooks.watch(context.caller, webhook_id=uuid_of(Webhook, webhook_id, "webhookId"))


@strawberry.type
class DeliverySubscriptions:
    """The subscriptions of deliveries."""

    @subscription(
        "webhook:view",
        topics=_watch,
        only=(ATTEMPTED,),
        depends=Depends.ROLE,
        description="Tells of each attempt at a webhook's deliveries once it has ended. It cannot be resumed: who was "
        "away, or too slow for a busy webhook, reads the log.",
    )
    async def webhook_deliveries(self, root: Message, webhook_id: _WebhookId) -> WebhookDelivered:
        del webhook_id
        return WebhookDelivered(attempt_id=UUID(root.body["attempt_id"]))
