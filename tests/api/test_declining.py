"""Invitations that are declined: by whom they may be, and what the team sees of it."""

from datetime import timedelta
from typing import Any

from domain.clock import utc_now
from domain.tokens import new_token
from local.client import Client
from models import AuditEntry, EventRecord, Invitation, Member, User
from tests.api.test_invitations import NEW, accept, invite, links_to
from tests.api.test_teams import kind, told
from tests.factories import Factory, gid
from tests.studio import Studio
from tests.waiting import until


async def decline(asking: Client, token: str) -> Any:
    return await told(asking, "DeclineInvitation", token=token)


async def test_who_does_not_want_to_join_says_so_and_the_team_sees_it(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    invitation, token = await make.invitation(crew, person.user.email)
    assert await decline(person.client, token) == {"__typename": "InvitationDeclined", "teamName": "Crew"}
    (seen,) = (await crew.admin.client.do("TeamInvitations", teamId=crew.id))["invitations"]["nodes"]
    assert (seen["state"], seen["acceptedAt"], seen["declinedAt"] is None) == ("DECLINED", None, False)
    event = await EventRecord.get(team_id=crew.team.id, type="invitation.declined")
    assert (event.actor_id, event.payload) == (person.user.id, {"invitation_id": str(invitation.id)})
    assert not await Member.exists(user_id=person.user.id)
    assert (await accept(person.client, token))["__typename"] == "Conflict"
    assert (await decline(person.client, token))["__typename"] == "Conflict"
    assert await make.client().do("InvitationPreview", token=token) is None
    for operation in ("ResendInvitation", "RevokeInvitation"):
        assert await kind(crew.admin.client, operation, id=gid(invitation)) == "Conflict"


async def test_declining_leaves_an_entry_in_the_teams_log(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    invitation, token = await make.invitation(crew, person.user.email)
    await decline(person.client, token)
    event = await EventRecord.get(team_id=crew.team.id, type="invitation.declined")

    async def is_kept() -> bool:
        return await AuditEntry.exists(id=event.id)

    await until(is_kept)
    logged = await crew.owner.client.do("AuditLog", teamId=crew.id, filter={"types": ["invitation.declined"]})
    (entry,) = logged["auditLog"]["nodes"]
    assert entry["subject"] == {"typename": "Invitation", "id": gid(invitation)}
    assert entry["actor"] is None, "they share no team with who reads it"


async def test_who_has_no_account_declines_as_nobody(make: Factory) -> None:
    crew = await make.crew()
    invitation, token = await make.invitation(crew)
    assert (await decline(make.client(), token))["__typename"] == "InvitationDeclined"
    event = await EventRecord.get(team_id=crew.team.id, type="invitation.declined")
    assert event.actor_id is None
    assert not await User.exists(email=invitation.email)
    assert (await accept(make.client(), token, **NEW))["__typename"] == "Conflict"


async def test_only_who_was_asked_declines(make: Factory) -> None:
    crew, person, wrong = await make.crew(), await make.person(), await make.person()
    _, token = await make.invitation(crew, person.user.email)
    program = await make.key(person)
    refused = {
        "Unauthenticated": [make.client()],
        "Forbidden": [wrong.client, crew.owner.client, program],
    }
    for expected, clients in refused.items():
        for client in clients:
            assert (await decline(client, token))["__typename"] == expected
    assert (await accept(person.client, token))["__typename"] == "InvitationAccepted"
    assert (await decline(person.client, token))["__typename"] == "Conflict"
    late, late_token = await make.invitation(crew, expires_at=utc_now() - timedelta(seconds=1))
    revoked, revoked_token = await make.invitation(crew)
    await crew.admin.client.do("RevokeInvitation", id=gid(revoked))
    for over in (late_token, revoked_token, new_token(), "", "\0"):
        assert (await decline(make.client(), over))["__typename"] == "Conflict"
    assert not await Invitation.exists(id__in=[late.id, revoked.id], declined_at__isnull=False)


async def test_who_has_declined_can_be_asked_anew(make: Factory, studio: Studio) -> None:
    crew = await make.crew()
    before, token = await make.invitation(crew)
    await decline(make.client(), token)
    again = await invite(crew.admin.client, crew, before.email)
    assert (again["state"], again["id"] != gid(before)) == ("PENDING", True)
    ((fresh, _),) = await links_to(studio, before.email, 1)
    assert (await accept(make.client(), fresh, **NEW))["__typename"] == "InvitationAccepted"
