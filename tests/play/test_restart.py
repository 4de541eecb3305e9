"""The API goes away under its clients: they come back, and have missed nothing."""

import asyncio
from typing import Any

from websockets.exceptions import ConnectionClosed

from local.client import Client, OperationFailed
from tests.factories import gid
from tests.own import own_studio
from tests.waiting import until

EDITS = 30


async def follow_through_everything(client: Client, video: str, after: int, heard: list[dict[str, Any]]) -> None:
    """What a good client does: on each break it comes back with the last event it has heard of."""
    while True:
        try:
            async with client.follow("VideoChanged", id=video, after=after) as events:
                async for event in events:
                    after = event["extensions"]["eventId"]
                    heard.append(event)
        except (ConnectionClosed, OSError, TimeoutError, OperationFailed, EOFError):
            await asyncio.sleep(0)


async def test_clients_of_a_killed_api_reconnect_and_miss_nothing() -> None:
    async with own_studio("api", "relay") as (studio, make):
        crew = await make.crew()
        video = gid(await make.video(crew))
        position = (await crew.owner.client.run("Video", id=video))["extensions"]["position"]
        heard: dict[str, list[dict[str, Any]]] = {"viewer": [], "owner": []}
        followers = [
            asyncio.create_task(follow_through_everything(getattr(crew, who).client, video, position, told))
            for who, told in heard.items()
        ]
        for number in range(EDITS):
            await crew.editor.client.do("EditVideo", input={"id": video, "title": f"Cut {number}"})
            if number == EDITS // 3:
                studio.kill("api")  # in the middle, as a crash would
                studio.start("api")
            if number == 2 * EDITS // 3:
                studio.stop("api")  # as a deploy does
                studio.start("api")
            if number % 10 == 0:
                studio.wait_until_ready()
        await until(lambda: all(len(positions(told)) >= EDITS for told in heard.values()))
        for follower in followers:
            follower.cancel()
        assert positions(heard["viewer"]) == positions(heard["owner"])
        assert len(positions(heard["viewer"])) == EDITS


def positions(heard: list[dict[str, Any]]) -> list[int]:
    """The events in the order in which they came, without repeats; each later than the one before."""
    numbers = list(dict.fromkeys(event["extensions"]["eventId"] for event in heard))
    assert numbers == sorted(numbers)
    return numbers
