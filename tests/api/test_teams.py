"""Teams over the wire: who may do what to a team and to its members."""

from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from i18n import translate
from local.client import Client
from models import EventRecord, Member, Session, Team, Video
from plan import encode_id
from tests.factories import Crew, Factory, gid, uuid_in
from tests.studio import Studio
from tests.waiting import until

OWNER, ADMIN, EDITOR, VIEWER = Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER


async def told(asking: Client, operation: str, **variables: Any) -> Any:
    """The value of the operation's root field, be it a problem."""
    answer = await asking.run(operation, **variables)
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


async def kind(asking: Client, operation: str, **variables: Any) -> str:
    return str((await told(asking, operation, **variables))["__typename"])


async def place(crew: Crew, role: Role) -> str:
    """The id of the membership that the crew's one member of this role began with."""
    return gid(await Member.get(team_id=crew.team.id, user_id=crew.everybody()[role].user.id))


async def roles(crew: Crew) -> dict[str, Role]:
    return {gid(member): member.role for member in await Member.filter(team_id=crew.team.id)}


async def events(crew: Crew) -> list[EventRecord]:
    return await EventRecord.filter(team_id=crew.team.id).order_by("id")


async def test_who_makes_a_team_owns_it(make: Factory) -> None:
    person = await make.person()
    team = await person.client.do("CreateTeam", input={"name": "  Engines  of  all kinds "})
    assert (team["name"], team["deletionAt"]) == ("Engines of all kinds", None)
    assert [(node["role"], node["user"]["id"]) for node in team["members"]["nodes"]] == [("OWNER", person.id)]
    (event,) = await EventRecord.filter(team_id=uuid_in(team["id"]))
    assert (event.type, event.actor_id) == ("team.created", person.user.id)
    assert event.payload == {"user_id": str(person.user.id), "name": "Engines of all kinds"}


async def test_nobody_makes_no_team(make: Factory) -> None:
    assert await kind(make.client(), "CreateTeam", input={"name": "Engines"}) == "Unauthenticated"


async def test_who_deletes_and_restores_without_end_has_to_wait(make: Factory) -> None:
    """All owners are told by mail each time."""
    crew = await make.crew()
    for _ in range(30):
        assert await kind(crew.owner.client, "DeleteTeam", id=crew.id) == "Team"
        assert await kind(crew.owner.client, "RestoreTeam", id=crew.id) == "Team"
    assert await kind(crew.owner.client, "DeleteTeam", id=crew.id) == "Throttled"


@pytest.mark.parametrize("name", ["", " \u2003", "x" * 101, "a\0b"])
async def test_what_makes_no_name_of_a_team(make: Factory, name: str) -> None:
    crew = await make.crew()
    for operation, more in (("CreateTeam", {}), ("RenameTeam", {"id": crew.id})):
        problem = await told(crew.owner.client, operation, input={"name": name, **more})
        assert (problem["__typename"], problem["path"]) == ("Invalid", ["input", "name"])


async def test_renaming_is_told_once(make: Factory) -> None:
    crew = await make.crew()
    for _ in range(2):
        renamed = await crew.admin.client.do("RenameTeam", input={"id": crew.id, "name": "Band"})
        assert renamed["name"] == "Band"
    (event,) = await events(crew)
    assert (event.type, event.payload) == ("team.renamed", {"name": "Band", "former_name": "Crew"})


async def test_switching_is_of_one_session_alone(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    await Member.create(team_id=crew.team.id, user_id=person.user.id, role=VIEWER)
    elsewhere = await Session.create(user_id=person.user.id, token_hash=str(new_id()), expires_at=utc_now())
    assert (await person.client.do("SwitchTeam", id=crew.id))["id"] == crew.id
    sessions = {session.id: session.team_id for session in await Session.filter(user_id=person.user.id)}
    assert sessions.pop(elsewhere.id) is None
    assert list(sessions.values()) == [crew.team.id]
    event = await EventRecord.get(actor_id=person.user.id)
    assert (event.type, event.team_id) == ("session.switched", None)
    assert await kind(person.client, "SwitchTeam", id=(await make.crew()).id) == "NotFound"


@pytest.mark.parametrize("own", Role)
async def test_what_each_role_may_make_of_each_other(make: Factory, own: Role) -> None:
    """Every role tries to give every role to every member; the rule is written here a second time."""
    for target in Role:
        for role in Role:
            crew = await make.crew()
            other = await Member.create(team_id=crew.team.id, user_id=(await make.person()).user.id, role=target)
            answer = await kind(
                crew.everybody()[own].client, "ChangeRole", input={"memberId": gid(other), "role": role.name}
            )
            may = own is OWNER or (own is ADMIN and OWNER not in (target, role))
            assert answer == ("Member" if may else "Forbidden"), (own, target, role)
            await other.refresh_from_db()
            assert other.role is (role if may else target)


@pytest.mark.parametrize("own", Role)
async def test_whom_each_role_may_remove(make: Factory, own: Role) -> None:
    for target in Role:
        crew = await make.crew()
        other = await Member.create(team_id=crew.team.id, user_id=(await make.person()).user.id, role=target)
        answer = await kind(crew.everybody()[own].client, "RemoveMember", memberId=gid(other))
        may = own is OWNER or (own is ADMIN and target is not OWNER)
        assert answer == ("Team" if may else "Forbidden"), (own, target)
        assert await Member.exists(id=other.id) is not may


async def test_a_change_of_role_says_who_from_what_to_what(make: Factory) -> None:
    crew = await make.crew()
    asked = {"memberId": await place(crew, EDITOR), "role": "ADMIN"}
    changed = await crew.owner.client.do("ChangeRole", input=asked)
    assert (changed["role"], changed["user"]["id"]) == ("ADMIN", crew.editor.id)
    await crew.owner.client.do("ChangeRole", input=asked)  # it is so already: nothing happens
    (event,) = await events(crew)
    assert event.type == "member.role_changed"
    assert event.event().revokes
    assert event.payload == {
        "member_id": str(uuid_in(asked["memberId"])),
        "user_id": str(crew.editor.user.id),
        "role": "admin",
        "former_role": "editor",
    }


async def test_an_admin_may_step_down_and_not_up(make: Factory) -> None:
    crew = await make.crew()
    own = await place(crew, ADMIN)
    assert await kind(crew.admin.client, "ChangeRole", input={"memberId": own, "role": "OWNER"}) == "Forbidden"
    assert await kind(crew.admin.client, "ChangeRole", input={"memberId": own, "role": "VIEWER"}) == "Member"
    assert await kind(crew.admin.client, "ChangeRole", input={"memberId": own, "role": "ADMIN"}) == "Forbidden"


async def test_who_was_removed_is_out_at_once_and_works_nowhere(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    await crew.editor.client.do("SwitchTeam", id=crew.id)
    member = await place(crew, EDITOR)
    team = await crew.admin.client.do("RemoveMember", memberId=member)
    assert member not in [node["id"] for node in team["members"]["nodes"]]
    assert await crew.editor.client.do("Team", id=crew.id) is None
    assert await kind(crew.editor.client, "EditVideo", input={"id": gid(video), "title": "Mine"}) == "NotFound"
    assert (await Session.get(user_id=crew.editor.user.id)).team_id is None
    event = await EventRecord.get(team_id=crew.team.id, type="member.removed")
    assert event.event().revokes
    assert (event.actor_id, event.payload["user_id"]) == (crew.admin.user.id, str(crew.editor.user.id))
    assert await kind(crew.admin.client, "RemoveMember", memberId=member) == "NotFound"


async def test_nobody_removes_themselves(make: Factory) -> None:
    crew = await make.crew()
    problem = await told(crew.admin.client, "RemoveMember", memberId=await place(crew, ADMIN))
    assert (problem["__typename"], problem["path"]) == ("Invalid", ["memberId"])
    assert problem["message"] == "You cannot remove yourself. Leave the team instead."


@pytest.mark.parametrize("role", [ADMIN, EDITOR, VIEWER])
async def test_everybody_but_the_last_owner_may_leave(make: Factory, role: Role) -> None:
    crew = await make.crew()
    member = crew.everybody()[role]
    assert await member.client.do("LeaveTeam", id=crew.id) == {"__typename": "TeamLeft", "left": True}
    assert await member.client.do("Team", id=crew.id) is None
    assert await kind(member.client, "LeaveTeam", id=crew.id) == "NotFound"
    event = await EventRecord.get(team_id=crew.team.id, type="member.left")
    assert (event.payload["user_id"], event.payload["role"]) == (str(member.user.id), role.value)
    assert event.event().revokes


async def test_the_last_owner_can_neither_leave_nor_step_down(make: Factory) -> None:
    crew = await make.crew()
    owner, own = crew.owner.client, await place(crew, OWNER)
    before = await roles(crew)
    assert await kind(owner, "LeaveTeam", id=crew.id) == "Conflict"
    for role in (ADMIN, EDITOR, VIEWER):
        assert await kind(owner, "ChangeRole", input={"memberId": own, "role": role.name}) == "Conflict"
    assert await kind(owner, "RemoveMember", memberId=own) == "Invalid"
    assert await roles(crew) == before
    assert await events(crew) == []
    await make.member(crew.team, OWNER)
    assert await kind(owner, "LeaveTeam", id=crew.id) == "TeamLeft"


async def test_an_owner_of_two_teams_is_the_last_of_one(make: Factory) -> None:
    """Owners are counted in the team that is left, and no other."""
    crew, other = await make.crew(), await make.crew()
    await Member.create(team_id=other.team.id, user_id=crew.owner.user.id, role=OWNER)
    assert await kind(crew.owner.client, "LeaveTeam", id=crew.id) == "Conflict"
    assert await kind(crew.owner.client, "LeaveTeam", id=other.id) == "TeamLeft"


async def test_ownership_goes_to_another(make: Factory) -> None:
    crew = await make.crew()
    heir = await place(crew, VIEWER)
    team = await crew.owner.client.do("TransferOwnership", memberId=heir)
    found = {node["user"]["id"]: node["role"] for node in team["members"]["nodes"]}
    assert (found[crew.viewer.id], found[crew.owner.id]) == ("OWNER", "ADMIN")
    (event,) = await events(crew)
    assert event.type == "ownership.transferred"
    assert event.event().revokes
    assert event.payload == {
        "member_id": str(uuid_in(heir)),
        "user_id": str(crew.owner.user.id),
        "heir_id": str(crew.viewer.user.id),
        "former_role": "viewer",
    }
    assert await kind(crew.owner.client, "TransferOwnership", memberId=heir) == "Forbidden"
    assert await kind(crew.viewer.client, "DeleteTeam", id=crew.id) == "Team"


async def test_ownership_goes_to_nobody_outside_and_not_to_oneself(make: Factory) -> None:
    crew, other = await make.crew(), await make.crew()
    owner = crew.owner.client
    assert await kind(owner, "TransferOwnership", memberId=await place(other, ADMIN)) == "NotFound"
    assert await kind(owner, "TransferOwnership", memberId=await place(crew, OWNER)) == "Invalid"
    assert await kind(crew.admin.client, "TransferOwnership", memberId=await place(crew, ADMIN)) == "Forbidden"


async def test_members_of_other_teams_are_out_of_reach(make: Factory) -> None:
    """Also for who owns another team, and for who is in both with different roles."""
    crew, other = await make.crew(), await make.crew()
    await Member.create(team_id=other.team.id, user_id=crew.owner.user.id, role=VIEWER)
    theirs, strange = await place(other, EDITOR), await place(await make.crew(), EDITOR)
    for member, answer in ((theirs, "Forbidden"), (strange, "NotFound"), (encode_id("Member", new_id()), "NotFound")):
        assert await kind(crew.owner.client, "ChangeRole", input={"memberId": member, "role": "VIEWER"}) == answer
        assert await kind(crew.owner.client, "RemoveMember", memberId=member) == answer
        assert await kind(crew.owner.client, "TransferOwnership", memberId=member) == answer
    assert await kind(crew.owner.client, "RemoveMember", memberId=crew.id) == "NotFound"
    assert await kind(crew.owner.client, "RemoveMember", memberId="nonsense") == "Invalid"
    assert (await roles(other))[theirs] is EDITOR


async def mails_to(studio: Studio, email: str) -> list[Any]:
    texts = [text for file in studio.mailbox.glob("*.eml") if email.encode() in (text := file.read_bytes())]
    return [message_from_bytes(text, policy=policy.default) for text in texts]


async def test_deletion_waits_and_is_told_to_every_owner(make: Factory, studio: Studio) -> None:
    crew = await make.crew()
    second = await make.member(crew.team, OWNER)
    await second.user.filter(id=second.user.id).update(locale="de")
    for role in (ADMIN, EDITOR, VIEWER):
        assert await kind(crew.everybody()[role].client, "DeleteTeam", id=crew.id) == "Forbidden"
    team = await crew.owner.client.do("DeleteTeam", id=crew.id)
    row = await Team.get(id=crew.team.id)
    assert row.deletion_at is not None
    assert timedelta(days=14) - (row.deletion_at - utc_now()) < timedelta(minutes=1)
    assert team["deletionAt"] is not None
    assert (await crew.viewer.client.do("Team", id=crew.id))["name"] == "Crew"
    for person, locale in ((crew.owner, "en"), (second, "de")):
        subject = translate(locale, "mail.team_deletion.subject", team="Crew")

        async def has_come(person: Any = person, subject: str = subject) -> bool:
            return [mail["Subject"] for mail in await mails_to(studio, person.user.email)] == [subject]

        await until(has_come, 30)
    assert await mails_to(studio, crew.admin.user.email) == []
    event = await EventRecord.get(team_id=crew.team.id, type="team.deletion_requested")
    assert event.event().revokes


async def test_nothing_changes_in_a_team_that_waits_for_its_deletion(make: Factory) -> None:
    crew = await make.crew()
    video, invitation = await make.video(crew), gid((await make.invitation(crew))[0])
    version = await make.version(video)
    await Team.filter(id=crew.team.id).update(deletion_at=utc_now() + timedelta(days=1))
    owner, member = crew.owner.client, await place(crew, EDITOR)
    asked = {"teamId": crew.id, "email": f"{new_id()}@example.com", "role": "VIEWER"}
    writes: dict[str, dict[str, Any]] = {
        "RenameTeam": {"input": {"id": crew.id, "name": "Band"}},
        "ChangeRole": {"input": {"memberId": member, "role": "VIEWER"}},
        "RemoveMember": {"memberId": member},
        "TransferOwnership": {"memberId": member},
        "LeaveTeam": {"id": crew.id},
        "DeleteTeam": {"id": crew.id},
        "InviteMember": {"input": asked},
        "ResendInvitation": {"id": invitation},
        "RevokeInvitation": {"id": invitation},
        "CreateVideo": {"input": {"teamId": crew.id, "title": "New"}},
        "EditVideo": {"input": {"id": gid(video), "title": "New"}},
        "DeleteVideo": {"id": gid(video)},
        "RestoreVersion": {"id": gid(version)},
        "AddComment": {"input": {"versionId": gid(version), "body": "Hm"}},
        "StartUpload": {"input": {"videoId": gid(video), "fileName": "a.mp4", "size": 3}},
    }
    for operation, variables in writes.items():
        problem = await told(owner, operation, **variables)
        assert (problem["__typename"], problem["message"]) == (
            "Conflict",
            "The team is going to be deleted. Restore it first.",
        ), operation
    assert await events(crew) == []
    assert (await owner.do("Video", id=gid(video)))["title"] == "A cut"
    assert (await owner.do("SwitchTeam", id=crew.id))["id"] == crew.id
    assert await kind(crew.viewer.client, "RenameTeam", input={"id": crew.id, "name": "Band"}) == "Forbidden"

    assert await kind(crew.admin.client, "RestoreTeam", id=crew.id) == "Forbidden"
    assert (await owner.do("RestoreTeam", id=crew.id))["deletionAt"] is None
    assert [event.type for event in await events(crew)] == ["team.restored"]
    assert await kind(owner, "EditVideo", input={"id": gid(video), "title": "New"}) == "Video"
    assert await Video.filter(team_id=crew.team.id, title="New").count() == 1


async def test_a_team_comes_back_only_in_time_and_only_once(make: Factory) -> None:
    crew = await make.crew()
    assert await kind(crew.owner.client, "RestoreTeam", id=crew.id) == "Conflict"
    await Team.filter(id=crew.team.id).update(deletion_at=utc_now() - timedelta(seconds=1))
    problem = await told(crew.owner.client, "RestoreTeam", id=crew.id)
    assert problem["message"] == "The time in which the team could be restored is over."
    assert (await Team.get(id=crew.team.id)).deletion_at is not None
    assert await events(crew) == []
