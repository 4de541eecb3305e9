"""A hostile client at the door: guessing, locking out, fixing sessions. And who has the right to come in does."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from nacl.pwhash import argon2id

from domain.clock import utc_now
from domain.ids import new_id
from domain.proofs import GOOD_FOR, ProofKind, prove
from domain.tokens import token_hash
from local.client import Client
from models import EventRecord, Session, User
from tests.accounts import confirm, member, new_address, sign_in, sign_up, viewer_of, who, wish
from tests.factories import PASSWORD, Factory, new_network_address
from tests.second_factor import KEYS, challenge_for
from tests.waiting import until

WRONG = "not the password"
SIGN_IN = """mutation($input: SignInInput!) { signIn(input: $input) {
    __typename ... on SignedIn { token deviceToken } ... on Throttled { retryAfterSeconds } } }"""


async def guess(make: Factory, email: str, times: int, client: Client | None = None, **more: Any) -> list[str]:
    """What wrong passwords are answered, each from another address unless a client is given."""
    clients = [client or make.client() for _ in range(times)]
    return [(await sign_in(each, email, WRONG, **more))["__typename"] for each in clients]


async def guess_at_many(make: Factory, clients: list[Client]) -> list[str]:
    """What each is answered about an account of its own: at once, since a slow machine would outlast the minute."""
    answers = await asyncio.gather(*(guess(make, new_address(), 1, client) for client in clients))
    return sorted(kind for (kind,) in answers)


async def post(browser: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    variables = {"input": {"email": email, "password": password} | more}
    return await browser.post("/graphql", json={"query": SIGN_IN, "variables": variables})


def typename(response: httpx.Response) -> str:
    return response.json()["data"]["signIn"]["__typename"]


async def test_who_guesses_has_to_wait_and_so_has_the_right_password(make: Factory) -> None:
    user = await member()
    assert await guess(make, user.email.upper(), 6) == ["Unauthenticated"] * 5 + ["Throttled"]
    answer = await sign_in(make.client(), f" {user.email}")
    assert (answer["__typename"], answer["code"]) == ("Throttled", "THROTTLED")
    assert 0 < answer["retryAfterSeconds"] <= 60
    assert str(answer["retryAfterSeconds"]) in answer["message"]


async def test_guesses_at_once_are_no_more_than_guesses_in_turn(make: Factory) -> None:
    user = await member()
    answers = await asyncio.gather(*(guess(make, user.email, 1) for _ in range(30)))
    assert sorted(kind for (kind,) in answers) == ["Throttled"] * 25 + ["Unauthenticated"] * 5


async def test_guesses_in_one_document_count_each(make: Factory) -> None:
    user = await member()
    tries = " ".join(
        f'a{n}: signIn(input: {{email: "{user.email}", password: "wrong {n}"}}) {{ __typename }}' for n in range(10)
    )
    answer = (await make.client().ask(f"mutation {{ {tries} }}"))["data"]
    assert [answer[f"a{n}"]["__typename"] for n in range(10)] == ["Unauthenticated"] * 5 + ["Throttled"] * 5


async def test_one_network_address_guesses_at_so_many_accounts_and_no_more(make: Factory) -> None:
    client, other = make.client(), make.client()
    assert await guess_at_many(make, [client] * 22) == ["Throttled"] * 2 + ["Unauthenticated"] * 20
    user = await member()
    assert (await sign_in(client, user.email))["__typename"] == "Throttled"
    assert (await sign_in(other, user.email))["__typename"] == "SignedIn"


async def test_an_ipv6_line_is_one_address(make: Factory) -> None:
    """Whoever has one has 2⁶⁴ of them."""
    network = f"2001:db8:{new_network_address().replace('.', '')[:4]}:7"
    clients = [make.client() for _ in range(21)]
    for number, client in enumerate(clients):
        client.http.headers["X-Forwarded-For"] = f"{network}:{number:x}:1:2:3"
    assert await guess_at_many(make, clients) == ["Throttled"] + ["Unauthenticated"] * 20


async def test_who_signs_in_often_is_not_taken_for_a_guesser(make: Factory) -> None:
    user, client = await member(), make.client()
    for _ in range(8):
        assert (await sign_in(client, user.email))["__typename"] == "SignedIn"


async def test_a_right_password_forgives_no_wrong_ones(make: Factory) -> None:
    """Otherwise a guesser would see that the owner has come, and so that there is one."""
    user = await member()
    await guess(make, user.email, 4)
    assert (await sign_in(make.client(), user.email))["__typename"] == "SignedIn"
    assert await guess(make, user.email, 2) == ["Unauthenticated", "Throttled"]


async def test_the_headers_say_how_often_one_may_try(make: Factory, browser: httpx.AsyncClient) -> None:
    user = await member()
    first = await post(browser, user.email, WRONG)
    assert first.headers["ratelimit-policy"] == (
        '"password-account-60";q=5;w=60, "password-account-900";q=10;w=900, "password-account-3600";q=20;w=3600,'
        ' "password-account-86400";q=50;w=86400, "password-address-60";q=20;w=60, "password-address-900";q=60;w=900,'
        ' "password-address-86400";q=200;w=86400'
    )
    assert first.headers["ratelimit"] == '"password-account-60";r=4;t=60, "password-address-60";r=19;t=60'
    assert "retry-after" not in first.headers
    right = await post(browser, user.email)
    assert re.match(r'"password-account-60";r=4;t=\d+, ', right.headers["ratelimit"]), "that was no guess"
    for _ in range(4):
        await post(browser, user.email, WRONG, deviceToken="none")
    browser.cookies.clear()
    refused = await post(browser, user.email)
    assert typename(refused) == "Throttled"
    assert re.match(
        r'"password-account-60";r=0;t=\d+, "password-address-60";r=\d+;t=\d+$', refused.headers["ratelimit"]
    )
    assert refused.headers["retry-after"] == str(refused.json()["data"]["signIn"]["retryAfterSeconds"])
    plain = await browser.post("/graphql", json={"query": "{ viewer { name } }"})
    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(plain.headers)


async def test_a_page_of_a_trusted_origin_may_read_them(browser: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://app.example"}
    answer = await browser.post("/graphql", json={"query": "{ viewer { name } }"}, headers=origin)
    exposed = answer.headers["access-control-expose-headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= {name.strip() for name in exposed.split(",")}


async def test_the_owner_comes_in_by_a_known_browser_while_the_account_is_locked(
    make: Factory, browser: httpx.AsyncClient
) -> None:
    user = await member()
    assert typename(await post(browser, user.email)) == "SignedIn"
    before = browser.cookies["device"]
    await guess(make, user.email, 6)
    assert (await sign_in(make.client(), user.email))["__typename"] == "Throttled"
    again = await post(browser, user.email)
    assert typename(again) == "SignedIn"
    assert 'password-device-60";r=5' in again.headers["ratelimit"]
    assert browser.cookies["device"] != before, "each time another"


async def test_the_owner_comes_in_by_a_known_device_from_an_address_that_is_locked(make: Factory) -> None:
    user, client = await member(), make.client()
    device = (await sign_in(client, user.email))["deviceToken"]
    client.http.cookies.clear()
    await guess_at_many(make, [client] * 20)
    assert (await sign_in(client, user.email))["__typename"] == "Throttled"
    assert (await sign_in(client, user.email, deviceToken=device))["__typename"] == "SignedIn"


async def test_nothing_else_is_taken_for_a_known_device(make: Factory) -> None:
    user, other = await member(), await member()
    device = (await sign_in(make.client(), user.email))["deviceToken"]
    foreign = (await sign_in(make.client(), other.email))["deviceToken"]
    late = prove(ProofKind.DEVICE, KEYS, user.id, user.password_hash, utc_now() - GOOD_FOR[ProofKind.DEVICE])
    changed = device[:-5] + ("A" if device[-5] != "A" else "B") + device[-4:]
    await guess(make, user.email, 5)
    for token in (foreign, late, changed, challenge_for(user), device + "A", "", "x" * 5000, "\x00", "é"):
        assert (await sign_in(make.client(), user.email, deviceToken=token))["__typename"] == "Throttled", token
    assert (await sign_in(make.client(), user.email, deviceToken=device))["__typename"] == "SignedIn"


async def test_a_change_of_password_makes_devices_unknown(make: Factory) -> None:
    user = await member()
    device = (await sign_in(make.client(), user.email))["deviceToken"]
    await guess(make, user.email, 5)
    assert (await sign_in(make.client(), user.email, deviceToken=device))["__typename"] == "SignedIn"
    await User.filter(id=user.id).update(password_hash=(await member("another password")).password_hash)
    answer = await sign_in(make.client(), user.email, "another password", deviceToken=device)
    assert answer["__typename"] == "Throttled"


async def test_a_stolen_device_guesses_a_little_and_then_as_anybody(make: Factory) -> None:
    user = await member()
    device = (await sign_in(make.client(), user.email))["deviceToken"]
    kinds = [kind for _ in range(12) for kind in await guess(make, user.email, 1, deviceToken=device)]
    assert kinds == ["Unauthenticated"] * 10 + ["Throttled"] * 2
    assert await guess(make, user.email, 1) == ["Throttled"], "its later tries were the account's"


async def test_a_lock_is_told_once(make: Factory) -> None:
    user, nobody = await member(), new_address()
    for email in (user.email, nobody):
        await guess(make, email, 8)
    told = await EventRecord.filter(type="sign_in.failed", subjects__contains=[f"user:{user.id}"])
    assert [(event.payload, event.team_id) for event in told] == [({"user_id": str(user.id)}, None)]
    assert told[0].address is not None
    assert not [event for event in await EventRecord.filter(type="sign_in.failed") if nobody in str(event.payload)]


async def test_a_session_is_told_with_where_it_was_opened_from(make: Factory) -> None:
    user, client = await member(), make.client()
    await sign_in(client, user.email)
    (event,) = await EventRecord.filter(type="session.opened", subjects__contains=[f"user:{user.id}"])
    session = await Session.get(user_id=user.id)
    assert event.payload == {"user_id": str(user.id), "session_id": str(session.id)}
    assert (event.actor_id, event.team_id) == (user.id, None)
    assert event.address == session.address == client.http.headers["X-Forwarded-For"]


async def test_who_has_no_password_is_refused_as_anybody(make: Factory) -> None:
    """Somebody who signs in elsewhere, by OpenID Connect."""
    user = await User.create(name="Ada", email=new_address(), password_hash=None)
    answers = [await sign_in(make.client(), email) for email in (user.email, new_address())]
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "UNAUTHENTICATED"
    assert (await sign_in(make.client(), user.email, ""))["code"] == "UNAUTHENTICATED"


async def test_a_hash_of_other_parameters_is_made_anew_by_the_right_password(make: Factory) -> None:
    user = await with_an_old_hash()
    old = user.password_hash
    await sign_in(make.client(), user.email, WRONG)
    await user.refresh_from_db()
    assert user.password_hash == old
    client = make.client()
    session = await sign_in(client, user.email)
    await user.refresh_from_db()
    assert user.password_hash.startswith("$argon2id$v=19$m=12288,t=3,p=1$")
    again = await sign_in(client, user.email, deviceToken=session["deviceToken"])
    assert again["__typename"] == "SignedIn"
    assert await who(client) == user.email


async def test_two_who_come_in_at_once_by_an_old_hash_both_come_in(make: Factory) -> None:
    for _ in range(5):
        user = await with_an_old_hash()
        answers = await asyncio.gather(*(sign_in(make.client(), user.email) for _ in range(3)))
        assert [answer["__typename"] for answer in answers] == ["SignedIn"] * 3


async def test_a_hash_that_is_made_anew_leaves_the_devices_known(make: Factory) -> None:
    """Else whoever locks the account would lock its owner out of all of them but the first."""
    user = await with_an_old_hash()
    devices = [prove(ProofKind.DEVICE, KEYS, user.id, user.password_hash, utc_now()) for _ in range(2)]
    assert (await guess(make, user.email, 6))[-1] == "Throttled"
    answers = [await sign_in(make.client(), user.email, deviceToken=device) for device in devices]
    assert [answer["__typename"] for answer in answers] == ["SignedIn"] * 2


async def with_an_old_hash() -> User:
    old = argon2id.str(PASSWORD.encode(), opslimit=1, memlimit=8 * 1024**2).decode()
    return await User.create(name="Ada", email=new_address(), password_hash=old)


async def test_a_session_is_always_a_new_one(make: Factory, browser: httpx.AsyncClient) -> None:
    """Whoever has planted a token in a browser does not share the session that its owner opens."""
    user, attacker = await member(), await make.person()
    for planted in ("planted-by-somebody-else-43-characters-long", attacker.client.token):
        browser.cookies.clear()
        browser.cookies.set("session", planted or "")
        browser.headers["Authorization"] = f"Bearer {planted}"
        token = (await post(browser, user.email)).json()["data"]["signIn"]["token"]
        assert token != planted
        assert await Session.exists(token_hash=token_hash(token), user_id=user.id)
        assert not await Session.exists(token_hash=token_hash(planted or ""), user_id=user.id)
        browser.headers["Authorization"] = f"Bearer {planted}"
        viewer = await viewer_of(browser)
        assert viewer is None or viewer["email"] == attacker.user.email


@pytest.mark.parametrize("name", ["token", "access_token", "session", "authorization", "Authorization"])
async def test_a_token_in_the_url_is_nobodys(make: Factory, browser: httpx.AsyncClient, name: str) -> None:
    person = await make.person()
    for value in (person.client.token, f"Bearer {person.client.token}"):
        assert await viewer_of(browser, params={name: value}) is None
        form = await browser.post("/graphql", data={"query": "{viewer {email}}", name: value})
        assert person.user.email not in form.text
    assert (await viewer_of(browser, headers={"Authorization": f"Bearer {person.client.token}"})) is not None


async def test_a_device_token_opens_nothing_by_itself(make: Factory, browser: httpx.AsyncClient) -> None:
    user = await member()
    device = (await sign_in(make.client(), user.email))["deviceToken"]
    browser.cookies.set("session", device)
    assert await viewer_of(browser) is None
    assert await viewer_of(browser, headers={"Authorization": f"Bearer {device}"}) is None


async def test_a_session_that_was_opened_just_before_a_change_of_password_is_found_by_it(make: Factory) -> None:
    """Who changes the password and ends every session waits for whoever is opening one with the old password."""
    user = await member()
    answers = await asyncio.gather(
        *(sign_in(make.client(), user.email) for _ in range(4)),
        User.filter(id=user.id).update(password_hash="changed"),
    )
    kinds = {answer["__typename"] for answer in answers[:4]}
    assert kinds <= {"SignedIn", "Unauthenticated"}
    assert (await sign_in(make.client(), user.email))["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("known", [True, False])
async def test_an_address_gets_so_many_mails_and_no_more(make: Factory, known: bool) -> None:
    email = (await member()).email if known else new_address()
    kinds = [(await sign_up(make.client(), email))["__typename"] for _ in range(5)]
    assert kinds == ["CheckYourMail"] * 3 + ["Throttled"] * 2


async def test_a_network_address_has_so_many_mails_sent_and_no_more(make: Factory) -> None:
    client = make.client()
    kinds = [(await sign_up(client, new_address()))["__typename"] for _ in range(11)]
    assert kinds == ["CheckYourMail"] * 10 + ["Throttled"]
    assert (await sign_up(client, "no address"))["__typename"] == "Invalid"


@pytest.mark.parametrize("password", ["Password123", "QWERTYUIOP", "１２３４５６７８９０", "1234567890"])
async def test_a_common_password_is_refused_however_it_is_written(make: Factory, password: str) -> None:
    answer = await confirm(make.client(), await wish(new_address()), password)
    assert (answer["code"], answer["path"]) == ("INVALID", ["password"])
    assert "most common" in answer["message"]


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("Ada.Lovelace", False),
        ("adalovelace1815", False),
        ("LOVELACE lovelace", False),
        ("{email}", False),
        ("countess-42-99", False),
        ("Lovelace likes engines", True),
        ("adamant horses", True),
    ],
)
async def test_a_password_made_of_ones_name_or_address_is_refused(make: Factory, password: str, fine: bool) -> None:
    email = f"countess-42@adam-{new_id()}.example"  # in which a word of the name hides
    answer = await confirm(make.client(), await wish(email, name="Ada Lovelace"), password.format(email=email))
    assert (answer["__typename"] == "SignedIn") is fine
    assert fine or "your name or address" in answer["message"]


async def test_a_sign_up_by_a_stranger_gives_them_nothing(make: Factory) -> None:
    """The hole that was: whoever followed a stranger's link opened an account with the stranger's password."""
    email, stranger = new_address(), make.client()
    query = 'mutation { signUp(input: {email: "%s", name: "Eve", password: "%s"}) { __typename } }'
    assert "errors" in await stranger.ask(query % (email, PASSWORD))
    await sign_up(stranger, email, name="Eve")
    session = await confirm(make.client(), await wish(email), "a password of my own")
    assert session["__typename"] == "SignedIn"
    assert (await sign_in(stranger, email))["code"] == "UNAUTHENTICATED"
    assert (await sign_in(make.client(), email, "a password of my own"))["__typename"] == "SignedIn"


async def test_a_link_does_not_open_an_account_that_there_is_by_now(make: Factory) -> None:
    user = await member()
    token = await wish(user.email)
    for password in (PASSWORD, "another password"):
        answer = await confirm(make.client(), token, password)
        assert (answer["code"], answer["path"]) == ("CONFLICT", ["token"])
        assert "has an account" in answer["message"]
    await user.refresh_from_db()
    assert (await sign_in(make.client(), user.email))["__typename"] == "SignedIn"


async def test_a_throttle_is_for_a_while(make: Factory, redis_url: str) -> None:
    from redis.asyncio import Redis

    user = await member()
    await guess(make, user.email, 6)
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        keys = [key async for key in redis.scan_iter("throttle:*/password-account/*/5/60/second")]
        for key in keys:
            await redis.pexpire(key, 1)
        await until(lambda: _gone(redis, keys))
    assert (await sign_in(make.client(), user.email))["__typename"] == "SignedIn"


async def _gone(redis: Any, keys: list[str]) -> bool:
    return not await redis.exists(*keys)


async def test_a_known_browser_keeps_its_cookie_for_long_and_when_it_signs_out(
    make: Factory, browser: httpx.AsyncClient
) -> None:
    user = await member()
    signed_in = await post(browser, user.email)
    (cookie,) = [c for c in signed_in.headers.get_list("set-cookie") if c.startswith("device=")]
    assert f"max-age={int(timedelta(days=180).total_seconds())}" in cookie.lower()
    await browser.post("/graphql", json={"query": "mutation { signOut { __typename } }"})
    assert "session" not in browser.cookies
    assert "device" in browser.cookies
