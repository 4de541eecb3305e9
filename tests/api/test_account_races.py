"""What happens to an account at the same moment: it goes, or a session ends, while a request of that session waits."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.clock import utc_now
from domain.links import LinkKind
from models import ApiKey, EventRecord, Identity, Invitation, MailedLink, Member, Session, Team, User
from models.database import transaction
from tests.api.test_credentials import NEW, reset
from tests.api.test_team_races import waits_for
from tests.api.test_teams import kind
from tests.factories import PASSWORD, Factory, Person, gid
from tests.pictures import png
from tests.second_factor import code_of, second_factor
from tests.waiting import until

KEY = {"name": "Export", "scopes": ["READ"]}
GIVEN: dict[str, dict[str, Any]] = {
    "CreateApiKey": {"input": KEY},
    "CreateTeam": {"input": {"name": "Another"}},
    "UpdateProfile": {"input": {"name": "Grace"}},
    "SetAvatar": {"input": {"image": base64.b64encode(png(4, 4)).decode()}},
    "RemoveAvatar": {},
    "SignOutEverywhere": {},
    "StartTwoFactor": {"password": PASSWORD},
    "ChangePassword": {"input": {"current": PASSWORD, "new": NEW}},
    "RequestEmailChange": {"input": {"newEmail": "another@example.com", "password": PASSWORD}},
    "RequestAccountDeletion": {"password": PASSWORD},
    "CancelAccountDeletion": {},
}
"""What changes an account or gives it something."""


async def ends(user: User) -> None:
    await Session.end_all(user.id, utc_now())


async def goes(user: User) -> None:
    """All that is left of them is the row; their session, which would be gone, is still open."""
    user.anonymise()
    await user.save()


async def asked_too_late(
    person: Person, asked: Callable[[], Awaitable[str]], meanwhile: Callable[[User], Awaitable[None]]
) -> str:
    """What is answered to who was let in, and waited for their account while that happened."""
    async with transaction():
        user = await User.hold(person.user.id)
        asking = asyncio.create_task(asked())  # type: ignore[arg-type]
        await until(lambda: waits_for("users"))
        await meanwhile(user)
    return await asking


async def done_by(person: Person) -> list[str]:
    return [event.type for event in await EventRecord.filter(actor_id=person.user.id)]


@pytest.mark.parametrize("meanwhile", [ends, goes])
@pytest.mark.parametrize("operation", GIVEN)
async def test_who_was_let_in_and_waited_is_asked_again_whether_they_are_there(
    make: Factory, operation: str, meanwhile: Callable[[User], Awaitable[None]]
) -> None:
    ada = await make.secured(await make.person())
    answer = await asked_too_late(ada, lambda: kind(ada.client, operation, **GIVEN[operation]), meanwhile)
    assert answer == "Unauthenticated"
    assert await done_by(ada) == []


@pytest.mark.parametrize("operation", ["ConfirmTwoFactor", "NewRecoveryCodes", "DisableTwoFactor"])
async def test_a_code_is_not_enough_for_who_is_no_longer_signed_in(make: Factory, operation: str) -> None:
    """Whoever has begun two-factor by a stolen session would lock its owner out."""
    ada = await make.secured(await make.person())
    secret = await second_factor(ada.user, confirmed=operation != "ConfirmTwoFactor")
    given = {"code": code_of(secret)} | ({"password": PASSWORD} if operation == "DisableTwoFactor" else {})
    assert await asked_too_late(ada, lambda: kind(ada.client, operation, **given), ends) == "Unauthenticated"
    assert await done_by(ada) == []


async def test_an_identity_is_not_removed_by_who_is_no_longer_signed_in(make: Factory) -> None:
    ada = await make.secured(await make.person())
    about = {"provider": "company", "issuer": "https://company.example", "used_at": utc_now()}
    identity = await Identity.create(user_id=ada.user.id, subject=str(ada.user.id), **about)
    answer = await asked_too_late(ada, lambda: kind(ada.client, "RemoveIdentity", id=gid(identity)), ends)
    assert answer == "Unauthenticated"


@pytest.mark.parametrize("operation", ["AcceptInvitation", "DeclineInvitation"])
async def test_who_follows_an_invitation_is_held_before_it_and_the_team(make: Factory, operation: str) -> None:
    """As by who deletes the account, which has its links and invitations go: else the two wait for each other."""
    crew, ada = await make.crew(), await make.secured(await make.person())
    invitation, token = await make.invitation(crew, ada.user.email)

    async def takes_all_and_goes(user: User) -> None:
        await Team.filter(id=crew.team.id).select_for_update(nowait=True).get()
        await MailedLink.filter(subject_id=invitation.id).select_for_update(nowait=True).get()
        await Invitation.filter(id=invitation.id).select_for_update(nowait=True).get()
        await goes(user)

    given = {"token": token} if operation == "DeclineInvitation" else {"input": {"token": token}}
    answer = await asked_too_late(ada, lambda: kind(ada.client, operation, **given), takes_all_and_goes)
    assert answer == "Unauthenticated"
    assert not await Member.exists(user_id=ada.user.id)


async def test_a_key_that_ended_meanwhile_makes_nothing(make: Factory) -> None:
    ada = await make.person()
    key = await make.key(ada)

    async def revoked(user: User) -> None:
        await ApiKey.filter(user_id=user.id).update(revoked_at=utc_now())

    answer = await asked_too_late(ada, lambda: kind(key, "CreateTeam", input={"name": "Another"}), revoked)
    assert answer == "Unauthenticated"
    assert await kind(await make.key(ada), "CreateTeam", input={"name": "Another"}) == "Team"


async def test_no_key_comes_after_the_reset_that_ends_all_keys(make: Factory) -> None:
    """A thief of the session asks for one while the owner chooses another password."""
    ada = await make.secured(await make.person())
    token = await make.link(LinkKind.PASSWORD_RESET, ada.user)
    async with transaction():
        await User.hold(ada.user.id)
        resetting = asyncio.create_task(reset(make.client(), token))
        await until(lambda: waits_for("users"))
        making = asyncio.create_task(kind(ada.client, "CreateApiKey", input=KEY))
        await until(lambda: waits_for("users", 2))
    assert ((await resetting)["__typename"], await making) == ("PasswordReset", "Unauthenticated")
    assert not await ApiKey.exists(user_id=ada.user.id)
