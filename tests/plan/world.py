"""A user who is in several teams that each own something of every kind."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind, Queue
from domain.notifications import NotificationKind
from domain.permissions import Role, Scope
from domain.viewers import Viewer
from domain.webhooks.states import AttemptState, DeliveryState
from models import (
    ApiKey,
    AuditEntry,
    Comment,
    CommentEdit,
    Identity,
    Invitation,
    Job,
    Lane,
    Member,
    Notification,
    Session,
    Team,
    Upload,
    User,
    Version,
    Video,
    Webhook,
    WebhookAttempt,
    WebhookBody,
    WebhookDelivery,
)
from models.comments import Span

LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
"""When a world's jobs may begin and its uploads end. The shared product may be running on the same database: its
sweeper would hand hundreds of jobs that cannot succeed to its workers, and what other tests ask of them would wait."""


@dataclass
class World:
    viewer: Viewer
    ids: dict[str, list[UUID]] = field(default_factory=dict)

    def note(self, *rows: Any) -> None:
        for row in rows:
            self.ids.setdefault(type(row).__name__, []).append(row.id)


async def user(name: str = "Ada") -> User:
    return await User.create(name=name, email=f"{new_id()}@example.com", password_hash="none")


async def session(of: User) -> Session:
    return await Session.create(user_id=of.id, token_hash=str(new_id()), expires_at=utc_now() + timedelta(hours=1))


async def a_world(size: int) -> World:
    """`size` teams of `size` admins, with `size` invitations and videos each.

    A video has `size` versions, jobs and uploads; a version has `size` threads, and those of a video's first version
    have `size` answers each.
    """
    mates = [await user() for _ in range(size)]
    sessions = [await session(mates[0]) for _ in range(size)]
    world = World(Viewer(mates[0].id, sessions[0].id))
    world.note(*mates, *sessions, *[await entry(mates[0]) for _ in range(size)])
    world.note(*[await key(mates[0]) for _ in range(size)])
    world.note(*[await identity(mates[0]) for _ in range(size)])
    for _ in range(size):
        team = await Team.create(name="Crew")
        members = [await Member.create(team_id=team.id, user_id=mate.id, role=Role.ADMIN) for mate in mates]
        world.note(team, *members, *[await invitation(team, mates[0]) for _ in range(size)])
        world.note(*[await entry(mates[0], team) for _ in range(size)])
        for _ in range(size):
            world.note(*await webhook(team, mates[0], size))
        for _ in range(size):
            await _fill(world, await Video.create(title="Cut", team_id=team.id, created_by_id=mates[0].id), size)
    return world


async def _fill(world: World, video: Video, size: int) -> None:
    world.note(video)
    for number in range(1, size + 1):
        made = await version(video, number)
        await Version.filter(id=made.id).update(restored_from_id=made.id)
        work = await job(video)
        world.note(made, work, await upload(video, work))
    await _discuss(world, await Version.filter(video_id=video.id).order_by("number"), size)
    world.note(*[await notification(video, video.created_by_id) for _ in range(size)])


async def _discuss(world: World, versions: list[Version], size: int) -> None:
    said: dict[str, Any] = {"body": "Nice", "by": versions[0].created_by_id, "now": LONG_AGO}
    threads = [Comment.opened(each, Span(number), **said) for each in versions for number in range(size)]
    answers = [thread.answered(**said) for thread in threads[:size] for _ in range(size)]
    for comments in (threads, answers):
        await Comment.bulk_create(comments)
        world.note(*comments)
    edits = [CommentEdit.of(thread, LONG_AGO) for thread in threads for _ in range(size)]
    await CommentEdit.bulk_create(edits)
    world.note(*edits)


async def version(video: Video, number: int) -> Version:
    return await Version.create(
        team_id=video.team_id, video_id=video.id, created_by_id=video.created_by_id, number=number,
        file_name="cut.mp4", file_key=f"{new_id()}/original", proxy_key=f"{new_id()}/proxy.mp4",
        poster_key=f"{new_id()}/poster.jpg", size=1000, sha256="0" * 64, container="mp4", duration_ms=2000, width=320,
        height=180, rotation=0, frame_rate_numerator=25, frame_rate_denominator=1, variable_frame_rate=False,
        frame_count=50, video_codec="h264", bit_rate=4000,
    )  # fmt: skip


async def identity(owner: User) -> Identity:
    about = {"provider": "there", "issuer": "https://there.example", "subject": str(new_id()), "used_at": LONG_AGO}
    return await Identity.create(user_id=owner.id, **about)


async def key(owner: User) -> ApiKey:
    return await ApiKey.create(
        user_id=owner.id, name="Export", prefix="vc_", token_hash=new_id().hex, scopes=[Scope.READ.value]
    )


async def invitation(team: Team, by: User) -> Invitation:
    made = {"team_id": team.id, "created_by_id": by.id, "role": Role.EDITOR}
    return await Invitation.create(email=f"{new_id()}@example.com", sent_at=LONG_AGO, expires_at=LONG_AGO, **made)


async def entry(by: User, team: Team | None = None) -> AuditEntry:
    where = {"team_id": team.id if team else None, "actor_id": by.id, "position": 0}
    return await AuditEntry.create(type="video.edited", subjects=[f"video:{new_id()}"], details={"n": [1]}, **where)


async def webhook(team: Team, by: User, size: int) -> list[Any]:
    """With as many deliveries, each with as many attempts, and its lane."""
    made = {"team_id": team.id, "created_by_id": by.id, "edition": 1, "sealed_secret": "", "event_types": ["a.b"]}
    hook = await Webhook.create(url="https://receiver.invalid/", **made)
    await Lane.of(hook.id, team.id, LONG_AGO).save(force_create=True)
    of = {"team_id": team.id, "webhook_id": hook.id}
    body = await WebhookBody.create(team_id=team.id, event_id=new_id(), edition=1, body="{}")
    about = {"event_type": "a.b", "position": 1, "body_id": body.id, "queue_id": hook.id}
    sent = about | {"state": DeliveryState.FAILED}
    deliveries = [await WebhookDelivery.create(event_id=new_id(), **sent, **of) for _ in range(size)]
    went = {"state": AttemptState.FAILED}
    attempts = [
        await WebhookAttempt.create(delivery_id=delivery.id, number=number, **went, **of)
        for delivery in deliveries
        for number in range(size)
    ]
    return [hook, *deliveries, *attempts]


async def notification(video: Video, user_id: UUID, **values: Any) -> Notification:
    """About a thread that is gone, each about another."""
    about = {"team_id": video.team_id, "video_id": video.id, "about_id": new_id(), "comment_id": new_id()}
    told = {"kind": NotificationKind.REPLY, "people": [str(user_id)], "count": 1, "latest_at": LONG_AGO, "position": 1}
    return await Notification.create(user_id=user_id, **(about | told | values))


async def job(video: Video, **values: Any) -> Job:
    owner = {"team_id": video.team_id, "video_id": video.id, "created_by_id": video.created_by_id}
    return await Job.create(kind=JobKind.INGEST, queue=Queue.MEDIA, available_at=NEVER, **(owner | values))


async def upload(video: Video, work: Job, **values: Any) -> Upload:
    owner = {"team_id": video.team_id, "video_id": video.id, "created_by_id": video.created_by_id}
    keys = {"version_id": new_id(), "storage_key": "key", "storage_upload_id": "id", "file_name": "cut.mp4"}
    return await Upload.create(job_id=work.id, size=1, part_size=1, expires_at=NEVER, **owner, **keys, **values)
