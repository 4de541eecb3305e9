"""Another address for an account: both must agree, and nobody learns whose an address is."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.links import LinkKind
from local.client import Client
from models import EventRecord, MailedLink, User
from tests.factories import PASSWORD, Factory, Person
from tests.mails import mail_to, mails_to, token_in
from tests.studio import Studio

OLD_MAIL, NEW_MAIL = "Your address is to be changed", "Confirm your new address"
TAKEN = "Somebody wanted to use this address"


def new_address() -> str:
    return f"{new_id()}@example.com"


async def wish(client: Client, email: str, password: str = PASSWORD) -> Any:
    given = {"newEmail": email, "password": password}
    return (await client.run("RequestEmailChange", input=given))["data"]["requestEmailChange"]


async def confirm(client: Client, token: str) -> Any:
    return (await client.run("ConfirmEmailChange", token=token))["data"]["confirmEmailChange"]


async def pair(make: Factory, person: Person, email: str, **values: Any) -> list[str]:
    """The tokens of a wish whose mails have been sent: to the old address, to the new."""
    values = {"subject_id": new_id()} | values
    old = await make.link(LinkKind.EMAIL_CHANGE_OLD, person.user, **values)
    return [old, await make.link(LinkKind.EMAIL_CHANGE_NEW, person.user, email=email, **values)]


async def address(person: Person) -> str:
    return (await User.get(id=person.user.id)).email


async def test_both_addresses_agree_by_mail_and_page(make: Factory, studio: Studio) -> None:
    ada = await make.secured(await make.person())
    old, new = ada.user.email, new_address()
    assert (await wish(ada.client, f" {new.upper()} "))["__typename"] == "CheckYourMail"
    told = await mail_to(studio, old, OLD_MAIL)
    assert new in told
    tokens = [token_in(text, studio, "/confirm-email") for text in (told, await mail_to(studio, new, NEW_MAIL))]
    async with httpx.AsyncClient(base_url=studio.url) as browser:
        assert tokens[0] in (await browser.get("/confirm-email", params={"token": tokens[0]})).text
        assert await address(ada) == old, "to look at the page is not to agree"
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await browser.post("/confirm-email", data={"token": tokens[0]}, headers=foreign)).status_code == 403
        assert "has yet to agree" in (await browser.post("/confirm-email", data={"token": tokens[0]})).text
        assert await address(ada) == old
        assert "Your address has changed" in (await browser.post("/confirm-email", data={"token": tokens[1]})).text
        assert (await browser.post("/confirm-email", data={"token": tokens[1]})).status_code == 409
    assert (await ada.client.do("Viewer"))["email"] == new, "and the session stays"
    for to in (old, new):
        assert new in await mail_to(studio, to, "Your address was changed")
    kinds = ("account.email_change_requested", "account.email_confirmed", "account.email_changed")
    events = await EventRecord.filter(type__in=kinds, actor_id=ada.user.id).order_by("id")
    assert [event.type for event in events] == list(kinds)
    assert {str(event.payload) for event in events} == {str({"user_id": str(ada.user.id)})}, "no address in an event"


@pytest.mark.parametrize("first", [0, 1])
async def test_either_may_agree_first(make: Factory, first: int) -> None:
    ada, new = await make.person(), new_address()
    tokens, client = await pair(make, ada, new), make.client()
    assert await confirm(client, tokens[first]) == {"__typename": "EmailConfirmed", "changed": False}
    assert (await confirm(client, tokens[first]))["code"] == "CONFLICT"
    assert await confirm(client, tokens[1 - first]) == {"__typename": "EmailConfirmed", "changed": True}
    assert await address(ada) == new


async def test_both_at_once_change_it_exactly_once(make: Factory) -> None:
    for _ in range(5):
        ada, new = await make.person(), new_address()
        tokens = await pair(make, ada, new)
        answers = await asyncio.gather(*(confirm(make.client(), token) for token in tokens * 2))
        kinds = sorted(answer["__typename"] for answer in answers)
        assert kinds == ["Conflict", "Conflict", "EmailConfirmed", "EmailConfirmed"]
        assert sorted(answer["changed"] for answer in answers if "changed" in answer) == [False, True]
        assert await address(ada) == new
        assert await EventRecord.filter(type="account.email_changed", actor_id=ada.user.id).count() == 1


async def test_an_address_that_somebody_has_is_not_told_but_its_owner_is(make: Factory, studio: Studio) -> None:
    ada, eve = await make.secured(await make.person()), await make.person("Eve")
    free = new_address()
    answers = [await wish(ada.client, email) for email in (free, eve.user.email)]
    assert [answer | {"email": ""} for answer in answers] == [{"__typename": "CheckYourMail", "email": ""}] * 2
    assert "Hello Eve" in await mail_to(studio, eve.user.email, TAKEN)
    assert NEW_MAIL not in mails_to(studio, eve.user.email)
    (link,) = await MailedLink.filter(user_id=ada.user.id, kind=LinkKind.EMAIL_CHANGE_OLD, used_at__isnull=True)
    before = ada.user.email
    told = [mail for mail in mails_to(studio, before).values() if mail["Subject"] == OLD_MAIL]
    assert told, "the old address has its mail as ever"
    token = await make.link(LinkKind.EMAIL_CHANGE_OLD, ada.user, subject_id=link.subject_id)
    await link.delete()
    assert await confirm(make.client(), token) == {"__typename": "EmailConfirmed", "changed": False}
    assert [await address(ada), await address(eve)] == [before, eve.user.email]


async def test_an_address_that_was_taken_meanwhile_is_left_to_its_owner(make: Factory, studio: Studio) -> None:
    ada, new = await make.person(), new_address()
    tokens, client = await pair(make, ada, new), make.client()
    await confirm(client, tokens[1])
    eve = await User.create(name="Eve", email=new, password_hash="none")
    assert await confirm(client, tokens[0]) == {"__typename": "EmailConfirmed", "changed": False}
    assert await address(ada) == ada.user.email
    assert (await User.get(email=new)).id == eve.id
    await mail_to(studio, new, TAKEN)


async def test_two_who_want_the_same_address_at_once(make: Factory) -> None:
    """Both have proven that they read it; one gets it, and nobody a fault of ours."""
    for _ in range(4):
        new, people = new_address(), [await make.person() for _ in range(2)]
        last = []
        for person in people:
            first, second = await pair(make, person, new)
            await confirm(make.client(), first)
            last.append(second)
        answers = await asyncio.gather(*(confirm(make.client(), token) for token in last))
        assert sorted(answer["changed"] for answer in answers) == [False, True]
        assert sorted([await address(person) == new for person in people]) == [False, True]


async def test_a_newer_wish_takes_the_place_of_an_older_one(make: Factory) -> None:
    ada = await make.secured(await make.person())
    older = await pair(make, ada, new_address())
    await confirm(make.client(), older[0])
    assert (await wish(ada.client, new_address()))["__typename"] == "CheckYourMail"
    assert (await confirm(make.client(), older[1]))["code"] == "CONFLICT"
    assert await address(ada) == ada.user.email


async def test_links_of_two_wishes_do_not_make_a_pair(make: Factory) -> None:
    ada, client = await make.person(), make.client()
    one, other = await pair(make, ada, new_address()), await pair(make, ada, new_address())
    assert [(await confirm(client, token))["changed"] for token in (one[0], other[1])] == [False, False]
    assert await address(ada) == ada.user.email


async def test_a_half_that_is_late_does_not_count(make: Factory) -> None:
    ada = await make.person()
    tokens = await pair(make, ada, new_address())
    await confirm(make.client(), tokens[0])
    await MailedLink.filter(user_id=ada.user.id).update(expires_at=utc_now() - timedelta(seconds=1))
    assert (await confirm(make.client(), tokens[1]))["code"] == "CONFLICT"
    reset = await make.link(LinkKind.PASSWORD_RESET, ada.user)
    assert (await confirm(make.client(), reset))["code"] == "CONFLICT"


async def test_what_a_wish_needs(make: Factory) -> None:
    ada = await make.secured(await make.person())
    assert (await wish(make.client(), new_address()))["code"] == "UNAUTHENTICATED"
    wrong = await wish(ada.client, new_address(), "not the password")
    assert (wrong["code"], wrong["path"]) == ("INVALID", ["input", "password"])
    for bad in ("", "ada", "ada@example.com\r\nBcc: eve@example.com"):
        assert (await wish(ada.client, bad))["path"] == ["input", "newEmail"]
    same = await wish(ada.client, ada.user.email.upper())
    assert (same["code"], same["path"]) == ("CONFLICT", ["input", "newEmail"])
    kinds = [(await wish(ada.client, ada.user.email.replace("@", f".{of}@")))["__typename"] for of in "aaaa"]
    assert kinds == ["CheckYourMail"] * 3 + ["Throttled"]
    await User.filter(id=ada.user.id).update(password_hash=None)
    assert (await wish(ada.client, new_address()))["code"] == "INVALID"


async def test_a_reset_link_to_the_old_address_ends_with_the_change(make: Factory) -> None:
    ada, client = await make.person(), make.client()
    reset = await make.link(LinkKind.PASSWORD_RESET, ada.user)
    for token in await pair(make, ada, new_address()):
        await confirm(client, token)
    answer = await client.run("ResetPassword", input={"token": reset, "password": "quite another one"})
    assert answer["data"]["resetPassword"]["code"] == "CONFLICT"
