"""Both stores, served."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from gateways.storage.base import Storage
from gateways.storage.s3 import S3Storage, open_s3
from tests.gateways.servers import BUCKET, LocalServer, Server, s3_address, serve, serve_folder


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with serve_folder(tmp_path_factory.mktemp("files") / "store") as served:
        yield served


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    with serve("serve_s3.py") as server:
        httpx.put(f"{server.url}/{BUCKET}", timeout=30).raise_for_status()
        yield server


@pytest.fixture(scope="session")
async def s3(s3_server: Server) -> AsyncIterator[S3Storage]:
    async with open_s3(s3_address(s3_server.url)) as storage:
        yield storage


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each of the stores in turn."""
    if request.param == "local":
        return request.getfixturevalue("local_server").store
    return request.getfixturevalue("s3")


@pytest.fixture(scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        yield client
