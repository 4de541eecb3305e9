"""Who is notified of what: made of events, one for a person and an event, and gathered until it is read."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.events import CommentCreated, CommentEdited, CommentRestored, NotificationRaised
from domain.jobs import JobKind
from domain.notifications import NotificationKind
from domain.viewers import Viewer
from models import Comment, EventRecord, Job, Mention, Notification, User, Video
from models.comments import Remark
from models.events import record
from models.finding import Sought, find
from models.notifications import News
from workers.consumers import Tools, consumer


@consumer("notifications", CommentCreated, CommentEdited, CommentRestored, in_transaction=True)
async def notify(events: Sequence[EventRecord], tools: Tools) -> None:
    """Tells whom a comment concerns, and mails those who want to hear of it immediately.

    A page of events is gathered before anything is written. Whoever was told of an event is not told of it again: a
    person remembers the last, and events come in order. An event after the first of a comment concerns those alone whom
    the comment mentions since.
    """
    now, remarks = tools.clock(), await _remarks(events)
    concerned = {person for _, remark in remarks for person in concerns(remark)}
    for person in await User.hold_all(concerned) if concerned else ():
        if news := await _visible(_news(person, remarks)):
            await _tell(person, news, now)
    if mentioned := {remark.comment_id: remark.mentioned for _, remark in remarks if remark.mentioned}:
        await Mention.told(mentioned, now)


def concerns(remark: Remark) -> dict[UUID, NotificationKind]:
    """Whom a comment concerns, and why. What one does oneself is no news."""
    concerned = {} if remark.maker_id is None else {remark.maker_id: NotificationKind.COMMENT}
    concerned |= dict.fromkeys(remark.talkers, NotificationKind.REPLY)
    concerned |= dict.fromkeys(remark.mentioned, NotificationKind.MENTION)
    return {person: kind for person, kind in concerned.items() if person != remark.author_id}


async def _remarks(events: Sequence[EventRecord]) -> list[tuple[int, Remark]]:
    """The comments that the events tell of, as far as they are still there, with the events' positions, in order."""
    left = {remark.comment_id: remark for remark in await Comment.remarks({_comment_id(event) for event in events})}
    found = list[tuple[int, Remark]]()
    for event in sorted(events, key=lambda event: event.position or 0):
        if (remark := left.get(_comment_id(event))) is not None:
            is_new = event.type == CommentCreated.type
            found.append((event.position or 0, remark if is_new else remark.of_mentions()))
            left[remark.comment_id] = remark._replace(mentioned=frozenset())
    return found


def _comment_id(event: EventRecord) -> UUID:
    return UUID(event.payload["comment_id"])


def _news(person: User, remarks: Sequence[tuple[int, Remark]]) -> list[News]:
    """What of this is new for the person, gathered."""
    gathered: dict[tuple[NotificationKind, UUID], News] = {}
    for position, remark in remarks:
        kind = concerns(remark).get(person.id)
        if kind is not None and position > person.told_position:
            about = _about(kind, remark)
            _add(gathered.setdefault((kind, about), _nothing_yet(person, kind, about, remark)), position, remark)
    return list(gathered.values())


def _about(kind: NotificationKind, remark: Remark) -> UUID:
    thread = remark.thread_id if kind is NotificationKind.REPLY else None
    return thread or remark.video_id


def _nothing_yet(person: User, kind: NotificationKind, about: UUID, remark: Remark) -> News:
    where = (remark.team_id, remark.video_id, remark.comment_id)
    return News(person.id, kind, about, *where, people=[], count=0, position=0)


def _add(news: News, position: int, remark: Remark) -> None:
    author = str(remark.author_id)
    news.people = [author, *(person for person in news.people if person != author)]
    news.comment_id, news.position, news.count = remark.comment_id, position, news.count + 1


async def _visible(news: Sequence[News]) -> list[News]:
    """Those about videos that the person may see now."""
    seen: dict[UUID, bool] = {}
    for each in news:
        if each.video_id not in seen:
            seen[each.video_id] = await find(Sought(Video), each.video_id, Viewer(each.user_id)) is not None
    return [each for each in news if seen[each.video_id]]


async def _tell(person: User, news: Sequence[News], now: datetime) -> None:
    for each in news:
        raised = await Notification.gather(each, now)
        told = NotificationRaised(team_id=None, actor_id=None, notified_id=person.id, notification_id=raised)
        await record(told, now)
    person.told_position = max(each.position for each in news)
    person.expect_mail(now)
    await mail_if_due(person, now)
    await person.save(update_fields=["told_position", "mail_at", "mailed_at"])


async def mail_if_due(person: User, now: datetime) -> None:
    """Enqueues the mail to a person who is held, if it is time. Their `mail_at` and `mailed_at` are still to be saved.

    While no mail can be sent, one waits for each, not one for every ten minutes or day: sent at once, as they then are,
    all would tell the same.
    """
    if not person.is_due(now):
        return
    payload = {"user_id": str(person.id)}
    if await Job.is_under_way(JobKind.NOTIFICATION_MAIL, **payload):
        person.put_mail_off(now)
        return
    person.take_mail(now)
    await Job.enqueue(JobKind.NOTIFICATION_MAIL, now, payload=payload)
