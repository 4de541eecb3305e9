"""What travels through Redis: messages, and the channels that carry them."""

from dataclasses import dataclass
from typing import Any

import orjson

TOPIC_PREFIX = "live:topic:"
POSITION_CHANNEL = "live:position"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened on a topic.

    A durable message has a `position` (its place in the one order of all events, from 1) and the `event_id` it was
    recorded under; whoever misses it finds it again in the history. An ephemeral message has neither: only the
    latest of a topic matters, and nobody keeps it. `body` is any JSON value. `traceparent` says to which
    trace it belongs, if to any. `order` is that of an ephemeral message which tells a whole state: of two of a topic
    the higher tells the later one. For a state may also be looked up, and that comes by another way; it has 0 where it
    is perhaps not whole, and is then told to nobody who knows another.
    """

    body: Any
    position: int | None = None
    event_id: str | None = None
    traceparent: str | None = None
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands where durable messages may be missing: read them again from the history."""


def channel(topic: str) -> str:
    """The Redis channel of a topic."""
    return TOPIC_PREFIX + topic


def encode(message: Message) -> bytes:
    """Compact JSON: `{"body":…}`; with `position` and `id` when it is durable, `order` and `traceparent` if any."""
    wire: dict[str, Any] = {"body": message.body}
    if message.position is not None:
        wire |= {"position": message.position, "id": message.event_id}
    if message.order is not None:
        wire["order"] = message.order
    if message.traceparent is not None:
        wire["traceparent"] = message.traceparent
    return orjson.dumps(wire)


def decode(data: bytes) -> Message:
    """The message in `data`; raises ValueError, KeyError or TypeError on anything that `encode` did not write."""
    wire = orjson.loads(data)
    return Message(wire["body"], wire.get("position"), wire.get("id"), wire.get("traceparent"), wire.get("order"))
