"""What the differential suite reads: small, the same in every run, and with every oddity that a row can have."""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID, uuid5

from domain.comments import CommentVisibility, ReactionKind
from domain.jobs import JobFault, JobKind, JobState, Queue
from domain.media import IngestStep, Refusal
from domain.notifications import NotificationKind
from domain.permissions import Role, Scope
from domain.uploads import UploadState
from domain.videos import VideoStatus
from domain.viewers import ANONYMOUS, AnyViewer, ScopeViewer, Viewer
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState, PauseReason, WebhookState
from gateways.storage.local import LocalStorage
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
    Mention,
    Notification,
    Reaction,
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
    WebhookDiscard,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
"""What the clock says to whoever reads the world: nothing that is told depends on when it is told."""
LASTING = NOW + timedelta(days=100 * 365)
"""Later than now by the database's own clock, too."""

TEXTS = (
    "Cut", "cut the cake", "100 %", "snake_case", "back\\slash", "it's", 'say "cheese"', "x", "映画", "映画の編集",
    "🎬🍿", "Ünïcödé", "a\nb", "%%", "__", "ß", "İstanbul", "{count}", "$1",
)  # fmt: skip
TAGS = ("red", "blue", "ünï", "映画", "100%", "a_b", "🎬")
TYPES = ("video.edited", "video.deleted", "session.ended", "of.nothing")
"""What entries of audit logs are of."""
FAILURES: tuple[tuple[str, dict[str, Any]], ...] = (
    (Refusal.EMPTY, {}),
    (Refusal.UNKNOWN_CODEC, {"codec": "vp6"}),
    (Refusal.TOO_MANY_PIXELS, {"width": 9000, "height": 9000, "limit": 1}),
    (Refusal.CHECKSUM_MISMATCH, {"expected": "é", "actual": '"'}),
    (JobFault.WORKER_LOST, {"attempts": 5}),
    (JobFault.INTERNAL, {}),
)
TOO_LONG = 2**31
"""More than GraphQL's Int holds: a value that fails when it is shown, where null is not allowed."""
PART_BYTES = 5 * 2**20
ARRIVED = b"the last part"


def an_id(kind: str, number: object) -> UUID:
    """The same in every run, and in no order."""
    return uuid5(UUID(int=7), f"{kind} {number}")


def a_token_hash(name: str) -> str:
    """Of the session of the person `name`."""
    return f"hash of {name}"


class World:
    """Rows in the order in which they can be stored.

    Two teams of one common member; a team without anything; one of strangers. Somebody has made things and left.
    """

    def __init__(self) -> None:
        self.rows: dict[type[Any], list[Any]] = {}
        self.people = {name: self._person(name) for name in ("owner", "admin", "editor", "viewer", "both", "far")}
        self.people |= {name: self._person(name) for name in ("gone", "stranger", "theirs")}
        self._texts = cycle(TEXTS)
        roles = {role.value: role for role in Role}
        self.crew = self._team("Crew", **roles, both=Role.EDITOR)
        self.band = self._team("楽団 🎺", both=Role.OWNER, far=Role.VIEWER)
        self._team("Nothing yet", both=Role.ADMIN)
        others = self._team("Crew", theirs=Role.OWNER)
        self._library(self.crew, 23, ("owner", "gone", "both", "editor"))
        self._library(self.band, 4, ("both", "gone"))
        self._library(others, 5, ("theirs",))
        self.open_upload = self._open_upload(parts=2)
        self.whole_upload = self._open_upload(parts=1)
        self._sessions()
        for team in (self.crew, self.band, others):
            self._log(team)
        self.notification = self._notifications()
        self.webhooks, self.delivery = self._webhooks(self.crew, self.people["owner"])
        self._webhooks(self.band, self.people["gone"])
        self._webhooks(others, self.people["theirs"])
        self.identity = [self._identity(self.people[name]) for name in ("both", "stranger", "owner")][-1]
        self.api_key = [self._keys(self.people[name]) for name in ("both", "stranger", "owner")][-1]
        self._job(state=JobState.QUEUED, kind=JobKind.SIGN_IN_MAIL, queue=Queue.IO)  # of no team

    def viewers(self) -> dict[str, AnyViewer]:
        """Everybody who may ask, by name."""
        names = ("owner", "admin", "editor", "viewer", "both", "stranger")
        people = {name: Viewer(self.people[name].id, an_id("session", name)) for name in names}
        return {**people, "anonymous": ANONYMOUS} | {
            f"scope:{role.value}": ScopeViewer(self.crew.id, role) for role in Role
        }

    async def store(self, storage: LocalStorage) -> None:
        """Into the database that the models are bound to, and the parts of the open uploads into `storage`."""
        for upload, part in ((self.open_upload, 2), (self.whole_upload, 1)):
            upload.storage_upload_id = await storage.start_upload(upload.storage_key)
            sent, size = _sent(ARRIVED), len(ARRIVED)
            await storage.receive_part(upload.storage_key, upload.storage_upload_id, part, size, sent, None)
        for model, rows in self.rows.items():
            await model.bulk_create(rows)

    def _add(self, model: type[Any], **values: Any) -> Any:
        rows = self.rows.setdefault(model, [])
        number = len(rows)
        made_at = NOW - timedelta(days=40) + timedelta(microseconds=number // 3)  # every three at the same moment
        rows.append(model(**({"id": an_id(model.__name__, number), "created_at": made_at} | values)))
        return rows[-1]

    def _person(self, name: str) -> User:
        more = {"locale": "ja", "avatar_key": "users/both.webp", "time_zone": "Asia/Tokyo"} if name == "both" else {}
        return self._add(User, name=name.title(), email=f"{name}@example.com", password_hash="none", **more)

    def _team(self, name: str, **roles: Role) -> Team:
        team = self._add(Team, name=name)
        for person, role in roles.items():
            self._invitation(team, person, role)
            self._add(Member, team_id=team.id, user_id=self.people[person].id, role=role)
        return team

    def _invitation(self, team: Team, person: str, role: Role) -> None:
        """In each of its states in turn."""
        number = len(self.rows.get(Invitation, ()))
        over = {"expires_at": NOW - timedelta(days=1)}
        ends = ({"accepted_at": NOW}, {"declined_at": NOW}, {}, {"revoked_at": NOW}, over)[number % 5]
        sent = {"sent_at": NOW - timedelta(days=8), "expires_at": NOW + timedelta(days=9999)}
        about = {"team_id": team.id, "created_by_id": self.people["gone"].id, "role": role}
        self._add(Invitation, email=f"{person}{number}@example.com", **about, **(sent | ends))

    def _library(self, team: Team, size: int, makers: tuple[str, ...]) -> None:
        for number, maker in zip(range(size), cycle(makers), strict=False):
            self._video(team, self.people[maker], number)

    def _video(self, team: Team, maker: User, number: int) -> None:
        versions, deleted = number % 4, number % 7 == 6
        owner = {"team_id": team.id, "created_by_id": maker.id}
        video = self._add(
            Video, title=next(self._texts), description="" if number % 3 else next(self._texts), **owner,
            tags=list(TAGS[: number % 4]), version_count=versions, updated_at=NOW - timedelta(hours=number),
            status=VideoStatus.READY if versions else VideoStatus.DRAFT,
            deleted_at=NOW - timedelta(days=number) if deleted else None,
        )  # fmt: skip
        about = owner | {"video_id": video.id}
        made = [self._version(about, of + 1) for of in range(versions)]
        for version in made[:2]:
            self._thread(about, version, answers=number % 3)
        for of, state in zip(range(number % 3), cycle(JobState), strict=False):
            self._job(state=list(JobState)[(number + of) % 5] if of else state, **about)
        if number % 5 == 1:
            self._upload(about, list(UploadState)[number % 3])

    def _version(self, about: dict[str, Any], number: int) -> Version:
        silent = number % 2 == 0
        sound = {} if silent else {"audio_codec": "aac", "audio_channels": 2, "audio_sample_rate": 48_000}
        before = self.rows[Version][-1].id if number == 3 else None
        key, long = f"files/{number}/{about['video_id']}", number == 3 and len(self.rows[Video]) % 3 == 0
        return self._add(
            Version, **about, **sound, number=number, restored_from_id=before, change_description="" if silent else "é",
            file_name=f"{next(self._texts)}.mp4", file_key=f"{key}/original", proxy_key=f"{key}/proxy.mp4",
            poster_key=f"{key}/poster.jpg", size=5 * 2**32 + number, sha256="0" * 64, container="mp4",
            duration_ms=TOO_LONG if long else number * 1000, width=320, height=180, rotation=90 * number,
            frame_rate_numerator=30_000, frame_rate_denominator=1001, variable_frame_rate=silent, frame_count=2**40,
            video_codec="h264", bit_rate=4000,
        )  # fmt: skip

    def _thread(self, about: dict[str, Any], version: Version, answers: int) -> None:
        about = about | {"version_id": version.id}
        for number, moment in enumerate((0, 1500, 1500, 10**9)):
            # Of each two threads of a second version, or of a first one's later moments, one is team-only.
            seen = CommentVisibility.TEAM if (number + version.number) % 4 in (2, 3) else CommentVisibility.OPEN
            said = {"body": next(self._texts), "start_ms": moment, "visibility": seen}
            opening = self._add(Comment, **about, **(said | self._course(number)))
            self._beside(opening, number)
            self._picture(opening)
            for author in ("viewer", "gone")[:answers]:
                words = {"body": next(self._texts), "start_ms": moment, "created_by_id": self.people[author].id}
                self._add(Comment, **(about | words), parent_id=opening.id, visibility=seen)

    def _picture(self, comment: Comment) -> None:
        """One that is being made, of every fifth."""
        if len(self.rows[Comment]) % 5 == 0:
            about = {name: getattr(comment, name) for name in ("team_id", "created_by_id", "video_id", "visibility")}
            self._upload(about, UploadState.COMPLETED).comment_id = comment.id

    def _course(self, number: int) -> dict[str, Any]:
        """What has become of a thread: one is resolved, one deleted, one about a range."""
        resolved = {"resolved_at": NOW, "resolved_by_id": self.people["gone"].id}
        drawn = {"version": 1, "items": [{"kind": "text", "at": [0, 1], "text": next(self._texts)}]}
        deleted = {"deleted_at": NOW, "body": "", "deleted_by_id": self.people["owner"].id}
        mentions = [[place, 2, str(self.people[name].id)] for place, name in enumerate(("gone", "theirs", "owner"))]
        return ({"end_ms": 1000, "edited_at": NOW, "mentions": mentions}, resolved, {"drawing": drawn}, deleted)[number]

    def _beside(self, comment: Comment, number: int) -> None:
        """Earlier words, seen or not, reactions, and who is mentioned."""
        owner = {"team_id": comment.team_id, "created_by_id": comment.created_by_id, "comment_id": comment.id}
        words = {"start_ms": number, "visibility": comment.visibility}
        for ended in (None, NOW if number % 2 else None):
            at = {"created_at": NOW} if ended else {}  # those of what was deleted end with it
            self._add(CommentEdit, **owner, **at, **words, body=next(self._texts), withdrawn_at=ended)
        for name, kind in zip(("owner", "gone", "both"), list(ReactionKind)[number:], strict=False):
            about = {"team_id": comment.team_id, "comment_id": comment.id}
            self._add(Reaction, **about, created_by_id=self.people[name].id, kind=kind)
            self._add(Mention, **owner, user_id=self.people[name].id, ended_at=NOW if number % 2 else None)

    def _job(self, *, state: JobState, **values: Any) -> Job:
        number = len(self.rows.get(Job, ()))
        code, params = FAILURES[number % len(FAILURES)] if state is JobState.FAILED else (None, {})
        step = list(IngestStep)[number % 6] if state is JobState.RUNNING else None
        begun = None if state is JobState.QUEUED else NOW - timedelta(hours=2)
        ended = NOW - timedelta(hours=1) if state.ended else None
        nobodys = {"created_by_id": None} if number % 4 == 3 else {}
        base = {"kind": JobKind.INGEST, "queue": Queue.MEDIA, "available_at": NOW, "percent": number % 101}
        base |= {"failure_code": code, "failure_params": params, "step": step, "started_at": begun, "ended_at": ended}
        return self._add(Job, state=state, **(base | values | nobodys))

    def _upload(self, about: dict[str, Any], state: UploadState) -> Upload:
        done = state is UploadState.COMPLETED
        job = self._job(state=JobState.SUCCEEDED, **about) if done else None
        return self._add(
            Upload, **about, state=state, job_id=job.id if job else None, sha256="0" * 64 if done else None,
            version_id=an_id("to come", len(self.rows.get(Upload, ()))), file_name=f"{next(self._texts)}.mov",
            size=PART_BYTES + len(ARRIVED), part_size=PART_BYTES, storage_key=f"files/{about['video_id']}/incoming",
            storage_upload_id="gone", expires_at=NOW + timedelta(hours=1),
        )  # fmt: skip

    def _open_upload(self, *, parts: int) -> Upload:
        """One of which the last part has arrived."""
        video = self.rows[Video][parts]
        about = {"team_id": video.team_id, "created_by_id": video.created_by_id, "video_id": video.id}
        upload = self._upload(about, UploadState.OPEN)
        upload.size = PART_BYTES * (parts - 1) + len(ARRIVED)
        return upload

    def _log(self, team: Team) -> None:
        """Of things that its owners can see, and of one that is none of the schema's."""
        owner = self.people["owner" if team is self.crew else "both" if team is self.band else "theirs"]
        for number, video in enumerate(video for video in self.rows[Video] if video.team_id == team.id):
            named = [f"video:{video.id}", f"user:{owner.id}"] if number % 3 else []
            unknown = [f"heir:{an_id('heir', number)}"] if number % 2 else []
            about = {"subjects": [*named, *unknown], "details": FAILURES[number % 4][1]}
            self._entry(TYPES[number % 2], number, team_id=team.id, actor_id=video.created_by_id, **about)
        for number, person in enumerate(self.people.values()):
            self._entry(TYPES[2], number, actor_id=person.id, details={}, subjects=[f"user:{person.id}"])

    def _entry(self, kind: str, number: int, **values: Any) -> None:
        from_where = {"address": "2001:db8::1", "device": next(self._texts), "request_id": f"request {number}"}
        from_where |= {"api_key_prefix": "vc_12345678"} if number % 3 else {}
        self._add(AuditEntry, type=kind, position=number, **(from_where if number % 2 else {}), **values)

    def _sessions(self) -> None:
        again = {"owner again": self.people["owner"]}
        for name, person in (self.people | again).items():
            values = {"token_hash": a_token_hash(name), "expires_at": LASTING, "user_id": person.id}
            self._add(Session, id=an_id("session", name), **values)

    def _notifications(self) -> Notification:
        """Of whoever said something, the common member and the owner, read and unread; answers one of the owner's."""
        for number, comment in enumerate(self.rows[Comment]):
            kinds = list(NotificationKind)
            people = [str(self.people[name].id) for name in ("viewer", "gone", "stranger")[: number % 3 + 1]]
            about = {"team_id": comment.team_id, "video_id": comment.video_id, "comment_id": comment.id}
            told = {"kind": kinds[number % 2], "people": people[::-1], "count": number % 5 + 1, "position": number}
            reader = (comment.created_by_id, self.people["both"].id, self.people["owner"].id)[number % 3]
            gone = {"comment_id": an_id("gone", number)} if number % 7 == 0 else {}
            told |= {"visibility": comment.visibility}
            self._add(
                Notification, user_id=reader, about_id=comment.id, latest_at=NOW - timedelta(hours=number // 2),
                read_at=NOW if number % 4 == 0 else None, **(told | about | gone),
            )  # fmt: skip
        owner = self.people["owner"].id
        return next(row for row in self.rows[Notification] if row.user_id == owner and row.read_at is None)

    def _webhooks(self, team: Team, maker: User) -> tuple[list[Webhook], WebhookDelivery]:
        """One that is sent things and one that is paused, with what each was sent; answers what the first was not."""
        about = {"team_id": team.id, "created_by_id": maker.id, "edition": 1, "sealed_secret": "x", "updated_at": NOW}
        videos = [video.id for video in self.rows[Video] if video.team_id == team.id]
        paused = {
            "state": WebhookState.PAUSED,
            "pause_reason": PauseReason.GONE,
            "paused_at": NOW,
            "video_id": videos[0],
        }
        made = []
        for number, more in enumerate(({"event_types": ["video.created"], "header_names": ["X-Á"]}, paused)):
            made.append(
                self._add(Webhook, url=f"https://{number}.example/", description=next(self._texts), **about, **more)
            )
            self.rows.setdefault(Lane, []).append(
                Lane(
                    webhook_id=made[-1].id,
                    queue_id=made[-1].id,
                    waiting=1,
                    team_id=team.id,
                    served_at=NOW,
                    delivered=number * 7,
                    failed=number,
                    last_at=NOW,
                )
            )
            for of, state in enumerate(DeliveryState):
                self._delivery(made[-1], state, None if of else videos[number])
            queue_id = an_id("discarded queue", made[-1].id)
            self._add(WebhookDiscard, id=queue_id, team_id=team.id, webhook_id=made[-1].id)
            self._delivery(made[-1], DeliveryState.PENDING, None, queue_id=queue_id)
        deliveries = self.rows[WebhookDelivery]
        return made, next(
            each for each in deliveries if each.webhook_id == made[0].id and each.state is DeliveryState.FAILED
        )

    def _delivery(
        self, webhook: Webhook, state: DeliveryState, video_id: UUID | None, *, queue_id: UUID | None = None
    ) -> None:
        number, failed = len(self.rows.get(WebhookDelivery, ())), state is DeliveryState.FAILED
        went: dict[str, Any] = {"status": 500, "fault": Fault.BAD_STATUS} if failed else {}
        about = {"team_id": webhook.team_id, "webhook_id": webhook.id}
        times = {"due_at": LASTING if state is DeliveryState.PENDING else None, "ended_at": NOW if failed else None}
        event_id, team_id = an_id("event", number), webhook.team_id
        body = self._add(WebhookBody, event_id=event_id, team_id=team_id, edition=1, body=next(self._texts))
        delivery = self._add(
            WebhookDelivery, event_id=event_id, event_type=TYPES[number % 2], position=number,
            state=state, video_id=video_id, body_id=body.id, queue_id=queue_id or webhook.id, is_test=number % 3 == 0,
            attempt_count=number % 3, **about, **went, **times,
        )  # fmt: skip
        for of in range(number % 3):
            self._add(
                WebhookAttempt, delivery_id=delivery.id, number=of + 1, excerpt=next(self._texts), duration_ms=of * 7,
                state=AttemptState.FAILED if failed else AttemptState.SUCCEEDED, **about, **went,
            )  # fmt: skip

    def _identity(self, person: User) -> Identity:
        about = {"issuer": "https://there.example", "subject": person.email, "email": person.email, "used_at": NOW}
        return self._add(Identity, user_id=person.id, provider="there", **about)

    def _keys(self, person: User) -> ApiKey:
        """One of each kind; answers the first, which is good for something."""
        ends: tuple[dict[str, Any], ...] = ({}, {"expires_at": NOW}, {"revoked_at": NOW, "used_at": NOW})
        about = {"user_id": person.id, "name": next(self._texts)}
        made = [
            self._add(
                ApiKey, **about, **end, prefix=f"vc_{number:08}", token_hash=f"key {person.email} {number}",
                scopes=[scope.value for scope in list(Scope)[number:]],
            )
            for number, end in enumerate(ends)
        ]  # fmt: skip
        return made[0]


async def _sent(body: bytes) -> Any:
    yield body
