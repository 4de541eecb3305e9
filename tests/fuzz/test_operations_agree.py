"""Every committed operation does what it is for, by the plan and plainly, with the same answer."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pyotp import random_base32

from domain.links import LinkKind
from domain.permissions import Role
from domain.tokens import new_token, token_hash
from live.message import Message
from local.client import document, operation_names
from models import (
    AuditEntry,
    Comment,
    Invitation,
    Job,
    MailedLink,
    Member,
    SignUp,
    TwoFactor,
    User,
    Version,
    Video,
    WebhookAttempt,
)
from plan import encode_id
from plan.requests import Request
from resolvers.passwords import hash_password
from resolvers.signing_in import SEALED_FOR
from tests.factories import PASSWORD, gid
from tests.fuzz.cases import Case
from tests.fuzz.check import require_sound
from tests.fuzz.documents import Document
from tests.fuzz.stages import Twins
from tests.fuzz.world import ARRIVED, NOW, World, an_id
from tests.operations import ASKED_BY, Things, variables
from tests.pictures import png
from tests.second_factor import KEYS, challenge_for, code_of

TOKEN, LINK, UNWANTED = new_token(), new_token(), new_token()
NEWCOMER = "new@example.com"
"""Who confirms a sign-up: the answer is read as they, whoever asked."""
RESET, CHANGE = LinkKind.PASSWORD_RESET, LinkKind.EMAIL_CHANGE_OLD
APP = random_base32()
"""The secret of whose app is asked for a code."""
PEOPLE = {Role.OWNER: "owner", Role.ADMIN: "admin", Role.EDITOR: "both", Role.VIEWER: "both"}
"""Who of the world asks for whom."""
SECRET = {"token", "url", "deviceToken", "secret", "uri", "codes", "key", "prefix"}
"""Members of answers that are another each time."""


async def test_every_committed_operation_agrees(twins: Twins, world: World) -> None:
    hashed = await hash_password(PASSWORD, path=())

    async def write() -> None:
        await User.filter(id=world.people["owner"].id).update(password_hash=hashed)
        wish = {"email": NEWCOMER, "name": "Owner", "team_name": "E", "locale": "en"}
        await SignUp.create(**wish, token_hash=token_hash(TOKEN), expires_at=NOW + timedelta(hours=1))
        for name, confirmed_at in (("both", NOW), ("admin", None)):
            user_id = world.people[name].id
            await User.filter(id=user_id).update(password_hash=hashed)
            sealed = KEYS.seal(SEALED_FOR, APP, of=str(user_id))
            await TwoFactor.create(user_id=user_id, sealed_secret=sealed, confirmed_at=confirmed_at)
        for kind, token, name in ((RESET, "reset", "gone"), (CHANGE, "change", "theirs")):
            person = world.people[name]
            about = {"kind": kind, "email": person.email, "locale": "en", "user_id": person.id, "subject_id": person.id}
            await MailedLink.create(**about, token_hash=token_hash(token), expires_at=NOW + timedelta(hours=1))
        # So that the owner may edit it.
        await Comment.filter(id=thread(world, open_now=True).id).update(created_by_id=world.people["owner"].id)
        # So that the owner may go.
        await Member.filter(team_id=world.crew.id, user_id=world.people["both"].id).update(role=Role.OWNER)
        for place, (token, invitation) in enumerate(zip((LINK, UNWANTED), invitations_elsewhere(world), strict=True)):
            about = {"email": "owner@example.com", "expires_at": NOW + timedelta(hours=1)}
            open_again = dict.fromkeys(("accepted_at", "declined_at", "revoked_at"))
            await Invitation.filter(id=invitation.id).update(**about, **open_again)
            about |= {"kind": LinkKind.INVITATION, "locale": "en", "token_hash": token_hash(token)}
            await MailedLink.create(id=an_id("link", place), subject_id=invitation.id, **about)

    await twins.prepare(write)
    world.people["both"].password_hash = hashed
    operations = variables(things(world))
    assert sorted(operations) == operation_names()
    for name, values in operations.items():
        request = Request(document(name), name, values)
        actor = PEOPLE[ASKED_BY.get(name, Role.OWNER)]
        answers = [_without_secrets(a) for a in await twins.answers(actor, request, event(world, name))]
        case = Case(actor, Document(request.query, name, values))
        visible = await twins.planned.visible_to(actor)
        with twins.planned.database:
            visible["User"] |= set(await User.filter(email=NEWCOMER).values_list("id", flat=True))
        require_sound(case, answers, visible, twins.planned.complaints)
        _require_success(name, answers[0])


def things(world: World) -> Things:
    """What the world has for the operations."""
    videos = world.rows[Video]
    video = next(video for video in videos if video.version_count == 3 and not video.deleted_at)
    remark = thread(world, open_now=True)
    jobs = (job for job in world.rows[Job] if job.team_id == world.crew.id and not job.state.ended)
    people = {row.user_id: row for row in world.rows[Member] if row.team_id == world.crew.id}
    admin, editor, viewer = (gid(people[world.people[name].id]) for name in ("admin", "editor", "viewer"))
    asked = next(row for row in world.rows[Invitation] if row.team_id == world.crew.id and is_pending(row))
    return Things(
        team=gid(world.crew),
        video=gid(video),
        deleted_video=gid(next(video for video in videos if video.deleted_at)),
        version=encode_id("Version", remark.version_id),
        comment=gid(remark),
        resolved_comment=gid(thread(world, open_now=False)),
        deleted_comment=gid(deleted_thread(world)),
        job=gid(next(jobs)),
        upload=gid(world.open_upload),
        whole_upload=gid(world.whole_upload),
        checksum=hashlib.md5(ARRIVED).hexdigest(),
        api_key=gid(world.api_key),
        identity=gid(world.identity),
        email="owner@example.com",
        password=PASSWORD,
        new_email=NEWCOMER,
        sign_up_token=TOKEN,
        session=encode_id("Session", an_id("session", "owner again")),
        forgetful_email="owner@example.com",
        reset_token="reset",
        change_token="change",
        picture=base64.b64encode(png(3, 2)).decode(),
        audit_entry=gid(next(entry for entry in world.rows[AuditEntry] if entry.team_id == world.crew.id)),
        challenge=challenge_for(world.people["both"], NOW),
        code=code_of(APP, steps=-1, at=NOW),
        confirming_code=code_of(APP, at=NOW),
        renewing_code=code_of(APP, at=NOW),
        disabling_code=code_of(APP, steps=1, at=NOW),
        admin_member=admin,
        editor_member=editor,
        viewer_member=viewer,
        invitation=gid(asked),
        invitation_token=LINK,
        unwanted_token=UNWANTED,
        notification=gid(world.notification),
        webhook=gid(world.webhooks[0]),
        paused_webhook=gid(world.webhooks[1]),
        delivery=gid(world.delivery),
    )


def thread(world: World, *, open_now: bool) -> Comment:
    """One of the team's, open or resolved."""
    opening = (row for row in commented(world) if row.parent_id is None and row.deleted_at is None)
    return next(row for row in opening if (row.resolved_at is None) is open_now)


def deleted_thread(world: World) -> Comment:
    """One of the team's that can be brought back."""
    return next(row for row in commented(world) if row.deleted_at)


def commented(world: World) -> Iterator[Comment]:
    """The team's comments, but those on what is in the trash."""
    live = {video.id for video in world.rows[Video] if video.team_id == world.crew.id and not video.deleted_at}
    return (row for row in world.rows[Comment] if row.video_id in live)


def is_pending(invitation: Invitation) -> bool:
    return invitation.is_open and invitation.expires_at > NOW


def invitations_elsewhere(world: World) -> list[Invitation]:
    """One into each of two teams that the owner is not in."""
    of_teams = {row.team_id: row for row in world.rows[Invitation] if row.team_id != world.crew.id}
    return list(of_teams.values())[:2]


def event(world: World, operation: str) -> Message | None:
    """What the subscriptions tell of; None for other operations."""
    if operation == "VideoChanged":
        version = world.rows[Version][0]
        about = {"video_id": str(version.video_id), "version_id": str(version.id)}
        body = {"type": "version.created", "payload": about, "actor_id": str(world.people["owner"].id)}
        return Message(body | {"created_at": NOW.isoformat()}, 1, "event")
    if operation == "NotificationChanges":
        about = {"notification_id": str(world.notification.id), "notified_id": str(world.people["owner"].id)}
        body = {"type": "notification.raised", "payload": about, "actor_id": None, "created_at": NOW.isoformat()}
        return Message(body, 1, "event")
    if operation == "CommentEvents":
        comment = world.rows[Comment][0]
        about = {"video_id": str(comment.video_id), "comment_id": str(comment.id)}
        body = {"type": "comment.edited", "payload": about, "actor_id": str(world.people["owner"].id)}
        return Message(body | {"created_at": NOW.isoformat()}, 1, "event")
    if operation == "TeamActivity":
        version, member = world.rows[Version][0], world.rows[Member][0]
        about = {"video_id": str(version.video_id), "version_id": str(version.id), "user_id": str(member.user_id)}
        body = {"type": "version.created", "payload": about, "actor_id": str(world.people["owner"].id)}
        return Message(body | {"created_at": NOW.isoformat(), "team_id": str(world.crew.id)}, 1, "event")
    if operation == "Presence":
        where = {"version": str(world.rows[Version][0].id), "ms": 7, "activity": "typing"}
        people = [[str(world.people[name].id), said] for name, said in (("owner", where), ("viewer", None))]
        return Message({"count": 2, "people": people})
    if operation == "FollowWebhookDeliveries":
        return Message({"type": "webhook.attempted", "attempt_id": str(world.rows[WebhookAttempt][0].id)})
    if operation == "JobProgress":
        return Message({"state": "running", "step": "PROBE", "percent": 7})
    return None


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: None if name in SECRET else _without_secrets(item) for name, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _require_success(operation: str, answer: dict[str, Any]) -> None:
    assert "errors" not in answer, (operation, answer)
    (value,) = answer["data"].values()
    assert value is not None, operation
    assert "message" not in value, (operation, value)
