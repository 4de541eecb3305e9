"""People, teams and videos, straight into the database: how they come about over the wire has tests of its own."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

from domain.api_keys import new_key, shown_of
from domain.clock import utc_now
from domain.frame_tables import packed
from domain.ids import new_id
from domain.links import GOOD_FOR, LinkKind
from domain.notifications import NotificationKind
from domain.permissions import Role, Scope
from domain.tokens import new_token, token_hash
from domain.webhooks.editions import EDITION
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState
from local.client import Client
from models import (
    ApiKey,
    AuditEntry,
    Comment,
    CommentEdit,
    FrameTable,
    Invitation,
    Lane,
    MailedLink,
    Member,
    Notification,
    Session,
    Team,
    User,
    Version,
    Video,
    Webhook,
    WebhookAttempt,
    WebhookBody,
    WebhookDelivery,
    lanes,
)
from plan import encode_id
from resolvers.passwords import hash_password

PASSWORD = "a long enough password"


@dataclass
class Person:
    """Somebody with an open session."""

    user: User
    client: Client

    @property
    def id(self) -> str:
        return encode_id("User", self.user.id)


@dataclass
class Crew:
    """A team with one member of each role."""

    team: Team
    owner: Person
    admin: Person
    editor: Person
    viewer: Person

    @property
    def id(self) -> str:
        return encode_id("Team", self.team.id)

    def everybody(self) -> dict[Role, Person]:
        return {role: getattr(self, role.value) for role in Role}


@dataclass
class Factory:
    url: str
    clients: list[Client] = field(default_factory=list)

    async def person(self, name: str = "Ada") -> Person:
        user = await User.create(name=name, email=f"{new_id()}@example.com", password_hash="none")
        token = new_token()
        await Session.create(user_id=user.id, token_hash=token_hash(token), expires_at=utc_now() + timedelta(days=1))
        return Person(user, self.client(token))

    async def key(self, person: Person, *scopes: Scope, **values: Any) -> Client:
        """A client that shows a fresh API key of the person's, by default one that is good for everything."""
        key = new_key()
        made = {"name": "A key", "prefix": shown_of(key), "scopes": list(scopes or Scope)} | values
        await ApiKey.create(user_id=person.user.id, token_hash=token_hash(key), **made)
        return self.client(key)

    def client(self, token: str | None = None, language: str = "en") -> Client:
        client = Client(self.url, token, language)
        client.http.headers["X-Forwarded-For"] = new_network_address()
        self.clients.append(client)
        return client

    async def member(self, team: Team, role: Role) -> Person:
        person = await self.person(role.value.title())
        await Member.create(team_id=team.id, user_id=person.user.id, role=role)
        return person

    async def crew(self) -> Crew:
        team = await Team.create(name="Crew")
        return Crew(team, **{role.value: await self.member(team, role) for role in Role})

    async def invitation(
        self, crew: Crew, email: str | None = None, role: Role = Role.EDITOR, **values: Any
    ) -> tuple[Invitation, str]:
        """An invitation whose mail has been sent, and the token of its link."""
        now, token = utc_now(), new_token()
        until = now + GOOD_FOR[LinkKind.INVITATION]
        values = {"sent_at": now, "expires_at": until, "created_by_id": crew.owner.user.id} | values
        email = email or f"{new_id()}@example.com"
        made = await Invitation.create(team_id=crew.team.id, email=email, role=role, **values)
        link = {"kind": LinkKind.INVITATION, "email": email, "locale": "en", "expires_at": until}
        await MailedLink.create(**link, subject_id=made.id, token_hash=token_hash(token))
        return made, token

    async def video(self, crew: Crew, **values: Any) -> Video:
        values = {"title": "A cut", "team_id": crew.team.id, "created_by_id": crew.owner.user.id} | values
        return await Video.create(**values)

    async def version(self, video: Video, **values: Any) -> Version:
        number = video.next_version(utc_now())
        await video.save()
        key = f"teams/{video.team_id}/videos/{video.id}/versions/{new_id()}"
        values = {
            "file_name": "cut.mp4", "file_key": f"{key}/original", "proxy_key": f"{key}/1/proxy.mp4",
            "poster_key": f"{key}/1/poster.jpg", "size": 1000, "sha256": "0" * 64, "container": "mp4",
            "duration_ms": 2000, "width": 320, "height": 180, "rotation": 0, "frame_rate_numerator": 25,
            "frame_rate_denominator": 1, "variable_frame_rate": False, "frame_count": 50, "video_codec": "h264",
            "audio_codec": "aac", "audio_channels": 2, "audio_sample_rate": 48000, "bit_rate": 4000,
        } | values  # fmt: skip
        return await Version.create(
            team_id=video.team_id, video_id=video.id, created_by_id=video.created_by_id, number=number, **values
        )

    async def uneven_version(self, video: Video, times: Sequence[int], **values: Any) -> Version:
        """One whose frames begin at these milliseconds."""
        about = {"team_id": video.team_id, "video_id": video.id, "created_by_id": video.created_by_id}
        table = await FrameTable.create(packed=packed(times), **about)
        values = {"variable_frame_rate": True, "frame_count": len(times), "frame_table_id": table.id} | values
        return await self.version(video, **values)

    async def comment(self, version: Version, *, parent: Comment | None = None, **values: Any) -> Comment:
        said = {"body": "Nice", "start_ms": parent.start_ms if parent else 0, "created_by_id": version.created_by_id}
        about = {"team_id": version.team_id, "video_id": version.video_id, "version_id": version.id}
        return await Comment.create(parent=parent, **about, **(said | values))

    async def notification(self, comment: Comment, person: Person, **values: Any) -> Notification:
        """That a comment was made; by somebody else, one hopes."""
        told = {"user_id": person.user.id, "kind": NotificationKind.COMMENT, "about_id": comment.video_id, "count": 1}
        about = {"team_id": comment.team_id, "video_id": comment.video_id, "comment_id": comment.id}
        what = {"people": [str(comment.created_by_id)], "latest_at": utc_now(), "position": 1}
        return await Notification.create(**(told | about | what | values))

    async def edit(self, comment: Comment, **values: Any) -> CommentEdit:
        """What the comment said before."""
        edit = comment.edit({"body": comment.body}, utc_now())
        edit.update_from_dict({"body": "Nice?"} | values)
        await edit.save()
        await comment.save()
        return edit

    async def resolved(self, comment: Comment) -> Comment:
        comment.resolve(comment.created_by_id, utc_now())
        await comment.save()
        return comment

    async def deleted(self, comment: Comment) -> Comment:
        """Deleted just now by its author, without answers."""
        words = comment.delete_softly(answered=False, by=comment.created_by_id, now=utc_now())
        await words.save()
        await comment.save()
        return comment

    async def entry(self, crew: Crew, **values: Any) -> AuditEntry:
        values = {"actor_id": crew.owner.user.id, "type": "video.edited", "subjects": [], "details": {}} | values
        return await AuditEntry.create(**({"team_id": crew.team.id, "position": 0} | values))

    async def webhook(self, crew: Crew, **values: Any) -> Webhook:
        """One that leads nowhere, with its lane; it is told of nothing of what happens by itself."""
        values = {
            "url": "https://receiver.invalid.example/hook", "edition": EDITION, "event_types": ["payment.failed"],
            "sealed_secret": "", "team_id": crew.team.id, "created_by_id": crew.owner.user.id, "hears_from": 0,
        } | values  # fmt: skip
        webhook = await Webhook.create(**values)
        await Lane.of(webhook.id, crew.team.id, utc_now()).save(force_create=True)
        return webhook

    async def delivery(self, webhook: Webhook, **values: Any) -> WebhookDelivery:
        """One that was given up, with what was sent: `{}`, of an event of its own."""
        now, team_id = utc_now(), webhook.team_id
        event_id, created_at = values.get("event_id", new_id()), values.get("created_at", now)
        made = {"created_at": created_at, "team_id": team_id, "event_id": event_id}
        body = await WebhookBody.create(edition=webhook.edition, body="{}", **made)
        values = {
            "webhook_id": webhook.id, "position": 1, "event_type": "payment.failed", "body_id": body.id,
            "queue_id": webhook.id, "state": DeliveryState.FAILED, "ended_at": now, "attempt_count": 1,
        } | made | values  # fmt: skip
        if values["state"] is DeliveryState.PENDING:
            await lanes.fill({webhook.id: 1}, (), now)
        return await WebhookDelivery.create(**values)

    async def attempt(self, delivery: WebhookDelivery, **values: Any) -> WebhookAttempt:
        """One that was in vain."""
        of = {"team_id": delivery.team_id, "webhook_id": delivery.webhook_id, "delivery_id": delivery.id}
        went = {"number": 1, "state": AttemptState.FAILED, "status": 500, "fault": Fault.BAD_STATUS, "duration_ms": 20}
        return await WebhookAttempt.create(**(of | went | values))

    async def secured(self, person: Person, password: str = PASSWORD) -> Person:
        """The same person, with a password that they know."""
        person.user.password_hash = await hash_password(password, path=())
        await person.user.save(update_fields=["password_hash"])
        return person

    async def session(self, person: Person, **values: Any) -> Person:
        """The same person, signed in once more."""
        token = new_token()
        values = {"expires_at": utc_now() + timedelta(days=1)} | values
        await Session.create(user_id=person.user.id, token_hash=token_hash(token), **values)
        return Person(person.user, self.client(token))

    async def link(self, kind: LinkKind, user: User, **values: Any) -> str:
        """A link that has been mailed to somebody; its token."""
        token = new_token()
        about = {"kind": kind, "email": user.email, "locale": "en", "user_id": user.id, "token_hash": token_hash(token)}
        await MailedLink.create(**(about | {"expires_at": utc_now() + timedelta(hours=1)} | values))
        return token

    async def close(self) -> None:
        for client in self.clients:
            await client.http.aclose()


def new_network_address() -> str:
    """Of somebody who is on a line of their own, as a proxy would say it: what strangers do is counted by address."""
    return str(IPv4Address(0x0A000000 | secrets.randbits(24)))


def gid(row: Any) -> str:
    """The global id of a row."""
    return encode_id(type(row).__name__, row.id)


def uuid_in(global_id: str) -> UUID:
    """The row's id in a global id."""
    from plan import decode_id

    return decode_id(global_id)[1]
