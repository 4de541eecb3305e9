"""People sign in with a company's account: a real provider on this machine, a browser's cookies, our pages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from models import Identity, Member, User
from models.database import transaction
from tests import mails
from tests.api.test_team_races import waits_for
from tests.factories import Factory, Person, new_network_address
from tests.gateways.servers import Server, serve
from tests.second_factor import RECOVERY, challenge_for, code_of, second_factor
from tests.studio import Disguised, Studio, running
from tests.waiting import until


@pytest.fixture(scope="module")
def provider() -> Iterator[Server]:
    with serve("serve_oidc.py") as server:
        yield server


@pytest.fixture(scope="module")
def product(studio: Studio, provider: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """An API of its own that knows the provider, beside the shared one's workers."""
    known = {"key": "company", "name": "Company", "issuer": provider.url, "client_id": "us", "client_secret": "ours"}
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    settings = {"OIDC_PROVIDERS": orjson.dumps([known]).decode(), "APP_URL": "https://app.example"}
    with running(Disguised(folder, studio.database_url, studio.redis_url, **settings), "api") as product:
        yield product


@pytest.fixture
async def browser(product: Studio) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Forwarded-For": new_network_address()}
    async with httpx.AsyncClient(base_url=product.url, headers=headers) as browser:
        yield browser


async def known_there(provider: Server, **claims: object) -> str:
    """Somebody with an account at the provider; their subject."""
    subject = str(new_id())
    about = {"email": f"{subject}@company.example", "email_verified": True, "name": "Lia"} | claims
    async with httpx.AsyncClient() as client:
        (await client.put(f"{provider.url}/users/{subject}", json=about)).raise_for_status()
    return subject


async def way_back(browser: httpx.AsyncClient, subject: str) -> str:
    """To the provider, and in there: where that sends the browser."""
    leaving = await browser.get("/sign-in/company")
    assert leaving.status_code == 303
    consent = await browser.post(leaving.headers["location"], data={"sub": subject})
    back = urlsplit(consent.headers["location"])
    return f"{back.path}?{back.query}"


async def sign_in(browser: httpx.AsyncClient, subject: str) -> httpx.Response:
    """To the provider, in there, and back: what our page answers then."""
    return await browser.get(await way_back(browser, subject))


async def me(browser: httpx.AsyncClient) -> dict | None:
    """Who the browser is to the API, by its cookie."""
    query = "{ viewer { name email identities { nodes { provider } } memberships { nodes { role team { name } } } } }"
    return (await browser.post("/graphql", json={"query": query})).json()["data"]["viewer"]


def arrived(response: httpx.Response) -> bool:
    return response.status_code == 303 and response.headers["location"] == "https://app.example"


async def test_a_stranger_gets_an_account_and_comes_back_to_it(
    models: None, browser: httpx.AsyncClient, provider: Server, studio: Studio
) -> None:
    subject = await known_there(provider)
    assert arrived(await sign_in(browser, subject))
    seen = await me(browser)
    assert seen == {
        "name": "Lia",
        "email": f"{subject}@company.example",
        "identities": {"nodes": [{"provider": "company"}]},
        "memberships": {"nodes": [{"role": "OWNER", "team": {"name": "Lia"}}]},
    }
    assert "company" in await mails.mail_to(studio, f"{subject}@company.example", "A new way to sign in")
    browser.cookies.clear()
    await known_there(provider)
    assert arrived(await sign_in(browser, subject))
    assert await me(browser) == seen
    assert await User.filter(email=f"{subject}@company.example").count() == 1


@pytest.mark.parametrize(
    ("asked", "there", "given"), [("de-AT", "en", "de"), ("it", "de-CH", "de"), ("it", "it", "en")]
)
async def test_a_newcomer_reads_what_they_asked_with_or_what_they_read_there(
    models: None, browser: httpx.AsyncClient, provider: Server, asked: str, there: str, given: str
) -> None:
    browser.headers["Accept-Language"] = asked
    leaving = await browser.get("/sign-in/company")
    assert f"ui_locales={'de' if asked == 'de-AT' else 'en'}" in leaving.headers["location"]
    subject = await known_there(provider, locale=there)
    assert arrived(await sign_in(browser, subject))
    assert (await User.get(email=f"{subject}@company.example")).locale == given


async def test_who_has_an_account_here_keeps_it(make: Factory, browser: httpx.AsyncClient, provider: Server) -> None:
    ada = await make.person()
    subject = await known_there(provider, email=ada.user.email.upper())
    assert arrived(await sign_in(browser, subject))
    assert (await me(browser) or {})["email"] == ada.user.email
    assert await Member.filter(user_id=ada.user.id).count() == 0
    # Whatever the provider says of the address later: it is the subject that counts.
    async with httpx.AsyncClient() as client:
        other = {"email": "another@company.example", "email_verified": True, "name": "Lia"}
        await client.put(f"{provider.url}/users/{subject}", json=other)
    browser.cookies.clear()
    assert arrived(await sign_in(browser, subject))
    assert (await me(browser) or {})["email"] == ada.user.email


@pytest.mark.parametrize("is_new", [True, False])
async def test_who_comes_back_twice_at_once_is_let_in_twice(
    make: Factory, browser: httpx.AsyncClient, provider: Server, is_new: bool
) -> None:
    """The other one has made the account, or linked it, while this one waits."""
    address = f"{new_id()}@company.example"
    if not is_new:
        await User.create(name="Lia", email=address)
    subject = await known_there(provider, email=address)
    back = await way_back(browser, subject)
    async with transaction():
        lia = await User.create(name="Lia", email=address) if is_new else await held(address)
        coming = asyncio.create_task(browser.get(back))
        await until(lambda: waits_for("users"))
        about = {"provider": "company", "issuer": provider.url, "subject": subject, "used_at": utc_now()}
        await Identity.create(user_id=lia.id, **about)
    assert arrived(await coming)
    assert (await me(browser) or {})["email"] == address
    assert await Identity.filter(subject=subject).count() == 1


async def test_whose_address_it_was_is_not_who_comes_back(
    make: Factory, browser: httpx.AsyncClient, provider: Server
) -> None:
    """They move away while the account is waited for: the address that the provider vouches for is nobody's."""
    ada = await make.person()
    address = ada.user.email
    back = await way_back(browser, await known_there(provider, email=address))
    async with transaction():
        await held(address)
        coming = asyncio.create_task(browser.get(back))
        await until(lambda: waits_for("users"))
        await User.filter(id=ada.user.id).update(email=f"moved-{address}")
    assert arrived(await coming)
    assert (await me(browser) or {})["email"] == address
    assert not await Identity.exists(user_id=ada.user.id)


async def held(address: str) -> User:
    return await User.filter(email=address).select_for_update().get()


async def test_an_address_that_nobody_vouches_for_opens_nothing(
    make: Factory, browser: httpx.AsyncClient, provider: Server
) -> None:
    ada = await make.person()
    subject = await known_there(provider, email=ada.user.email, email_verified=False)
    assert (await sign_in(browser, subject)).status_code == 409
    assert await me(browser) is None
    assert not await Identity.exists(user_id=ada.user.id)


async def test_two_factor_is_asked_for_all_the_same(
    make: Factory, browser: httpx.AsyncClient, provider: Server
) -> None:
    ada = await make.secured(await make.person())
    secret = await second_factor(ada.user)
    page = await sign_in(browser, await known_there(provider, email=ada.user.email))
    assert page.status_code == 200
    assert await me(browser) is None
    assert not await Identity.exists(user_id=ada.user.id), "an address alone links nothing to who has two-factor"
    challenge = challenge_in(page)
    wrong = await browser.post("/sign-in/code", data={"token": challenge, "code": "000000"})
    assert wrong.status_code == 409
    assert 'name="code"' in wrong.text
    foreign = {"token": challenge, "code": RECOVERY}
    assert (
        await browser.post("/sign-in/code", data=foreign, headers={"Sec-Fetch-Site": "cross-site"})
    ).status_code == 403
    assert await me(browser) is None
    assert arrived(await browser.post("/sign-in/code", data={"token": challenge, "code": code_of(secret)}))
    assert (await me(browser) or {})["email"] == ada.user.email
    assert (await Identity.get(user_id=ada.user.id)).email == ada.user.email


async def test_a_code_links_the_account_elsewhere_whatever_the_address_is_later(
    make: Factory, browser: httpx.AsyncClient, provider: Server
) -> None:
    ada = await make.secured(await make.person())
    secret, subject = await second_factor(ada.user), await known_there(provider, email=ada.user.email)
    for steps in (0, 1):
        challenge = challenge_in(await sign_in(browser, subject))
        assert arrived(await give_code(browser, challenge, code_of(secret, steps=steps)))
        await User.filter(id=ada.user.id).update(email=f"elsewhere-{ada.user.email}")
        assert (await me(browser) or {})["email"] == f"elsewhere-{ada.user.email}"
        browser.cookies.clear()
    assert await Identity.filter(user_id=ada.user.id).count() == 1


async def test_what_waits_for_a_code_is_linked_to_nobody_else(
    make: Factory, browser: httpx.AsyncClient, provider: Server
) -> None:
    """Neither by another's challenge and code, nor where the address is theirs no more."""
    ada, eve = [await make.secured(await make.person()) for _ in range(2)]
    secrets = [await second_factor(person.user) for person in (ada, eve)]
    subject = await known_there(provider, email=ada.user.email)
    challenge = challenge_in(await sign_in(browser, subject))
    sealed = challenge.partition(".")[2]
    for made_up in (f"{challenge_for(eve.user)}.{sealed}", f"{challenge}x"):
        assert (await give_code(browser, made_up, code_of(secrets[1]))).status_code == 409
    await User.filter(id=ada.user.id).update(email=f"moved-{ada.user.email}")
    assert arrived(await give_code(browser, challenge, code_of(secrets[0])))
    assert not await Identity.exists(subject=subject)


def challenge_in(page: httpx.Response) -> str:
    return page.text.partition('name="token" value="')[2].partition('"')[0]


async def give_code(browser: httpx.AsyncClient, challenge: str, code: str) -> httpx.Response:
    return await browser.post("/sign-in/code", data={"token": challenge, "code": code})


async def test_an_answer_to_another_browser_opens_nothing(browser: httpx.AsyncClient, provider: Server) -> None:
    """Whoever is made to follow somebody else's link back is not signed in as them."""
    subject = await known_there(provider)
    back = await way_back(browser, subject)
    browser.cookies.clear()
    assert (await browser.get(back)).status_code == 409
    await browser.get("/sign-in/company")  # on their own way there
    assert (await browser.get(back)).status_code == 409
    assert await me(browser) is None
    assert not await User.exists(email=f"{subject}@company.example")


async def test_what_is_kept_cannot_be_made_up(browser: httpx.AsyncClient, provider: Server) -> None:
    await browser.get("/sign-in/company")
    browser.cookies.set("signing-in", "made-up", path="/sign-in")
    assert (await browser.get("/sign-in/company/callback?code=x&state=y")).status_code == 409
    assert (await browser.get("/sign-in/nobody")).status_code == 409
    assert (await browser.get("/sign-in/nobody/callback")).status_code == 409


async def test_many_who_share_a_network_address_all_come_in(
    make: Factory, browser: httpx.AsyncClient, provider: Server
) -> None:
    """Each takes two steps of the twenty that a minute has, and is given them back."""
    for _ in range(12):
        browser.cookies.clear()
        assert arrived(await sign_in(browser, await known_there(provider)))


@pytest.mark.parametrize("step", ["/sign-in/company", "/sign-in/company/callback?code=x&state=y"])
async def test_steps_that_lead_to_nobody_are_counted(make: Factory, browser: httpx.AsyncClient, step: str) -> None:
    answers = [await browser.get(step) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} <= {303, 409}
    assert answers[20].status_code == 429
    assert 0 < int(answers[20].headers["retry-after"]) <= 60
    assert (await browser.get("/sign-in/company")).status_code == 429


@pytest.mark.parametrize("fetched", [("no-cors", "image"), ("navigate", "iframe"), ("no-cors", "empty")])
@pytest.mark.parametrize("step", ["/sign-in/company", "/sign-in/company/callback"])
async def test_what_a_page_has_fetched_is_no_step(
    make: Factory, browser: httpx.AsyncClient, step: str, fetched: tuple[str, str]
) -> None:
    """Another site's page full of `<img src=…/sign-in/company>` would lock out whoever looks at it."""
    mode, destination = fetched
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
    assert {(await browser.get(step, headers=headers)).status_code for _ in range(21)} == {403}
    goes_there = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (await browser.get("/sign-in/company", headers=goes_there)).status_code == 303


async def test_the_last_way_in_stays(make: Factory, browser: httpx.AsyncClient, provider: Server) -> None:
    await sign_in(browser, await known_there(provider))
    identity = await Identity.get(user_id=(await User.get(email=(await me(browser) or {})["email"])).id)
    ada = Person(await User.get(id=identity.user_id), make.client())
    ada = await make.session(ada)
    from tests.factories import gid

    refused = (await ada.client.run("RemoveIdentity", id=gid(identity)))["data"]["removeIdentity"]
    assert refused["code"] == "CONFLICT"
    await make.secured(ada)
    assert (await ada.client.do("RemoveIdentity", id=gid(identity)))["provider"] == "company"
    assert not await Identity.exists(id=identity.id)


async def test_clients_are_told_where_one_may_sign_in(make: Factory, product: Studio) -> None:
    client = Factory(product.url).client()
    assert await client.do("IdentityProviders") == [
        {"key": "company", "name": "Company", "url": f"{product.url}/sign-in/company"}
    ]
    await client.http.aclose()
