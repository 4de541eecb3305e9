"""All that carries webhooks is lost in turn while things happen: everything arrives, and the log tells the truth."""

import asyncio
import random
import re
import signal
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from uuid import UUID

import httpx

from domain.clock import utc_now
from domain.events import VideoEdited
from domain.ids import new_id
from domain.sealing import Keys
from domain.webhooks.sealed import SECRET
from domain.webhooks.signatures import new_secret
from domain.webhooks.states import AttemptState, DeliveryState
from local.client import OperationFailed
from models import EventRecord, Lane, Video, Webhook, WebhookAttempt, WebhookBody, WebhookDelivery
from models.database import is_outage, transaction
from models.events import record
from tests.factories import Crew, Factory, gid
from tests.play.outages import Parts, own_everything
from tests.receivers import Received, Receiver, answer, receiving
from tests.studio import SECRET_KEY
from tests.waiting import until

EVENTS = 2000
SENDERS = ("io", "io2")
SETTINGS = {
    "WEBHOOK_LOOPBACK": "on",
    "JOB_LEASE_SECONDS": "2",
    "JOB_HEARTBEAT_SECONDS": "0.5",
    "RELAY_POLL_SECONDS": "0.5",
    "NODES_PER_MINUTE": "0",
    "TURNS": "off",
}
ENDPOINTS = (3, 2, 1, 1, 1)
"""So many each team has. The first of each wants what happens to a video in order."""
WRITERS = 8
SURPRISES = re.compile(r"deliveries\.interrupted|deliveries\.un|deliveries\.not|relay\.event_parked")
"""What nobody should have to read in a log because a service was away."""
MISHAPS = 3
"""Answers of a hundred that are not 2xx, and as many that are late, and connections that are closed instead."""


@dataclass
class Ledger:
    """What the receiver has seen, and what it has said to it: for each request the status, None where it hung up."""

    chance: random.Random
    bodies: defaultdict[tuple[str, str], set[bytes]] = field(default_factory=lambda: defaultdict(set))
    arrived: set[tuple[str, str]] = field(default_factory=set)
    """Who was told of what, as its receiver says."""
    said: defaultdict[tuple[str, str, int], list[int | None]] = field(default_factory=lambda: defaultdict(list))

    async def answering(self, received: Received) -> bytes:
        number = int(received.headers["x-webhook-attempt"])
        self.bodies[received.path, received.id].add(received.body)
        mishap = self.chance.randrange(100) // MISHAPS
        if mishap == 0:
            await asyncio.sleep(self.chance.uniform(0.1, 0.6))  # the receiver is slow
        status = {1: 500, 2: None}.get(mishap, 204) if number == 1 else 204
        self.said[received.path, received.id, number].append(status)
        if status is None:
            raise ConnectionError
        if status == 204:
            self.arrived.add((received.path, received.id))
        return answer(status)


class Play:
    """What happens, and what befalls those who have to tell of it."""

    def __init__(self, parts: Parts, receiver: Receiver, crews: list[Crew], videos: list[Video]) -> None:
        self.parts = parts
        self.receiver = receiver
        self._crews = {crew.team.id: crew for crew in crews}
        self._videos = cycle(videos)

    async def scene(self, count: int, mishap: Callable[[], Awaitable[None]]) -> None:
        """So many events, and something goes wrong as soon as some have been sent."""
        shares = [count // WRITERS + (writer < count % WRITERS) for writer in range(WRITERS)]
        seen = len(self.receiver.received)
        async with asyncio.TaskGroup() as together:
            for share in shares:
                together.create_task(self._write(share))
            await self.receiver.until(lambda: len(self.receiver.received) >= seen + 20, seconds=30)
            await mishap()

    async def ask(self, count: int) -> None:
        """So many, each by way of the API."""
        for number in range(count):
            video = next(self._videos)
            client = self._crews[video.team_id].editor.client
            given = {"id": gid(video), "title": f"Cut {number}"}
            await _insist(partial(client.do, "EditVideo", input=given))

    async def _write(self, count: int) -> None:
        for number in range(count):
            await _insist(partial(_edit, next(self._videos), f"Take {number}"))

    # What can go wrong.

    async def lose_a_sender(self) -> None:
        self.parts.lose("io")

    async def lose_the_other(self) -> None:
        self.parts.lose("io2")

    async def lose_both(self) -> None:
        self.parts.lose(*SENDERS)

    async def lose_the_relay(self) -> None:
        self.parts.lose("relay")

    async def deploy(self) -> None:
        await self.parts.replace("io")

    async def lose_redis(self) -> None:
        self.parts.cut_redis()
        self.parts.redis.start()

    async def lose_postgres(self) -> None:
        self.parts.cut_postgres(signal.SIGQUIT)
        self.parts.postgres.start()

    async def kill_postgres(self) -> None:
        self.parts.cut_postgres(signal.SIGKILL)
        self.parts.postgres.start()

    async def miss_postgres_for_longer_than_a_lease(self) -> None:
        self.parts.cut_postgres(signal.SIGQUIT)
        await self.parts.noticed(*SENDERS, times=8)  # the pauses between the tries are more than two seconds
        self.parts.postgres.start()

    async def lose_a_sender_without_postgres(self) -> None:
        self.parts.cut_postgres(signal.SIGQUIT)
        self.parts.studio.kill("io2")
        self.parts.postgres.start()
        self.parts.studio.start("io2")

    def mishaps(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """All of them, most often what happens most often."""
        often = [self.lose_a_sender, self.lose_the_relay, self.lose_postgres, self.lose_the_other, self.lose_redis]
        seldom = [self.deploy, self.kill_postgres, self.lose_both, self.miss_postgres_for_longer_than_a_lease]
        return iter([*often, *seldom, self.lose_a_sender_without_postgres, *often])


async def _insist(doing: Callable[[], Awaitable[object]]) -> None:
    """Once it is done, and perhaps twice: what happened the table of events tells."""
    while True:
        try:
            await doing()
        except (OperationFailed, httpx.TransportError):
            await asyncio.sleep(0)
        except Exception as error:
            if not is_outage(error):
                raise
            await asyncio.sleep(0)
        else:
            return


async def _edit(video: Video, title: str) -> None:
    async with transaction():
        await Video.filter(id=video.id).update(title=title)
        edited = VideoEdited(team_id=video.team_id, actor_id=video.created_by_id, video_id=video.id, changed=["title"])
        await record(edited, utc_now())


async def _endpoint(make: Factory, crew: Crew, url: str, *, in_order: bool) -> Webhook:
    name, sealing = new_id(), Keys(SECRET_KEY)
    sealed = sealing.seal(SECRET, new_secret(), of=str(name))
    return await make.webhook(
        crew, id=name, url=f"{url}/{name}", sealed_secret=sealed, event_types=["video.edited"], in_order=in_order
    )


@asynccontextmanager
async def _play(ledger: Ledger):
    async with receiving(ledger.answering) as receiver, own_everything("api", "relay", *SENDERS, **SETTINGS) as parts:
        crews = [await parts.make.crew() for _ in ENDPOINTS]
        for crew, count in zip(crews, ENDPOINTS, strict=True):
            for number in range(count):
                await _endpoint(parts.make, crew, receiver.url, in_order=number == 0)
        videos = [await parts.make.video(crew) for _ in range(8) for crew in crews]
        yield Play(parts, receiver, crews, videos)


async def test_nothing_is_lost_whatever_is_lost() -> None:
    ledger = Ledger(random.Random(8))
    async with _play(ledger) as play:
        mishaps = list(play.mishaps())
        by_api = EVENTS // 20
        share = (EVENTS - by_api) // len(mishaps) + 1
        async with asyncio.TaskGroup() as together:
            together.create_task(play.ask(by_api))
            for mishap in mishaps:
                await play.scene(share, mishap)
        wanted = await _wanted()
        assert len({event for _, event in wanted}) >= EVENTS
        with suppress(TimeoutError):
            await play.receiver.until(lambda: len(ledger.arrived) >= len(wanted), seconds=40)
        assert ledger.arrived == wanted, await _missing(wanted - ledger.arrived)
        await until(_all_is_told, seconds=20)
        assert all(len(bodies) == 1 for bodies in ledger.bodies.values())
        await _agree(ledger)


async def _wanted() -> set[tuple[str, str]]:
    """Whom everything that has happened is to be told, and of what."""
    events = await EventRecord.filter(type="video.edited").only("id", "team_id")
    webhooks = await Webhook.all()
    return {(_path(each.id), str(event.id)) for event in events for each in webhooks if each.team_id == event.team_id}


async def _missing(wanted: set[tuple[str, str]]) -> list[object]:
    """What the log says of some of these."""
    said: list[object] = [len(wanted)]
    for path, event_id in sorted(wanted)[:3]:
        webhook_id = path.rpartition("/")[2]
        delivery = await WebhookDelivery.filter(webhook_id=webhook_id, event_id=event_id).values()
        attempts = await WebhookAttempt.filter(delivery__event_id=event_id, webhook_id=webhook_id).values()
        said += [delivery, attempts, await Lane.filter(webhook_id=webhook_id).values()]
    return said


async def _all_is_told() -> bool:
    waits = await WebhookDelivery.filter(state=DeliveryState.PENDING).exists()
    return not waits and not await WebhookAttempt.filter(state=AttemptState.SENDING).exists()


async def _agree(ledger: Ledger) -> None:
    """What the log says of each request is what the receiver says of it."""
    deliveries = {each.id: each for each in await WebhookDelivery.all()}
    logged: dict[tuple[str, str, int], WebhookAttempt] = {}
    for attempt in await WebhookAttempt.all():
        about = deliveries[attempt.delivery_id]
        logged[_path(about.webhook_id), str(about.event_id), attempt.number] = attempt
    assert ledger.said.keys() <= logged.keys(), "it has been sent what is not in the log"
    for name, attempt in logged.items():
        assert _is_true(attempt, ledger.said[name]), (attempt.state, attempt.status, attempt.fault, ledger.said[name])
    assert all(each.state is DeliveryState.DELIVERED for each in deliveries.values())
    assert not await Lane.exclude(waiting=0).exists(), "what waits is not counted as it is"
    assert await WebhookBody.all().count() == len({each.event_id for each in deliveries.values()})
    ends = Counter(each.state for each in logged.values())
    assert set(ends) == {*AttemptState} - {AttemptState.SENDING}
    assert ends[AttemptState.INTERRUPTED] < len(deliveries) // 5, "senders take from each other what they send"


def _is_true(attempt: WebhookAttempt, said: list[int | None]) -> bool:
    if attempt.state is AttemptState.INTERRUPTED:
        return attempt.status is None  # whatever became of it
    if attempt.status is None:
        return 204 not in said
    return attempt.status == said[-1] and (attempt.state is AttemptState.SUCCEEDED) == (attempt.status == 204)


def _path(webhook_id: UUID) -> str:
    return f"/hook/{webhook_id}"
