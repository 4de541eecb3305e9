"""A team with something of everything in it, for the suites that walk over all operations or all types."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import schema.root  # noqa: F401 - declares the types
from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from domain.links import LinkKind
from domain.permissions import Role, Scope
from domain.pictures import image_key
from domain.tokens import SIGN_IN_LINK, new_token, token_hash
from domain.webhooks.states import WebhookState
from models import ApiKey, Identity, Job, Member, Session, SignUp, User
from models.database import transaction
from plan.nodes import NODES
from resolvers.passwords import hash_password
from tests.factories import PASSWORD, Crew, Factory, gid
from tests.operations import Things, variables
from tests.pictures import png
from tests.second_factor import RECOVERY, challenge_for, code_of, second_factor


@dataclass(frozen=True)
class Furnished:
    """A crew, an id of each declared type, and variables for each operation, as `tests/operations.py` says.

    Everybody's password is PASSWORD.
    """

    crew: Crew
    ids: dict[str, str]
    variables: dict[str, dict[str, Any]]


async def furnished(make: Factory) -> Furnished:
    """A team of its own each time."""
    crew = await make.crew()
    video, deleted = await make.video(crew), await make.video(crew, deleted_at=utc_now())
    version = await make.version(video)
    image = {"image_key": image_key(f"comments/{new_id()}/", 1), "image_width": 3, "image_height": 2}
    comment, resolved, deleted_comment = [await make.comment(version, **of) for of in (image, {}, {})]
    edit = await make.edit(comment)
    await make.resolved(resolved)
    await make.deleted(deleted_comment)
    job = await _job(crew, video.id)
    upload, (whole, checksum) = await _upload(crew, gid(video)), await _whole_upload(crew, gid(video))
    await make.key(crew.owner)
    key = await ApiKey.get(user_id=crew.owner.user.id)
    identity = await Identity.create(
        user_id=crew.owner.user.id, provider="there", issuer="https://there.example", subject=str(new_id()),
        used_at=utc_now(),
    )  # fmt: skip
    everybody = [person.user.id for person in crew.everybody().values()]
    await User.filter(id__in=everybody).update(password_hash=await hash_password(PASSWORD, path=()))
    new_email, token = await _sign_up()
    admin, editor, viewer = (getattr(crew, role.value).user for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER))
    for user in (admin, editor, viewer):
        await user.refresh_from_db(["password_hash"])
    unconfirmed, app = await second_factor(admin, confirmed=False), await second_factor(editor)
    await second_factor(viewer)
    other_session = await Session.create(
        user_id=crew.owner.user.id, token_hash=new_token(), expires_at=utc_now() + SIGN_IN_LINK
    )
    forgetful, mover = (await make.person()).user, (await make.person()).user
    entry = await make.entry(crew, subjects=[f"video:{video.id}"])
    notification = await make.notification(comment, crew.owner)
    members = {member.role: member for member in await Member.filter(team_id=crew.team.id)}
    (asked, _), (_, invitation), (_, unwanted) = (
        await make.invitation(crew),
        await make.invitation(await make.crew(), crew.owner.user.email),
        await make.invitation(await make.crew(), crew.owner.user.email),
    )
    # Made by another program of the owner's: what they have made by hand is nothing to their keys.
    program = await ApiKey.create(
        user_id=crew.owner.user.id, token_hash=new_token(), name="A program", prefix="vc_", scopes=list(Scope)
    )
    webhook = await make.webhook(crew, api_key_id=program.id)
    paused = await make.webhook(crew, api_key_id=program.id, state=WebhookState.PAUSED)
    delivery, _another = await make.delivery(webhook), await make.delivery(webhook)
    rows = (
        crew.team,
        members[Role.OWNER],
        crew.owner.user,
        asked,
        video,
        version,
        comment,
        edit,
        job,
        key,
        identity,
        other_session,
        entry,
        notification,
        webhook,
        delivery,
        await make.attempt(delivery),
    )
    ids = {type(row).__name__: gid(row) for row in rows} | {"Upload": upload}
    assert ids.keys() == NODES.keys(), "a new type wants something of its own in `furnished`"
    things = Things(
        team=gid(crew.team),
        video=gid(video),
        deleted_video=gid(deleted),
        version=gid(version),
        comment=gid(comment),
        resolved_comment=gid(resolved),
        deleted_comment=gid(deleted_comment),
        job=gid(job),
        upload=upload,
        whole_upload=whole,
        checksum=checksum,
        api_key=gid(key),
        identity=gid(identity),
        email=crew.owner.user.email,
        password=PASSWORD,
        new_email=new_email,
        sign_up_token=token,
        session=gid(other_session),
        forgetful_email=forgetful.email,
        reset_token=await make.link(LinkKind.PASSWORD_RESET, forgetful),
        change_token=await make.link(LinkKind.EMAIL_CHANGE_OLD, mover, subject_id=new_id()),
        picture=base64.b64encode(png(8, 8)).decode(),
        audit_entry=gid(entry),
        admin_member=gid(members[Role.ADMIN]),
        editor_member=gid(members[Role.EDITOR]),
        viewer_member=gid(members[Role.VIEWER]),
        invitation=gid(asked),
        invitation_token=invitation,
        unwanted_token=unwanted,
        notification=gid(notification),
        webhook=gid(webhook),
        paused_webhook=gid(paused),
        delivery=gid(delivery),
        challenge=challenge_for(editor),
        code=code_of(app),
        confirming_code=code_of(unconfirmed),
        renewing_code=RECOVERY,
        disabling_code=RECOVERY.upper(),
    )
    return Furnished(crew, ids, variables(things))


async def _job(crew: Crew, video_id: Any) -> Job:
    """Of an upload that never was: no worker shall begin with it."""
    payload, tomorrow = {"upload_id": str(new_id())}, utc_now() + timedelta(days=1)
    async with transaction():
        return await Job.enqueue(JobKind.INGEST, tomorrow, payload=payload, team_id=crew.team.id, video_id=video_id)


async def _upload(crew: Crew, video: str) -> str:
    begun = await crew.editor.client.do("StartUpload", input={"videoId": video, "fileName": "a.mp4", "size": 3})
    return begun["upload"]["id"]


async def _whole_upload(crew: Crew, video: str) -> tuple[str, str]:
    client = crew.editor.client
    begun = await client.do("StartUpload", input={"videoId": video, "fileName": "a.mp4", "size": 3})
    return begun["upload"]["id"], await client.put(begun["missing"][0]["url"], b"abc")


async def _sign_up() -> tuple[str, str]:
    address, token = f"{new_id()}@example.com", new_token()
    wish = {"name": "Eve", "team_name": "E", "locale": "en"}
    await SignUp.create(email=address, token_hash=token_hash(token), expires_at=utc_now() + SIGN_IN_LINK, **wish)
    return address, token
