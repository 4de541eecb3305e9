"""Videos: things with a history of versions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry

import domain.videos
import models
from domain.comments import ThreadState
from domain.errors import Conflict
from domain.videos import VideoStatus
from live.message import Message
from plan import (
    Connection,
    Depends,
    Node,
    aggregate_of,
    column,
    computed,
    count_of,
    first_of,
    node,
    reference,
    to_many,
    to_one,
)
from plan.scalars import SafeInt
from resolvers import videos
from resolvers.caller import Following
from schema.context import Context, Info
from schema.enums import Action
from schema.fields import mutation, subscription
from schema.ids import uuid_of
from schema.rights import rights
from schema.threads import CommentFilter, matching

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.comments import Comment
    from schema.jobs import Job
    from schema.teams import Team
    from schema.versions import Version


@strawberry.input(description="Narrows the library down; what is left out or null does not narrow.")
class VideoFilter:
    """Filter of `Team.videos`."""

    status: VideoStatus | None = strawberry.field(default=None, description="Only videos that have come this far.")
    text: str | None = strawberry.field(default=None, description="Found in title or description, in any case.")
    tags: list[str] | None = strawberry.field(default=None, description="Only videos with every one of these tags.")
    deleted: bool | None = strawberry.field(default=None, description="True: only the trash. Otherwise all but it.")


@node(table=models.Video, visible=models.Video.visible_to)
class Video(Node):
    """A thing with a history of versions."""

    viewer_can: list[Action] = rights("video", "version", "comment", "presence")
    title: str = column(description="Its title.")
    description: str = column(description="What it is about; may be empty.", characters=5000)
    tags: list[str] = column(description="Its tags, in lower case.", characters=1500)
    status: VideoStatus = column(description="How far it has come.")
    created_at: datetime = column(description="When it was made.")
    updated_at: datetime = column(description="When it was last changed.")
    deleted_at: datetime | None = column(description="When it went to the trash; null while it is not there.")
    restorable_until: datetime | None = computed(
        "deleted_at",
        by=domain.videos.restorable_until,
        description="Until when it can be brought back from the trash; null while it is not there.",
    )
    team: Team = to_one("team_id", description="The team that owns it.")
    created_by: User | None = to_one("created_by_id", description="Who made it; null if you share no team any more.")
    versions: Connection[Version] = to_many("video_id", order="-number", description="Its history, newest first.")
    version_count: int = column(description="How many versions it has had; the newest has this number.")
    latest_version: Version | None = first_of("video_id", order="-number", description="The newest version.")
    duration_ms: int | None = column(
        through="latest_version", description="Length of the newest version in milliseconds."
    )
    comments: Connection[Comment] = to_many(
        "video_id",
        order="-created_at",
        filters=CommentFilter,
        where=matching,
        description="What was said about any of its versions, answers too, newest first.",
    )
    comment_count: int = count_of("comments", description="How many comments its versions have, answers included.")
    open_thread_count: int = count_of(
        "comments", state=ThreadState.OPEN, description="How many open threads its versions have."
    )
    resolved_thread_count: int = count_of(
        "comments", state=ThreadState.RESOLVED, description="How many resolved threads its versions have."
    )
    total_size: SafeInt = aggregate_of(
        "versions", "sum", "size", description="The size in bytes of all its versions' files together."
    )
    jobs: Connection[Job] = to_many("video_id", order="-created_at", description="Work on it, newest first.")
    last_commented_at: datetime | None = aggregate_of(
        "comments", "max", "created_at", description="When it was last commented on; null if it never was."
    )
    job_count: int = count_of("jobs", description="How many jobs have worked on it.")


@strawberry.input(description="A new video.")
class CreateVideoInput:
    """Input of `createVideo`."""

    team_id: strawberry.ID = strawberry.field(description="The team that will own it.")
    title: str = strawberry.field(description="1–200 characters on one line.")
    description: str = strawberry.field(default="", description="At most 5,000 characters.")
    tags: list[str] = strawberry.field(default_factory=list, description="At most 30, each of 1–50 characters.")


@strawberry.input(description="What to change of a video; what is left out or null stays as it is.")
class EditVideoInput:
    """Input of `editVideo`."""

    id: strawberry.ID = strawberry.field(description="Which video.")
    title: str | None = strawberry.field(default=None, description="1–200 characters on one line.")
    description: str | None = strawberry.field(default=None, description="At most 5,000 characters.")
    tags: list[str] | None = strawberry.field(default=None, description="All tags from now on.")


@strawberry.type
class VideoMutations:
    """The mutations of videos."""

    @mutation(
        "video:create", answers=Video, description="Makes a video, still without a version: `startUpload` brings one."
    )
    async def create_video(self, info: Info, input: CreateVideoInput) -> models.Video:
        from schema.teams import Team

        return await videos.create(
            info.context.caller,
            team_id=uuid_of(Team, input.team_id, "teamId"),
            title=input.title,
            description=input.description,
            labels=input.tags,
        )

    @mutation(
        "video:edit",
        answers=Video,
        fails=(Conflict,),
        description="Changes a video's title, description and tags: those that you give.",
    )
    async def edit_video(self, info: Info, input: EditVideoInput) -> models.Video:
        return await videos.edit(
            info.context.caller,
            video_id=uuid_of(Video, input.id, "id"),
            title=input.title,
            description=input.description,
            labels=input.tags,
        )

    @mutation(
        "video:delete",
        answers=Video,
        fails=(Conflict,),
        description="Puts a video into the trash, for 30 days; `restoreVideo` brings it back.",
    )
    async def delete_video(self, info: Info, id: strawberry.ID) -> models.Video:
        return await videos.delete(info.context.caller, video_id=uuid_of(Video, id, "id"))

    @mutation("video:delete", answers=Video, fails=(Conflict,), description="Brings a video back from the trash.")
    async def restore_video(self, info: Info, id: strawberry.ID) -> models.Video:
        return await videos.restore(info.context.caller, video_id=uuid_of(Video, id, "id"))


def _named(noun: str, description: str) -> Any:
    """The row whose id the event names under `noun`."""

    def row_id(change: VideoChange, _context: Context) -> UUID | None:
        named = change.payload.get(f"{noun}_id")
        return UUID(named) if named else None

    return reference(row_id, depends=Depends.NOTHING, description=description)


def _actor(change: VideoChange, _context: Context) -> UUID | None:
    return UUID(change.actor_id) if change.actor_id else None


@strawberry.type(description="Something that happened to a video. Everything below it is read at the time of telling.")
class VideoChange:
    """Event of `videoChanged`."""

    payload: strawberry.Private[dict[str, Any]]
    actor_id: strawberry.Private[str | None]
    type: str = strawberry.field(description="The event, for example `version.created` or `video.edited`.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    video: Video | None = _named("video", "The video; null if you may not see it now.")
    version: Version | None = _named("version", "The version it is about, if it is.")
    comment: Comment | None = _named("comment", "The comment it is about, if it is.")
    job: Job | None = _named("job", "The job it is about, if it is.")
    actor: User | None = reference(
        _actor, depends=Depends.NOTHING, description="Who did it; null if no person did, or if they have left the team."
    )


async def _watch(context: Context, id: str) -> Following:
    return await videos.watch(context.caller, video_id=uuid_of(Video, id, "id"))


@strawberry.type
class VideoSubscriptions:
    """The subscriptions of videos."""

    @subscription(
        "video:view",
        topics=_watch,
        depends=Depends.NOTHING,
        description="Tells of every event of a video, its versions, comments, uploads and jobs. Resumable: subscribe "
        "with the last `extensions.eventId`, or a query's `extensions.position`, as `extensions.lastEventId`.",
    )
    def video_changed(self, root: Message, id: strawberry.ID) -> VideoChange:
        del id  # what it selects has been done by the topics
        happened = root.body
        return VideoChange(
            payload=happened["payload"],
            actor_id=happened["actor_id"],
            type=happened["type"],
            occurred_at=datetime.fromisoformat(happened["created_at"]),
        )
