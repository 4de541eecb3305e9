"""People sign in with a company's account: a real provider on this machine, a browser's cookies, our pages."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from domain.ids import new_id
from models import Identity, Member, User
from tests import mails
from tests.factories import Factory, Person
from tests.gateways.servers import Server, serve
from tests.second_factor import RECOVERY, code_of, second_factor
from tests.studio import Studio, running


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
    with running(Studio(folder, studio.database_url, studio.redis_url, **settings), "api") as product:
        yield product


@pytest.fixture
async def browser(product: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=product.url) as browser:
        yield browser


async def known_there(provider: Server, **claims: object) -> str:
    """Somebody with an account at the provider; their subject."""
    subject = str(new_id())
    about = {"email": f"{subject}@company.example", "email_verified": True, "name": "Lia"} | claims
    async with httpx.AsyncClient() as client:
        (await client.put(f"{provider.url}/users/{subject}", json=about)).raise_for_status()
    return subject


async def sign_in(browser: httpx.AsyncClient, subject: str) -> httpx.Response:
    """To the provider, in there, and back: what our page answers then."""
    leaving = await browser.get("/sign-in/company")
    assert leaving.status_code == 303
    consent = await browser.post(leaving.headers["location"], data={"sub": subject})
    back = urlsplit(consent.headers["location"])
    return await browser.get(f"{back.path}?{back.query}")


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
    challenge = page.text.partition('name="token" value="')[2].partition('"')[0]
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


async def test_an_answer_to_another_browser_opens_nothing(browser: httpx.AsyncClient, provider: Server) -> None:
    """Whoever is made to follow somebody else's link back is not signed in as them."""
    subject = await known_there(provider)
    leaving = await browser.get("/sign-in/company")
    consent = await browser.post(leaving.headers["location"], data={"sub": subject})
    back = urlsplit(consent.headers["location"])
    browser.cookies.clear()
    assert (await browser.get(f"{back.path}?{back.query}")).status_code == 409
    await browser.get("/sign-in/company")  # on their own way there
    assert (await browser.get(f"{back.path}?{back.query}")).status_code == 409
    assert await me(browser) is None
    assert not await User.exists(email=f"{subject}@company.example")


async def test_what_is_kept_cannot_be_made_up(browser: httpx.AsyncClient, provider: Server) -> None:
    await browser.get("/sign-in/company")
    browser.cookies.set("signing-in", "made-up", path="/sign-in")
    assert (await browser.get("/sign-in/company/callback?code=x&state=y")).status_code == 409
    assert (await browser.get("/sign-in/nobody")).status_code == 409
    assert (await browser.get("/sign-in/nobody/callback")).status_code == 409


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
