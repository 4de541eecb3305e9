"""What operators look at: health, readiness and figures."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from local.redis import EmbeddedRedis
from tests import services
from tests.conftest import fresh_database
from tests.factories import Factory
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


async def test_what_waits_is_counted(http: httpx.AsyncClient) -> None:
    async def relay_is_seen() -> bool:
        return "relay_lag_events" in await figures(http)

    await until(relay_is_seen)
    found = await figures(http)
    assert found["queue_depth"].keys() == {("media",), ("io",)}
    assert all(lag >= 0 for lag in found["relay_lag_events"].values())
    assert found["relay_lag_seconds"][()] >= 0


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
            async with httpx.AsyncClient(base_url=studio.url, timeout=10) as http:
                studio.storage.rename(folder / "elsewhere")
                assert await _down(http) == ["storage"]
                redis.stop()
                assert await _down(http) == ["redis", "storage"]
                await _drop(name)
                assert await _down(http) == ["database", "redis", "storage"]
                assert (await http.get("/healthz")).status_code == 200
                await _is_masked(http, studio)


async def _down(http: httpx.AsyncClient) -> list[str]:
    ready = await http.get("/readyz")
    assert ready.status_code == 503
    return sorted(service for service, state in ready.json().items() if state == "down")


async def _drop(database: str) -> None:
    connection = await asyncpg.connect(services.where()["postgres"])
    await connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
    await connection.close()


async def _is_masked(http: httpx.AsyncClient, studio: Studio) -> None:
    response = await http.post(
        "/graphql", json={"query": "{viewer {id}}"}, headers={"Authorization": "Bearer an-unlikely-token"}
    )
    (error,) = response.json()["errors"]
    request_id = response.headers["x-request-id"]
    assert response.status_code == 500
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    assert request_id in error["message"]
    assert any("request failed" in line and request_id in line for line in studio.log("api").splitlines())
    assert "an-unlikely-token" not in studio.log("api")
