"""What operators look at: health, readiness and figures."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from domain.clock import utc_now
from domain.jobs import QUEUE_OF, JobKind, JobState
from local.redis import EmbeddedRedis
from models import EventRecord, Job
from tests import services
from tests.api.test_sockets import opened
from tests.conftest import fresh_database
from tests.factories import Factory, gid
from tests.own import own_studio
from tests.studio import Studio, running
from tests.waiting import until


@pytest.fixture(scope="module")
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


Figures = dict[str, dict[tuple[str, ...], float]]


async def figures(http: httpx.AsyncClient) -> Figures:
    """The samples of `/metrics`: by name, then by the values of their labels in the order of the labels' names."""
    response = await http.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: Figures = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def growth(before: Figures, after: Figures, name: str, *labels: str) -> float:
    return after[name].get(labels, 0) - before.get(name, {}).get(labels, 0)


async def test_health_and_readiness(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).text == "ok\n"
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "redis": "ok", "storage": "ok"})


async def test_requests_and_use_cases_are_timed(http: httpx.AsyncClient, make: Factory) -> None:
    before = await figures(http)
    anonymous = make.client()
    await anonymous.run("Viewer")
    await anonymous.run("SignOut")
    await http.get("/no/such/address/1234")
    after = await figures(http)
    assert growth(before, after, "http_request_seconds_count", "/graphql", "200") == 2
    assert growth(before, after, "http_request_seconds_count", "unknown", "404") == 1
    assert growth(before, after, "graphql_operation_seconds_count", "viewer", "query") == 1
    assert growth(before, after, "graphql_operation_seconds_count", "signOut", "mutation") == 1
    assert growth(before, after, "resolver_seconds_count", "signOut") == 1
    assert 0 < growth(before, after, "resolver_seconds_sum", "signOut") < 5


async def test_the_shared_product_tells_what_waits(http: httpx.AsyncClient) -> None:
    async def relay_is_seen() -> bool:
        return "relay_lag_events" in await figures(http)

    await until(relay_is_seen)
    assert (await figures(http))["queue_depth"].keys() == {("media",), ("io",)}


async def test_jobs_that_wait_are_counted_by_queue() -> None:
    async with own_studio("api") as (studio, make), httpx.AsyncClient(base_url=studio.url) as http:
        assert (await figures(http))["queue_depth"] == {("media",): 0, ("io",): 0}
        crew = await make.crew()
        for kind, state in (
            (JobKind.INGEST, JobState.QUEUED),
            (JobKind.INGEST, JobState.QUEUED),
            (JobKind.INGEST, JobState.RUNNING),
            (JobKind.PURGE_VIDEO, JobState.QUEUED),
            (JobKind.PURGE_VIDEO, JobState.SUCCEEDED),
        ):
            later = utc_now() + timedelta(days=365)
            await Job.create(
                kind=kind, queue=QUEUE_OF[kind], state=state, payload={}, team_id=crew.team.id, available_at=later
            )
        assert (await figures(http))["queue_depth"] == {("media",): 2, ("io",): 1}


async def test_events_that_no_relay_hands_on_are_counted_and_timed() -> None:
    async with own_studio("api", "relay") as (studio, make), httpx.AsyncClient(base_url=studio.url) as http:

        async def lag() -> set[float]:
            return set((await figures(http)).get("relay_lag_events", {}).values())

        async def nothing_waits() -> bool:
            return await lag() == {0}

        crew = await make.crew()
        video = gid(await make.video(crew))
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "Told"})
        await until(nothing_waits)
        assert (await figures(http))["relay_lag_seconds"][()] == 0

        studio.stop("relay")
        for number in range(3):
            await crew.editor.client.do("EditVideo", input={"id": video, "title": f"Untold {number}"})
        assert await lag() == {3}
        waited = (await figures(http))["relay_lag_seconds"][()]
        assert 0 < waited < 60
        oldest = await EventRecord.filter(position=None).order_by("recorded_at").first()
        await EventRecord.filter(id=oldest.id).update(created_at=oldest.created_at - timedelta(hours=1))
        assert 3600 < (await figures(http))["relay_lag_seconds"][()] < 3660

        studio.start("relay")
        await until(nothing_waits)
        assert (await figures(http))["relay_lag_seconds"][()] == 0


async def test_sockets_are_counted(http: httpx.AsyncClient, studio: Studio) -> None:
    async def sockets() -> float:
        return (await figures(http))["websockets_open"][()]

    before = await sockets()
    url = studio.url.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"], proxy=None):  # type: ignore[list-item]
        assert await sockets() == before + 1


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    yield folder
    shutil.rmtree(folder)


async def test_readiness_names_what_is_down_and_requests_stay_typed(folder: Path, number: int) -> None:
    name = f"outage{number}"
    with EmbeddedRedis(folder / "redis", lasting=False) as redis:
        studio = Studio(folder, await fresh_database(name), redis.url())
        with running(studio, "api"):
            async with httpx.AsyncClient(base_url=studio.url, timeout=10) as http, opened(studio) as socket:
                assert (await socket.init())["payload"] == {"locale": "en"}
                studio.storage.rename(folder / "elsewhere")
                assert await _down(http) == ["storage"]
                redis.stop()
                assert orjson.loads(await socket.connection.recv()) == {"type": "ping", "payload": {"live": False}}
                async with opened(studio) as another:
                    assert (await another.init())["payload"] == {"locale": "en", "live": False}
                assert await _down(http) == ["redis", "storage"]
                await _drop(name)
                assert await _down(http) == ["database", "redis", "storage"]
                assert (await http.get("/healthz")).status_code == 200
                await _is_unavailable(http, studio)
                assert {"websockets_open", "http_request_seconds_count"} <= (found := await figures(http)).keys()
                assert not {"queue_depth", "relay_lag_seconds"} & found.keys()


async def _down(http: httpx.AsyncClient) -> list[str]:
    ready = await http.get("/readyz")
    assert ready.status_code == 503
    return sorted(service for service, state in ready.json().items() if state == "down")


async def _drop(database: str) -> None:
    connection = await asyncpg.connect(services.where()["postgres"])
    await connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
    await connection.close()


async def _is_unavailable(http: httpx.AsyncClient, studio: Studio) -> None:
    response = await _ask_as_somebody(http)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]) == (503, {"code": "UNAVAILABLE"})
    assert "an-unlikely-token" not in studio.log("api")
    assert "request failed" not in studio.log("api"), "an outage is no fault of ours"


async def test_a_fault_of_ours_is_masked_and_logged_whole() -> None:
    async with own_studio("api") as (studio, _), httpx.AsyncClient(base_url=studio.url, timeout=10) as http:
        connection = await asyncpg.connect(studio.database_url)
        await connection.execute("ALTER TABLE sessions RENAME TO elsewhere")
        await connection.close()
        response = await _ask_as_somebody(http)
        (error,) = response.json()["errors"]
        request_id = response.headers["x-request-id"]
        assert response.status_code == 500
        assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
        assert request_id in error["message"]
        assert "sessions" not in response.text
        (line,) = [line for line in studio.log("api").splitlines() if "request failed" in line]
        assert request_id in line
        assert "UndefinedTableError" in line
        assert "an-unlikely-token" not in studio.log("api")


async def _ask_as_somebody(http: httpx.AsyncClient) -> httpx.Response:
    headers = {"Authorization": "Bearer an-unlikely-token"}
    return await http.post("/graphql", json={"query": "{viewer {id}}"}, headers=headers)
