"""Accounts that shall go, over the wire; how they go is in `tests/workers/test_deletions.py`."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.accounts import DELETION_GRACE
from domain.clock import utc_now
from domain.permissions import Role
from local.client import Client
from models import EventRecord, Member, Team, User
from tests.factories import PASSWORD, Factory, Person
from tests.mails import mail_to
from tests.studio import Studio


async def ask(client: Client, password: str = PASSWORD) -> Any:
    return (await client.run("RequestAccountDeletion", password=password))["data"]["requestAccountDeletion"]


async def deletion_at(person: Person) -> Any:
    return (await User.get(id=person.user.id)).deletion_at


async def team_of(*owners: Person, name: str = "Studio", viewers: tuple[Person, ...] = ()) -> Team:
    team = await Team.create(name=name)
    for role, people in ((Role.OWNER, owners), (Role.VIEWER, viewers)):
        for person in people:
            await Member.create(team_id=team.id, user_id=person.user.id, role=role)
    return team


async def test_an_account_that_shall_go_waits_and_can_stay(make: Factory, studio: Studio) -> None:
    ada = await make.secured(await make.person())
    await team_of(ada)
    asked = await ask(ada.client)
    assert abs(await deletion_at(ada) - utc_now() - DELETION_GRACE) < timedelta(minutes=1)
    assert asked["deletionAt"] is not None
    assert "In 14 days" in await mail_to(studio, ada.user.email, "Your account is going to be deleted")
    assert (await ask(ada.client))["code"] == "CONFLICT"
    client = make.client()
    await client.sign_in(ada.user.email, PASSWORD)
    assert (await client.do("CancelAccountDeletion"))["deletionAt"] is None
    assert (await client.run("CancelAccountDeletion"))["data"]["cancelAccountDeletion"]["code"] == "CONFLICT"
    events = await EventRecord.filter(actor_id=ada.user.id, type__startswith="account.deletion").order_by("id")
    assert [event.type for event in events] == ["account.deletion_requested", "account.deletion_cancelled"]


async def test_it_takes_the_password(make: Factory) -> None:
    ada = await make.secured(await make.person())
    wrong = await ask(ada.client, "not the password")
    assert (wrong["code"], wrong["path"]) == ("INVALID", ["password"])
    assert (await ask(make.client()))["code"] == "UNAUTHENTICATED"
    await User.filter(id=ada.user.id).update(password_hash=None)
    assert (await ask(ada.client))["code"] == "INVALID"
    assert await deletion_at(ada) is None


async def test_the_last_owner_of_others_cannot_go(make: Factory) -> None:
    ada, eve = await make.secured(await make.person()), await make.person()
    await team_of(ada, name="Alone")
    await team_of(ada, eve, name="Shared")
    await team_of(ada, viewers=(eve,), name="Hers")
    refused = await ask(ada.client)
    assert (refused["code"], await deletion_at(ada)) == ("CONFLICT", None)
    assert "Hers" in refused["message"]
    assert "Shared" not in refused["message"]
    assert "Alone" not in refused["message"]


async def test_an_owner_who_goes_is_no_owner_who_stays(make: Factory) -> None:
    ada, eve, bob = [await make.secured(await make.person()) for _ in range(3)]
    await team_of(ada, eve, viewers=(bob,))
    assert (await ask(ada.client))["__typename"] == "User"
    assert (await ask(eve.client))["code"] == "CONFLICT"
    assert (await ask(bob.client))["__typename"] == "User"


@pytest.mark.parametrize("_again", range(3))
async def test_of_the_last_two_owners_only_one_can_go(make: Factory, _again: int) -> None:
    ada, eve, bob = [await make.secured(await make.person()) for _ in range(3)]
    await team_of(ada, eve, viewers=(bob,))
    answers = await asyncio.gather(ask(ada.client), ask(eve.client))
    assert sorted(answer["__typename"] for answer in answers) == ["Conflict", "User"]
