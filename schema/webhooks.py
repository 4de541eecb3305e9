"""Webhooks: where a team has what happens in it sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

import models
from domain.errors import Conflict, NotFound, Throttled
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.headers import MOST as MOST_HEADERS
from domain.webhooks.replaced import MOST_SECRETS
from domain.webhooks.states import PauseReason, WebhookState
from models.webhooks import MOST_WEBHOOKS
from plan import Connection, Depends, Node, batch, column, computed, node, reference, to_many, to_one
from plan.scalars import SafeInt
from resolvers import webhooks
from resolvers.caller import STAYS
from schema.context import Context, Info
from schema.deliveries import WebhookDeliveryFilter, matching
from schema.enums import Action
from schema.fields import SECRET, mutation
from schema.ids import uuid_of
from schema.rights import rights

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.deliveries import WebhookDelivery
    from schema.teams import Team
    from schema.videos import Video


@strawberry.type(description="How a webhook is doing.")
class WebhookFigures:
    """What its lane knows."""

    delivered_count: SafeInt = strawberry.field(description="Deliveries that have arrived, ever.")
    failed_count: SafeInt = strawberry.field(description="Deliveries that were given up, ever.")
    pending_count: int = strawberry.field(description="Deliveries that are still to arrive.")
    success_rate: float | None = strawberry.field(
        description="Which share of those that have ended has arrived, 0–1; null before the first."
    )
    median_ms: int | None = strawberry.field(
        description="How long the receiver takes to answer, in milliseconds: the median of the latest 500 that arrived."
    )
    last_triggered_at: datetime | None = strawberry.field(description="When it was last sent something.")
    failing_since: datetime | None = strawberry.field(
        description="Since when nothing has arrived; null if the last did. After five days it is paused."
    )
    rests_until: datetime | None = strawberry.field(
        description="Until when it is left alone, after ten failures in a row; null if it is not."
    )


async def _figures(context: Context, rows: Sequence[Any]) -> list[WebhookFigures | None]:
    return [found and _figures_of(found) for found in await webhooks.figures(context.caller, rows)]


def _figures_of(found: Any) -> WebhookFigures:
    ended = found["delivered"] + found["failed"]
    return WebhookFigures(
        delivered_count=found["delivered"],
        failed_count=found["failed"],
        pending_count=found["waiting"],
        success_rate=found["delivered"] / ended if ended else None,
        median_ms=found["median_ms"],
        last_triggered_at=found["last_at"],
        failing_since=found["failing_since"],
        rests_until=found["rests_until"],
    )


@strawberry.input(description="Narrows webhooks down; what is left out or null does not narrow.")
class WebhookFilter:
    """Filter of `Team.webhooks`."""

    state: WebhookState | None = strawberry.field(default=None, description="Only those in this state.")


def _key(api_key_id: Any) -> bool:
    return api_key_id is not None


@node(table=models.Webhook, visible=models.Webhook.visible_to)
class Webhook(Node):
    """An address to which what happens in a team is sent, signed. Its owners and admins look after it."""

    viewer_can: list[Action] = rights("webhook")
    url: str = column(description="Where it leads.")
    description: str = column(description="What it is for, in its makers' words.")
    event_types: list[str] = column(description="The types of events that it is sent; empty for all.")
    event_edition: int = column("edition", description="The edition of the catalog that it was made with: each type "
        "comes in the version of that one.")  # fmt: skip
    video: Video | None = to_one("video_id", description="The video about which alone it is told; null for all.")
    in_order: bool = column(
        description="Whether what happens to a video is sent only when all that happened to it before has arrived, or "
        "was given up. Otherwise a receiver goes by `timestamp`."
    )
    header_names: list[str] = column(description="Its own headers, without their values, which may be secrets.")
    state: WebhookState = column(description="Whether it is sent what happens.")
    pause_reason: PauseReason | None = column(description="Why it is paused; null if it is not.")
    paused_at: datetime | None = column(description="Since when it is paused; null if it is not.")
    older_secret_until: datetime | None = column(
        "older_until", description="Until when deliveries are signed with secrets before this one as well."
    )
    made_by_key: bool = computed(
        "api_key_id",
        by=_key,
        description="Whether a program made it with an API key, as Zapier does: it is paused when the key ends.",
    )
    created_by: User | None = to_one("created_by_id", description="Who made it.")
    created_at: datetime = column(description="When it was made.")
    updated_at: datetime = column(description="When it was last changed.")
    team: Team = to_one("team_id", description="Whose it is.")
    figures: WebhookFigures | None = batch("id", by=_figures, depends=Depends.ROLE, description="How it is doing.")
    deliveries: Connection[WebhookDelivery] = to_many(
        "webhook_id",
        order="-created_at",
        filters=WebhookDeliveryFilter,
        where=matching,
        description="What it was sent in the last 30 days, newest first.",
    )


@strawberry.input(description="A header that is sent with each delivery.")
class WebhookHeaderInput:
    """Part of `CreateWebhookInput` and `UpdateWebhookInput`."""

    name: str = strawberry.field(description="Its name; none that HTTP or we ourselves need.")
    value: str = strawberry.field(description="1–1,000 characters of visible ASCII. It is kept sealed.")


_TYPES = "Types of events, as `webhookEventTypes` has them; none for all, those that are still to come included."
_HEADERS = f"At most {MOST_HEADERS} headers of its own."


@strawberry.input(description="A new webhook.")
class CreateWebhookInput:
    """Input of `createWebhook`."""

    team_id: strawberry.ID = strawberry.field(description="Of which team it is told.")
    url: str = strawberry.field(
        description="Where it leads: https, at port 443 or 8443 unless the operator allows others, to a public address."
    )
    description: str = strawberry.field(default="", description="What it is for, at most 200 characters.")
    event_types: list[str] = strawberry.field(default_factory=list, description=_TYPES)
    video_id: strawberry.ID | None = strawberry.field(
        default=None, description="A video of the team about which alone it shall be told; null for all."
    )
    in_order: bool = strawberry.field(default=False, description="See `Webhook.inOrder`.")
    headers: list[WebhookHeaderInput] = strawberry.field(default_factory=list, description=_HEADERS)


@strawberry.input(
    description="Changes of a webhook; what is left out stays as it is, and so does what is null, but for `videoId`."
)
class UpdateWebhookInput:
    """Input of `updateWebhook`. In the place of a video that is left out there is UNSET."""

    id: strawberry.ID = strawberry.field(description="Which webhook.")
    url: str | None = strawberry.field(
        default=None, description="Where it leads from now on. What waits for it goes there, too."
    )
    description: str | None = strawberry.field(default=None, description="What it is for, at most 200 characters.")
    event_types: list[str] | None = strawberry.field(default=None, description=_TYPES)
    video_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="A video of the team about which alone it shall be told from now on. Null: about all.",
    )
    in_order: bool | None = strawberry.field(default=None, description="See `Webhook.inOrder`.")
    headers: list[WebhookHeaderInput] | None = strawberry.field(
        default=None,
        description=f"{_HEADERS} They take the place of all that it has. Where it has any, and `url` leads to another "
        "host, they have to be given.",
    )


@strawberry.input(description="A paused webhook that shall be sent what happens again.")
class ResumeWebhookInput:
    """Input of `resumeWebhook`."""

    id: strawberry.ID = strawberry.field(description="Which webhook.")
    discard: bool = strawberry.field(
        default=False, description="True: what has happened meanwhile is not sent any more."
    )


@strawberry.type(description="A webhook with the secret that it signs with from now on.")
class WebhookSecret:
    """Payload of `createWebhook` and `rotateWebhookSecret`."""

    made: strawberry.Private[webhooks.Made]
    secret: str = strawberry.field(
        description="The secret, `whsec_…`, by which its receiver knows that it is us. Told only here.", metadata=SECRET
    )
    webhook: Webhook = reference(lambda told, _context: told.made.row.id, description="The webhook.")


@strawberry.type(description="The webhook is no more.")
class WebhookDeleted:
    """Payload of `deleteWebhook`."""

    deleted: bool = strawberry.field(description="Always true.")


@strawberry.type(description="A type of event that a webhook can be sent.")
class WebhookEventType:
    """An entry of the catalog."""

    type: str = strawberry.field(description="What it is called: `video.created`.")
    description: str = strawberry.field(description="When it happens, in Markdown.")
    version: int = strawberry.field(description="The version that new webhooks are sent.")
    recorded: bool = strawberry.field(description="Whether it happens by now; if not, it can be tested with.")
    schema_url: str = strawberry.field(description="Its JSON Schema.")
    example_url: str = strawberry.field(description="An example of it.")


async def event_types(info: Info) -> list[WebhookEventType]:
    """The catalog."""
    api_url = info.context.caller.rules.api_url
    return [
        WebhookEventType(
            type=kind.type,
            description=kind.description,
            version=kind.version,
            recorded=kind.recorded,
            schema_url=f"{api_url}/events/{kind.type}.v{kind.version}.json",
            example_url=f"{api_url}/events/{kind.type}.example.json",
        )
        for kind in EVENT_KINDS.values()
    ]


_ExpireOthers = Annotated[
    bool,
    strawberry.argument(description="True: those before are good no more, which is for one that has leaked."),
]


def _video_id(given: strawberry.ID | None) -> Any:
    """Of the video about which alone it shall be told; None for all, STAYS where nothing is said."""
    from schema.videos import Video

    if given is UNSET:
        return STAYS
    return None if given is None else uuid_of(Video, given, "videoId")


def _headers(given: Sequence[WebhookHeaderInput]) -> list[tuple[str, str]]:
    return [(header.name, header.value) for header in given]


@strawberry.type
class WebhookMutations:
    """The mutations of webhooks."""

    @mutation(
        "webhook:create",
        answers=WebhookSecret,
        fails=(Conflict, Throttled),
        description=f"Makes a webhook, and tells its secret this once. A team has at most {MOST_WEBHOOKS}.",
    )
    async def create_webhook(self, info: Info, input: CreateWebhookInput) -> WebhookSecret:
        from schema.teams import Team
        from schema.videos import Video

        wish = webhooks.Wish(
            team_id=uuid_of(Team, input.team_id, "teamId"),
            url=input.url,
            description=input.description,
            event_types=input.event_types,
            video_id=None if input.video_id is None else uuid_of(Video, input.video_id, "videoId"),
            in_order=input.in_order,
            headers=_headers(input.headers),
        )
        made = await webhooks.create(info.context.caller, wish)
        return WebhookSecret(made=made, secret=made.secret)

    @mutation("webhook:edit", answers=Webhook, description="Changes a webhook.")
    async def update_webhook(self, info: Info, input: UpdateWebhookInput) -> models.Webhook:
        return await webhooks.edit(
            info.context.caller,
            webhook_id=uuid_of(Webhook, input.id, "id"),
            url=input.url,
            description=input.description,
            event_types=input.event_types,
            video_id=_video_id(input.video_id),
            in_order=input.in_order,
            headers=None if input.headers is None else _headers(input.headers),
        )

    @mutation(
        "webhook:edit",
        answers=WebhookSecret,
        fails=(Conflict,),
        description="Gives a webhook another secret. For 24 hours, deliveries are signed with the one before as well. "
        f"They are signed with at most {MOST_SECRETS} at the same time.",
    )
    async def rotate_webhook_secret(
        self, info: Info, id: strawberry.ID, *, expire_others: _ExpireOthers = False
    ) -> WebhookSecret:
        made = await webhooks.rotate(
            info.context.caller, webhook_id=uuid_of(Webhook, id, "id"), expire_others=expire_others
        )
        return WebhookSecret(made=made, secret=made.secret)

    @mutation(
        "webhook:edit",
        answers=Webhook,
        fails=(Conflict,),
        description="Sends a webhook nothing more. What happens meanwhile is kept for it, for 30 days.",
    )
    async def pause_webhook(self, info: Info, id: strawberry.ID) -> models.Webhook:
        return await webhooks.pause(info.context.caller, webhook_id=uuid_of(Webhook, id, "id"))

    @mutation(
        "webhook:edit",
        answers=Webhook,
        fails=(Conflict,),
        description="Sends a paused webhook what has happened meanwhile, and what happens from now on.",
    )
    async def resume_webhook(self, info: Info, input: ResumeWebhookInput) -> models.Webhook:
        webhook_id = uuid_of(Webhook, input.id, "id")
        return await webhooks.resume(info.context.caller, webhook_id=webhook_id, discard=input.discard)

    @mutation(
        "webhook:delete",
        answers=WebhookDeleted,
        fails=(NotFound,),
        description="Ends a webhook for good, with its log. Nothing more is sent.",
    )
    async def delete_webhook(self, info: Info, id: strawberry.ID) -> WebhookDeleted:
        await webhooks.delete(info.context.caller, webhook_id=uuid_of(Webhook, id, "id"))
        return WebhookDeleted(deleted=True)
