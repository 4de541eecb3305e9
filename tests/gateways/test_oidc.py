"""What we believe of what providers of OpenID Connect tell us: one that speaks the truth, and one that lies."""

from collections.abc import Iterator
from contextlib import nullcontext
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from domain.errors import Conflict, NotFound, Unavailable
from gateways.oidc import Begun, Oidc, OidcProvider
from tests.gateways.servers import Server, serve

HERE = "https://studio.example"
LIES = ("replayed", "for-others", "of-others", "late", "forged", "unsigned", "by-our-secret", "garbage")


@pytest.fixture(scope="module")
def liar() -> Iterator[Server]:
    with serve("serve_lying_oidc.py") as server:
        yield server


@pytest.fixture(scope="module")
def honest() -> Iterator[Server]:
    with serve("serve_oidc.py") as server:
        yield server


def knowing(issuer: str, client: str) -> Oidc:
    return Oidc([OidcProvider("there", "There", issuer, client, "secret")], HERE)


async def back_from(begun: Begun, **form: str) -> dict[str, str]:
    """The parameters with which the provider sends the browser back."""
    async with httpx.AsyncClient() as browser:
        response = await (browser.post(begun.url, data=form) if form else browser.get(begun.url))
    back = urlsplit(response.headers["location"])
    assert back._replace(query="").geturl() == f"{HERE}/sign-in/there/callback"
    return dict(parse_qsl(back.query))


async def test_a_provider_says_who_it_is(honest: Server) -> None:
    ada = {"email": "ada@there.example", "email_verified": True, "name": "Ada"}
    async with httpx.AsyncClient() as client:
        (await client.put(f"{honest.url}/users/7", json=ada)).raise_for_status()
    oidc = knowing(honest.url, "us")
    begun = await oidc.begin("there")
    claims = await oidc.finish("there", begun.kept, await back_from(begun, sub="7"))
    assert (claims.issuer, claims.subject, claims.email, claims.name) == (honest.url, "7", ada["email"], "Ada")


async def test_a_code_works_once(honest: Server) -> None:
    oidc = knowing(honest.url, "us")
    begun = await oidc.begin("there")
    back = await back_from(begun, sub="8")
    await oidc.finish("there", begun.kept, back)
    with pytest.raises(Conflict):
        await oidc.finish("there", begun.kept, back)


async def test_an_address_that_is_not_vouched_for_is_none(liar: Server) -> None:
    oidc = knowing(f"{liar.url}/unvouched", "unvouched")
    begun = await oidc.begin("there")
    claims = await oidc.finish("there", begun.kept, await back_from(begun))
    assert (claims.subject, claims.email) == ("subject of unvouched", None)


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_refused(liar: Server, lie: str) -> None:
    oidc = knowing(f"{liar.url}/{lie}", lie)
    begun = await oidc.begin("there")
    with pytest.raises(Conflict):
        await oidc.finish("there", begun.kept, await back_from(begun))


async def test_the_same_without_the_lie_is_believed(liar: Server) -> None:
    oidc = knowing(f"{liar.url}/honest", "honest")
    begun = await oidc.begin("there")
    assert (await oidc.finish("there", begun.kept, await back_from(begun))).email == "honest@somewhere.example"


@pytest.mark.parametrize(("subject", "is_one"), [("x" * 255, True), ("x" * 256, False), ("a\tb", False), ("", False)])
async def test_a_subject_is_a_short_word(honest: Server, subject: str, is_one: bool) -> None:
    """The specification has 255 characters. What is longer would be refused by the database, as a fault of ours."""
    oidc = knowing(honest.url, "us")
    begun = await oidc.begin("there")
    back = await back_from(begun, sub=subject)
    with nullcontext() if is_one else pytest.raises(Conflict):
        assert (await oidc.finish("there", begun.kept, back)).subject == subject


async def test_another_browsers_answer_is_refused(liar: Server) -> None:
    oidc = knowing(f"{liar.url}/honest", "honest")
    mine, theirs = await oidc.begin("there"), await oidc.begin("there")
    for kept in (mine.kept, {}):
        with pytest.raises(Conflict):
            await oidc.finish("there", kept, await back_from(theirs))


async def test_who_says_no_is_not_signed_in(honest: Server) -> None:
    oidc = knowing(honest.url, "us")
    begun = await oidc.begin("there")
    with pytest.raises(Conflict):
        await oidc.finish("there", begun.kept, await back_from(begun, action="deny"))


async def test_a_provider_that_calls_itself_otherwise_is_refused(liar: Server) -> None:
    with pytest.raises(Conflict):
        await knowing(f"{liar.url}/impostor", "impostor").begin("there")


async def test_a_provider_that_is_away_is_an_outage() -> None:
    with pytest.raises(Unavailable):
        await knowing("http://127.0.0.1:1", "us").begin("there")


async def test_who_nobody_has_named_is_not_there() -> None:
    oidc = Oidc([], HERE)
    with pytest.raises(NotFound):
        await oidc.begin("there")
    with pytest.raises(NotFound):
        await oidc.finish("there", {}, {})
