"""Two API processes at addresses of their own, one Redis and one relay: what rooms hang on, and what can befall it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis
from tortoise.context import TortoiseContext

from domain.ids import new_id
from local.redis import EmbeddedRedis
from models.database import configuration
from tests import services
from tests.conftest import fresh_database
from tests.factories import Factory
from tests.fuzz.api.logs import Logs
from tests.studio import Studio

MOST_TRIES = 50
SETTINGS = {"NODES_PER_MINUTE": "0", "TURNS": "off"}  # all rooms are one address


class Door:
    """One API process, whichever has begun there last. Whoever stands in front of them knows which are open."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.kills = self.ends = 0
        """How often it was killed, and told to end."""
        self._open = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    async def opened(self) -> None:
        """Returns once it is open."""
        await self._open.wait()

    def kill(self) -> None:
        """SIGKILL; the next one must be opened."""
        self._open.clear()
        self.kills += 1
        self.studio.kill("api")

    async def end(self) -> None:
        """SIGTERM, until it has ended."""
        self._open.clear()
        self.ends += 1
        await asyncio.to_thread(self.studio.stop, "api")

    async def open(self) -> None:
        """Starts a process, and lets clients in as soon as it is ready."""
        self.studio.start("api")
        await asyncio.to_thread(self.studio.wait_until_ready)
        self._open.set()


class House:
    """What runs."""

    def __init__(self, doors: tuple[Door, Door], redis: EmbeddedRedis, factory: Factory) -> None:
        self.doors = doors
        self.redis = redis
        self.factory = factory
        self._http = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=200))
        self._opening = set[asyncio.Task[None]]()
        self._logs = [Logs(doors[0].studio, "api", "relay"), Logs(doors[1].studio, "api")]

    async def door(self, number: int) -> Door:
        """The one that is meant, or the other where that is closed, or whichever opens first."""
        meant, other = self.doors[number % 2], self.doors[(number + 1) % 2]
        if not meant.is_open and not other.is_open:
            waiting = {asyncio.create_task(door.opened()) for door in self.doors}
            _, late = await asyncio.wait(waiting, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            for task in late:
                task.cancel()
        return meant if meant.is_open else other

    async def ask(
        self, token: str, door: int, query: str, variables: dict[str, Any], *, key: str | None = None
    ) -> dict[str, Any]:
        """The answer; asked for again, at the other door, where the line breaks: a mutation under its `key`."""
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        body = {"query": query, "variables": variables}
        for attempt in range(MOST_TRIES):
            there = await self.door(door + attempt)
            try:
                response = await self._http.post(f"{there.studio.url}/graphql", json=body, headers=headers)
            except httpx.TransportError:
                continue
            assert response.status_code == 200, f"{response.status_code} {response.text}"
            answer: dict[str, Any] = response.json()
            return answer
        raise AssertionError(f"no answer in {MOST_TRIES} tries")

    async def both_open(self) -> None:
        """Returns once each door has a process behind it."""
        for door in self.doors:
            await door.opened()

    async def whole(self) -> None:
        """Returns once all runs that belongs to it."""
        self.find_redis()
        await self.both_open()

    async def kill(self, number: int) -> None:
        """An API process crashes, and is started again while the other goes on alone."""
        await self.both_open()
        door = self.doors[number]
        door.kill()
        task = asyncio.create_task(door.open())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def cut(self) -> None:
        """Redis drops the connections of all who listen."""
        async with Redis.from_url(self.redis.url()) as redis:
            await redis.client_kill_filter(_type="pubsub")

    def lose_redis(self) -> None:
        assert self.redis.process is not None
        self.redis.process.kill()
        self.redis.process.wait()

    def find_redis(self) -> None:
        """Starts it, if it does not run."""
        if self.redis.poll() is not None:
            self.redis.start()

    def kill_relay(self) -> None:
        self.doors[0].studio.kill("relay")
        self.doors[0].studio.start("relay")

    def surprises(self) -> list[str]:
        """What the processes have logged that they should not have had to, since the last look."""
        return [f"{gist}\n{line}" for logs in self._logs for gist, line in logs.surprises()]

    async def close(self) -> None:
        """Lets nothing of ours run on."""
        await asyncio.gather(*self._opening, return_exceptions=True)
        await self._http.aclose()
        await self.factory.close()


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    """A house on a database and a Redis of its own; binds the models to that database."""
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    url = await fresh_database(f"live{new_id().hex}")
    with EmbeddedRedis(folder / "redis", lasting=False) as redis:
        doors = (_door(folder / "north", url, redis), _door(folder / "south", url, redis))
        try:
            async with TortoiseContext() as context:
                await context.init(config=configuration(url, connections=4))
                doors[0].studio.start("relay")
                await asyncio.gather(*(door.open() for door in doors))
                house = House(doors, redis, Factory(doors[0].studio.url))
                yield house
                await house.close()
        finally:
            for door in doors:
                door.studio.close()


def _door(folder: Path, url: str, redis: EmbeddedRedis) -> Door:
    folder.mkdir()
    return Door(Studio(folder, url, redis.url(), **SETTINGS))
