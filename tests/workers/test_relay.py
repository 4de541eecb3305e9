"""The relay: positions, consumers, and who is active."""

import asyncio
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from tortoise.connection import get_connection

from domain.clock import utc_now
from domain.events import VideoCreated, VideoDeleted
from domain.ids import new_id
from domain.jobs import JobKind
from live.message import TOPIC_PREFIX, decode
from models import ConsumerCursor, EventRecord, Job, ParkedEvent, Team
from models.database import raw_connection, transaction
from models.events import record
from tests import clips
from tests.waiting import until
from tests.workers.conftest import enqueue
from workers import follower
from workers.consumers import CONSUMERS, Consumer, Tools
from workers.follower import MOST_FAILURES, CursorTaken, Follower
from workers.relay import Relay, Rhythm, number
from workers.tide import Tide

TEAM = new_id()


async def happen(title: str = "A cut", kind: type = VideoCreated) -> UUID:
    async with transaction():
        return await record(kind(team_id=TEAM, actor_id=None, video_id=new_id(), title=title), utc_now())


def collecting(seen: list, name: str = "collector") -> Consumer:
    async def handle(events, tools) -> None:
        seen.extend(events)

    return Consumer(name, handle, None, in_transaction=False)


@asynccontextmanager
async def relaying(database_url, redis, *consumers: Consumer):
    async def no_sweep() -> None: ...

    relay = Relay(database_url, consumers, Tools(redis, utc_now), Rhythm(30, 30), no_sweep, no_sweep, no_sweep)
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_every_chore_is_run_while_another_does_not_end(models, database_url, redis) -> None:
    run = []

    async def ends_not() -> None:
        await asyncio.Event().wait()

    async def house() -> None:
        run.append("house")

    async def logs() -> None:
        run.append("logs")
        raise ValueError("one of them may fail")

    tools, rhythm = Tools(redis, utc_now), Rhythm(30, 30)
    task = asyncio.create_task(Relay(database_url, [], tools, rhythm, ends_not, house, logs).run())
    await until(lambda: sorted(run) == ["house", "logs"])
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


async def test_positions_have_no_gap_and_follow_the_commits(models, database_url, redis) -> None:
    async def write(writer: int) -> None:
        for index in range(30):
            try:
                async with transaction():
                    event = VideoCreated(team_id=TEAM, actor_id=None, video_id=new_id(), title=f"{writer}:{index}")
                    await record(event, utc_now())
                    if index % 7 == writer:
                        raise LookupError  # a rolled back transaction leaves no hole
            except LookupError:
                pass

    seen: list[EventRecord] = []
    async with relaying(database_url, redis, collecting(seen)):
        await asyncio.gather(*(write(writer) for writer in range(8)))
        total = await EventRecord.all().count()
        await until(lambda: len(seen) == total)
    assert [event.position for event in seen] == list(range(1, total + 1))
    for writer in range(8):
        indexes = [int(e.payload["title"].split(":")[1]) for e in seen if e.payload["title"].startswith(f"{writer}:")]
        assert indexes == sorted(indexes)


async def test_an_effect_comes_after_its_cause_whatever_the_clocks_of_the_machines_say(models, database_url) -> None:
    cause, effect = await happen("cause"), await happen("effect")
    slow_clock = UUID(int=cause.int - (1 << 90))
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE events SET id = $1 WHERE id = $2", slow_clock, effect)
    tide = Tide()
    for _ in range(2):
        await number(connection, tide)
        assert tide.position == 2
    await connection.close()
    first, second = await EventRecord.all().order_by("position")
    assert (first.id, second.id) == (cause, slow_clock)


async def test_a_consumer_hears_only_its_types_and_begins_where_it_ended(models, database_url, redis) -> None:
    seen: list[EventRecord] = []
    deletions = Consumer("deletions", collecting(seen).handle, frozenset({"video.deleted"}), in_transaction=True)
    for kind in (VideoCreated, VideoDeleted, VideoCreated):
        await happen(kind=kind)
    async with relaying(database_url, redis, deletions):
        await until(lambda: _cursor_is("deletions", 3))
    last = await happen(kind=VideoDeleted)
    async with relaying(database_url, redis, deletions):
        await until(lambda: len(seen) == 2)
    assert [event.position for event in seen] == [2, 4]
    assert seen[-1].id == last


async def _cursor_is(consumer: str, position: int) -> bool:
    return await ConsumerCursor.exists(consumer=consumer, position=position)


async def test_who_is_up_to_date_is_handed_what_was_numbered(models, database_url, redis, monkeypatch) -> None:
    seen: list[EventRecord] = []
    async with relaying(database_url, redis, collecting(seen)):
        await happen()
        await until(lambda: len(seen) == 1)
        monkeypatch.setattr(EventRecord, "filter", None)
        event_id = await happen("handed on")
        await until(lambda: len(seen) == 2)
    monkeypatch.undo()
    written = await EventRecord.get(id=event_id)
    for handed, name in ((seen[-1], name) for name in written._meta.fields_map):
        assert getattr(handed, name) == getattr(written, name), name


async def test_what_one_consumer_notes_in_an_event_is_no_other_ones(models, database_url, redis) -> None:
    async def note(events, tools) -> None:
        for event in events:
            event.traceparent = "noted"

    noting = [Consumer(name, note, None, in_transaction=False) for name in ("first", "last")]
    seen: list[EventRecord] = []
    async with relaying(database_url, redis, noting[0], collecting(seen), noting[1]):
        for _ in range(2):
            await happen()
        await until(lambda: len(seen) == 2)
    assert [event.traceparent for event in seen] == [None, None]


async def test_a_cursor_waits_for_company_but_not_for_longer_than_the_relay(
    models, database_url, redis, monkeypatch
) -> None:
    monkeypatch.setattr(follower, "LAZY_SECONDS", 600)
    seen: list[EventRecord] = []
    unwanted = frozenset({"video.deleted"})
    idle = Consumer("idle", collecting(seen).handle, unwanted, in_transaction=True, at_once=True)  # before the other
    async with relaying(database_url, redis, idle, collecting(seen)):
        for kind in (VideoCreated, VideoCreated):
            await happen(kind=kind)
        await until(lambda: len(seen) == 2)
        assert await _cursor_is("idle", 0)
        assert await _cursor_is("collector", 0)
    assert await _cursor_is("idle", 2)
    assert await _cursor_is("collector", 2)


async def test_a_cursor_that_was_passed_over_moves_with_the_next_effect(
    models, database_url, redis, monkeypatch
) -> None:
    monkeypatch.setattr(follower, "LAZY_SECONDS", 600)
    seen: list[EventRecord] = []
    deletions = Consumer("deletions", collecting(seen).handle, frozenset({"video.deleted"}), in_transaction=True)
    async with relaying(database_url, redis, deletions):
        for kind in (VideoCreated, VideoDeleted):
            await happen(kind=kind)
        await until(lambda: _cursor_is("deletions", 2))
    assert len(seen) == 1


async def test_what_somebody_waits_for_goes_first_and_meanwhile_the_others_gather(
    models, database_url, redis, monkeypatch
) -> None:
    monkeypatch.setattr(follower, "LULL_SECONDS", 0.3)
    took: list[tuple[str, list[int]]] = []

    def noting(name: str, *, at_once: bool) -> Consumer:
        async def handle(events, tools) -> None:
            took.append((name, [event.position for event in events]))

        return Consumer(name, handle, None, in_transaction=False, at_once=at_once)

    async with relaying(database_url, redis, noting("patient", at_once=False), noting("watched", at_once=True)):
        await until(lambda: _cursor_is("watched", 0))
        for number in (1, 2, 3):
            await happen()
            await until(lambda number=number: len(took) == number)
        await until(lambda: len(took) == 4)
    assert took == [("watched", [1]), ("watched", [2]), ("watched", [3]), ("patient", [1, 2, 3])]


async def test_what_a_consumer_cannot_take_is_parked_and_holds_up_nobody(models, database_url, redis) -> None:
    tries: list[str] = []
    taken: list[str] = []
    seen: list[EventRecord] = []

    async def choke(events, tools) -> None:
        for event in events:
            tries.append(event.payload["title"])
            if event.payload["title"] == "poison":
                raise ValueError("cannot swallow this")
        taken.extend(event.payload["title"] for event in events)

    events = [await happen(title) for title in ("one", "poison", "two")]
    choking = Consumer("choking", choke, None, in_transaction=True)
    async with relaying(database_url, redis, choking, collecting(seen)):
        await until(lambda: len(seen) == 3)
        await until(lambda: taken == ["one", "two"])
        await until(lambda: _cursor_is("choking", 3))
    parked = await ParkedEvent.get()
    assert (parked.consumer, parked.event_id) == ("choking", events[1])
    assert "cannot swallow this" in parked.error
    # With all three, with its neighbour, then alone until it is given up.
    assert tries.count("poison") == MOST_FAILURES + 2


async def test_ingests_that_name_no_upload_hold_up_nobodys_clean_up(
    models, database_url, redis, uploads, folder
) -> None:
    bare = [await enqueue(JobKind.INGEST) for _ in range(3)]
    upload = await uploads.upload(await uploads.video(), clips.empty(folder))
    for job in [*bare, await uploads.ingest(upload)]:
        async with transaction():
            await job.cancel(utc_now(), by=new_id())
    async with relaying(database_url, redis, CONSUMERS["clean-up"]):
        await until(lambda: Job.exists(kind=JobKind.DISCARD_UPLOAD))
    assert (await Job.get(kind=JobKind.DISCARD_UPLOAD)).payload == {"upload_id": str(upload.id)}
    assert not await ParkedEvent.exists()


async def refused() -> None:
    raise ConnectionRefusedError


async def asks_for_what_was_dropped() -> None:
    async with raw_connection() as connection:
        await connection.execute("SELECT dropped FROM events")


async def asks_for_it_by_a_model() -> None:
    await get_connection("default").execute_query("SELECT * FROM dropped")


async def was_undone() -> None:
    raise asyncpg.DeadlockDetectedError("deadlock detected")


@pytest.mark.parametrize("met", [refused, was_undone, asks_for_what_was_dropped, asks_for_it_by_a_model])
async def test_an_outage_parks_nothing_nor_do_tables_of_a_later_release(models, database_url, redis, met) -> None:
    calls: list[int] = []
    await happen()

    async def meet_outage(events, tools) -> None:
        calls.append(len(events))
        if len(calls) <= MOST_FAILURES + 1:
            await met()

    async with relaying(database_url, redis, Consumer("patient", meet_outage, None, in_transaction=False)):
        await until(lambda: _cursor_is("patient", 1))
    assert len(calls) == MOST_FAILURES + 2
    assert not await ParkedEvent.exists()


async def test_what_takes_too_long_at_once_is_done_in_parts(models, database_url, redis) -> None:
    done: list[int] = []

    async def handle(events, tools) -> None:
        if len(events) > 2:
            raise TimeoutError
        done.extend(event.position for event in events)

    for _ in range(9):
        await happen()
    async with relaying(database_url, redis, Consumer("slow", handle, None, in_transaction=True)):
        await until(lambda: len(done) >= 9)
    assert done == sorted(set(done))
    assert len(done) == 9


async def test_effects_and_cursor_are_one_commit(models, database_url, redis) -> None:
    async def make_team(events, tools) -> None:
        await Team.create(name=str(events[0].position))
        if await Team.all().count() == 1 and not failed:
            failed.append(1)
            raise ValueError("after the write")

    failed: list[int] = []
    await happen()
    async with relaying(database_url, redis, Consumer("teams", make_team, None, in_transaction=True)):
        await until(lambda: _cursor_is("teams", 1))
    assert failed
    assert await Team.all().count() == 1


async def test_a_relay_that_was_overtaken_changes_nothing(models, database_url, redis) -> None:
    async def make_team(events, tools) -> None:
        await Team.create(name="too late")
        # Another relay, active by now, has come further. (On its own connection: ours is in a transaction.)
        other = await asyncpg.connect(database_url)
        await other.execute("UPDATE consumer_cursors SET position = 1 WHERE consumer = 'slow'")
        await other.close()

    await happen()
    connection = await asyncpg.connect(database_url)
    tide = Tide()
    await number(connection, tide)
    await connection.close()
    slow = Follower(Consumer("slow", make_team, None, in_transaction=True), Tools(redis, utc_now))
    with pytest.raises(CursorTaken):
        await slow.run(tide)
    assert not await Team.exists()


async def test_a_lost_connection_is_made_again(models, database_url, redis) -> None:
    seen: list[EventRecord] = []
    async with relaying(database_url, redis, collecting(seen)):
        await happen()
        await until(lambda: len(seen) == 1)
        ours = await asyncpg.connect(database_url)
        victim = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
        assert await ours.fetchval(victim, "video-creator relay")
        await ours.close()
        await happen()
        await until(lambda: len(seen) == 2)


async def test_the_live_consumer_publishes_to_every_subject_and_tells_the_position(models, database_url, redis) -> None:
    async with redis.pubsub() as messages:
        await messages.psubscribe("live:*")
        await messages.get_message(timeout=5)
        async with relaying(database_url, redis, CONSUMERS["live"]):
            event_id = await happen()
            heard = [await messages.get_message(timeout=5) for _ in range(3)]
    event = await EventRecord.get(id=event_id)
    topics = [message["channel"].decode() for message in heard]
    assert topics == [*(TOPIC_PREFIX + subject for subject in event.subjects), "live:position"]
    message = decode(heard[0]["data"])
    assert (message.position, message.event_id, message.body) == (1, str(event_id), event.body())
    assert heard[2]["data"] == b"1"


async def test_when_the_active_relay_is_killed_the_other_goes_on_in_order(studio, redis) -> None:
    studio.start("relay")
    await until(lambda: "relay.active" in studio.log("relay"))
    studio.start("relay2")
    positions: list[int] = []

    def hear(message) -> None:
        positions.append(decode(message["data"]).position)

    async with redis.pubsub() as messages:
        await messages.subscribe(**{f"{TOPIC_PREFIX}team:{TEAM}": hear})
        listening = asyncio.create_task(messages.run(poll_timeout=0.1))
        for index in range(100):
            await happen()
            if index == 50:
                studio.kill("relay")
        await until(lambda: set(positions) >= set(range(1, 101)))
        listening.cancel()
        await asyncio.wait({listening})
    firsts = list(dict.fromkeys(positions))  # a kill between publishing and the cursor repeats some
    assert firsts == sorted(firsts)
    assert "relay.active" in studio.log("relay2")
