"""Passwords that are forgotten, and passwords that change, over the wire."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.links import LinkKind
from domain.tokens import new_token, token_hash
from local.client import Client
from models import EventRecord, Job, MailedLink, Session, User
from models.database import raw_connection
from tests.factories import PASSWORD, Factory, Person
from tests.mails import mail_to, mails_to, token_in
from tests.studio import Studio
from tests.waiting import until

NEW = "quite another password"
CHANGED = "Your password was changed"


async def ask_reset(client: Client, email: str) -> Any:
    return (await client.run("RequestPasswordReset", email=email))["data"]["requestPasswordReset"]


async def reset(client: Client, token: str, password: str = NEW) -> Any:
    given = {"token": token, "password": password}
    return (await client.run("ResetPassword", input=given))["data"]["resetPassword"]


async def change(client: Client, current: str = PASSWORD, new: str = NEW) -> Any:
    return (await client.run("ChangePassword", input={"current": current, "new": new}))["data"]["changePassword"]


async def can_sign_in(make: Factory, person: Person, password: str) -> bool:
    given = {"email": person.user.email, "password": password}
    answer = await make.client().run("SignIn", input=given)
    return bool(answer["data"]["signIn"]["__typename"] == "SignedIn")


async def is_signed_in(person: Person) -> bool:
    return (await person.client.run("Viewer"))["data"]["viewer"] is not None


async def test_a_forgotten_password_by_mail_and_page(make: Factory, studio: Studio) -> None:
    ada = await make.secured(await make.person())
    other = await make.session(ada)
    answer = await ask_reset(make.client(), f" {ada.user.email.upper()} ")
    assert answer["__typename"] == "CheckYourMail"
    token = token_in(await mail_to(studio, ada.user.email, "Choose a new password"), studio, "/reset-password")
    async with httpx.AsyncClient(base_url=studio.url) as browser:
        page = await browser.get("/reset-password", params={"token": token})
        assert '<input type="password" name="password"' in page.text
        assert f'value="{token}"' in page.text
        sent = {"token": token, "password": "short"}
        again = await browser.post("/reset-password", params={"token": token}, data=sent)
        assert "10 to 200 characters" in again.text
        assert f'value="{token}"' in again.text, "it can be typed again"
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await browser.post("/reset-password", data=sent, headers=foreign)).status_code == 403
        done = await browser.post("/reset-password", data={"token": token, "password": NEW})
        assert "You have a new password" in done.text
        assert "set-cookie" not in done.headers, "it signs nobody in: a second factor would be got around"
        assert (await browser.post("/reset-password", data={"token": token, "password": NEW})).status_code == 409
    assert [await is_signed_in(person) for person in (ada, other)] == [False, False]
    assert [await can_sign_in(make, ada, password) for password in (PASSWORD, NEW)] == [False, True]
    assert "Hello Ada" in await mail_to(studio, ada.user.email, CHANGED)
    event = await EventRecord.get(type="account.password_changed", actor_id=ada.user.id)
    assert event.payload == {"user_id": str(ada.user.id), "by_link": True, "sessions": 2}
    logs = "".join(studio.log(name) for name in ("api", "io", "relay"))
    assert [secret for secret in (token, NEW, token_hash(token)) if secret in logs] == []


async def test_a_known_address_and_an_unknown_one_are_answered_alike(make: Factory, studio: Studio) -> None:
    ada, unknown = await make.person(), f"{new_id()}@example.com"
    client = make.client()
    known = await ask_reset(client, ada.user.email)
    assert known | {"email": unknown} == await ask_reset(client, unknown)
    written = [await MailedLink.get(email=email) for email in (ada.user.email, unknown)]
    await mail_to(studio, ada.user.email, "Choose a new password")

    async def has_looked() -> bool:
        return await Job.exists(kind="link_mail", payload={"link_id": str(written[1].id)}, state="succeeded")

    await until(has_looked)
    assert mails_to(studio, unknown) == {}
    await written[1].refresh_from_db()
    assert written[1].token_hash is None, "there is nothing to be followed"


@pytest.mark.parametrize(
    "email", ["", "ada", "a@b@example.com", "ada@example.com\r\nBcc: eve@example.com", "a\x00@b.c"]
)
async def test_what_is_no_address_is_refused(make: Factory, email: str) -> None:
    answer = await ask_reset(make.client(), email)
    assert (answer["code"], answer["path"]) == ("INVALID", ["email"])


async def test_one_address_gets_few_mails(make: Factory) -> None:
    email, client = f"{new_id()}@example.com", make.client()
    kinds = [(await ask_reset(client, email))["__typename"] for _ in range(4)]
    assert kinds == ["CheckYourMail"] * 3 + ["Throttled"]


async def test_a_reset_link_works_once_and_takes_the_others_with_it(make: Factory) -> None:
    ada = await make.person()
    tokens = [await make.link(LinkKind.PASSWORD_RESET, ada.user) for _ in range(3)]
    answers = await asyncio.gather(*(reset(make.client(), token) for token in [*tokens, tokens[0]]))
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["Conflict"] * 3 + ["PasswordReset"]
    assert {answer["code"] for answer in answers if "code" in answer} == {"CONFLICT"}
    assert await MailedLink.filter(user_id=ada.user.id, used_at__isnull=True).count() == 0


async def test_a_link_that_is_late_wrong_or_for_something_else_is_refused(make: Factory) -> None:
    ada = await make.secured(await make.person())
    late = await make.link(LinkKind.PASSWORD_RESET, ada.user, expires_at=utc_now() - timedelta(seconds=1))
    used = await make.link(LinkKind.PASSWORD_RESET, ada.user, used_at=utc_now())
    other = await make.link(LinkKind.EMAIL_CHANGE_OLD, ada.user, subject_id=new_id())
    invitation = await make.link(LinkKind.INVITATION, ada.user)
    assert ada.client.token
    tokens = [late, used, other, invitation, ada.client.token, new_token(), "", "\x00", "x" * 10_000]
    for token in tokens:
        answer = await reset(make.client(), token)
        assert (answer["code"], answer["path"]) == ("CONFLICT", ["input", "token"]), token
    assert await can_sign_in(make, ada, PASSWORD)


async def test_a_link_to_an_address_that_is_no_longer_theirs_is_refused(make: Factory) -> None:
    ada = await make.person()
    token = await make.link(LinkKind.PASSWORD_RESET, ada.user)
    await User.filter(id=ada.user.id).update(email=f"{new_id()}@example.com")
    assert (await reset(make.client(), token))["code"] == "CONFLICT"


async def test_a_password_that_is_refused_costs_no_link(make: Factory) -> None:
    ada = await make.person()
    token = await make.link(LinkKind.PASSWORD_RESET, ada.user)
    for password in ("short", "x" * 201):
        answer = await reset(make.client(), token, password)
        assert (answer["code"], answer["path"]) == ("INVALID", ["input", "password"])
    assert (await reset(make.client(), token)) == {"__typename": "PasswordReset", "email": ada.user.email}


async def test_who_has_no_password_gets_one_by_a_link(make: Factory) -> None:
    ada = await make.person()
    await User.filter(id=ada.user.id).update(password_hash=None)
    answer = await change(ada.client)
    assert (answer["__typename"], answer["path"]) == ("Invalid", ["input", "current"])
    await reset(make.client(), await make.link(LinkKind.PASSWORD_RESET, ada.user))
    assert await can_sign_in(make, ada, NEW)


async def test_changing_ones_password_ends_the_other_sessions(make: Factory, studio: Studio) -> None:
    ada = await make.secured(await make.person())
    other = await make.session(ada)
    wish = await make.link(LinkKind.EMAIL_CHANGE_NEW, ada.user, subject_id=new_id())
    assert (await change(ada.client))["__typename"] == "User"
    assert [await is_signed_in(ada), await is_signed_in(other)] == [True, False]
    assert [await can_sign_in(make, ada, password) for password in (PASSWORD, NEW)] == [False, True]
    await mail_to(studio, ada.user.email, CHANGED)
    event = await EventRecord.get(type="account.password_changed", actor_id=ada.user.id)
    assert event.payload == {"user_id": str(ada.user.id), "by_link": False, "sessions": 1}
    answer = (await make.client().run("ConfirmEmailChange", token=wish))["data"]["confirmEmailChange"]
    assert answer["code"] == "CONFLICT", "whoever knew the old password may have asked for it"


async def test_a_wrong_password_is_refused_and_after_five_even_the_right_one(make: Factory) -> None:
    ada = await make.secured(await make.person())
    answers = [await change(ada.client, "not the password") for _ in range(5)]
    assert {(answer["code"], *answer["path"]) for answer in answers} == {("INVALID", "input", "current")}
    late = await change(ada.client)
    assert late["__typename"] == "Throttled"
    assert await Session.filter(user_id=ada.user.id, ended_at__isnull=True).count() == 1
    assert not await EventRecord.exists(type="account.password_changed", actor_id=ada.user.id)


@pytest.mark.parametrize("new", ["short", "", "x" * 201])
async def test_a_new_password_has_bounds(make: Factory, new: str) -> None:
    ada = await make.secured(await make.person())
    answer = await change(ada.client, new=new)
    assert (answer["code"], answer["path"]) == ("INVALID", ["input", "new"])


async def test_two_changes_at_once_do_not_both_succeed(make: Factory) -> None:
    ada = await make.secured(await make.person())
    news = [f"{NEW} {number}" for number in range(3)]
    answers = await asyncio.gather(*(change(ada.client, new=new) for new in news))
    kinds = [answer["__typename"] for answer in answers]
    assert sorted(kinds) == ["Conflict", "Conflict", "User"]
    assert await can_sign_in(make, ada, news[kinds.index("User")])


async def test_nobody_changes_nothing(make: Factory) -> None:
    assert (await change(make.client()))["code"] == "UNAUTHENTICATED"


async def test_neither_password_nor_token_is_stored(make: Factory, studio: Studio) -> None:
    ada = await make.secured(await make.person())
    await ask_reset(make.client(), ada.user.email)
    token = token_in(await mail_to(studio, ada.user.email, "Choose a new password"), studio, "/reset-password")
    await reset(make.client(), token)
    async with raw_connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{table[0]}" t') for table in tables]
    everything = "\n".join(row[0] for found in rows for row in found)
    assert [secret for secret in (token, NEW, PASSWORD) if secret in everything] == []


async def test_the_pages_speak_german_and_repeat_no_markup(studio: Studio) -> None:
    async with httpx.AsyncClient(base_url=studio.url, headers={"Accept-Language": "de"}) as browser:
        for path, button in (("/reset-password", "Dieses Passwort wählen"), ("/confirm-email", "Ich stimme zu")):
            page = await browser.get(path, params={"token": "\"'><script>alert(1)</script>"})
            assert button in page.text
            assert "<script" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert page.headers["referrer-policy"] == "same-origin"
            assert '<meta name="referrer" content="same-origin">' in page.text
            refused = await browser.post(path, data={"token": "x", "password": NEW})
            assert (refused.status_code, "abgelaufen" in refused.text) == (409, True)


async def test_a_reset_ends_the_keys_too_and_a_change_does_not(make: Factory) -> None:
    """Whoever was robbed of a session may have been robbed by way of it of a key."""
    ada = await make.secured(await make.person())
    key, _ = await make.key(ada), await make.key(ada, expires_at=utc_now())
    assert (await change(ada.client))["__typename"] == "User"
    assert await key.do("Viewer") is not None
    await reset(make.client(), await make.link(LinkKind.PASSWORD_RESET, ada.user))
    assert await key.do("Viewer") is None
    (revoked,) = await EventRecord.filter(type="api_key.revoked", subjects__contains=[f"user:{ada.user.id}"])
    assert (revoked.actor_id, revoked.payload["name"]) == (ada.user.id, "A key")
