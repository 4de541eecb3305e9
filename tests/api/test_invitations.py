"""Invitations over the wire: who may ask whom, and who may follow the link."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from domain.tokens import new_token, token_hash
from i18n import translate
from local.client import Client
from models import EventRecord, Invitation, MailedLink, Member, Session, Team, User
from resolvers.passwords import hash_password
from tests.api.test_teams import kind, told
from tests.factories import PASSWORD, Crew, Factory, gid, uuid_in
from tests.studio import WORKERS, Studio
from tests.waiting import until

OWNER, ADMIN, EDITOR, VIEWER = Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER
NEW = {"name": "Grace", "password": PASSWORD}


def new_address() -> str:
    return f"{new_id()}@example.com"


async def invite(asking: Client, crew: Crew, email: str, role: str = "EDITOR") -> Any:
    return await told(asking, "InviteMember", input={"teamId": crew.id, "email": email, "role": role})


async def accept(asking: Client, token: str, **new: Any) -> Any:
    return await told(asking, "AcceptInvitation", input={"token": token, "newPerson": new or None})


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def links_to(studio: Studio, email: str, number: int) -> list[tuple[str, EmailMessage]]:
    """The links in the mails to an address, the oldest first, once there are so many; and the mails."""

    def found() -> list[tuple[str, EmailMessage]]:
        files = sorted(studio.mailbox.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        texts = [text for file in files if email.encode() in (text := file.read_bytes())]
        mails = [message_from_bytes(text, policy=policy.default) for text in texts]
        links = [(re.search(r"/invitation\?token=([\w-]{43})", plain(mail)), mail) for mail in mails]
        return [(link[1], mail) for link, mail in links if link]

    await until(lambda: len(found()) >= number, 30)
    return found()


async def test_a_new_person_is_asked_joins_and_is_signed_in(make: Factory, studio: Studio) -> None:
    """The whole play, by mail; none of its secrets gets into a log or into an event."""
    crew, email, stranger = await make.crew(), new_address(), make.client(language="de")
    asked = await invite(crew.admin.client, crew, f" {email.upper()} ")
    assert (asked["email"], asked["role"], asked["state"]) == (email, "EDITOR", "PENDING")
    assert asked["invitedBy"]["id"] == crew.admin.id
    ((token, mail),) = await links_to(studio, email, 1)
    assert mail["Subject"] == "Admin invites you to “Crew”"

    shown = await stranger.do("InvitationPreview", token=token)
    assert shown == {
        "teamName": "Crew",
        "role": "EDITOR",
        "invitedBy": "Admin",
        "email": email,
        "expiresAt": asked["expiresAt"],
        "hasAccount": False,
    }
    joined = await accept(stranger, token, **NEW)
    assert joined["member"]["role"] == "EDITOR"
    assert joined["member"]["team"] == {"id": crew.id, "name": "Crew"}
    assert joined["session"]["user"]["email"] == email
    stranger.token = joined["session"]["token"]
    viewer = await stranger.do("Viewer")
    assert (viewer["name"], viewer["email"], viewer["locale"]) == ("Grace", email, "de")
    assert await kind(make.client(), "SignIn", input={"email": email, "password": PASSWORD}) == "SignedIn"
    assert (await crew.owner.client.do("TeamInvitations", teamId=crew.id))["invitations"]["nodes"][0]["state"] == (
        "ACCEPTED"
    )
    events = await EventRecord.filter(team_id=crew.team.id).order_by("id")
    assert [(event.type, event.actor_id) for event in events] == [
        ("member.invited", crew.admin.user.id),
        ("member.joined", uuid_in(joined["session"]["user"]["id"])),
    ]
    assert events[1].payload == {
        "member_id": str(uuid_in(joined["member"]["id"])),
        "user_id": str(uuid_in(joined["session"]["user"]["id"])),
        "invitation_id": str(uuid_in(asked["id"])),
        "role": "editor",
        "is_new": True,
    }
    kept = "".join(studio.log(name) for name in ("api", *WORKERS)) + str([event.payload for event in events])
    assert [secret for secret in (token, token_hash(token), stranger.token, email, PASSWORD) if secret in kept] == []


async def test_who_is_signed_in_joins_with_the_account_they_have(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    _, token = await make.invitation(crew, person.user.email, ADMIN)
    assert (await make.client().do("InvitationPreview", token=token))["hasAccount"] is True
    joined = await accept(person.client, token, name="Somebody else", password="another long password")
    assert (joined["session"], joined["member"]["role"]) == (None, "ADMIN")
    assert joined["member"]["user"]["id"] == person.id
    assert await User.filter(email=person.user.email).count() == 1
    assert (await User.get(id=person.user.id)).name == "Ada"
    assert not (await EventRecord.get(team_id=crew.team.id, type="member.joined")).payload["is_new"]


async def test_an_address_with_an_account_has_to_sign_in(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    _, token = await make.invitation(crew, person.user.email)
    for new in ({}, NEW):
        problem = await accept(make.client(), token, **new)
        assert (problem["__typename"], problem["message"]) == (
            "Unauthenticated",
            "The address of this invitation has an account. Sign in, then follow the link again.",
        )
    assert not await Member.exists(user_id=person.user.id)
    assert (await accept(person.client, token))["__typename"] == "InvitationAccepted"


async def test_another_address_is_refused_without_naming_it(make: Factory) -> None:
    crew, wrong = await make.crew(), await make.person()
    invitation, token = await make.invitation(crew)
    for person in (wrong, crew.viewer, crew.owner):
        problem = await accept(person.client, token, **NEW)
        assert (problem["__typename"], problem["message"]) == (
            "Forbidden",
            "This invitation was sent to another address than yours. Sign in with that one.",
        )
        assert invitation.email not in str(problem)
    assert not await User.exists(email=invitation.email)
    assert await Member.filter(team_id=crew.team.id).count() == 4
    assert (await accept(make.client(), token, **NEW))["__typename"] == "InvitationAccepted"


@pytest.mark.parametrize(
    ("new", "path"),
    [
        ({}, ["newPerson"]),
        ({**NEW, "name": " "}, ["newPerson", "name"]),
        ({**NEW, "name": "x" * 101}, ["newPerson", "name"]),
        ({**NEW, "password": "short"}, ["newPerson", "password"]),
    ],
)
async def test_what_makes_no_new_person_leaves_the_link_good(make: Factory, new: Any, path: list[str]) -> None:
    _, token = await make.invitation(await make.crew())
    problem = await accept(make.client(), token, **new)
    assert (problem["__typename"], problem["path"]) == ("Invalid", ["input", *path])
    assert (await accept(make.client(), token, **NEW))["__typename"] == "InvitationAccepted"


@pytest.mark.parametrize(
    ("asked", "got"), [("de-CH", "de"), ("pt-BR", "pt"), ("sv", "en"), ("nonsense, x", "en"), (None, "en")]
)
async def test_a_new_person_reads_the_language_nearest_to_theirs(make: Factory, asked: str | None, got: str) -> None:
    _, token = await make.invitation(await make.crew())
    joined = await accept(make.client(), token, **NEW, locale=asked)
    assert (await User.get(id=uuid_in(joined["session"]["user"]["id"]))).locale == got


async def test_a_link_works_once(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    _, token = await make.invitation(crew, person.user.email)
    assert (await accept(person.client, token))["__typename"] == "InvitationAccepted"
    await Member.filter(user_id=person.user.id).delete()
    problem = await accept(person.client, token)
    assert (problem["__typename"], problem["path"]) == ("Conflict", ["input", "token"])
    assert await make.client().do("InvitationPreview", token=token) is None
    assert not await Member.exists(user_id=person.user.id)


async def test_what_leads_nowhere_is_a_conflict_and_shows_nothing(make: Factory) -> None:
    crew = await make.crew()
    late, late_token = await make.invitation(crew, expires_at=utc_now() - timedelta(seconds=1))
    stale, stale_token = await make.invitation(crew)
    await MailedLink.filter(subject_id=stale.id).update(expires_at=utc_now() - timedelta(seconds=1))
    revoked, revoked_token = await make.invitation(crew)
    await crew.admin.client.do("RevokeInvitation", id=gid(revoked))
    leaving = await make.crew()
    _, leaving_token = await make.invitation(leaving)
    await Team.filter(id=leaving.team.id).update(deletion_at=utc_now() + timedelta(days=1))
    for token in (late_token, stale_token, revoked_token, leaving_token, new_token(), "", "\0", "x" * 10_000):
        assert (await accept(make.client(), token, **NEW))["__typename"] == "Conflict"
        assert await make.client().do("InvitationPreview", token=token) is None
    assert not await User.exists(email__in=[late.email, stale.email, revoked.email])


async def test_a_link_of_another_kind_is_no_invitation(make: Factory) -> None:
    crew = await make.crew()
    invitation, token = await make.invitation(crew)
    await MailedLink.filter(subject_id=invitation.id).update(kind="password_reset")
    assert (await accept(make.client(), token, **NEW))["__typename"] == "Conflict"


async def test_sent_again_the_older_link_is_dead(make: Factory, studio: Studio) -> None:
    crew, email = await make.crew(), new_address()
    asked = await invite(crew.owner.client, crew, email)
    await links_to(studio, email, 1)
    await Invitation.filter(id=uuid_in(asked["id"])).update(expires_at=utc_now() - timedelta(seconds=1))
    seen = await crew.admin.client.do("TeamInvitations", teamId=crew.id)
    assert seen["invitations"]["nodes"][0]["state"] == "EXPIRED"
    again = await crew.admin.client.do("ResendInvitation", id=asked["id"])
    assert (again["id"], again["state"], again["invitedBy"]["id"]) == (asked["id"], "PENDING", crew.owner.id)
    assert again["expiresAt"] > asked["expiresAt"]
    (old, _), (new, _) = await links_to(studio, email, 2)
    assert (await accept(make.client(), old, **NEW))["__typename"] == "Conflict"
    assert (await accept(make.client(), new, **NEW))["__typename"] == "InvitationAccepted"
    for operation in ("ResendInvitation", "RevokeInvitation"):
        assert await kind(crew.admin.client, operation, id=asked["id"]) == "Conflict"
    types = [event.type for event in await EventRecord.filter(team_id=crew.team.id).order_by("id")]
    assert types == ["member.invited", "invitation.resent", "member.joined"]


async def test_an_address_that_is_asked_twice_has_one_invitation_with_the_last_role(
    make: Factory, studio: Studio
) -> None:
    crew, email = await make.crew(), new_address()
    first = await invite(crew.owner.client, crew, email, "VIEWER")
    await links_to(studio, email, 1)
    second = await invite(crew.admin.client, crew, email, "ADMIN")
    assert (second["id"], second["role"], second["invitedBy"]["id"]) == (first["id"], "ADMIN", crew.admin.id)
    assert await Invitation.filter(team_id=crew.team.id).count() == 1
    (old, _), (new, _) = await links_to(studio, email, 2)
    assert (await accept(make.client(), old, **NEW))["__typename"] == "Conflict"
    assert (await accept(make.client(), new, **NEW))["member"]["role"] == "ADMIN"


async def test_who_was_revoked_can_be_asked_anew(make: Factory) -> None:
    crew = await make.crew()
    before, token = await make.invitation(crew)
    revoked = await crew.admin.client.do("RevokeInvitation", id=gid(before))
    assert revoked["state"] == "REVOKED"
    assert await kind(crew.admin.client, "RevokeInvitation", id=gid(before)) == "Conflict"
    assert (await invite(crew.admin.client, crew, before.email))["id"] != gid(before)
    assert (await accept(make.client(), token, **NEW))["__typename"] == "Conflict"


async def test_a_member_is_not_asked(make: Factory) -> None:
    crew = await make.crew()
    problem = await invite(crew.owner.client, crew, crew.viewer.user.email.upper())
    assert (problem["__typename"], problem["message"]) == ("Conflict", "This person is in the team already.")
    assert not await Invitation.exists(team_id=crew.team.id)


async def test_who_came_in_meanwhile_cannot_come_in_twice(make: Factory) -> None:
    crew, person = await make.crew(), await make.person()
    invitation, token = await make.invitation(crew, person.user.email)
    await Member.create(team_id=crew.team.id, user_id=person.user.id, role=VIEWER)
    assert (await accept(person.client, token))["__typename"] == "Conflict"
    assert await kind(crew.owner.client, "ResendInvitation", id=gid(invitation)) == "Conflict"
    assert (await Member.get(user_id=person.user.id)).role is VIEWER


@pytest.mark.parametrize("own", Role)
async def test_who_may_ask_as_what(make: Factory, own: Role) -> None:
    crew = await make.crew()
    for role in Role:
        answer = (await invite(crew.everybody()[own].client, crew, new_address(), role.name))["__typename"]
        may = own is OWNER or (own is ADMIN and role is not OWNER)
        assert answer == ("Invitation" if may else "Forbidden"), (own, role)


async def test_an_admin_does_not_touch_the_invitation_of_an_owner(make: Factory) -> None:
    crew = await make.crew()
    invitation, token = await make.invitation(crew, role=OWNER)
    admin = crew.admin.client
    assert await kind(admin, "ResendInvitation", id=gid(invitation)) == "Forbidden"
    assert await kind(admin, "RevokeInvitation", id=gid(invitation)) == "Forbidden"
    assert (await invite(admin, crew, invitation.email, "VIEWER"))["__typename"] == "Forbidden"
    assert (await accept(make.client(), token, **NEW))["member"]["role"] == "OWNER"


async def test_invitations_are_seen_by_who_may_ask_and_by_nobody_else(make: Factory) -> None:
    crew, strangers = await make.crew(), await make.crew()
    invitation, _ = await make.invitation(crew)
    for person in (crew.owner, crew.admin):
        seen = (await person.client.do("TeamInvitations", teamId=crew.id))["invitations"]
        assert [node["email"] for node in seen["nodes"]] == [invitation.email]
        assert (await person.client.do("AnyNode", id=gid(invitation)))["__typename"] == "Invitation"
    for person in (crew.editor, crew.viewer):
        seen = (await person.client.do("TeamInvitations", teamId=crew.id))["invitations"]
        assert (seen["nodes"], seen["totalCount"]) == ([], 0)
        assert await person.client.do("AnyNode", id=gid(invitation)) is None
        for operation in ("ResendInvitation", "RevokeInvitation"):
            assert await kind(person.client, operation, id=gid(invitation)) == "NotFound"
    assert await strangers.owner.client.do("AnyNode", id=gid(invitation)) is None
    assert await kind(strangers.owner.client, "RevokeInvitation", id=gid(invitation)) == "NotFound"
    assert (await invite(strangers.owner.client, crew, new_address()))["__typename"] == "NotFound"


async def test_they_are_filtered_by_where_they_stand(make: Factory) -> None:
    crew, now = await make.crew(), utc_now()
    over = {"expires_at": now - timedelta(days=1)}
    made = {
        "PENDING": [await make.invitation(crew)],
        "ACCEPTED": [await make.invitation(crew, accepted_at=now, **more) for more in ({}, over)],
        "REVOKED": [await make.invitation(crew, revoked_at=now, **more) for more in ({}, over)],
        "DECLINED": [await make.invitation(crew, declined_at=now, **more) for more in ({}, over)],
        "EXPIRED": [await make.invitation(crew, **over)],
    }
    for state, expected in made.items():
        asked = {"teamId": crew.id, "filter": {"state": state}}
        seen = (await crew.owner.client.do("TeamInvitations", **asked))["invitations"]
        assert {node["email"] for node in seen["nodes"]} == {invitation.email for invitation, _ in expected}
        assert {node["state"] for node in seen["nodes"]} == {state}
        assert seen["totalCount"] == len(expected)
    everything = (await crew.owner.client.do("TeamInvitations", teamId=crew.id, filter={"state": None}))["invitations"]
    assert everything["totalCount"] == 8


async def test_an_invitation_outlives_the_right_of_who_sent_it_and_can_be_revoked(make: Factory) -> None:
    crew = await make.crew()
    stays, token = await make.invitation(crew, created_by_id=crew.admin.user.id)
    goes, lost = await make.invitation(crew, created_by_id=crew.admin.user.id)
    await Member.filter(team_id=crew.team.id, user_id=crew.admin.user.id).update(role=VIEWER)
    assert await kind(crew.owner.client, "RevokeInvitation", id=gid(goes)) == "Invitation"
    assert (await accept(make.client(), lost, **NEW))["__typename"] == "Conflict"
    assert (await accept(make.client(), token, **NEW))["__typename"] == "InvitationAccepted"
    assert await Invitation.filter(id=stays.id, accepted_at__isnull=False).exists()


async def test_the_mail_speaks_the_language_of_who_gets_it_else_that_of_who_asks(make: Factory, studio: Studio) -> None:
    crew, known, unknown = await make.crew(), await make.person(), new_address()
    await User.filter(id=crew.admin.user.id).update(locale="de")
    await invite(crew.admin.client, crew, known.user.email)
    await invite(crew.admin.client, crew, unknown)
    ((_, english),) = await links_to(studio, known.user.email, 1)
    ((_, german),) = await links_to(studio, unknown, 1)
    about = {"inviter": "Admin", "team": "Crew"}
    assert english["Subject"] == translate("en", "mail.invitation.subject", **about)
    assert german["Subject"] == translate("de", "mail.invitation.subject", **about)


async def test_asking_tells_nothing_of_whether_the_address_has_an_account(make: Factory) -> None:
    crew, known = await make.crew(), await make.person()
    varying = {"id", "email", "createdAt", "sentAt", "expiresAt"}
    answers = [await invite(crew.admin.client, crew, email) for email in (known.user.email, new_address())]
    same = [{name: value for name, value in answer.items() if name not in varying} for answer in answers]
    assert same[0] == same[1]


async def test_one_address_gets_few_mails_whoever_asks_and_however(make: Factory) -> None:
    crew, other, email = await make.crew(), await make.crew(), new_address()
    asked = await invite(crew.owner.client, crew, email)
    assert await kind(crew.admin.client, "ResendInvitation", id=asked["id"]) == "Invitation"
    assert (await invite(other.owner.client, other, email))["__typename"] == "Invitation"
    for answer in (
        await invite(other.admin.client, other, email),
        await told(crew.owner.client, "ResendInvitation", id=asked["id"]),
    ):
        assert answer["__typename"] == "Throttled"
    assert await MailedLink.filter(email=email).count() == 3


async def test_one_person_has_few_mails_sent(make: Factory) -> None:
    crew = await make.crew()
    answers = [(await invite(crew.admin.client, crew, new_address()))["__typename"] for _ in range(31)]
    assert answers == ["Invitation"] * 30 + ["Throttled"]
    assert (await invite(crew.owner.client, crew, new_address()))["__typename"] == "Invitation"


async def test_who_may_not_ask_uses_up_nothing_of_an_address(make: Factory) -> None:
    crew, stranger, email = await make.crew(), await make.person(), new_address()
    for _ in range(4):
        for asking in (stranger.client, crew.viewer.client, make.client()):
            assert (await invite(asking, crew, email))["__typename"] in ("NotFound", "Forbidden", "Unauthenticated")
    assert (await invite(crew.owner.client, crew, email))["__typename"] == "Invitation"


@pytest.mark.parametrize(
    "email", ["", "ada", "Ada <ada@example.com>", "a@b.example\r\nBcc: eve@example.com", "a@b\0.de"]
)
async def test_what_is_no_address(make: Factory, email: str) -> None:
    crew = await make.crew()
    problem = await invite(crew.owner.client, crew, email)
    assert (problem["__typename"], problem["path"]) == ("Invalid", ["input", "email"])


async def test_a_password_that_was_chosen_by_invitation_is_a_hash(make: Factory) -> None:
    invitation, token = await make.invitation(await make.crew())
    await accept(make.client(), token, **NEW)
    user = await User.get(email=invitation.email)
    assert user.password_hash is not None
    assert user.password_hash[:9] == (await hash_password(PASSWORD, path=()))[:9] == "$argon2id"
    assert await Session.filter(user_id=user.id).count() == 1
