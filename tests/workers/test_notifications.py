"""Notifications as they are made: who is told, of what, once, gathered; and what becomes of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.events import CommentCreated
from domain.jobs import JobKind, JobState
from domain.notifications import KEPT, EmailNotifications, NotificationKind
from models import Comment, EventRecord, Job, Member, Mention, Notification, User, Version, Video
from models.database import transaction
from models.events import record
from models.remarks import remarks
from tests.factories import Crew, Factory
from tests.waiting import until
from tests.workers.conftest import enqueue
from workers import io, sweeper  # noqa: F401 - declares what it handles
from workers.consumers import Tools
from workers.deletions import forget
from workers.notifications import notify
from workers.sweeper import Sweeper

COMMENT, REPLY, MENTION = NotificationKind.COMMENT, NotificationKind.REPLY, NotificationKind.MENTION
NEVER, IMMEDIATELY = EmailNotifications.NEVER, EmailNotifications.IMMEDIATELY


@dataclass
class Room:
    """A version of the owner's video, people who say something about it, and the relay that takes it on."""

    crew: Crew
    version: Version
    tools: Tools
    make: Factory
    position: int = 0

    async def say(self, by: User, parent: Comment | None = None, body: str = "Hm") -> tuple[Comment, EventRecord]:
        """A comment and its event, of which nobody has been told yet."""
        said = await self.make.comment(self.version, parent=parent, created_by_id=by.id, body=body)
        about = {"video_id": said.video_id, "version_id": said.version_id, "comment_id": said.id}
        async with transaction():
            happened = CommentCreated(team_id=said.team_id, actor_id=by.id, parent_id=said.parent_id, **about)
            event = await EventRecord.get(id=await record(happened, utc_now()))
        self.position += 1
        event.position = self.position
        await event.save()
        return said, event

    async def tell(self, *events: EventRecord) -> None:
        async with transaction():
            await notify(events, self.tools)

    async def comment(self, by: User, parent: Comment | None = None, body: str = "Hm") -> Comment:
        said, event = await self.say(by, parent, body)
        await self.tell(event)
        return said

    async def told(self, person: User, **only: Any) -> list[tuple[NotificationKind, int, list[str]]]:
        found = await Notification.filter(user_id=person.id, **only).order_by("id")
        return [(each.kind, each.count, each.people) for each in found]


@pytest.fixture
async def room(models: None, redis: ArqRedis) -> AsyncIterator[Room]:
    make = Factory("http://test")
    crew = await make.crew()
    yield Room(crew, await make.version(await make.video(crew)), Tools(redis, utc_now), make)
    await make.close()


@pytest.fixture
def sweep(redis: ArqRedis) -> Sweeper:
    return Sweeper(redis, utc_now, attempts=2, patience=timedelta(seconds=1), jobs_kept=timedelta(days=30))


def ids(*people: User) -> list[str]:
    return [str(person.id) for person in people]


async def test_whom_a_comment_concerns_is_told_and_nobody_else(room: Room) -> None:
    owner, admin, editor, viewer = (person.user for person in room.crew.everybody().values())
    thread = await room.comment(viewer)
    assert await room.told(owner) == [(COMMENT, 1, ids(viewer))]
    await room.comment(editor, thread)
    assert await room.told(viewer) == [(REPLY, 1, ids(editor))]
    assert await room.told(owner) == [(COMMENT, 2, ids(editor, viewer))]
    await room.comment(owner, thread)
    await room.comment(viewer, thread)
    assert await room.told(editor) == [(REPLY, 2, ids(viewer, owner))]
    assert await room.told(owner) == [(COMMENT, 2, ids(editor, viewer)), (REPLY, 1, ids(viewer))]
    assert await room.told(admin) == []
    await room.comment(owner)
    assert len(await Notification.filter(user_id=owner.id)) == 2, "what one does oneself is no news"


async def test_nobody_is_told_of_one_event_twice_however_often_it_is_handed_over(room: Room) -> None:
    owner, viewer = room.crew.owner.user, room.crew.viewer.user
    _, first = await room.say(viewer)
    await room.tell(first)
    _, second = await room.say(viewer)
    for _ in range(2):
        await room.tell(first, second)
    assert await room.told(owner) == [(COMMENT, 2, ids(viewer))]
    await Notification.all().update(read_at=utc_now())
    await room.tell(first, second)
    assert await room.told(owner, read_at__isnull=True) == []
    raised = await EventRecord.filter(type="notification.raised")
    assert [event.subjects[0] for event in raised] == [f"notified:{owner.id}"] * 2
    assert {(event.team_id, event.actor_id) for event in raised} == {(None, None)}


async def test_what_was_read_gathers_nothing_more(room: Room) -> None:
    owner, viewer = room.crew.owner.user, room.crew.viewer.user
    await room.comment(viewer)
    await Notification.all().update(read_at=utc_now())
    await room.comment(viewer)
    assert await room.told(owner) == [(COMMENT, 1, ids(viewer))] * 2


async def test_a_flood_makes_one_row_and_one_event_for_each_whom_it_concerns(room: Room) -> None:
    owner, editor, viewer = room.crew.owner.user, room.crew.editor.user, room.crew.viewer.user
    thread = await room.comment(editor)
    flood = [(await room.say((editor, viewer)[index % 2], thread))[1] for index in range(60)]
    await room.tell(*flood)
    assert await room.told(owner) == [(COMMENT, 61, ids(viewer, editor))]
    assert await room.told(editor) == [(REPLY, 30, ids(viewer))]
    assert await room.told(viewer) == [(REPLY, 29, ids(editor))], "what was said before they joined in is no answer"
    assert await EventRecord.filter(type="notification.raised").count() == 4


async def test_only_the_latest_people_are_counted(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.notifications.MOST_PEOPLE", 2)
    owner, admin, editor, viewer = (person.user for person in room.crew.everybody().values())
    for person in (admin, editor, viewer):
        await room.comment(person)
    assert await room.told(owner) == [(COMMENT, 3, ids(viewer, editor))]


async def test_who_cannot_see_the_video_any_more_is_told_nothing_and_keeps_nothing(room: Room) -> None:
    owner, editor, viewer = room.crew.owner.user, room.crew.editor.user, room.crew.viewer.user
    thread = await room.comment(editor)
    await room.comment(viewer, thread)
    assert len(await room.told(editor)) == 1
    async with transaction():
        await (await Member.get(user_id=editor.id)).end()
    assert await room.told(editor) == []
    await room.comment(viewer, thread)
    assert await room.told(editor) == []
    assert len(await room.told(owner)) == 1


async def test_a_comment_that_is_gone_when_its_turn_comes_is_passed_over(room: Room) -> None:
    said, event = await room.say(room.crew.viewer.user)
    await Comment.filter(id=said.id).delete()
    await room.tell(event)
    assert await Notification.all().count() == 0


async def test_with_a_video_and_with_an_account_go_their_notifications(room: Room, attempts: Any) -> None:
    owner, viewer = room.crew.owner.user, room.crew.viewer.user
    thread = await room.comment(viewer)
    await room.comment(owner, thread)
    assert len(await room.told(viewer)) == 1
    async with transaction():
        await forget(await User.get(id=viewer.id), utc_now())
    assert await room.told(viewer) == []
    assert await room.told(owner) == [(COMMENT, 1, ids(viewer))]
    gone = await User.get(id=viewer.id)
    assert (gone.email_notifications, gone.mail_at) == (NEVER, None)
    await Video.filter(id=room.version.video_id).update(deleted_at=utc_now() - timedelta(days=31))
    job = await enqueue(JobKind.PURGE_VIDEO, video_id=str(room.version.video_id))
    await attempts.wake({}, str(job.id), 1)
    assert (await Job.get(id=job.id)).state is JobState.SUCCEEDED
    assert await Notification.all().count() == 0


async def test_what_was_read_is_kept_for_90_days(room: Room, sweep: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "MOST_FORGOTTEN", 2)  # more than one statement takes
    now, owner = utc_now(), room.crew.owner
    thread = await room.make.comment(room.version)
    for read_at in (*[now] * 5, now + timedelta(days=1)):
        await room.make.notification(thread, owner, read_at=read_at)
    unread = await room.make.notification(thread, owner)
    for days, left in ((0, 7), (1, 2), (2, 1)):
        at = now + KEPT + timedelta(days=days)
        await replace(sweep, clock=lambda at=at: at).keep_house()
        assert await Notification.all().count() == left
    assert (await Notification.get()).id == unread.id


async def mail_jobs() -> int:
    """How many there have been. Whatever waits is then sent."""
    jobs = Job.filter(kind=JobKind.NOTIFICATION_MAIL)
    count = await jobs.count()
    await jobs.filter(state=JobState.QUEUED).update(state=JobState.SUCCEEDED, ended_at=utc_now())
    return count


async def test_immediately_is_at_once_and_what_follows_comes_together(room: Room, sweep: Sweeper) -> None:
    owner, viewer, now = room.crew.owner.user, room.crew.viewer.user, utc_now()
    await User.filter(id=owner.id).update(email_notifications=IMMEDIATELY)
    room.tools = replace(room.tools, clock=lambda: now)
    await room.comment(viewer)
    assert await mail_jobs() == 1
    for _ in range(5):
        await room.comment(viewer)
    assert await mail_jobs() == 1
    for minutes, jobs in ((9, 1), (10, 2), (30, 2)):
        await replace(sweep, clock=lambda minutes=minutes: now + timedelta(minutes=minutes))()
        assert await mail_jobs() == jobs
    room.tools = replace(room.tools, clock=lambda: now + timedelta(minutes=31))
    await room.comment(viewer)
    assert await mail_jobs() == 3


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
async def test_who_has_a_mail_that_was_not_sent_yet_waits_for_it(room: Room, sweep: Sweeper, state: JobState) -> None:
    """Two of them, sent at the same time when the mail server is back, would tell the same."""
    owner, viewer, now = room.crew.owner.user, room.crew.viewer.user, utc_now()
    await User.filter(id__in=[owner.id, viewer.id]).update(email_notifications=IMMEDIATELY)
    jobs = Job.filter(kind=JobKind.NOTIFICATION_MAIL)

    async def comment(minutes: int) -> int:
        room.tools = replace(room.tools, clock=lambda: now + timedelta(minutes=minutes))
        await room.comment(viewer)
        return await jobs.count()

    async def sweep_at(minutes: int) -> int:
        await replace(sweep, clock=lambda: now + timedelta(minutes=minutes))()
        return await jobs.count()

    assert await comment(0) == 1
    await jobs.update(state=state, lease_until=now + timedelta(days=1))
    assert await comment(20) == 1
    assert await sweep_at(30) == await sweep_at(50) == 1
    await enqueue(JobKind.NOTIFICATION_MAIL, user_id=str(viewer.id))  # another's, which nobody waits for
    await jobs.filter(state=state, payload__contains={"user_id": str(owner.id)}).update(
        state=JobState.SUCCEEDED, ended_at=now
    )
    assert await sweep_at(59) == 2
    assert await sweep_at(60) == 3, "what is new since is told, and nothing is lost"


async def test_a_digest_is_due_once_a_day_and_once_after_days_without_workers(room: Room, sweep: Sweeper) -> None:
    owner, viewer, now = room.crew.owner.user, room.crew.viewer.user, datetime.fromisoformat("2026-11-27T22:00Z")
    await User.filter(id=owner.id).update(time_zone="Europe/Berlin")

    async def comment(at: str) -> None:
        room.tools = replace(room.tools, clock=lambda: datetime.fromisoformat(at))
        await room.comment(viewer)

    async def due(at: str) -> int:
        before = await mail_jobs()
        for _ in range(3):
            await replace(sweep, clock=lambda: datetime.fromisoformat(at))()
        return await mail_jobs() - before

    assert await due("2026-11-27T22:00Z") == 0
    await comment(now.isoformat())
    await comment("2026-11-27T23:00Z")
    assert (await due("2026-11-28T06:59Z"), await due("2026-11-28T07:00Z")) == (0, 1)
    await comment("2026-11-28T07:01Z")
    assert (await due("2026-11-28T23:00Z"), await due("2026-12-03T06:59Z")) == (0, 1), "off for days: one, and late"
    await comment("2026-12-03T06:59:30Z")
    assert (await due("2026-12-03T07:00Z"), await due("2026-12-04T07:00Z")) == (0, 1), "never two of one day"


async def test_the_relay_takes_events_to_notifications_and_the_io_worker_mails_them(room: Room, studio: Any) -> None:
    await User.filter(id=room.crew.owner.user.id).update(email_notifications=IMMEDIATELY)
    studio.start("relay", "io")
    said = await room.make.comment(room.version, created_by_id=room.crew.viewer.user.id, body="Too <b>dark</b>")
    about = {"video_id": said.video_id, "version_id": said.version_id, "comment_id": said.id}
    async with transaction():
        await record(CommentCreated(team_id=said.team_id, actor_id=said.created_by_id, **about), utc_now())
    await until(lambda: list(studio.mailbox.glob("*.eml")) != [], 30)
    (mail,) = studio.mailbox.glob("*.eml")
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in mail.read_text()


async def test_whom_a_comment_mentions_is_told_once_of_that_and_of_nothing_else_in_it(room: Room) -> None:
    owner, admin, editor, viewer = (person.user for person in room.crew.everybody().values())
    thread = await room.comment(editor)
    said, event = await room.say(viewer, thread)
    said.mentions = [[0, 1, str(person.id)] for person in (owner, admin, editor, viewer)]
    await Mention.follow(said, utc_now())
    await room.tell(event)
    assert await room.told(admin) == [(MENTION, 1, ids(viewer))]
    assert await room.told(editor) == [(MENTION, 1, ids(viewer))], "and not of the reply besides"
    assert (await room.told(owner))[1:] == [(MENTION, 1, ids(viewer))]
    assert await room.told(viewer) == []
    assert not await Mention.exists(told_at__isnull=True)


async def test_a_mention_that_ends_while_it_is_told_is_told_no_more_when_it_is_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit comes in between: it is seen when the mentions are read, and is gone when that is noted."""
    admin, viewer = room.crew.admin.user, room.crew.viewer.user
    said, event = await room.say(viewer)
    said.mentions = [[0, 1, str(admin.id)]]
    await Mention.follow(said, utc_now())

    async def read_and_edit(comment_ids: Any) -> Any:
        found = await remarks(comment_ids)
        await Mention.filter(comment_id=said.id).update(ended_at=utc_now())
        return found

    monkeypatch.setattr("workers.notifications.remarks", read_and_edit)
    await room.tell(event)
    monkeypatch.undo()
    await Mention.follow(said, utc_now())
    assert [remark.mentioned for remark in await remarks([said.id])] == [frozenset()]
    assert await room.told(admin) == [(MENTION, 1, ids(viewer))]
