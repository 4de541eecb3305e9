"""Who is in a room: entries that all API processes share through Redis, each there as long as it is renewed.

A room is a topic. Whoever listens to it at the hub is told the whole of it, as an ephemeral message with the body
`{"count": …, "people": [[member, state], …], "order": …}`, a few times a second at most, however many processes and
members there are. Each process asks Redis once for all members that it has in a room, and only the clock of Redis
counts.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from live.exchange import EXCHANGE, SHA
from live.message import channel

log = logging.getLogger(__name__)

LASTS_SECONDS, BEAT_SECONDS = 6.5, 1.5
"""How long an entry stays that nobody renews, and how often a process renews its own: with `SELDOM_SECONDS`, and what
the network takes, whoever vanishes is gone within 10 seconds."""
OFTEN_SECONDS, SELDOM_SECONDS = 0.25, 1.0
"""How often a room is told at most; the second is for more than `CROWD` members."""
CROWD, SHOWN = 50, 100
"""Members from which on a room is told less often; how many are told by name, those who came first."""
GRACE_SECONDS = 4.0
"""How long nobody is told anything where Redis has lost its memory, or was away: by then everybody has said that they
are still there, and listens again."""
TICK_SECONDS = 0.1
ANSWER_SECONDS = 0.5
"""How long Redis may take; whoever does so twice is taken to be away."""
AWAY_SECONDS = 1.0
"""How long it is then left alone."""
_AT_ONCE = 100
"""Rooms in one trip."""


Room = Mapping[str, Any]
"""`count`, of all members, `people`: lists of a member and what they last said, or None, in the order they came, and
`order`: of two states the later has the higher; 0 of one that is perhaps not whole, and is told when it is."""


class _Said(NamedTuple):
    """What a member has said, as JSON, and when, by the loop's clock."""

    at: float
    state: str


@dataclass(slots=True)
class _Here:
    """What this process knows of a room."""

    places: Counter[str] = field(default_factory=Counter)
    """In how many places each member is here."""
    lookers: int = 0
    """Who is told of the room, and is not in it."""
    known: set[str] = field(default_factory=set)
    """Of whom Redis knows."""
    left: set[str] = field(default_factory=set)
    said: dict[str, _Said] = field(default_factory=dict)
    """What those who are here have last said."""
    says: dict[str, _Said] = field(default_factory=dict)
    """What has not been told yet, also of who is in another process."""
    looking: list[asyncio.Future[Room]] = field(default_factory=list)
    count: int = 0
    order: int = 0
    """Of the latest state that there was when Redis was asked last."""
    due_at: float = 0.0
    """When it is this room's turn, by the loop's clock, as the other moments are."""
    beat_at: float = 0.0
    asked_at: float = 0.0
    retell: bool = False
    owes: bool = False
    """Whether its listeners have yet to be told of a change: not so soon after the last."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is of any use here."""
        return not (self.places or self.lookers or self.left or self.says or self.looking or self.owes)

    def seen(self) -> Room:
        """The room as far as this process knows it."""
        first = list(self.places)[:SHOWN]
        states = (orjson.loads(self.said[member].state) if member in self.said else None for member in first)
        people = list(map(list, zip(first, states, strict=True)))
        return {"count": len(self.places), "people": people, "order": 0}


@dataclass(slots=True)
class _Exchange:
    """What of a room is on its way to Redis."""

    topic: str
    room: _Here
    is_beat: bool
    here: list[str]
    came: list[str]
    left: list[str]
    says: dict[str, _Said]
    looking: list[asyncio.Future[Room]]


_Answer = tuple[int, int, int, bytes, bytes]
"""What Redis says to an exchange: see `Presence._settle`."""


class Presence:
    """The rooms of one process: `kept` must be open for others to hear of it."""

    def __init__(self, redis: Redis, process: str) -> None:
        """`process` is a name that no other process has, without spaces."""
        self._redis = redis
        self._process = process
        self._rooms: dict[str, _Here] = {}
        self._woken = asyncio.Event()
        self._is_kept = False
        self._is_away = False

    def __len__(self) -> int:
        return len(self._rooms)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keeps the rooms in step with those of the other processes; at the end everybody here has left."""
        keeping = asyncio.create_task(self._keep(), name="presence")
        self._is_kept = True
        try:
            yield
        finally:
            self._is_kept = False
            keeping.cancel()
            await asyncio.wait({keeping})
            await self._exchange_all(list(self._rooms))

    @contextmanager
    def attending(self, topic: str, member: str) -> Iterator[None]:
        """The member is in the room while this is open. In two places at once they are one entry."""
        room = self._room(topic)
        room.places[member] += 1
        room.left.discard(member)
        self._hurry(room)
        try:
            yield
        finally:
            self._leave(topic, member)

    @contextmanager
    def watching(self, topic: str) -> Iterator[None]:
        """Somebody looks into the room, and is not in it, while this is open: they hear of who vanishes, too."""
        room = self._room(topic)
        room.lookers += 1
        self._hurry(room)
        try:
            yield
        finally:
            room.lookers -= 1

    def is_here(self, topic: str, member: str) -> bool:
        """Whether the member is in the room by this very process."""
        room = self._rooms.get(topic)
        return room is not None and member in room.places

    def say(self, topic: str, member: str, state: Any) -> float | None:
        """Has the room told `state`, a JSON value, of a member who is in it: of several the last.

        Answers in how many seconds the next would be told; None where Redis is known to be away. What those say who are
        here is then told when it is back.
        """
        room, now = self._room(topic), _now()
        room.says[member] = said = _Said(now, orjson.dumps(state).decode())
        if member in room.places:
            room.said[member] = said
        if not self._is_away:
            room.due_at = min(room.due_at, room.asked_at + OFTEN_SECONDS)
        if room.due_at <= now:
            self._woken.set()
        if self._is_away:
            return None
        return SELDOM_SECONDS if room.count > CROWD else OFTEN_SECONDS

    async def look(self, topic: str) -> Room:
        """The room as it is now; where Redis does not answer, as far as this process knows it."""
        room = self._room(topic)
        if not self._is_kept:
            return room.seen()
        looking: asyncio.Future[Room] = asyncio.get_running_loop().create_future()
        room.looking.append(looking)
        self._hurry(room)
        return await looking

    def _room(self, topic: str) -> _Here:
        return self._rooms.setdefault(topic, _Here())

    def _hurry(self, room: _Here) -> None:
        room.due_at = 0.0
        self._woken.set()

    def _leave(self, topic: str, member: str) -> None:
        room = self._room(topic)
        room.places[member] -= 1
        if room.places[member]:
            return
        del room.places[member]
        room.left.add(member)
        room.said.pop(member, None)
        self._hurry(room)

    async def _keep(self) -> NoReturn:
        while True:
            await self._wait()
            now = _now()
            try:
                await self._exchange_all([topic for topic, room in self._rooms.items() if room.due_at <= now])
            except Exception:  # whatever it was, the others' rooms must go on
                log.exception("Rooms could not be kept.")

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS if self._rooms else None):
                await self._woken.wait()
        self._woken.clear()

    async def _exchange_all(self, topics: Sequence[str]) -> None:
        for begin in range(0, len(topics), _AT_ONCE):
            some = [self._exchange(topic) for topic in topics[begin : begin + _AT_ONCE]]
            answers = None
            try:
                answers = None if begin and self._is_away else await self._answers(some)
            finally:
                for place, exchange in enumerate(some):
                    if answers is None:
                        self._undo(exchange)
                    else:
                        self._settle(exchange, *answers[place])
        for topic in topics:
            if self._rooms[topic].is_idle:
                del self._rooms[topic]

    def _exchange(self, topic: str) -> _Exchange:
        """Takes what there is to be said of a room."""
        room, now = self._rooms[topic], _now()
        is_beat = room.beat_at <= now
        made = _Exchange(
            topic,
            room,
            is_beat,
            here=[member for member in room.places if member in room.known] if is_beat else [],
            came=[member for member in room.places if member not in room.known],
            left=list(room.left),
            says=room.says,
            looking=room.looking,
        )
        room.left, room.says, room.looking, room.asked_at = set(), {}, [], now
        room.beat_at = now + BEAT_SECONDS if is_beat else room.beat_at
        room.due_at = room.beat_at
        return made

    async def _answers(self, exchanges: Sequence[_Exchange]) -> list[_Answer] | None:
        """What Redis says to each; None where it does not answer.

        It is asked again where that takes too long: this process may just have been too busy to listen.
        """
        try:
            try:
                found = await self._sent_in_time(exchanges)
            except TimeoutError:
                found = await self._sent_in_time(exchanges)
        except (RedisError, OSError) as error:
            if not self._is_away:
                log.warning("Rooms are cut off from Redis: %r", error)
            self._is_away = True
            return None
        self._is_away = False
        return found

    async def _sent_in_time(self, exchanges: Sequence[_Exchange]) -> list[_Answer]:
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                return await self._sent(exchanges)
            except NoScriptError:
                await self._redis.script_load(EXCHANGE)
                return await self._sent(exchanges)

    async def _sent(self, exchanges: Iterable[_Exchange]) -> list[_Answer]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for exchange in exchanges:
                pipe.evalsha(SHA, 7, *_keys(exchange.topic), *self._asked(exchange))
            found: list[_Answer] = await pipe.execute()
            return found

    def _asked(self, exchange: _Exchange) -> list[str]:
        now = _now()
        asked = {
            "process": self._process,
            "beat": exchange.is_beat,
            "here": exchange.here,
            "came": exchange.came,
            "left": exchange.left,
            "says": {member: (_ms(now - said.at), said.state) for member, said in exchange.says.items()},
            "look": bool(exchange.looking),
            "retell": exchange.room.retell,
            "order": exchange.room.order,
        }
        figures = [*map(_ms, (LASTS_SECONDS, OFTEN_SECONDS, SELDOM_SECONDS)), CROWD, SHOWN, _ms(GRACE_SECONDS)]
        return [orjson.dumps(asked).decode(), channel(exchange.topic), *map(str, figures)]

    def _settle(self, exchange: _Exchange, torn: int, owed: int, count: int, told: bytes, order: bytes) -> None:
        """Redis has taken it."""
        room, now = exchange.room, _now()
        room.known = (room.known - set(exchange.left)) | set(exchange.came)
        room.count, room.order, room.retell, room.owes = count, int(order), False, bool(owed)
        if torn:  # what was said there may be lost, too
            room.says = room.said | room.says
            room.beat_at = 0.0
            self._hurry(room)
        elif owed:
            room.due_at = min(room.due_at, now + OFTEN_SECONDS)
        _tell(exchange.looking, orjson.loads(told) if told else {})

    def _undo(self, exchange: _Exchange) -> None:
        """Redis has not answered: all of it is still to be said, but for what those say who are elsewhere."""
        room, now = exchange.room, _now()
        room.left |= set(exchange.left) - room.places.keys()
        room.known -= set(exchange.left)  # it may have been taken all the same: who is here again has come
        room.says = {member: said for member, said in exchange.says.items() if member in room.places} | room.says
        room.retell = True  # what others have told meanwhile has not come here
        room.owes = room.owes or bool(exchange.looking)  # also where nobody is here: who only looks on waits for it
        room.due_at = now + AWAY_SECONDS
        room.beat_at = min(room.beat_at, room.due_at)  # it is not put off, however often something else was tried
        _tell(exchange.looking, room.seen())


def _keys(topic: str) -> list[str]:
    parts = [f"presence:{topic}:{part}" for part in ("here", "people", "says", "told", "owed", "order")]
    return [*parts, "presence:memory"]


def _tell(looking: Iterable[asyncio.Future[Room]], room: Room) -> None:
    for each in looking:
        if not each.done():
            each.set_result(room)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _now() -> float:
    return asyncio.get_running_loop().time()
