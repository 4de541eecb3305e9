"""Maintenance: switched on and off while everything runs, for all processes at once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.links import LinkKind
from domain.maintenance import USUALLY
from domain.permissions import Scope
from i18n import translate
from local.client import Client
from local.programs import ROOT
from models import Maintenance, Video
from tests.api.test_deadlines import locked
from tests.api.test_health import figures
from tests.api.test_sockets import signed_in
from tests.factories import Crew, Factory, gid
from tests.own import own_studio
from tests.studio import Studio, running
from tests.waiting import until

PAGES = ("/welcome", "/reset-password", "/confirm-email", "/invitation", "/unsubscribe")
CREATE = 'mutation ($id: ID!) { createVideo(input: {teamId: $id, title: "New"}) { __typename } }'


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[tuple[Studio, Factory]]:
    async with own_studio("api", "relay") as made:
        yield made


@pytest.fixture(scope="module")
def other(own: tuple[Studio, Factory]) -> Studio:
    """Another process of the same product."""
    folder = own[0].folder / "other"
    folder.mkdir()
    return Studio(folder, own[0].database_url, own[0].redis_url)


@pytest.fixture
async def studio(own: tuple[Studio, Factory]) -> AsyncIterator[Studio]:
    """Out of maintenance, before and after."""
    yield own[0]
    await Maintenance.end()
    await until(lambda: is_over(own[0]))


@pytest.fixture
def make(own: tuple[Studio, Factory]) -> Factory:
    return own[1]


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


async def typed(studio: Studio, *arguments: str) -> asyncio.subprocess.Process:
    """What the operator types."""
    argv, pipe = [sys.executable, "-m", "models.maintain", *arguments], subprocess.PIPE
    return await asyncio.create_subprocess_exec(*argv, cwd=ROOT, env=studio.environment, stdout=pipe, stderr=pipe)


async def command(studio: Studio, *arguments: str) -> str:
    """What they are told then."""
    process = await typed(studio, *arguments)
    told, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return told.decode()


async def ready(studio: Studio) -> httpx.Response:
    async with httpx.AsyncClient(base_url=studio.url) as http:
        return await http.get("/readyz")


async def is_over(studio: Studio) -> bool:
    return "maintenance" not in (await ready(studio)).json()


async def create(crew: Crew, url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        body = {"query": CREATE, "variables": {"id": crew.id}}
        return await http.post("/graphql", json=body, headers=crew.editor.client.headers() | headers)


def refusal(response: httpx.Response) -> dict[str, Any]:
    """The one error of a refusal by maintenance."""
    (error,) = response.json()["errors"]
    assert response.status_code == 503
    assert error["extensions"]["code"] == "MAINTENANCE"
    assert response.headers["retry-after"] == str(error["extensions"]["retryAfterSeconds"])
    assert "data" not in response.json()
    told: dict[str, Any] = error
    return told


async def test_the_command_stops_changes_in_every_process_and_lets_them_go_on(
    studio: Studio, other: Studio, crew: Crew
) -> None:
    assert await command(studio, "status") == "There is no maintenance.\n"
    with running(other, "api"):
        said = await command(studio, "on", "--message", "Back at noon.", "--for", "10m")
        assert "Nothing is changed by clients any more." in said
        for url in (studio.url, other.url):  # at once: the command has waited until all know
            error = refusal(await create(crew, url))
            assert error["message"] == "Back at noon."
            assert 580 <= error["extensions"]["retryAfterSeconds"] <= 600
        assert not await Video.filter(team_id=crew.team.id).exists()
        assert "People are told: Back at noon." in await command(studio, "status")
        other.stop("api")
        other.start("api")
        await until(lambda: _answers(other), 30)
        refusal(await create(crew, other.url))  # it survives whoever is started anew
        assert await command(studio, "off") == "Over: changes are taken again.\n"
        await asyncio.gather(*(until(lambda url=url: _is_taken(crew, url)) for url in (studio.url, other.url)))
    assert await command(studio, "off") == "There was no maintenance.\n"


async def _answers(studio: Studio) -> bool:
    try:
        return (await ready(studio)).status_code == 200
    except httpx.TransportError:
        return False


async def _is_taken(crew: Crew, url: str) -> bool:
    return (await create(crew, url)).json().get("data") == {"createVideo": {"__typename": "Video"}}


async def begin(studio: Studio, **told: Any) -> None:
    """What the command does, without its waiting."""
    await Maintenance.create(**told)

    async def heard() -> bool:
        return not await is_over(studio)

    await until(heard)


async def test_hooks_are_not_made_and_not_ended_meanwhile(studio: Studio, make: Factory, crew: Crew) -> None:
    program = await make.key(crew.owner, Scope.WEBHOOKS)
    headers, wish = program.headers(), {"targetUrl": "https://hooks.example.com/1", "eventType": "video.created"}
    async with httpx.AsyncClient(base_url=studio.url, headers=headers) as http:
        hook = (await http.post("/hooks", json=wish)).json()["id"]
        await begin(studio)
        refusal(await http.post("/hooks", json=wish))
        error = refusal(await http.delete(f"/hooks/{hook}", headers={"Accept-Language": "de"}))
        assert error["message"] == translate("de", "problem.maintenance")
        assert (await http.get("/hooks/me")).status_code == 200
        assert (await http.get("/hooks/samples/video.created")).status_code == 200
        await Maintenance.end()
        await until(lambda: is_over(studio))
        assert (await http.delete(f"/hooks/{hook}")).status_code == 204


async def test_it_is_told_in_the_readers_language_and_without_a_time(studio: Studio, crew: Crew) -> None:
    await begin(studio)
    for language in ("en", "de"):
        error = refusal(await create(crew, studio.url, **{"Accept-Language": language}))
        assert error["message"] == translate(language, "problem.maintenance")
        assert error["extensions"]["retryAfterSeconds"] == USUALLY
        accepted = await create(crew, studio.url, Accept="application/graphql-response+json")
        assert refusal(accepted)


async def test_what_is_told_can_be_changed_while_it_lasts(studio: Studio, crew: Crew) -> None:
    await begin(studio, message="Until noon.")
    began = (await Maintenance.get()).began_at
    await command(studio, "on", "--message", "Until one.")
    assert refusal(await create(crew, studio.url))["message"] == "Until one."
    assert (await Maintenance.get()).began_at == began


async def test_it_lasts_longer_than_was_thought(studio: Studio, crew: Crew) -> None:
    await begin(studio, until=utc_now() - timedelta(hours=1))
    assert refusal(await create(crew, studio.url))["extensions"]["retryAfterSeconds"] == 5


async def test_queries_and_subscriptions_go_on_over_http_and_sockets(studio: Studio, make: Factory, crew: Crew) -> None:
    video = await make.video(crew)
    client = crew.editor.client
    async with signed_in(studio, client.token) as socket, signed_in(studio, client.token) as listener:
        changed = "subscription($id: ID!) { videoChanged(id: $id) { video { title } } }"
        listened = {"query": changed, "variables": {"id": gid(video)}, "extensions": {"lastEventId": 0}}
        await listener.send(id="1", type="subscribe", payload=listened)
        await begin(studio)
        assert (await client.do("Viewer"))["name"] == "Editor"
        assert await socket.viewer() == {"id": crew.editor.id}
        (ended,) = await socket.ask(CREATE, id=crew.id)
        (error,) = ended["failed"]
        assert error["extensions"] == {"code": "MAINTENANCE", "retryAfterSeconds": USUALLY}
        assert await socket.viewer() == {"id": crew.editor.id}  # the socket lives on
        await Maintenance.end()
        await until(lambda: is_over(studio))
        await client.do("EditVideo", input={"id": gid(video), "title": "Heard"})
        told = (await listener.told())["payload"]["data"]["videoChanged"]
        assert told == {"video": {"title": "Heard"}}


async def test_what_had_happened_is_still_told(studio: Studio, make: Factory, crew: Crew) -> None:
    video = gid(await make.video(crew))
    studio.stop("relay")
    await crew.editor.client.do("EditVideo", input={"id": video, "title": "Before"})
    await begin(studio)
    async with signed_in(studio, crew.viewer.client.token) as listener:
        changed = "subscription($id: ID!) { videoChanged(id: $id) { video { title } } }"
        await listener.send(id="1", type="subscribe", payload={"query": changed, "variables": {"id": video}})
        await until(lambda: _is_subscribed(studio))
        studio.start("relay")
        told = (await asyncio.wait_for(listener.told(), 20))["payload"]["data"]["videoChanged"]
    assert told == {"video": {"title": "Before"}}


async def _is_subscribed(studio: Studio) -> bool:
    async with httpx.AsyncClient(base_url=studio.url) as http:
        return (await figures(http))["websocket_operations_open"][()] == 1


async def test_a_mutation_costs_nothing_and_no_statement(studio: Studio, crew: Crew) -> None:
    """Not even who asks is looked up: whatever the operator does to the database, the refusal is there at once."""
    await begin(studio)
    connection = await asyncpg.connect(studio.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE sessions, users IN ACCESS EXCLUSIVE MODE")
            error = refusal(await asyncio.wait_for(create(crew, studio.url), 5))
    finally:
        await connection.close()
    assert error["extensions"].keys() == {"code", "retryAfterSeconds"}


@pytest.mark.parametrize("path", [*PAGES, "/sign-in/company"])
async def test_pages_say_so_politely(studio: Studio, path: str) -> None:
    await begin(studio, message="Back at <noon>.", until=utc_now() + timedelta(minutes=10))
    async with httpx.AsyncClient(base_url=studio.url, headers={"Accept-Language": "de"}) as browser:
        answers = [await browser.get(path, params={"token": "x"})]
        if path in PAGES:
            answers.append(await browser.post(path, data={"token": "x", "password": "y"}))
    for page in answers:
        assert page.status_code == 503
        assert 580 <= int(page.headers["retry-after"]) <= 600
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["cache-control"] == "no-store"
        assert translate("de", "page.maintenance") in page.text
        assert "Back at &lt;noon&gt;." in page.text


async def test_a_link_is_as_good_afterwards(studio: Studio, make: Factory) -> None:
    person = await make.person()
    token = await make.link(LinkKind.PASSWORD_RESET, person.user)
    sent = {"token": token, "password": f"a long one {new_id()}"}
    await begin(studio)
    async with httpx.AsyncClient(base_url=studio.url) as browser:
        assert (await browser.post("/reset-password", data=sent)).status_code == 503
        await Maintenance.end()
        await until(lambda: is_over(studio))
        assert (await browser.post("/reset-password", data=sent)).status_code == 200


async def test_health_readiness_and_figures_say_what_operators_need(studio: Studio) -> None:
    async with httpx.AsyncClient(base_url=studio.url) as http:
        assert (await figures(http))["maintenance"][()] == 0
        await begin(studio)
        told = await http.get("/readyz")
        services = {"database": "ok", "redis": "ok", "storage": "ok"}
        assert (told.status_code, told.json()) == (200, services | {"maintenance": "on"})
        assert (await http.get("/healthz")).text == "ok\n"
        assert (await figures(http))["maintenance"][()] == 1
    assert "maintenance.begun" in studio.log("api")


async def test_what_it_knew_last_counts_while_the_database_is_away(studio: Studio, crew: Crew) -> None:
    await begin(studio)
    connection = await asyncpg.connect(studio.database_url)
    try:
        await connection.execute("ALTER TABLE maintenance RENAME TO put_aside")
        await until(lambda: "maintenance.not_seen" in studio.log("api"))
        refusal(await create(crew, studio.url))
    finally:
        await connection.execute("ALTER TABLE put_aside RENAME TO maintenance")
        await connection.close()


async def test_a_setting_has_one_process_refuse_for_as_long_as_it_runs(studio: Studio, crew: Crew) -> None:
    folder = studio.folder / "closed"
    folder.mkdir()
    with running(Studio(folder, studio.database_url, studio.redis_url, MAINTENANCE="on"), "api") as closed:
        refusal(await create(crew, closed.url))
        async with Client(closed.url, crew.editor.client.token) as client:
            assert (await client.do("Viewer"))["name"] == "Editor"
        await begin(studio, message="All of them.")
        await until(lambda: _says(crew, closed, "All of them."))
        await Maintenance.end()
        await until(lambda: _says(crew, closed, "Nothing can be changed at the moment"))
    assert await _is_taken(crew, studio.url)


async def _says(crew: Crew, studio: Studio, words: str) -> bool:
    message: str = refusal(await create(crew, studio.url))["message"]
    return message.startswith(words)


async def test_the_command_waits_for_changes_that_are_being_made(studio: Studio, crew: Crew) -> None:
    connection = await asyncpg.connect(
        studio.database_url, server_settings={"application_name": "video-creator"}
    )  # as a mutation of ours would be
    begun = connection.transaction()
    await begun.start()
    await connection.execute("SELECT 1")
    process = await typed(studio, "on")
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert await process.stderr.readline() == b"Waiting for changes that have begun: 1.\n"
        await begun.commit()
        assert b"Nothing is changed by clients any more." in await process.stdout.read()
    finally:
        await process.wait()
        await connection.close()


async def test_who_was_let_in_before_changes_nothing_either(studio: Studio, crew: Crew) -> None:
    """They have not begun to write when all have heard: here it is who asks that is still being looked up."""
    async with locked(studio, "sessions") as lock:
        asked = asyncio.create_task(create(crew, studio.url))
        await lock.until_running(1)
        assert "Nothing is changed by clients any more." in await command(studio, "on")
    (error,) = (await asked).json()["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert not await Video.filter(team_id=crew.team.id).exists()


@pytest.mark.parametrize("arguments", [[], ["on", "--for", "soon"], ["over"]])
def test_what_is_not_understood_changes_nothing(studio: Studio, arguments: list[str]) -> None:
    argv = [sys.executable, "-m", "models.maintain", *arguments]
    done = subprocess.run(argv, cwd=Path(ROOT), env=studio.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: python -m models.maintain" in done.stderr
