"""The page of an invitation's link, for who has no app that follows it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from domain.clock import utc_now
from domain.permissions import Role
from domain.tokens import new_token
from models import Member, Team, User
from tests.factories import PASSWORD, Factory
from tests.studio import Studio

OURS = {"Sec-Fetch-Site": "same-origin"}
NEW = {"name": "Grace", "password": PASSWORD}


@pytest.fixture
async def browser(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, as a browser does."""
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


async def test_a_new_person_says_their_name_and_a_password(make: Factory, browser: httpx.AsyncClient) -> None:
    crew = await make.crew()
    invitation, token = await make.invitation(crew, role=Role.VIEWER)
    page = await browser.get("/invitation", params={"token": token})
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "Owner invites you to the team “Crew”, as: Viewer." in page.text
    assert 'name="name"' in page.text
    assert 'type="password" name="password"' in page.text
    assert "<button>Join</button>" in page.text
    assert not await User.exists(email=invitation.email)

    foreign = await browser.post("/invitation", data={"token": token, **NEW}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, "set-cookie" in foreign.headers) == (403, False)
    weak = await browser.post("/invitation", data={"token": token, "name": "Grace", "password": "short"}, headers=OURS)
    assert (weak.status_code, "set-cookie" in weak.headers) == (409, False)
    assert f'value="{token}"' in weak.text  # it is asked again
    assert (await browser.post("/invitation", data={"token": token}, headers=OURS)).status_code == 409

    joined = await browser.post("/invitation", data={"token": token, **NEW}, headers=OURS)
    assert (joined.status_code, "You are in the team." in joined.text) == (200, True)
    viewer = await browser.post("/graphql", json={"query": "{viewer {email memberships {nodes {role}}}}"})
    assert viewer.json()["data"]["viewer"] == {
        "email": invitation.email,
        "memberships": {"nodes": [{"role": "VIEWER"}]},
    }
    again = await browser.post("/invitation", data={"token": token, **NEW}, headers=OURS)
    assert (again.status_code, "set-cookie" in again.headers) == (409, False)


async def test_no_name_does_harm_on_the_page(make: Factory, browser: httpx.AsyncClient) -> None:
    crew = await make.crew()
    await User.filter(id=crew.owner.user.id).update(name="<script>\u202eeve")
    await Team.filter(id=crew.team.id).update(name='שלום\u2067" onclick="x')
    _, token = await make.invitation(crew)
    page = await browser.get("/invitation", params={"token": token})
    told = "&lt;script&gt;eve invites you to the team “\u2068שלום&quot; onclick=&quot;x\u2069”"
    assert told in page.text


async def test_who_is_signed_in_presses_the_button(make: Factory, browser: httpx.AsyncClient) -> None:
    crew, person, wrong = await make.crew(), await make.person(), await make.person()
    _, token = await make.invitation(crew, person.user.email)
    page = await browser.get("/invitation", params={"token": token})
    assert (page.status_code, "Sign in, then follow the link again." in page.text) == (409, True)

    for who, status in ((wrong, 409), (person, 200)):
        assert who.client.token
        browser.cookies.set("session", who.client.token)
        page = await browser.get("/invitation", params={"token": token})
        assert ("<button>Join</button>" in page.text, "password" in page.text) == (True, False)
        answer = await browser.post("/invitation", data={"token": token}, headers=OURS)
        assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
        assert await Member.exists(team_id=crew.team.id, user_id=who.user.id) is (status == 200)


async def test_the_other_button_declines(make: Factory, browser: httpx.AsyncClient) -> None:
    """Without a name or a password: whoever does not want to join has none."""
    invitation, token = await make.invitation(await make.crew())
    page = await browser.get("/invitation", params={"token": token})
    assert '<button name="answer" value="no" formnovalidate>Decline</button>' in page.text
    no = {"token": token, "name": "", "password": "", "answer": "no"}
    foreign = await browser.post("/invitation", data=no, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    declined = await browser.post("/invitation", data=no, headers=OURS)
    assert (declined.status_code, "You have declined the invitation." in declined.text) == (200, True)
    assert "set-cookie" not in declined.headers
    await invitation.refresh_from_db()
    assert invitation.declined_at is not None
    assert not await User.exists(email=invitation.email)
    for data in (no, {"token": token, **NEW}):
        assert (await browser.post("/invitation", data=data, headers=OURS)).status_code == 409


async def test_who_is_signed_in_declines_only_what_is_theirs(make: Factory, browser: httpx.AsyncClient) -> None:
    person, wrong = await make.person(), await make.person()
    invitation, token = await make.invitation(await make.crew(), person.user.email)
    no = {"token": token, "answer": "no"}
    assert (await browser.post("/invitation", data=no, headers=OURS)).status_code == 409
    for who, status in ((wrong, 409), (person, 200)):
        assert who.client.token
        browser.cookies.set("session", who.client.token)
        assert (await browser.post("/invitation", data=no, headers=OURS)).status_code == status
        await invitation.refresh_from_db()
        assert (invitation.declined_at is not None) is (status == 200)


async def test_a_link_that_leads_nowhere_is_a_sentence(make: Factory, browser: httpx.AsyncClient) -> None:
    _, late = await make.invitation(await make.crew(), expires_at=utc_now() - timedelta(seconds=1))
    for token in (late, new_token(), "", "\0", "\"'><script>alert(1)</script>"):
        page = await browser.get("/invitation", params={"token": token})
        assert (page.status_code, "<form" in page.text, "<script" in page.text) == (409, False, False)
        assert (await browser.post("/invitation", data={"token": token, **NEW}, headers=OURS)).status_code == 409
    assert (await browser.post("/invitation", headers=OURS)).status_code == 409
    assert (await browser.post("/invitation", data={"token": "x" * 5000}, headers=OURS)).status_code == 413


async def test_what_people_call_themselves_and_their_teams_is_no_markup(
    make: Factory, browser: httpx.AsyncClient
) -> None:
    crew = await make.crew()
    await crew.team.filter(id=crew.team.id).update(name="<script>alert(1)</script>")
    await User.filter(id=crew.owner.user.id).update(name="<img src=x>")
    _, token = await make.invitation(crew)
    page = await browser.get("/invitation", params={"token": token}, headers={"Accept-Language": "de"})
    assert ("<script" in page.text, "<img" in page.text, "&lt;img src=x&gt; lädt dich" in page.text) == (
        False,
        False,
        True,
    )
