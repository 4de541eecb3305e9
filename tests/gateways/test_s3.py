"""What only a bucket can do wrong. moto accepts any signature, so links are judged by what they bind."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.uploads import LEAST_PART_BYTES
from gateways.storage.addresses import S3Address
from gateways.storage.base import StorageUnavailable
from gateways.storage.opening import open_storage
from gateways.storage.opening import s3_address as parse
from gateways.storage.s3 import S3Storage, open_s3
from tests.gateways.servers import BUCKET, s3_address, silence


@asynccontextmanager
async def proxy(port: int, most_bytes: list[int]):
    """A line to `port` that breaks after so many bytes of an answer, once per entry; then it holds."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)

        async def forward() -> None:
            while data := await reader.read(65536):
                there_writer.write(data)
            there_writer.close()

        forwarding = asyncio.create_task(forward())
        left = most_bytes.pop(0) if most_bytes else None
        while data := await there_reader.read(65536):
            writer.write(data if left is None else data[:left])
            await writer.drain()
            if left is not None and (left := left - len(data)) <= 0:
                break
        forwarding.cancel()
        there_writer.close()
        writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_links_bind_method_key_upload_number_and_length(s3):
    urls = await s3.part_urls("teams/1/original", "an-upload", {7: 1234}, expires_in=60)
    address = urlsplit(urls[7])
    query = parse_qs(address.query)
    assert address.path == f"/{BUCKET}/teams/1/original"
    assert query["uploadId"] == ["an-upload"]
    assert query["partNumber"] == ["7"]
    assert query["X-Amz-Expires"] == ["60"]
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    longer = await s3.part_urls("teams/1/original", "an-upload", {7: 1235}, expires_in=60)
    assert parse_qs(urlsplit(longer[7]).query)["X-Amz-Signature"] != query["X-Amz-Signature"]


async def test_many_links_leave_others_their_turn(s3):
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    watching = asyncio.create_task(watch())
    urls = await s3.part_urls("teams/1/original", "an-upload", dict.fromkeys(range(1, 1251), 5), expires_in=60)
    watching.cancel()
    assert len(set(urls.values())) == 1250
    assert turns >= 1250 // 32


async def test_browsers_get_the_public_address(s3_server):
    address = S3Address(
        BUCKET, "us-east-1", s3_server.url, "https://files.studio.example", access_key="a", secret_key="b"
    )
    async with open_s3(address) as storage:
        await storage.check()
        url = await storage.read_url("teams/1/original", expires_in=60, content_type="video/mp4")
        assert url.startswith(f"https://files.studio.example/{BUCKET}/teams/1/original?")


async def test_a_download_goes_on_where_it_broke_off(s3: S3Storage, s3_server, tmp_path):
    body = os.urandom(3 * LEAST_PART_BYTES)
    (tmp_path / "object").write_bytes(body)
    await s3.store(tmp_path / "object", "teams/broken/original", content_type="video/mp4")
    told: list[int] = []
    async with (
        proxy(urlsplit(s3_server.url).port, [1_000_000, 200, 5_000_000]) as port,
        open_s3(s3_address(f"http://127.0.0.1:{port}")) as storage,
    ):
        await storage.fetch("teams/broken/original", tmp_path / "here", told.append)
    assert (tmp_path / "here").read_bytes() == body
    assert told == sorted(told)
    assert told[-1] == len(body)


async def test_a_download_that_keeps_breaking_fails_and_leaves_no_file(s3: S3Storage, s3_server, tmp_path, monkeypatch):
    monkeypatch.setattr("gateways.storage.download._PAUSE_SECONDS", 0)
    (tmp_path / "object").write_bytes(bytes(LEAST_PART_BYTES))
    await s3.store(tmp_path / "object", "teams/breaking/original", content_type="video/mp4")
    async with (
        proxy(urlsplit(s3_server.url).port, [100_000] * 50) as port,
        open_s3(s3_address(f"http://127.0.0.1:{port}")) as storage,
    ):
        with pytest.raises(StorageUnavailable, match="broke off 10 times"):
            await storage.fetch("teams/breaking/original", tmp_path / "here")
    assert not (tmp_path / "here").exists()


async def test_a_store_that_is_silent_or_away_is_unavailable():
    async with await asyncio.start_server(silence, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        async with open_s3(s3_address(f"http://127.0.0.1:{port}")) as storage:
            started = time.perf_counter()
            with pytest.raises(StorageUnavailable, match="does not answer within 2 s"):
                await storage.check()
            assert time.perf_counter() - started < 3
    async with open_s3(s3_address(f"http://127.0.0.1:{port}")) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.check()


async def test_a_bucket_that_does_not_exist_is_unavailable(s3_server):
    url = f"s3://key:secret@nowhere?endpoint={s3_server.url}&region=us-east-1"
    async with open_storage(url, public_url="http://x", secret="x" * 32, clock=lambda: None) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.check()
        with pytest.raises(StorageUnavailable):
            await storage.start_upload("teams/1/original")


def test_the_url_names_everything():
    assert parse(
        "s3://a%2Fkey:a%3Asecret@bucket?endpoint=http://store:9000&region=eu-central-1&public_endpoint=https://files.x"
    ) == S3Address("bucket", "eu-central-1", "http://store:9000", "https://files.x", "a/key", "a:secret")
    assert parse("s3://bucket") == S3Address("bucket")


@pytest.mark.parametrize("url", ["s3://", "s3://key:hush@bucket/folder", "s3://key:hush@bucket?enpoint=x"])
def test_malformed_urls_are_refused_without_repeating_them(url):
    with pytest.raises(ValueError, match="not of the form") as failure:
        parse(url)
    assert "hush" not in str(failure.value)


@pytest.mark.parametrize("url", ["", "file:relative", "file://host/folder", "ftp://x"])
async def test_unknown_urls_are_refused(url):
    with pytest.raises(ValueError, match="STORAGE_URL is neither"):
        async with open_storage(url, public_url="http://x", secret="x" * 32, clock=lambda: None):
            pass
