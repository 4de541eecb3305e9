"""Who is notified of what: made of events, one for a person and an event, and gathered until it is read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.comments import CommentVisibility
from domain.events import (
    CommentCreated,
    CommentEdited,
    CommentRestored,
    CommentVisibilityChanged,
    NotificationRaised,
)
from domain.jobs import JobKind
from domain.notifications import NotificationKind
from domain.viewers import Viewer
from models import Comment, EventRecord, Job, Mention, Notification, User
from models.events import record
from models.finding import Sought, find
from models.notifications import News
from models.remarks import Remark, of_threads, remarks
from workers.consumers import Tools, consumer


@consumer(
    "notifications",
    *(CommentCreated, CommentEdited, CommentRestored, CommentVisibilityChanged),
    in_transaction=True,
)
async def notify(events: Sequence[EventRecord], tools: Tools) -> None:
    """Tells whom a comment concerns, and mails those who want to hear of it immediately.

    A page of events is gathered before anything is written. Whoever was told of an event is not told of it again: a
    person remembers the last, and events come in order. An event after the first of a comment concerns those alone whom
    the comment mentions since, or who could not be told of that before, since it was team-only.
    """
    now, happened = tools.clock(), await _remarks(events)
    concerned = {person for _, remark in happened for person in concerns(remark)}
    for person in await User.hold_all(concerned) if concerned else ():
        if news := await _visible(_news(person, happened)):
            await _tell(person, news, now)
    if mentioned := {remark.comment_id: remark.mentioned for _, remark in happened if remark.mentioned}:
        await Mention.told(mentioned, now)


def concerns(remark: Remark) -> dict[UUID, NotificationKind]:
    """Whom a comment concerns, and why. What one does oneself is no news."""
    concerned = {} if remark.maker_id is None else {remark.maker_id: NotificationKind.COMMENT}
    concerned |= dict.fromkeys(remark.talkers, NotificationKind.REPLY)
    concerned |= dict.fromkeys(remark.mentioned, NotificationKind.MENTION)
    return {person: kind for person, kind in concerned.items() if person != remark.author_id}


async def _remarks(events: Sequence[EventRecord]) -> list[tuple[int, Remark]]:
    """The comments that the events tell of, as far as they are still there, with the events' positions, in order."""
    opened = [_comment_id(event) for event in events if event.type == CommentVisibilityChanged.type]
    whole = await of_threads(opened) if opened else []
    left = {each.comment_id: each for each in await remarks({*whole, *(_comment_id(event) for event in events)})}
    found = list[tuple[int, Remark]]()
    for event in sorted(events, key=lambda event: event.position or 0):
        is_new = event.type == CommentCreated.type
        for remark in _told_of(event, left):
            found.append((event.position or 0, remark if is_new else remark.of_mentions()))
            left[remark.comment_id] = remark._replace(mentioned=frozenset())
    return found


def _told_of(event: EventRecord, known: Mapping[UUID, Remark]) -> list[Remark]:
    """The comment that an event tells of; with a thread that is for others than before, whatever is said in it."""
    named = _comment_id(event)
    if event.type == CommentVisibilityChanged.type:
        return [remark for remark in known.values() if named in (remark.comment_id, remark.parent_id)]
    return [known[named]] if named in known else []


def _comment_id(event: EventRecord) -> UUID:
    return UUID(event.payload["comment_id"])


def _news(person: User, happened: Sequence[tuple[int, Remark]]) -> list[News]:
    """What of this is new for the person, gathered."""
    gathered: dict[tuple[NotificationKind, UUID], News] = {}
    for position, remark in happened:
        kind = concerns(remark).get(person.id)
        if kind is not None and position > person.told_position:
            about = _about(kind, remark)
            _add(gathered.setdefault((kind, about), _nothing_yet(person, kind, about, remark)), position, remark)
    return list(gathered.values())


def _about(kind: NotificationKind, remark: Remark) -> UUID:
    """What it is gathered under: what is team-only must not be with anything else, so that it can be hidden."""
    if kind is NotificationKind.REPLY or remark.visibility is not CommentVisibility.OPEN:
        return remark.thread_id
    return remark.video_id


def _nothing_yet(person: User, kind: NotificationKind, about: UUID, remark: Remark) -> News:
    where = (remark.team_id, remark.video_id, remark.comment_id)
    return News(person.id, kind, about, *where, remark.visibility, people=[], count=0, position=0)


def _add(news: News, position: int, remark: Remark) -> None:
    author = str(remark.author_id)
    news.people = [author, *(person for person in news.people if person != author)]
    news.comment_id, news.position, news.count = remark.comment_id, position, news.count + 1


async def _visible(news: Sequence[News]) -> list[News]:
    """Those about comments that the person may see now: of a video, all that are for as many."""
    alike: dict[tuple[UUID, CommentVisibility], list[News]] = {}
    for each in news:
        alike.setdefault((each.video_id, each.visibility), []).append(each)
    seen = [them for them in alike.values() if await _sees(them[0])]
    return [each for them in seen for each in them]


async def _sees(news: News) -> bool:
    return await find(Sought(Comment), news.comment_id, Viewer(news.user_id)) is not None


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
