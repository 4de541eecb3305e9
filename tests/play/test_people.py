"""The whole life of two people in two teams: over the wire alone, their mails read from the mailbox."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from domain.ids import new_id
from local.client import Client, OperationFailed, Subscription
from tests.factories import Factory
from tests.mails import mail_to, token_in
from tests.second_factor import code_of
from tests.studio import Studio
from tests.waiting import until

AT_ONCE = 1.0
"""Seconds."""


def new_address(name: str) -> str:
    return f"{name.lower()}.{new_id().hex}@example.com"


@dataclass
class Human:
    """Somebody with a mailbox and a device: all that there is before there is an account."""

    name: str
    make: Factory
    studio: Studio
    client: Client
    password: str
    email: str = ""
    places: dict[str, str] = field(default_factory=dict)
    """The ids of their memberships, by the team's id."""

    def __post_init__(self) -> None:
        self.email = new_address(self.name)

    async def do(self, operation: str, **variables: Any) -> Any:
        return await self.client.do(operation, **variables)

    async def refused(self, operation: str, **variables: Any) -> str:
        """The code of the problem that the operation answers."""
        answer = await self.client.run(operation, **variables)
        assert "errors" not in answer, answer
        return str(next(iter(answer["data"].values()))["code"])

    async def told(self, subject: str, path: str = "", to: str = "") -> str:
        """The token of the link in the mail of that subject, once it has come; without a path there is none."""
        text = await mail_to(self.studio, to or self.email, subject)
        return token_in(text, self.studio, path) if path else ""

    async def press(self, path: str, token: str, **fields: str) -> str:
        """Opens the page of a link in a browser that is signed in as they are, fills it in, and presses the button."""
        cookies = {"session": self.client.token} if self.client.token else {}
        async with httpx.AsyncClient(base_url=self.studio.url, cookies=cookies) as browser:
            assert (await browser.get(path, params={"token": token})).status_code == 200
            own = {"Sec-Fetch-Site": "same-origin"}
            page = await browser.post(path, data={"token": token, **fields}, headers=own)
            assert page.status_code == 200, page.text
            return page.text

    async def sign_in(self) -> Any:
        """What the password is answered; a token that comes is kept."""
        given = {"email": self.email, "password": self.password}
        answer = (await self.client.run("SignIn", input=given))["data"]["signIn"]
        self.client.token = answer.get("token")
        return answer

    def elsewhere(self) -> "Human":
        """The same person at another device, where they are not signed in."""
        other = Human(self.name, self.make, self.studio, self.make.client(), self.password)
        other.email = self.email
        return other

    async def is_signed_in(self) -> bool:
        return await self.do("Viewer") is not None

    async def teams(self) -> dict[str, str]:
        """The names of their teams, and what they are in each."""
        nodes = (await self.do("Viewer"))["memberships"]["nodes"]
        return {node["team"]["name"]: node["role"] for node in nodes}


async def test_the_whole_life_of_two_people_in_two_teams(make: Factory, studio: Studio) -> None:
    ada = Human("Ada", make, studio, make.client(), "the engine weaves patterns")
    grace = Human("Grace", make, studio, make.client(), "a moth in the relay")

    engines = await signs_up(ada, "Engines")
    looms = await makes_a_team(ada, "Looms")
    await joins_as_somebody_new(grace, asked_by=ada, team=engines)
    await joins_with_an_account(grace, asked_by=ada, team=looms)
    assert await ada.teams() == {"Engines": "OWNER", "Looms": "OWNER"}
    assert await grace.teams() == {"Engines": "EDITOR", "Looms": "ADMIN"}

    await is_put_out_in_the_middle_of_watching(grace, by=ada, team=engines)
    await has_a_program_work_for_a_while(grace, team=looms)
    await hands_over(ada, to=grace, team=looms)
    await deletes_and_restores(grace, team=looms, watched_by=ada)
    assert await ada.teams() == {"Engines": "OWNER", "Looms": "ADMIN"}
    assert await grace.teams() == {"Looms": "OWNER"}

    await switches_two_factor_on(ada)
    await forgets_the_password(grace)
    await moves_to_another_address(ada)
    await cleans_up_sessions(grace)
    await reads_who_did_what(grace, ada, team=looms)
    await wants_to_go_and_stays(ada)
    assert await grace.refused("RequestAccountDeletion", password=grace.password) == "CONFLICT", "Looms is hers alone"


async def signs_up(ada: Human, team: str) -> str:
    """By mail and page; then they say more of themselves. Answers the id of their team."""
    await ada.do("SignUp", input={"email": ada.email, "name": "ada", "teamName": team})
    token = await ada.told("Welcome to Video Creator", "/welcome")
    assert (await ada.sign_in())["code"] == "UNAUTHENTICATED", "the link has yet to be followed"
    assert "You are signed in" in await ada.press("/welcome", token, password=ada.password)
    assert (await ada.sign_in())["__typename"] == "SignedIn"
    shown = await ada.do("UpdateProfile", input={"name": "Ada", "timeZone": "Europe/London", "locale": "en"})
    assert (shown["name"], shown["email"], shown["timeZone"]) == ("Ada", ada.email, "Europe/London")
    (only,) = (await ada.do("Viewer"))["memberships"]["nodes"]
    return str(only["team"]["id"])


async def makes_a_team(ada: Human, name: str) -> str:
    made = await ada.do("CreateTeam", input={"name": name})
    assert (await ada.do("SwitchTeam", id=made["id"]))["name"] == name
    return str(made["id"])


async def joins_as_somebody_new(grace: Human, *, asked_by: Human, team: str) -> None:
    """The link makes the account, the membership and the session in one."""
    asked = {"teamId": team, "email": grace.email.upper(), "role": "EDITOR"}
    assert (await asked_by.do("InviteMember", input=asked))["state"] == "PENDING"
    token = await grace.told("Ada invites you to “Engines”", "/invitation")
    assert (await grace.do("InvitationPreview", token=token))["hasAccount"] is False
    person = {"name": "Grace", "password": grace.password}
    joined = await grace.do("AcceptInvitation", input={"token": token, "newPerson": person})
    grace.client.token = joined["session"]["token"]
    grace.places[team] = joined["member"]["id"]


async def joins_with_an_account(grace: Human, *, asked_by: Human, team: str) -> None:
    """By the page, in the browser in which they are signed in; nobody else could have followed the link."""
    await asked_by.do("InviteMember", input={"teamId": team, "email": grace.email, "role": "ADMIN"})
    token = await grace.told("Ada invites you to “Looms”", "/invitation")
    assert await asked_by.refused("AcceptInvitation", input={"token": token}) == "FORBIDDEN"
    assert "You are in the team" in await grace.press("/invitation", token)
    assert await grace.refused("AcceptInvitation", input={"token": token}) == "CONFLICT"
    members = (await asked_by.do("RenameTeam", input={"id": team, "name": "Looms"}))["members"]["nodes"]
    (grace.places[team],) = [node["id"] for node in members if node["user"]["name"] == "Grace"]


async def is_put_out_in_the_middle_of_watching(grace: Human, *, by: Human, team: str) -> None:
    """A role that still allows to look changes what they may do; the end of the membership ends what they follow."""
    video = (await grace.do("CreateVideo", input={"teamId": team, "title": "Rough cut"}))["id"]
    position = (await grace.client.run("Video", id=video))["extensions"]["position"]
    async with grace.client.follow("VideoChanged", id=video, after=position) as events:
        await by.do("ChangeRole", input={"memberId": grace.places[team], "role": "VIEWER"})
        edit = {"id": video, "title": "Fine cut"}
        assert await grace.refused("EditVideo", input=edit) == "FORBIDDEN"
        await by.do("EditVideo", input=edit)
        heard = await an_edit(events)
        assert (heard["video"]["title"], heard["actor"]["name"]) == ("Fine cut", "Ada")
        await by.do("RemoveMember", memberId=grace.places[team])
        assert await ends(events) < AT_ONCE
    assert await grace.do("Video", id=video) is None
    assert await grace.refused("EditVideo", input=edit) == "NOT_FOUND"


async def an_edit(events: Subscription) -> Any:
    """The next edit that is told; the relay may come to what was before only now."""
    while True:
        change = (await asyncio.wait_for(anext(events), 10))["data"]["videoChanged"]
        if change["type"] == "video.edited":
            return change


async def ends(events: Subscription) -> float:
    """After how many seconds the subscription ends; it tells nothing before."""
    began = time.monotonic()
    with pytest.raises(OperationFailed, match="NOT_FOUND"):
        await asyncio.wait_for(anext(events), 10)
    return time.monotonic() - began


async def has_a_program_work_for_a_while(grace: Human, *, team: str) -> None:
    """A key is shown once, may less than its person, and is nobody's when it is revoked."""
    made = await grace.do("CreateApiKey", input={"name": "Export", "scopes": ["WRITE"], "expiresInDays": 30})
    program = Human("Program", grace.make, grace.studio, grace.make.client(made["key"]), "")
    title = {"teamId": team, "title": "By a program"}
    assert (await program.do("CreateVideo", input=title))["createdBy"]["name"] == "Grace"
    assert await program.refused("RemoveMember", memberId=grace.places[team]) == "FORBIDDEN"
    (shown,) = (await grace.do("ApiKeys"))["apiKeys"]["nodes"]
    assert made["key"].startswith(shown["prefix"])
    assert made["key"] not in str(shown)
    assert (await grace.do("RevokeApiKey", id=shown["id"]))["state"] == "REVOKED"
    assert await program.refused("CreateVideo", input=title) == "UNAUTHENTICATED"
    assert not await program.is_signed_in()


async def hands_over(ada: Human, *, to: Human, team: str) -> None:
    """The last owner cannot leave, and nobody but them can hand the team over."""
    assert await ada.refused("LeaveTeam", id=team) == "CONFLICT"
    assert await to.refused("TransferOwnership", memberId=to.places[team]) == "FORBIDDEN"
    await ada.do("TransferOwnership", memberId=to.places[team])
    assert await to.refused("LeaveTeam", id=team) == "CONFLICT"
    assert await ada.refused("DeleteTeam", id=team) == "FORBIDDEN"


async def deletes_and_restores(grace: Human, *, team: str, watched_by: Human) -> None:
    """The team waits, and can only be looked at; its owner hears of it by mail, and thinks better of it."""
    assert (await grace.do("DeleteTeam", id=team))["deletionAt"] is not None
    await grace.told("“Looms” is going to be deleted")
    wish = {"teamId": team, "title": "Too late"}
    assert await watched_by.refused("CreateVideo", input=wish) == "CONFLICT"
    assert await watched_by.refused("RestoreTeam", id=team) == "FORBIDDEN"
    assert (await grace.do("RestoreTeam", id=team))["deletionAt"] is None
    await watched_by.do("CreateVideo", input=wish | {"title": "In time"})


async def switches_two_factor_on(ada: Human) -> None:
    """From then on the password alone opens nothing, and a code or a recovery code opens once."""
    secret = (await ada.do("StartTwoFactor", password=ada.password))["secret"]
    codes = (await ada.do("ConfirmTwoFactor", code=code_of(secret)))["codes"]
    await ada.told("Two-factor is on")
    for code in (code_of(secret, steps=1), codes[0]):
        for fine in (True, False):
            phone = ada.elsewhere()
            challenge = (await phone.sign_in())["challenge"]
            assert not await phone.is_signed_in()
            answer = (await phone.client.run("SignInWithCode", input={"challenge": challenge, "code": code}))["data"]
            assert (answer["signInWithCode"]["__typename"] == "SignedIn") is fine, answer
    await ada.told("A recovery code was used")
    assert await ada.do("TwoFactor") == {"enabled": True, "recoveryCodesLeft": 9}


async def forgets_the_password(grace: Human) -> None:
    """The mailed link gives another one, signs out everywhere, and signs nobody in."""
    phone = grace.elsewhere()
    assert (await phone.sign_in())["__typename"] == "SignedIn"
    await grace.elsewhere().do("RequestPasswordReset", email=grace.email)
    token = await grace.told("Choose a new password", "/reset-password")
    assert await grace.is_signed_in(), "whoever asks for the mail ends nothing by it"
    grace.password = "nanoseconds of copper wire"
    assert "signed out everywhere" in await grace.press("/reset-password", token, password=grace.password)
    assert [await each.is_signed_in() for each in (grace, phone)] == [False, False]
    await grace.told("Your password was changed")
    assert (await phone.sign_in())["code"] == "UNAUTHENTICATED", "it still knows the old one"
    assert (await grace.sign_in())["__typename"] == "SignedIn"


async def moves_to_another_address(ada: Human) -> None:
    """The old address and the new one have to agree; the session stays."""
    former, new = ada.email, new_address("Ada")
    await ada.do("RequestEmailChange", input={"newEmail": new, "password": ada.password})
    old_link = await ada.told("Your address is to be changed", "/confirm-email")
    new_link = await ada.told("Confirm your new address", "/confirm-email", to=new)
    assert "has yet to agree" in await ada.press("/confirm-email", new_link)
    assert (await ada.do("Viewer"))["email"] == former
    assert await ada.elsewhere().do("ConfirmEmailChange", token=old_link) == {
        "__typename": "EmailConfirmed",
        "changed": True,
    }
    assert (await ada.do("Viewer"))["email"] == new
    assert (await ada.elsewhere().sign_in())["code"] == "UNAUTHENTICATED"
    ada.email = new
    for address in (former, new):
        await ada.told("Your address was changed", to=address)
    assert (await ada.elsewhere().sign_in())["code"] == "SECOND_FACTOR_REQUIRED"


async def cleans_up_sessions(grace: Human) -> None:
    """They see where they are signed in, end one session, then all the others, and last their own."""
    phone, tablet = grace.elsewhere(), grace.elsewhere()
    phone.client.http.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
    for device in (phone, tablet):
        await device.sign_in()
    listed = (await grace.do("MySessions"))["sessions"]["nodes"]
    assert [node["current"] for node in listed].count(True) == 1
    (lost,) = [node for node in listed if node["device"] == "Firefox, Linux"]
    assert lost["address"] == phone.client.http.headers["X-Forwarded-For"]
    assert len(listed) == 3
    await grace.do("RevokeSession", id=lost["id"])
    assert [await each.is_signed_in() for each in (phone, tablet, grace)] == [False, True, True]
    assert (await grace.do("SignOutEverywhere", keepCurrent=True))["ended"] == 1
    assert [await each.is_signed_in() for each in (tablet, grace)] == [False, True]
    assert (await grace.do("SignOutEverywhere"))["ended"] == 1
    assert not await grace.is_signed_in()
    await grace.sign_in()


async def reads_who_did_what(grace: Human, ada: Human, *, team: str) -> None:
    """The owner's log of the team, from its beginning, each entry with its person and from where it was done."""
    done = [
        ("Ada", "team.created"), ("Ada", "member.invited"), ("Grace", "member.joined"), ("Grace", "video.created"),
        ("Ada", "ownership.transferred"), ("Grace", "team.deletion_requested"), ("Grace", "team.restored"),
        ("Ada", "video.created"),
    ]  # fmt: skip
    await until(lambda: is_kept(grace, team, len(done)))
    entries = (await grace.do("AuditLog", teamId=team, first=100))["auditLog"]["nodes"][::-1]
    assert [(entry["actor"]["name"], entry["type"]) for entry in entries] == done
    desks = {human.name: human.client.http.headers["X-Forwarded-For"] for human in (ada, grace)}
    at_a_desk = [entry for entry in entries if entry["type"] not in ("member.joined", "video.created")]
    assert {(entry["actor"]["name"], entry["address"]) for entry in at_a_desk} == set(desks.items())
    transferred = entries[4]
    assert {thing["typename"] for thing in (transferred["subject"], *transferred["related"])} == {"Member", "User"}
    activity = (await grace.do("Activity", first=100))["activity"]["nodes"]
    own = {entry["type"] for entry in activity}
    assert {"api_key.created", "api_key.revoked", "account.password_changed", "session.all_ended"} <= own
    kept = str((entries, activity))
    assert [
        secret for secret in (ada.email, grace.email, grace.password, str(grace.client.token)) if secret in kept
    ] == []


async def is_kept(owner: Human, team: str, number: int) -> bool:
    return len((await owner.do("AuditLog", teamId=team, first=100))["auditLog"]["nodes"]) >= number


async def wants_to_go_and_stays(ada: Human) -> None:
    """An account waits, too, and whose it is can think better of it."""
    assert (await ada.do("RequestAccountDeletion", password=ada.password))["deletionAt"] is not None
    await ada.told("Your account is going to be deleted")
    assert (await ada.do("CancelAccountDeletion"))["deletionAt"] is None
    assert await ada.teams() == {"Engines": "OWNER", "Looms": "ADMIN"}
