"""The events table as the source of what a subscriber has missed."""

from collections.abc import Collection, Sequence

from live.feed import Forgotten
from live.message import Message
from models.events import newest_position, since


class EventHistory:
    """`live.feed.History` over the table of events."""

    async def since(self, topics: Collection[str], after: int, limit: int) -> Sequence[Message] | Forgotten:
        """See `History`. A position that no event has had yet is not one of ours: the client must load afresh."""
        records = await since(list(topics), after, limit)
        if not records and after > await newest_position():
            return Forgotten()
        return [Message(record.body(), record.position, str(record.id)) for record in records]
