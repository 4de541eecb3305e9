"""Every root field has an operation in `web/operations`, and every operation runs."""

import base64
from typing import Any

import pytest
from graphql import parse, validate
from strawberry import Schema

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from domain.links import LinkKind
from domain.permissions import Role
from domain.tokens import SIGN_IN_LINK, new_token, token_hash
from local.client import document, operation_names
from models import Job, Session, SignUp, Upload
from models.database import transaction
from resolvers.passwords import hash_password
from schema.root import build_schema
from tests.factories import PASSWORD, Crew, Factory, gid
from tests.pictures import png
from tests.second_factor import RECOVERY, challenge_for, code_of, second_factor

ACTORS = {
    "ConfirmTwoFactor": Role.ADMIN,
    "NewRecoveryCodes": Role.EDITOR,
    "DisableTwoFactor": Role.VIEWER,
    "RequestAccountDeletion": Role.ADMIN,
    "CancelAccountDeletion": Role.ADMIN,
    "SignOut": Role.VIEWER,
}
"""Who asks, where it is not the owner."""


@pytest.fixture(scope="module")
async def schema(models: None) -> Schema:
    return build_schema()


async def test_every_root_field_has_an_operation(schema: Schema) -> None:
    used = set()
    for name in operation_names():
        parsed = parse(document(name))
        assert validate(schema._schema, parsed) == [], name
        operation = next(part for part in parsed.definitions if part.kind == "operation_definition")
        used |= {(operation.operation.value, field.name.value) for field in operation.selection_set.selections}  # type: ignore[attr-defined]
    kinds = {kind: getattr(schema._schema, f"{kind}_type") for kind in ("query", "mutation", "subscription")}
    assert used == {(kind, field) for kind, found in kinds.items() for field in found.fields}


async def test_every_operation_runs(make: Factory) -> None:
    crew = await make.crew()
    variables = await given(make, crew)
    assert sorted(variables) == operation_names()
    for operation, values in variables.items():
        client = crew.everybody()[ACTORS.get(operation, Role.OWNER)].client
        if operation in ("VideoChanged", "JobProgress"):
            continue  # they run in test_live.py
        answer = await client.run(operation, **values)
        assert "errors" not in answer, (operation, answer)
        assert next(iter(answer["data"].values())) is not None, operation
        assert "code" not in next(iter(answer["data"].values())), (operation, answer)


async def given(make: Factory, crew: Crew) -> dict[str, dict[str, Any]]:
    """Variables with which each operation does what it is for, in an order that lets them all."""
    video, deleted = await make.video(crew), await make.video(crew, deleted_at=utc_now())
    version = await make.version(video)
    comment = await make.comment(version)
    user = crew.owner.user
    hashed = await hash_password(PASSWORD, path=())
    for person in crew.everybody().values():
        person.user.password_hash = hashed
        await person.user.save()
    secret = await second_factor(crew.admin.user, confirmed=False)
    app = await second_factor(crew.editor.user)
    await second_factor(crew.viewer.user)
    code = {"challenge": challenge_for(crew.editor.user), "code": code_of(app)}
    other_session = await Session.create(user_id=user.id, token_hash=new_token(), expires_at=utc_now() + SIGN_IN_LINK)
    forgetful, mover = (await make.person()).user, (await make.person()).user
    image = base64.b64encode(png(8, 8)).decode()
    token = new_token()
    until = utc_now() + SIGN_IN_LINK
    address = f"{new_id()}@example.com"
    await SignUp.create(
        email=address,
        name="Eve",
        team_name="E",
        locale="en",
        token_hash=token_hash(token),
        expires_at=until,
    )
    async with transaction():
        job = await Job.enqueue(
            JobKind.INGEST, utc_now(), payload={"upload_id": str(new_id())}, team_id=crew.team.id, video_id=video.id
        )
    begun = [
        (await crew.owner.client.do("StartUpload", input={"videoId": gid(video), "fileName": "a.mp4", "size": 3}))
        for _ in range(2)
    ]
    checksum = await crew.owner.client.put(begun[0]["missing"][0]["url"], b"abc")
    upload, other = (parts["upload"]["id"] for parts in begun)
    assert await Upload.filter(team_id=crew.team.id).count() == 2
    return {
        "Viewer": {},
        "AnyNode": {"id": gid(video)},
        "SignUp": {"input": {"email": address, "name": "Eve"}},
        "ConfirmSignUp": {"token": token, "password": PASSWORD},
        "SignIn": {"input": {"email": user.email, "password": PASSWORD}},
        "SignInWithCode": {"input": code},
        "TwoFactor": {},
        "StartTwoFactor": {"password": PASSWORD},
        "ConfirmTwoFactor": {"code": code_of(secret)},
        "NewRecoveryCodes": {"code": RECOVERY},
        "DisableTwoFactor": {"password": PASSWORD, "code": RECOVERY.upper()},
        "SignOut": {},
        "MySessions": {},
        "CurrentSession": {},
        "RevokeSession": {"id": gid(other_session)},
        "SignOutEverywhere": {"keepCurrent": True},
        "RequestPasswordReset": {"email": forgetful.email},
        "ResetPassword": {
            "input": {"token": await make.link(LinkKind.PASSWORD_RESET, forgetful), "password": "another long one"}
        },
        "RequestEmailChange": {"input": {"newEmail": f"{new_id()}@example.com", "password": PASSWORD}},
        "ConfirmEmailChange": {"token": await make.link(LinkKind.EMAIL_CHANGE_OLD, mover, subject_id=new_id())},
        "ChangePassword": {"input": {"current": PASSWORD, "new": "another long one"}},
        "Profile": {},
        "UpdateProfile": {"input": {"name": "Grace", "timeZone": "Europe/Berlin", "locale": "de"}},
        "SetAvatar": {"input": {"image": image}},
        "RemoveAvatar": {},
        "RequestAccountDeletion": {"password": PASSWORD},
        "CancelAccountDeletion": {},
        "Team": {"id": crew.id},
        "Library": {"teamId": crew.id, "first": 3, "filter": {"text": "cut", "status": "READY"}, "counted": True},
        "Video": {"id": gid(video)},
        "CreateVideo": {"input": {"teamId": crew.id, "title": "New"}},
        "EditVideo": {"input": {"id": gid(video), "tags": ["new"]}},
        "Version": {"id": gid(version)},
        "RestoreVersion": {"id": gid(version), "changeDescription": "as it was"},
        "Comment": {"id": gid(comment)},
        "ReviewRoom": {"versionId": gid(version), "first": 3},
        "AddComment": {"input": {"versionId": gid(version), "body": "Yes", "parentId": gid(comment)}},
        "Upload": {"id": upload},
        "UploadParts": {"id": upload},
        "StartUpload": {"input": {"videoId": gid(video), "fileName": "b.mp4", "size": 3}},
        "CompleteUpload": {"input": {"id": upload, "parts": [{"number": 1, "checksum": checksum}]}},
        "DiscardUpload": {"id": other},
        "AuditLog": {"teamId": crew.id, "first": 3, "filter": {"actorId": crew.owner.id, "types": ["video.edited"]}},
        "Activity": {"first": 3},
        "AuditEntry": {"id": gid(await make.entry(crew))},
        "Job": {"id": gid(job)},
        "CancelJob": {"id": gid(job)},
        "JobProgress": {"id": gid(job)},
        "VideoChanged": {"id": gid(video)},
        "RestoreVideo": {"id": gid(deleted)},
        "DeleteVideo": {"id": gid(video)},
    }
