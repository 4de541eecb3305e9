"""Notifications: what is new for one person, gathered as long as they have not read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import F, Q, Subquery
from tortoise.indexes import Index
from tortoise.queryset import QuerySet

from domain.comments import CommentVisibility
from domain.errors import NotFound
from domain.ids import new_id
from domain.notifications import MOST_PEOPLE, NotificationKind, Sentence, sentence
from domain.viewers import AnyViewer, ScopeViewer
from models.accounts import User
from models.base import Row, choice, in_teams_of, owned_by, shown_in_teams_of
from models.comments import Comment
from models.database import raw_connection
from models.indexes import PartialIndex
from models.videos import Video

_RAISE = """
INSERT INTO notifications (
    id, created_at, user_id, kind, about_id, team_id, video_id, comment_id, visibility, people, count, latest_at,
    position, mailed_position
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)
ON CONFLICT (user_id, kind, about_id) WHERE read_at IS NULL DO UPDATE SET
    visibility = excluded.visibility,
    comment_id = excluded.comment_id,
    count = notifications.count + excluded.count,
    latest_at = excluded.latest_at,
    position = excluded.position,
    people = ARRAY(
        SELECT person FROM unnest(excluded.people || notifications.people) WITH ORDINALITY AS given (person, place)
        GROUP BY person ORDER BY min(place) LIMIT $14
    )
RETURNING id
"""
_CONCERNED = """
SELECT DISTINCT user_id FROM notifications WHERE video_id = $1 AND (about_id = $2 OR comment_id = ANY($3))
"""
_ALONE = "video_id = $1 AND about_id = $1 AND count = 1 AND comment_id = ANY($2)"
"""What tells of one comment of the thread and of nothing else, among what is gathered for the whole video."""
_SET_APART = f"""
UPDATE notifications told SET about_id = $3 WHERE {_ALONE} AND NOT EXISTS (
    SELECT FROM notifications apart
    WHERE apart.user_id = told.user_id AND apart.kind = told.kind AND apart.about_id = $3 AND apart.read_at IS NULL
)
"""  # noqa: S608 - all ours
_TAKE_BACK = f"DELETE FROM notifications WHERE {_ALONE}"  # noqa: S608 - all ours
_SHOW = "UPDATE notifications SET visibility = $3 WHERE video_id = $1 AND about_id = $2"
_FORGET = """
DELETE FROM notifications WHERE id = ANY(ARRAY(
    SELECT id FROM notifications WHERE read_at < $1 ORDER BY read_at LIMIT $2
))
"""


@dataclass(slots=True)
class News:
    """What one or several events have for one person, about one video or thread (`about_id`).

    `people` are those behind it, the latest first, none twice.
    """

    user_id: UUID
    kind: NotificationKind
    about_id: UUID
    team_id: UUID
    video_id: UUID
    comment_id: UUID
    visibility: CommentVisibility
    people: list[str]
    count: int
    position: int
    """Of the latest event."""


class Notification(Row):
    """What is new for a person, who alone sees it, as long as they are in the team.

    There is one unread of a kind about one thing, which gathers whatever comes until it is read (a unique index over
    `user_id`, `kind` and `about_id` sees to it): so a flood of comments makes no flood of rows. It holds ids and no
    words, which are made when it is read, in the reader's language.
    """

    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, db_index=False, on_delete=fields.RESTRICT
    )
    user_id: UUID
    kind = choice(NotificationKind)
    about_id = fields.UUIDField()
    """The video, or the comment that opened the thread: always that, where the thread is team-only."""
    team: fields.ForeignKeyRelation[Any] = owned_by("models.Team")
    team_id: UUID
    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    comment_id = fields.UUIDField()
    """The latest. Nothing holds it: it may be gone."""
    people: list[str] = ArrayField("text")
    """Who is behind it, by their ids, the latest first."""
    visibility = choice(CommentVisibility, default=CommentVisibility.OPEN, there=True)
    """Of the comments that it has gathered: what is team-only is gathered by itself, thread by thread."""
    count = fields.IntField()
    """How many events it has gathered."""
    latest_at = fields.DatetimeField()
    position = fields.BigIntField()
    """Of the latest event."""
    mailed_position = fields.BigIntField(default=0)
    """As far as the person was mailed about it."""
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notifications"
        indexes = [
            Index(fields=["user_id", "latest_at", "id"], name="idx_notifications_user_latest"),
            Index(fields=["team_id"], name="idx_notifications_team"),
            Index(fields=["video_id"], name="idx_notifications_video"),
            PartialIndex(fields=["read_at"], name="idx_notifications_read", where="read_at IS NOT NULL"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        """One's own, of teams that one is in, as far as one sees the comments still. A whole role has none."""
        if isinstance(viewer, ScopeViewer):
            return Q(id__isnull=True)
        return Q(user_id=viewer.user_id) & shown_in_teams_of(viewer)

    @classmethod
    def unread(cls) -> Q:
        """Those that have not been read."""
        return Q(read_at__isnull=True)

    @classmethod
    async def gather(cls, news: News, now: datetime) -> UUID:
        """Writes what is new into the unread notification about the same, or a new one. Hold the person first."""
        about = (news.user_id, news.kind.value, news.about_id, news.team_id, news.video_id, news.comment_id)
        told = (news.visibility.value, news.people, news.count, now, news.position, MOST_PEOPLE)
        async with raw_connection() as connection:
            raised: UUID = await connection.fetchval(_RAISE, new_id(), now, *about, *told)
        return raised

    @classmethod
    async def read(
        cls, viewer: AnyViewer, now: datetime, *, ids: Sequence[UUID] = (), until: datetime | None = None
    ) -> int:
        """Marks those of these ids, or all up to a moment, as read; how many were not. Hold the person first.

        NotFound where one of the ids is of none that the viewer sees: nothing is marked then.
        """
        seen = cls.filter(cls.visible_to(viewer))
        meant = seen.filter(id__in=list(ids)) if until is None else seen.filter(latest_at__lte=until)
        if until is None and await meant.count() < len(set(ids)):
            raise NotFound(path=("ids",))
        return await meant.filter(cls.unread()).update(read_at=now)

    @classmethod
    def unmailed(cls, viewer: AnyViewer) -> QuerySet[Self]:
        """What the viewer has neither read nor been mailed about, the latest first; nothing that is in the trash."""
        in_trash = Video.filter(in_teams_of(viewer), deleted_at__isnull=False).values("id")
        new = cls.filter(cls.visible_to(viewer), cls.unread()).exclude(video_id__in=Subquery(in_trash))
        return new.filter(position__gt=F("mailed_position")).order_by("-latest_at", "-id")

    @classmethod
    async def mailed(cls, told: Sequence[Self]) -> None:
        """The person was mailed about these, as far as they went when they were read. Hold the person first."""
        latest = max(each.position for each in told)  # what has gathered more since lies beyond it
        same = cls.filter(cls.unread(), id__in=[each.id for each in told], position__lte=latest)
        await same.update(mailed_position=F("position"))

    @classmethod
    async def pass_over(cls, user_id: UUID) -> None:
        """What has come by now is not mailed to the person any more. Hold the person first."""
        await cls.filter(cls.unread(), user_id=user_id).update(mailed_position=F("position"))

    @classmethod
    async def follow_thread(cls, thread: Comment, comment_ids: Sequence[UUID]) -> None:
        """Has what tells of a thread, whose comments these are, be for whom the thread is from now on.

        Of one that is team-only is taken apart what tells of nothing else. What was gathered with other comments while
        it was open stays counted.
        """
        about = (thread.video_id, thread.id)
        async with raw_connection() as connection:
            concerned = await connection.fetch(_CONCERNED, *about, comment_ids)
        if not concerned:
            return
        await User.hold_all([row["user_id"] for row in concerned])
        async with raw_connection() as connection:
            if thread.visibility is not CommentVisibility.OPEN:
                await connection.execute(_SET_APART, thread.video_id, comment_ids, thread.id)
                await connection.execute(_TAKE_BACK, thread.video_id, comment_ids)
            await connection.execute(_SHOW, *about, thread.visibility.value)

    @classmethod
    async def forget(cls, before: datetime, most: int) -> int:
        """Deletes those that were read before that moment, the oldest first; how many."""
        async with raw_connection() as connection:
            return int((await connection.execute(_FORGET, before, most)).rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class Told:
    """What of a notification its sentence is made of."""

    kind: str
    people: Sequence[str]
    count: int
    video_id: UUID


async def sentences(viewer: AnyViewer, told: Sequence[Told]) -> list[Sentence]:
    """What notifications that the viewer sees say to them. Who shares no team with them any more is not named."""
    latest = {UUID(each.people[0]) for each in told}
    videos = {each.video_id for each in told}
    names = dict(await User.filter(User.visible_to(viewer), id__in=sorted(latest)).values_list("id", "name"))
    titles = dict(await Video.filter(Video.visible_to(viewer), id__in=sorted(videos)).values_list("id", "title"))
    return [
        sentence(
            each.kind,
            person=names.get(UUID(each.people[0])),
            people=len(each.people),
            count=each.count,
            video=titles.get(each.video_id, ""),
        )
        for each in told
    ]
