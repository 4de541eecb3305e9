"""In which language people are answered, over HTTP, over sockets and on our pages, and how the answers say so."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind, JobState
from domain.links import LinkKind
from edge import pages
from i18n import translate
from models import Job, User
from models.database import transaction
from tests.accounts import new_address, wish
from tests.api.test_sockets import Socket, opened
from tests.factories import PASSWORD, Crew, Factory, Person, gid
from tests.studio import Studio

SIGN_OUT = "mutation {signOut {... on Problem {message}}}"
FAILURE = "query($id: ID!) {job(id: $id) {failure {message}}}"
EDIT = """
mutation($to: String) {
  before: cancelJob(id: "x") {... on Problem {message}}
  updateProfile(input: {locale: $to}) {... on User {locale}}
  after: cancelJob(id: "x") {... on Problem {message}}
}
"""
PROGRESS = "subscription($id: ID!) {jobProgress(id: $id) {state job {failure {message}}}}"


def words(key: str) -> dict[str, str]:
    """How it is said in each of two languages."""
    said = {locale: translate(locale, key) for locale in ("en", "de")}
    assert said["en"] != said["de"]
    return said


SIGN_IN_FIRST, BAD_ID, NOT_FOUND = words("problem.unauthenticated"), words("problem.bad_id"), words("problem.not_found")
EMPTY = words("failure.EMPTY")


@pytest.fixture
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


async def reader(make: Factory, locale: str = "de") -> Person:
    person = await make.person()
    return await chosen(person, locale)


async def chosen(person: Person, locale: str) -> Person:
    await User.filter(id=person.user.id).update(locale=locale)
    return person


async def ask(http: httpx.AsyncClient, query: str, language: str | None = None, /, **headers: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers |= {"Accept-Language": language} if language else {}
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def a_job(crew: Crew, **values: Any) -> Job:
    """One that no worker takes."""
    async with transaction():
        about = {"team_id": crew.team.id, "payload": {"upload_id": str(new_id())}}
        job = await Job.enqueue(JobKind.INGEST, utc_now().replace(year=2100), **about)
        await Job.filter(id=job.id).update(**values)
    return job


async def fail(job_id: UUID) -> None:
    async with transaction():
        job = await Job.get(id=job_id)
        await job.fail("EMPTY", {}, utc_now())


def said(response: httpx.Response) -> tuple[str | None, bool]:
    """The language of a response, and whether it depends on Accept-Language."""
    varies = "Accept-Language" in response.headers.get_list("vary", split_commas=True)
    return response.headers.get("content-language"), varies


@pytest.mark.parametrize(
    ("asked", "given"),
    [(None, "en"), ("de-CH, en;q=0.5", "de"), ("it, *", "en"), ("de;q=0, en;q=0.1", "en"), ("\xe9;;q=,", "en")],
)
async def test_a_stranger_is_answered_as_they_ask(http: httpx.AsyncClient, asked: str | None, given: str) -> None:
    headers = {b"Accept-Language": asked.encode("latin-1")} if asked else {}
    response = await http.post("/graphql", json={"query": SIGN_OUT}, headers=headers)
    assert response.json()["data"]["signOut"]["message"] == SIGN_IN_FIRST[given]
    assert said(response) == (given, True)


async def test_who_is_known_is_answered_as_they_have_chosen_however_they_show_it(
    make: Factory, http: httpx.AsyncClient
) -> None:
    """Whether the plan's own statement finds out who asks, or one before it."""
    crew = await make.crew()
    job = await a_job(crew, state=JobState.FAILED, failure_code="EMPTY", ended_at=utc_now())
    person = await chosen(crew.viewer, "de")
    key = await make.key(person)
    body = {"query": FAILURE, "variables": {"id": gid(job)}}
    for shown in (
        {"Authorization": f"Bearer {person.client.token}"},
        {"Cookie": f"session={person.client.token}"},
        {"Authorization": f"Bearer {key.token}"},
    ):
        headers = {"Accept-Language": "en", **shown}
        read = await http.post("/graphql", json=body, headers=headers)
        assert read.json()["data"]["job"]["failure"]["message"] == EMPTY["de"]
        assert said(read) == ("de", True)
        written = await ask(http, 'mutation {cancelJob(id: "x") {... on Problem {message}}}', "en", **shown)
        assert written.json()["data"]["cancelJob"]["message"] == BAD_ID["de"]
        assert said(written) == ("de", True)


async def test_what_nobody_speaks_here_any_more_is_not_chosen(make: Factory, http: httpx.AsyncClient) -> None:
    person = await reader(make, "it")
    shown = {"Authorization": f"Bearer {person.client.token}"}
    assert said(await ask(http, "{viewer {id}}", "de", **shown)) == ("de", True)
    assert said(await ask(http, "{viewer {id}}", "de", Authorization="Bearer over")) == ("de", True)


async def test_another_choice_holds_from_then_on(make: Factory) -> None:
    client = (await reader(make, "en")).client
    answer = (await client.ask(EDIT, None, {"to": "de"}))["data"]
    assert (answer["before"]["message"], answer["after"]["message"]) == (BAD_ID["en"], BAD_ID["de"])
    assert answer["updateProfile"] == {"locale": "de"}
    answer = (await client.ask(EDIT, None, {"to": None}))["data"]
    assert (answer["before"]["message"], answer["after"]["message"]) == (BAD_ID["de"], BAD_ID["de"])


async def test_a_key_stays_a_key_when_the_language_changes(make: Factory) -> None:
    key = await make.key(await reader(make, "en"))
    query = 'mutation {updateProfile(input: {locale: "de"}) {... on User {sessions {totalCount}}}}'
    assert (await key.ask(query))["data"]["updateProfile"]["sessions"]["totalCount"] == 0


async def test_who_signs_in_is_answered_as_they_have_chosen(make: Factory, http: httpx.AsyncClient) -> None:
    person = await make.secured(await reader(make))
    query = 'mutation {signIn(input: {email: "%s", password: "%s"}) {__typename}}'
    assert said(await ask(http, query % (person.user.email, "a wrong one"), "en")) == ("en", True)
    assert said(await ask(http, query % (person.user.email, PASSWORD), "en")) == ("de", True)


async def test_refusals_say_their_language(make: Factory, http: httpx.AsyncClient) -> None:
    """What is for who writes the client is in English, whoever asks."""
    person = await reader(make)
    shown = {"Authorization": f"Bearer {person.client.token}", "Accept-Language": "de"}
    for response in (
        await http.post("/graphql", json={"query": "{"}, headers=shown),
        await http.post("/graphql", content="{", headers={"Content-Type": "application/json", **shown}),
        await http.post("/graphql", json={"query": "{viewer {id}}"}, headers={"Accept": "text/plain", **shown}),
        await http.get("/nowhere", headers=shown),
    ):
        assert response.status_code in (200, 400, 404, 406)
        assert response.json()["errors"]
        assert said(response) == ("en", False)


async def test_what_caches_may_keep_is_the_same_in_every_language(http: httpx.AsyncClient) -> None:
    asked = {"query": "{identityProviders {key} __typename}"}
    kept = [await http.get("/graphql", params=asked, headers={"Accept-Language": each}) for each in ("de", "en")]
    for response in kept:
        assert response.headers["cache-control"].startswith("public")
        assert said(response) == (None, False)
    assert kept[0].headers["etag"] == kept[1].headers["etag"]
    own = await http.get("/graphql", params={"query": "{viewer {id}}"}, headers={"Accept-Language": "de"})
    assert (own.headers["cache-control"], said(own)) == ("private, no-store", ("de", True))


async def test_our_pages_speak_to_whoever_is_signed_in_as_they_have_chosen(
    make: Factory, http: httpx.AsyncClient
) -> None:
    person = await reader(make)
    cookie = {"Cookie": f"session={person.client.token}", "Accept-Language": "en"}
    for path in ("/welcome", "/reset-password", "/confirm-email", "/invitation", "/unsubscribe"):
        theirs = await http.get(path, params={"token": "x"}, headers=cookie)
        strangers = await http.get(path, params={"token": "x"}, headers={"Accept-Language": "en"})
        assert ['<html lang="de" dir="ltr">' in theirs.text, said(theirs)] == [True, ("de", True)]
        assert ['<html lang="en" dir="ltr">' in strangers.text, said(strangers)] == [True, ("en", True)]
        refused = await http.post(path, data={"token": "x", "password": PASSWORD}, headers=cookie)
        assert said(refused) == ("de", True)


def test_a_page_is_written_in_the_direction_of_its_language() -> None:
    """None of our languages is written from the right yet: English is said there, in their direction."""
    assert b'<html lang="ar" dir="rtl">' in bytes(pages.sentence("ar", "page.signed_in").body)


async def test_our_pages_know_who_follows_a_link(make: Factory, http: httpx.AsyncClient) -> None:
    token = await wish(new_address(), locale="de")
    welcome = await http.post("/welcome", data={"token": token, "password": PASSWORD})
    assert (words("page.signed_in")["de"] in welcome.text, said(welcome)) == (True, ("de", True))
    person = await reader(make)
    token = await make.link(LinkKind.PASSWORD_RESET, person.user)
    reset = await http.post("/reset-password", data={"token": token, "password": "quite another password"})
    assert (words("page.password_set")["de"] in reset.text, said(reset)) == (True, ("de", True))


async def acknowledged(socket: Socket, **params: Any) -> Any:
    """What `connection_ack` says of the language."""
    ack = await socket.init(params)
    assert ack["type"] == "connection_ack"
    return ack["payload"]["locale"]


async def ended(socket: Socket, begun: dict[str, Any]) -> Any:
    """What a subscription tells after its beginning. That may come twice: the event of it was on its way."""
    while (message := await asyncio.wait_for(socket.told(), 10))["payload"]["data"] == begun["payload"]["data"]:
        pass
    return message["payload"]["data"]["jobProgress"]


async def told(socket: Socket) -> str:
    (answer,) = await socket.ask('mutation {cancelJob(id: "x") {... on Problem {message}}}')
    message: str = answer["data"]["cancelJob"]["message"]
    return message


@pytest.mark.parametrize(
    ("header", "params", "given"),
    [
        (None, {}, "en"),
        ("de", {}, "de"),
        ("en", {"acceptLanguage": "de-AT;q=0.5, it"}, "de"),
        ("de", {"acceptLanguage": "it, nl"}, "de"),
        ("de", {"acceptLanguage": ""}, "de"),
        *(("de", {"acceptLanguage": other}, "de") for other in (None, 1, True, ["en"], {"en": 1})),
        ("de", {"ACCEPTLANGUAGE": "en"}, "en"),
    ],
)
async def test_a_socket_speaks_as_its_connection_init_asks_then_as_the_upgrade_does(
    studio: Studio, header: str | None, params: dict[str, Any], given: str
) -> None:
    async with opened(studio, {"Accept-Language": header} if header else {}) as socket:
        assert await acknowledged(socket, **params) == given
        (answer,) = await socket.ask(SIGN_OUT)
        assert answer["data"]["signOut"]["message"] == SIGN_IN_FIRST[given]


async def test_on_a_socket_too_goes_first_what_somebody_has_chosen(make: Factory, studio: Studio) -> None:
    person = await reader(make)
    key = await make.key(person)
    for token in (person.client.token, key.token):
        async with opened(studio) as socket:
            assert await acknowledged(socket, token=token, acceptLanguage="en") == "de"
            assert await told(socket) == BAD_ID["de"]


async def test_an_open_socket_follows_another_choice(make: Factory, studio: Studio) -> None:
    """Its operations, a subscription that runs, and the error with which another ends."""
    crew = await make.crew()
    job, person = await a_job(crew), await chosen(crew.viewer, "de")
    async with opened(studio) as socket:
        assert await acknowledged(socket, token=person.client.token) == "de"
        await socket.send(id="2", type="subscribe", payload={"query": PROGRESS, "variables": {"id": gid(job)}})
        begun = await socket.told()
        assert begun["payload"]["data"]["jobProgress"] == {"state": "QUEUED", "job": {"failure": None}}
        await person.client.do("UpdateProfile", input={"locale": "en"})
        await fail(job.id)
        failed = {"state": "FAILED", "job": {"failure": {"message": EMPTY["en"]}}}
        assert await ended(socket, begun) == failed
        while (message := await socket.told())["type"] == "next":  # the state was told anew while it was failing
            assert message["payload"]["data"]["jobProgress"] == failed
        assert message["type"] == "complete"
        assert await told(socket) == BAD_ID["en"]
        nothing = {"query": PROGRESS, "variables": {"id": gid(await a_job(await make.crew()))}}
        await socket.send(id="3", type="subscribe", payload=nothing)
        assert (await socket.told())["payload"][0]["message"] == NOT_FOUND["en"]
