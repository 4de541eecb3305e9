"""Accounts over the wire: from the first wish to join to the end of a session."""

import asyncio
import re
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.tokens import new_token, token_hash
from models import Job, Session, SignUp, Team, User
from models.database import raw_connection
from tests.accounts import confirm, mail_to, member, new_address, sign_in, sign_up, viewer_of, who, wish
from tests.factories import PASSWORD, Factory
from tests.studio import WORKERS, Studio


def link_in(mail: EmailMessage, studio: Studio) -> str:
    text = mail.get_body(("plain",)).get_content()
    found = re.search(rf"^{re.escape(studio.url)}/welcome\?token=([\w-]{{43}})\r?$", text, re.MULTILINE)
    assert found, text
    return found[1]


async def test_from_the_first_wish_to_the_last_sign_out(
    make: Factory, studio: Studio, browser: httpx.AsyncClient
) -> None:
    """The whole play, by mail; none of its secrets gets into a log."""
    email, client = new_address(), make.client()
    answer = await sign_up(client, email.upper(), teamName="Engines")
    assert answer == {"__typename": "CheckYourMail", "email": email.upper()}
    assert (await sign_in(client, email))["code"] == "UNAUTHENTICATED"
    link = link_in(await mail_to(studio, email), studio)

    page = await browser.get("/welcome", params={"token": link})
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert '<form method="post">' in page.text
    assert '<input type="password" name="password" autocomplete="new-password" required' in page.text
    assert "<button>Open my account</button>" in page.text
    assert f'value="{link}"' in page.text
    assert "set-cookie" not in page.headers
    assert await viewer_of(browser) is None

    foreign = await browser.post("/welcome", data={"token": link}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, "set-cookie" in foreign.headers) == (403, False)
    poor = await browser.post("/welcome", data={"token": link, "password": "Password123"})
    assert (poor.status_code, "set-cookie" in poor.headers) == (409, False)
    assert "one of the most common" in poor.text
    assert f'value="{link}"' in poor.text
    form = {"token": link, "password": PASSWORD}
    opened = await browser.post("/welcome", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert opened.status_code == 200
    assert "You are signed in" in opened.text
    _are_safe(opened)
    place = {"role": "OWNER", "team": {"name": "Engines"}}
    assert await viewer_of(browser) == {"email": email, "memberships": {"nodes": [place]}}
    again = await browser.post("/welcome", data=form)
    assert again.status_code == 409
    assert "has been used" in again.text
    assert "set-cookie" not in again.headers

    session = await sign_in(client, f"  {email.title()} ")
    assert session["user"]["email"] == email
    assert await who(client) == email
    cookie = browser.cookies["session"]
    token = client.token
    assert token
    await client.do("SignOut")
    await browser.post("/graphql", json={"query": "mutation {signOut {__typename}}"})
    logs = "".join(studio.log(name) for name in ("api", *WORKERS))
    assert [secret for secret in (PASSWORD, link, cookie, token, token_hash(link), email) if secret in logs] == []


def _are_safe(response: httpx.Response) -> None:
    cookies = response.headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["session", "device"]
    for cookie in cookies:
        parts = [part.strip().lower() for part in cookie.split(";")]
        assert {"httponly", "samesite=lax", "path=/"} <= set(parts)
        assert any(part.startswith(("expires=", "max-age=")) for part in parts)
        assert not any(part.startswith("domain=") for part in parts)


async def test_a_known_address_is_not_told_and_gets_no_link(make: Factory, studio: Studio) -> None:
    known, unknown, client = await member(), new_address(), make.client()
    answers = [await sign_up(client, email) for email in (known.email, unknown)]
    assert [answer | {"email": ""} for answer in answers] == [{"__typename": "CheckYourMail", "email": ""}] * 2

    mails = [await mail_to(studio, email) for email in (known.email, unknown)]
    assert [mail["Subject"] for mail in mails] == ["You already have an account", "Welcome to Video Creator"]
    assert "token=" not in mails[0].as_string()
    assert (await sign_in(client, known.email))["__typename"] == "SignedIn"


async def test_the_same_is_written_for_known_and_unknown_addresses(make: Factory) -> None:
    """Whoever watches how long a sign-up takes learns nothing."""
    known = await member()
    for email in (known.email, new_address()):
        await sign_up(make.client(), email)
        row = await SignUp.get(email=email)
        (job,) = [job for job in await Job.filter(kind="sign_in_mail") if job.payload == {"sign_up_id": str(row.id)}]
        assert (job.team_id, job.created_by_id) == (None, None)


async def test_a_link_works_once(make: Factory) -> None:
    token, client = await wish(new_address()), make.client()
    answers = await asyncio.gather(*(confirm(client, token) for _ in range(4)))
    assert sorted(answer["__typename"] for answer in answers) == ["Conflict"] * 3 + ["SignedIn"]
    refused = next(answer for answer in answers if answer["__typename"] == "Conflict")
    assert (refused["code"], refused["path"]) == ("CONFLICT", ["token"])


async def test_a_link_that_is_late_wrong_or_empty_is_refused(make: Factory, browser: httpx.AsyncClient) -> None:
    late = await wish(new_address(), expires_at=utc_now() - timedelta(seconds=1))
    for token in (late, new_token(), "", "\x00", "x" * 10_000):
        assert (await confirm(make.client(), token))["code"] == "CONFLICT"
        posted = await browser.post("/welcome", data={"token": token})
        assert posted.status_code == (413 if len(token) > 4096 else 409)
        assert "set-cookie" not in posted.headers
    forms: list[dict[str, Any]] = [{}, {"files": {"token": late}}, {"content": b"\xff\x00=&&;%%%zz"}]
    for form in forms:
        assert (await browser.post("/welcome", **form)).status_code == 409


async def test_the_page_of_a_link_repeats_no_markup(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/welcome", params={"token": "\"'><script>alert(1)</script>"})
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_two_links_of_one_address_at_once_make_one_account(make: Factory) -> None:
    for _ in range(5):
        email, client = new_address(), make.client()
        tokens = [await wish(email, team_name=f"Team of {email}") for _ in range(4)]
        answers = await asyncio.gather(*(confirm(client, token) for token in tokens))
        assert sorted(answer["__typename"] for answer in answers) == ["Conflict"] * 3 + ["SignedIn"]
        assert await Team.filter(name=f"Team of {email}").count() == 1
        assert await SignUp.filter(email=email).count() == 0


async def test_signing_in_sets_a_cookie_and_signing_out_ends_token_and_cookie(
    make: Factory, browser: httpx.AsyncClient
) -> None:
    user, client = await member(), make.client()
    body = {"email": user.email, "password": PASSWORD}
    query = "mutation($input: SignInInput!) {signIn(input: $input) {... on SignedIn {token expiresAt}}}"
    signed_in = await browser.post("/graphql", json={"query": query, "variables": {"input": body}})
    _are_safe(signed_in)
    client.token = signed_in.json()["data"]["signIn"]["token"]
    assert browser.cookies["session"] == client.token
    assert (await viewer_of(browser))["email"] == await who(client) == user.email
    other = make.client()
    await sign_in(other, user.email)

    signed_out = await browser.post("/graphql", json={"query": "mutation {signOut {... on SignedOut {ended}}}"})
    assert signed_out.json()["data"]["signOut"] == {"ended": True}
    assert 'session=""' in signed_out.headers["set-cookie"]
    assert "session" not in browser.cookies
    assert await who(client) is None
    assert (await client.run("SignOut"))["data"]["signOut"]["code"] == "UNAUTHENTICATED"
    assert await who(other) == user.email


async def test_a_session_ends_by_itself(make: Factory) -> None:
    user, client = await member(), make.client()
    session = await sign_in(client, user.email)
    assert await who(client) == user.email
    row = await Session.get(token_hash=token_hash(session["token"]))
    assert row.expires_at - row.created_at == timedelta(days=30)
    await Session.filter(id=row.id).update(expires_at=utc_now() - timedelta(seconds=1))
    assert await who(client) is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer  x", "Basic {0}", "{0}", "Bearer {0}x", "Bearer {0} {0}"])
async def test_what_is_not_the_token_is_nobody(make: Factory, browser: httpx.AsyncClient, header: str) -> None:
    token = (await make.person()).client.token
    browser.headers["Authorization"] = header.format(token)
    assert await viewer_of(browser) is None
    browser.headers["Authorization"] = f"bEARER  {token}"
    assert await viewer_of(browser) is not None


@pytest.mark.parametrize(("length", "fine"), [(9, False), (10, True), (200, True), (201, False), (100_000, False)])
async def test_the_bounds_of_a_password(make: Factory, length: int, fine: bool) -> None:
    token = await wish(new_address())
    answer = await confirm(make.client(), token, "ü" * length)
    assert (answer["__typename"] == "SignedIn") is fine
    assert fine or (answer["code"], answer["path"]) == ("INVALID", ["password"])
    assert fine or (await confirm(make.client(), token))["__typename"] == "SignedIn", "the link is still good"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "ada"),
        ("email", "ada@example"),
        ("email", "a@b@example.com"),
        ("email", "Ada <ada@example.com>"),
        ("email", "ada@example.com\r\nBcc: eve@example.com"),
        ("email", f"{'a' * 250}@example.com"),
        ("name", " "),
        ("name", "a" * 101),
        ("teamName", "a" * 101),
        ("teamName", "a\x00b"),
    ],
)
async def test_what_a_sign_up_refuses(make: Factory, field: str, value: str) -> None:
    answer = await sign_up(make.client(), **{"email": new_address(), field: value})
    assert (answer["__typename"], answer["code"], answer["path"]) == ("Invalid", "INVALID", ["input", field])


async def test_a_person_without_a_team_name_gets_their_own(make: Factory, studio: Studio) -> None:
    email, client = new_address(), make.client()
    await sign_up(client, email, name=" Ada   Lovelace ")
    client.token = (await confirm(client, link_in(await mail_to(studio, email), studio)))["token"]
    viewer = (await client.run("Viewer"))["data"]["viewer"]
    assert viewer["name"] == "Ada Lovelace"
    assert [member["team"]["name"] for member in viewer["memberships"]["nodes"]] == ["Ada Lovelace"]


async def test_passwords_and_tokens_are_stored_as_hashes_alone(make: Factory, studio: Studio) -> None:
    email, client = new_address(), make.client()
    await sign_up(client, email)
    link = link_in(await mail_to(studio, email), studio)
    before = await _everything()
    assert token_hash(link) in before
    client.token = (await confirm(client, link))["token"]
    assert client.token
    after = await _everything()
    assert token_hash(client.token) in after
    assert [secret for secret in (PASSWORD, link, client.token) if secret in before + after] == []
    assert (await User.get(email=email)).password_hash.startswith("$argon2id$v=19$m=12288,t=3,p=1$")


async def _everything() -> str:
    """Every row of every table, as text."""
    async with raw_connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{table[0]}" t') for table in tables]
    return "\n".join(row[0] for found in rows for row in found)


async def test_who_asks_in_german_is_answered_in_german(
    make: Factory, studio: Studio, browser: httpx.AsyncClient
) -> None:
    email, client = new_address(), make.client(language="de-CH, fr;q=0.9, en;q=0.5")
    assert (await sign_in(client, email))["message"] == "Die E-Mail-Adresse oder das Passwort ist falsch."
    assert (await sign_up(client, email, name=""))["message"] == "Das darf nicht leer sein."
    await sign_up(client, email)
    mail = await mail_to(studio, email)
    assert mail["Subject"] == "Willkommen bei Video Creator"
    link = link_in(mail, studio)
    browser.headers["Accept-Language"] = "de"
    page = await browser.get("/welcome", params={"token": link})
    assert '<html lang="de" ' in page.text
    assert "Mein Konto öffnen" in page.text
    client.token = (await confirm(client, link))["token"]
    assert (await client.run("Viewer"))["data"]["viewer"]["locale"] == "de"
