"""The plan as clients and operators meet it: what development shows, what production keeps to itself, the figures."""

from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from models import Video
from tests.api.test_health import Figures, figures, growth
from tests.api.test_sockets import signed_in
from tests.factories import Crew, Factory, Person, gid
from tests.own import own_studio
from tests.studio import Studio

LIBRARY = "query Library($id: ID!) { team(id: $id) { name videos { nodes { title } } } }"
PLANNED = "graphql_operations_planned_total"
WAYS = [None, "off", "analyze", "nonsense"]


async def asked(person: Person, query: str, way: str | None = None, **variables: Any) -> dict[str, Any]:
    """The answer to a query with the header `X-Plan`."""
    client = person.client
    headers = client.headers() | ({"X-Plan": way} if way else {})
    body = {"query": query, "variables": variables}
    return (await client.http.post(f"{client.url}/graphql", json=body, headers=headers)).json()


async def a_crew(make: Factory) -> tuple[Crew, Video]:
    crew = await make.crew()
    return crew, await make.video(crew)


@pytest.mark.parametrize("way", WAYS)
async def test_production_tells_nothing_of_its_plans(make: Factory, studio: Studio, way: str | None) -> None:
    crew, _ = await a_crew(make)
    async with httpx.AsyncClient(base_url=studio.url) as http:
        before = await figures(http)
        answer = await asked(crew.viewer, LIBRARY, way, id=crew.id)
        after = await figures(http)
    assert answer["data"] == {"team": {"name": "Crew", "videos": {"nodes": [{"title": "A cut"}]}}}
    assert list(answer["extensions"]) == ["position", "cost"]
    assert growth(before, after, PLANNED, "planned", "query") == 1
    assert growth(before, after, PLANNED, "asked", "query") == 0


async def test_operations_are_counted_by_how_they_were_run(make: Factory, studio: Studio) -> None:
    crew, video = await a_crew(make)
    async with httpx.AsyncClient(base_url=studio.url) as http:
        before = await figures(http)
        await asked(crew.owner, '{ uploadParts(id: "none") { arrived { number } } }')
        await asked(crew.owner, "query ($yes: Boolean = true) { viewer { id @skip(if: $yes) } }", yes=None)
        await crew.owner.client.do("EditVideo", input={"id": gid(video), "title": "New"})
        await crew.owner.client.do("StartUpload", input={"videoId": gid(video), "fileName": "a.mp4", "size": 3})
        after = await figures(http)
    for how, kind in (
        ("resolver", "query"),
        ("directives", "query"),
        ("planned", "mutation"),
        ("resolver", "mutation"),
    ):
        assert growth(before, after, PLANNED, how, kind) == 1


async def test_a_socket_in_production_tells_nothing_either(make: Factory, studio: Studio) -> None:
    crew, _ = await a_crew(make)
    async with signed_in(studio, crew.viewer.client.token) as socket:
        (answer,) = await socket.ask(LIBRARY, id=crew.id)
        assert list(answer["extensions"]) == ["position", "cost"]


async def test_events_are_told_by_the_plan(make: Factory, studio: Studio) -> None:
    crew, video = await a_crew(make)
    async with httpx.AsyncClient(base_url=studio.url) as http:
        before = await figures(http)
        async with _followed(crew, video) as events:
            await crew.editor.client.do("EditVideo", input={"id": gid(video), "title": "Told"})
            told = await anext(events)
        after = await figures(http)
    change = told["data"]["videoChanged"]
    assert (change["video"]["title"], change["actor"]["id"], change["version"]) == ("Told", crew.editor.id, None)
    assert list(told["extensions"]) == ["eventId"]
    assert _ways_of_telling(before, after) == {"planned"}


def _ways_of_telling(before: Figures, after: Figures) -> set[str]:
    """How events were told in between. One that comes while a client begins may be executed for it and for its room."""
    ways = {how for how, kind in after[PLANNED] if kind == "subscription"}
    return {how for how in ways if growth(before, after, PLANNED, how, "subscription") > 0}


async def test_development_shows_how_an_answer_came_about() -> None:
    async with own_studio("api", "relay", ENVIRONMENT="development") as (studio, make):
        crew, video = await a_crew(make)
        await _http_shows(crew)
        await _socket_shows(crew, studio)
        await _events_show(crew, video)


async def _http_shows(crew: Crew) -> None:
    answer = await asked(crew.viewer, LIBRARY, id=crew.id)
    assert answer["extensions"].keys() == {"plan", "position", "cost"}
    plan = answer["extensions"]["plan"]
    (statement,) = plan["statements"]
    assert plan["path"] == "planned"
    assert statement["sql"].startswith("/* Library */ ")
    assert statement["levels"] == [{"path": "team", "rows": 1}, {"path": "team.videos", "rows": 1}]
    analyzed = (await asked(crew.viewer, LIBRARY, "analyze", id=crew.id))["extensions"]["plan"]
    assert all(level["milliseconds"] > 0 for level in analyzed["statements"][0]["levels"])
    plainly = await asked(crew.viewer, LIBRARY, "off", id=crew.id)
    assert plainly["data"] == answer["data"]
    assert (plainly["extensions"]["plan"]["path"], plainly["extensions"]["plan"]["reason"]) == ("plain", "asked")
    assert len(plainly["extensions"]["plan"]["statements"]) == 2
    assert "plan" not in str(await asked(crew.viewer, "{ nothing }"))
    made = await crew.editor.client.run("CreateVideo", input={"teamId": crew.id, "title": "Another"})
    assert [level["path"] for level in made["extensions"]["plan"]["statements"][0]["levels"]] == ["createVideo"]
    assert (await asked(crew.viewer, LIBRARY, "nonsense", id=crew.id))["extensions"]["plan"]["path"] == "planned"


async def _socket_shows(crew: Crew, studio: Studio) -> None:
    async with signed_in(studio, crew.viewer.client.token) as socket:
        (answer,) = await socket.ask(LIBRARY, id=crew.id)
    assert answer["extensions"].keys() == {"plan", "position", "cost"}
    assert answer["extensions"]["plan"]["path"] == "planned"


async def _events_show(crew: Crew, video: Video) -> None:
    async with _followed(crew, video) as events:
        await crew.editor.client.do("EditVideo", input={"id": gid(video), "title": "Told"})
        told = await anext(events)
    assert told["extensions"].keys() == {"plan", "eventId"}
    levels = told["extensions"]["plan"]["statements"][0]["levels"]
    assert {level["path"]: level["rows"] for level in levels}["video"] == 1


@asynccontextmanager
async def _followed(crew: Crew, video: Video) -> Any:
    """The video's events from now on."""
    position = (await crew.viewer.client.run("Viewer"))["extensions"]["position"]
    async with crew.viewer.client.follow("VideoChanged", id=gid(video), after=position) as events:
        yield aiter(events)


async def test_plans_can_be_switched_off() -> None:
    async with own_studio("api", PLAN="false") as (studio, make), httpx.AsyncClient(base_url=studio.url) as http:
        crew, _ = await a_crew(make)
        answer = await asked(crew.viewer, LIBRARY, id=crew.id)
        assert answer["data"]["team"]["videos"]["nodes"] == [{"title": "A cut"}]
        assert (await figures(http))[PLANNED] == {("off", "query"): 1}
