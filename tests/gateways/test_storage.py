"""What every store does."""

import asyncio
import hashlib
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from domain.uploads import LEAST_PART_BYTES, Part
from gateways.storage.base import ObjectMissing, PartsRefused, Storage, UploadGone
from gateways.storage.local import LocalStorage

LARGE = bytes(range(256)) * (LEAST_PART_BYTES // 256)
SMALL = b"the end"


def checksum(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


@pytest.fixture
def key() -> str:
    return f"teams/{uuid4()}/original"


async def upload(storage: Storage, client: httpx.AsyncClient, key: str, *bodies: bytes) -> str:
    """PUT the bodies as parts 1, 2, …, the last first, all at once; answer the upload's id."""
    upload_id = await storage.start_upload(key)
    sizes = {number: len(body) for number, body in enumerate(bodies, 1)}
    urls = await storage.part_urls(key, upload_id, sizes, expires_in=60)
    answers = await asyncio.gather(
        *(client.put(urls[number], content=bodies[number - 1]) for number in reversed(sizes))
    )
    assert [answer.status_code for answer in answers] == [200] * len(bodies)
    assert [answer.headers["ETag"].strip('"') for answer in answers] == [checksum(body) for body in reversed(bodies)]
    return upload_id


async def put_object(storage: Storage, tmp_path: Path, key: str, body: bytes) -> None:
    path = tmp_path / uuid4().hex
    path.write_bytes(body)
    await storage.store(path, key, content_type="video/mp4")


async def fetched(storage: Storage, tmp_path: Path, key: str) -> bytes:
    path = tmp_path / uuid4().hex
    await storage.fetch(key, path)
    return path.read_bytes()


async def test_parts_become_an_object_in_the_order_of_their_numbers(storage, client, key, tmp_path):
    upload_id = await upload(storage, client, key, LARGE, LARGE[::-1], SMALL)
    parts = await storage.parts(key, upload_id)
    assert parts == [
        Part(1, len(LARGE), checksum(LARGE)),
        Part(2, len(LARGE), checksum(LARGE[::-1])),
        Part(3, len(SMALL), checksum(SMALL)),
    ]
    await storage.finish_upload(key, upload_id, parts[::-1])
    assert await storage.size(key) == 2 * len(LARGE) + len(SMALL)
    assert await fetched(storage, tmp_path, key) == LARGE + LARGE[::-1] + SMALL
    assert await storage.size(key) == 2 * len(LARGE) + len(SMALL)


async def test_an_empty_file_is_one_empty_part(storage, client, key, tmp_path):
    upload_id = await upload(storage, client, key, b"")
    await storage.finish_upload(key, upload_id, await storage.parts(key, upload_id))
    assert await storage.size(key) == 0
    assert await fetched(storage, tmp_path, key) == b""


async def test_a_part_sent_again_replaces_the_first(storage, client, key, tmp_path):
    upload_id = await storage.start_upload(key)
    for body in (b"first!", b"second", b"second"):
        urls = await storage.part_urls(key, upload_id, {1: 6}, expires_in=60)
        assert (await client.put(urls[1], content=body)).status_code == 200
    parts = await storage.parts(key, upload_id)
    assert parts == [Part(1, 6, checksum(b"second"))]
    await storage.finish_upload(key, upload_id, parts)
    assert await fetched(storage, tmp_path, key) == b"second"


async def test_finishing_twice_is_fine(storage, client, key, tmp_path):
    upload_id = await upload(storage, client, key, SMALL)
    parts = await storage.parts(key, upload_id)
    await storage.finish_upload(key, upload_id, parts)
    await storage.finish_upload(key, upload_id, parts)
    await fetched(storage, tmp_path, key)
    await storage.finish_upload(key, upload_id, parts)
    await storage.abandon_upload(key, upload_id)
    assert await storage.size(key) == len(SMALL)


async def test_finishing_refuses_parts_that_have_not_arrived(storage, client, key):
    upload_id = await upload(storage, client, key, SMALL)
    for parts in ([], [Part(1, len(SMALL), checksum(b"other"))], [Part(2, len(SMALL), checksum(SMALL))]):
        with pytest.raises(PartsRefused):
            await storage.finish_upload(key, upload_id, parts)
    assert await storage.size(key) is None
    await storage.finish_upload(key, upload_id, await storage.parts(key, upload_id))


async def test_only_the_parts_named_are_in_the_object(storage, client, key, tmp_path):
    upload_id = await upload(storage, client, key, SMALL, b"not wanted")
    await storage.finish_upload(key, upload_id, [Part(1, len(SMALL), checksum(SMALL))])
    assert await fetched(storage, tmp_path, key) == SMALL


async def test_an_abandoned_upload_is_gone(storage, client, key):
    upload_id = await upload(storage, client, key, SMALL)
    urls = await storage.part_urls(key, upload_id, {1: len(SMALL)}, expires_in=60)
    await storage.abandon_upload(key, upload_id)
    await storage.abandon_upload(key, upload_id)
    with pytest.raises(UploadGone):
        await storage.parts(key, upload_id)
    if isinstance(storage, LocalStorage):  # moto answers 500 here, where S3 answers NoSuchUpload.
        with pytest.raises(UploadGone):
            await storage.finish_upload(key, upload_id, [Part(1, len(SMALL), checksum(SMALL))])
        assert (await client.put(urls[1], content=SMALL)).status_code == 404
    assert await storage.size(key) is None


async def test_a_file_is_stored_and_replaced(storage, client, key, tmp_path):
    for body in (b"first", b"", LARGE * 4):
        await put_object(storage, tmp_path, key, body)
        assert await storage.size(key) == len(body)
        assert await fetched(storage, tmp_path, key) == body


async def test_fetching_tells_how_far_it_is(storage, key, tmp_path):
    await put_object(storage, tmp_path, key, LARGE)
    told: list[int] = []
    await storage.fetch(key, tmp_path / "here", told.append)
    await asyncio.sleep(0)
    assert told == sorted(told)
    assert told[-1] == len(LARGE)


async def test_fetching_what_is_not_there(storage, key, tmp_path):
    with pytest.raises(ObjectMissing):
        await storage.fetch(key, tmp_path / "here")
    assert not (tmp_path / "here").exists()
    assert await storage.size(key) is None


async def test_fetching_does_not_overwrite(storage, key, tmp_path):
    await put_object(storage, tmp_path, key, SMALL)
    (tmp_path / "here").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        await storage.fetch(key, tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"mine"


async def test_links_read_byte_ranges(storage, client, key, tmp_path):
    await put_object(storage, tmp_path, key, b"0123456789")
    url = await storage.read_url(key, expires_in=60, content_type="video/mp4")
    whole = await client.get(url)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Content-Disposition"] == "inline"
    assert whole.headers["Cache-Control"] == "private"
    part = await client.get(url, headers={"Range": "bytes=3-5"})
    assert (part.status_code, part.content) == (206, b"345")
    assert part.headers["Content-Range"] == "bytes 3-5/10"
    tail = await client.get(url, headers={"Range": "bytes=-2"})
    assert (tail.status_code, tail.content) == (206, b"89")
    assert (await client.get(url, headers={"Range": "bytes=10-"})).status_code == 416


async def test_links_name_the_download(storage, client, key, tmp_path):
    await put_object(storage, tmp_path, key, SMALL)
    url = await storage.read_url(key, expires_in=60, content_type="video/mp4", file_name='Zoë "1"; ärger.mp4')
    answer = await client.get(url)
    assert answer.content == SMALL
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"Zoe _1__ arger.mp4\"; filename*=UTF-8''Zo%C3%AB%20%221%22%3B%20%C3%A4rger.mp4"
    )


async def test_deleting_a_prefix_takes_nothing_beside_it(storage, client, tmp_path):
    team = f"teams/{uuid4()}"
    for name in ("videos/1/original", "videos/1/a/proxy.mp4", "videos/10/original"):
        await put_object(storage, tmp_path, f"{team}/{name}", SMALL)
    unread = f"{team}/videos/1/unread"
    upload_id = await upload(storage, client, unread, SMALL)
    await storage.finish_upload(unread, upload_id, await storage.parts(unread, upload_id))
    assert await storage.keys(f"{team}/videos/1/") == [
        f"{team}/videos/1/a/proxy.mp4",
        f"{team}/videos/1/original",
        unread,
    ]
    await storage.delete_prefix(f"{team}/videos/1/")
    await storage.delete_prefix(f"{team}/videos/1/")
    assert await storage.keys(f"{team}/") == [f"{team}/videos/10/original"]
    assert await storage.size(unread) is None


@pytest.mark.parametrize(
    "key", ["", "/", "a/", "/a", "a//b", "..", "a/../b", "a/.b", ".uploads/x", "a\n", "a b", "ä", "a" * 201, "a/" * 600]
)
async def test_malformed_keys_are_refused(storage, key, tmp_path):
    (tmp_path / "file").write_bytes(SMALL)
    with pytest.raises(ValueError, match="malformed"):
        await storage.start_upload(key)
    with pytest.raises(ValueError, match="malformed"):
        await storage.size(key)
    with pytest.raises(ValueError, match="malformed"):
        await storage.store(tmp_path / "file", key, content_type="video/mp4")
    with pytest.raises(ValueError, match="malformed"):
        await storage.read_url(key, expires_in=60, content_type="video/mp4")
    with pytest.raises(ValueError, match="malformed"):
        await storage.delete_prefix(key + "/")


async def test_a_prefix_ends_with_a_slash(storage):
    with pytest.raises(ValueError, match="slash"):
        await storage.delete_prefix("teams/1")
    with pytest.raises(ValueError, match="slash"):
        await storage.keys("teams/1")


async def test_a_healthy_store_passes_its_check(storage):
    await storage.check()
