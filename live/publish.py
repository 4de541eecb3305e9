"""The publishing half: what the relay and the workers use to tell every API process what happened."""

from collections.abc import Iterable

from redis.asyncio import Redis

from live.message import POSITION_CHANNEL, Message, channel, encode


async def publish(redis: Redis, topics: Iterable[str], message: Message) -> None:
    """Send one message to each topic, in one round trip.

    A durable message may only be published once the history can answer it (after the commit that gave it its
    position), by one publisher at a time, in the order of positions: a reader that subscribes between the two would
    otherwise find it neither live nor in the history. Publishing it again is harmless.
    """
    data = encode(message)
    async with redis.pipeline(transaction=False) as pipe:
        for topic in topics:
            pipe.publish(channel(topic), data)
        await pipe.execute()


async def publish_batch(redis: Redis, batch: Iterable[tuple[Iterable[str], Message]]) -> None:
    """Send many messages, each to its topics, and then the newest of their positions, in one round trip.

    The rules of `publish` hold. Whoever hears all topics on one connection hears them in this order. A message without
    topics is sent to nobody but still moves the position.
    """
    newest = 0
    async with redis.pipeline(transaction=False) as pipe:
        for topics, message in batch:
            data = encode(message)
            newest = max(newest, message.position or 0)
            for topic in topics:
                pipe.publish(channel(topic), data)
        if newest:
            pipe.publish(POSITION_CHANNEL, str(newest))
        await pipe.execute()
