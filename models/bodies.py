"""Bodies: what is sent of an event, once for all webhooks of an edition."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from models.base import Row

_READ = "SELECT id, body FROM webhook_bodies WHERE id = ANY($1)"


class WebhookBody(Row):
    """What is sent of an event, to the letter: written once, and never again. It goes with the last of its deliveries.

    Nobody sees one by itself: it is read by its deliveries. These hold it by no foreign key: PostgreSQL would look for
    all deliveries of each that goes, and that takes an index more of a table that has them by their event already.
    """

    team_id = fields.UUIDField()
    event_id = fields.UUIDField()
    edition = fields.SmallIntField()
    """Of the catalog of events: webhooks of another one are sent another body."""
    body = fields.TextField()

    class Meta:
        table = "webhook_bodies"
        unique_together = (("event_id", "edition"),)
        indexes = [
            Index(fields=["team_id"], name="idx_webhook_bodies_team"),
            Index(fields=["created_at"], name="idx_webhook_bodies_created"),
        ]

    @staticmethod
    async def read(
        fetch: Callable[[str, Sequence[Any]], Awaitable[Sequence[Any]]], body_ids: Collection[UUID]
    ) -> Mapping[UUID, str]:
        """What these say, in one statement. Whoever asks must have seen deliveries that have them."""
        return {row["id"]: row["body"] for row in await fetch(_READ, [list(body_ids)])}
