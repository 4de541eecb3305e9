"""The local store over HTTP: what its links allow, and what they do not."""

import asyncio
import base64
import hashlib
import os
import re
import socket
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest

from domain.clock import utc_now
from domain.uploads import MIB, Part
from gateways.storage.base import ObjectMissing, StorageUnavailable
from gateways.storage.incoming import BodyStalled
from gateways.storage.local import LocalStorage
from gateways.storage.signing import Signer
from tests.gateways.servers import ALLOWED_ORIGIN, SECRET, LocalServer, serve_folder
from tests.waiting import until

BODY = b"0123456789"


@pytest.fixture
def key() -> str:
    return f"teams/{uuid4()}/original"


async def part_url(served: LocalServer, key: str, size: int = len(BODY), store: LocalStorage | None = None) -> str:
    upload_id = await served.store.start_upload(key)
    urls = await (store or served.store).part_urls(key, upload_id, {1: size}, expires_in=60)
    return urls[1]


async def arrived(served: LocalServer, url: str) -> list[Part]:
    return await served.store.parts(urlsplit(url).path.removeprefix("/files/"), query(url)["upload"])


async def read_url(served: LocalServer, tmp_path: Path, key: str, body: bytes = BODY) -> str:
    path = tmp_path / "object"
    path.write_bytes(body)
    await served.store.store(path, key, content_type="text/html")
    return await served.store.read_url(key, expires_in=60, content_type="text/html")


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def altered(url: str, **parameters: str) -> str:
    return url.split("?", maxsplit=1)[0] + "?" + urlencode({**query(url), **parameters})


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_altered_links_are_refused(local_server, client, key):
    url = await part_url(local_server, key)
    forgeries = [
        altered(url, part="2"),
        altered(url, size="11"),
        altered(url, upload="0" * 32),
        altered(url, expires=str(2**40)),
        altered(url, signature="0" * 64),
        altered(url, signature="ü"),
        altered(url, extra="1"),
        url.replace("/original", "/other"),
        url.split("?")[0],
        url.split("&signature")[0],
    ]
    for forgery in forgeries:
        assert code(await client.put(forgery, content=BODY)) == (403, "LINK_REFUSED")
    assert code(await client.get(url)) == (403, "LINK_REFUSED")
    assert await arrived(local_server, url) == []
    assert local_server.leftovers() == []
    assert (await client.put(url, content=BODY)).status_code == 200


async def test_links_to_read_do_not_write(local_server, client, key, tmp_path):
    url = await read_url(local_server, tmp_path, key)
    assert code(await client.put(url, content=BODY)) == (403, "LINK_REFUSED")
    assert (await client.delete(url)).status_code == 405
    assert code(await client.get(altered(url, type="text/plain"))) == (403, "LINK_REFUSED")


async def test_expired_links_and_links_by_another_secret_are_refused(local_server, client, key):
    def store(secret: str, age: timedelta) -> LocalStorage:
        signer = Signer(secret, lambda: utc_now() - age)
        return LocalStorage(local_server.root, public_url=local_server.server.url, signer=signer)

    expired = await part_url(local_server, key, store=store(SECRET, timedelta(seconds=61)))
    foreign = await part_url(local_server, key, store=store("another secret of many letters", timedelta()))
    valid = await part_url(local_server, key, store=store(SECRET, timedelta(seconds=30)))
    assert code(await client.put(expired, content=BODY)) == (403, "LINK_REFUSED")
    assert code(await client.put(foreign, content=BODY)) == (403, "LINK_REFUSED")
    assert (await client.put(valid, content=BODY)).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("body", "problem"),
    [(BODY + b"!", (413, "PART_TOO_LONG")), (BODY[1:], (400, "PART_TOO_SHORT")), (b"", (400, "PART_TOO_SHORT"))],
)
async def test_a_body_has_exactly_the_signed_length(local_server, client, key, body, problem, chunked):
    async def pieces():
        yield body[:4]
        yield body[4:]

    url = await part_url(local_server, key)
    assert code(await client.put(url, content=pieces() if chunked else body)) == problem
    assert await arrived(local_server, url) == []
    assert local_server.leftovers() == []


async def test_a_body_that_does_not_fit_its_checksum_is_refused(local_server, client, key):
    url = await part_url(local_server, key)
    for header in (base64.b64encode(hashlib.md5(b"other").digest()), b"?", b"\xff", "ü".encode()):
        answer = await client.put(url, content=BODY, headers={b"Content-MD5": header})
        assert code(answer) == (400, "CHECKSUM_DIFFERS")
    assert await arrived(local_server, url) == []
    assert local_server.leftovers() == []
    good = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    assert (await client.put(url, content=BODY, headers={"Content-MD5": good})).status_code == 200


async def test_a_broken_line_leaves_nothing_and_takes_nothing_away(local_server, client, key):
    size = 3 * MIB
    url = await part_url(local_server, key, size)
    for before in ([], [Part(1, size, hashlib.md5(bytes(size)).hexdigest())]):
        address = urlsplit(url)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        request = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        writer.write(request.encode() + bytes(2 * MIB))
        await writer.drain()
        folder = local_server.root / ".uploads" / query(url)["upload"]
        await until(lambda folder=folder: list(folder.glob("*.tmp")))
        # A reset, not a polite end: what a lost network looks like.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.close()
        await until(lambda folder=folder: not list(folder.glob("*.tmp")))
        assert await arrived(local_server, url) == before
        assert (await client.put(url, content=bytes(size))).status_code == 200


async def test_parts_arrive_at_once_even_the_same_one(local_server, client, key):
    upload_id = await local_server.store.start_upload(key)
    urls = await local_server.store.part_urls(key, upload_id, {1: MIB, 2: MIB}, expires_in=60)
    bodies = [bytes([value]) * MIB for value in range(8)]
    answers = await asyncio.gather(
        *(client.put(urls[1 + value % 2], content=body) for value, body in enumerate(bodies))
    )
    assert {answer.status_code for answer in answers} == {200}
    parts = await local_server.store.parts(key, upload_id)
    assert [part.number for part in parts] == [1, 2]
    assert parts[0].checksum in {hashlib.md5(body).hexdigest() for body in bodies[0::2]}
    assert parts[1].checksum in {hashlib.md5(body).hexdigest() for body in bodies[1::2]}


async def test_first_readers_at_once_read_the_same(local_server, client, key):
    upload_id = await local_server.store.start_upload(key)
    sizes = dict.fromkeys(range(1, 5), MIB)
    urls = await local_server.store.part_urls(key, upload_id, sizes, expires_in=60)
    for number, url in urls.items():
        await client.put(url, content=bytes([number]) * MIB)
    await local_server.store.finish_upload(key, upload_id, await local_server.store.parts(key, upload_id))
    url = await local_server.store.read_url(key, expires_in=60, content_type="video/mp4")
    answers = await asyncio.gather(*(client.get(url, headers={"Range": "bytes=-1"}) for _ in range(6)))
    assert [answer.content for answer in answers] == [b"\x04"] * 6
    assert await local_server.store.size(key) == 4 * MIB
    assert local_server.leftovers() == []


async def test_storing_a_file_again_leaves_one_object(local_server, key, tmp_path):
    await read_url(local_server, tmp_path, key)
    await local_server.store.store(tmp_path / "object", key, content_type="text/html")
    assert await local_server.store.size(key) == len(BODY)
    assert local_server.leftovers() == []


async def test_nothing_that_users_upload_runs_as_a_page(local_server, client, key, tmp_path):
    answer = await client.get(await read_url(local_server, tmp_path, key))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


async def test_head_tells_what_get_would(local_server, client, key, tmp_path):
    answer = await client.head(await read_url(local_server, tmp_path, key))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == "10"
    assert answer.headers["Accept-Ranges"] == "bytes"


async def test_ranges(local_server, client, key, tmp_path):
    url = await read_url(local_server, tmp_path, key)
    several = await client.get(url, headers={"Range": "bytes=0-1,8-"})
    assert several.status_code == 206
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", several.headers["Content-Type"])[1]
    bodies = [part.split(b"\r\n\r\n")[1].strip() for part in several.content.split(f"--{boundary}".encode())[1:-1]]
    assert bodies == [b"01", b"89"]
    unsatisfiable = await client.get(url, headers={"Range": "bytes=10-"})
    assert (unsatisfiable.status_code, unsatisfiable.headers["Content-Range"]) == (416, "bytes */10")
    etag = (await client.head(url)).headers["ETag"]
    same = await client.get(url, headers={"Range": "bytes=2-3", "If-Range": etag})
    assert (same.status_code, same.content) == (206, b"23")
    changed = await client.get(url, headers={"Range": "bytes=2-3", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, BODY)


@pytest.mark.parametrize(
    "asked",
    [
        "items=0-1",
        "0-1",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=0-1,5-2",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=" + "9" * 5000 + "-",
        "\xff",
    ],
)
async def test_what_asks_for_no_range_gets_all(local_server, client, key, tmp_path, asked):
    url = await read_url(local_server, tmp_path, key)
    answer = await client.get(url, headers={b"Range": asked.encode("latin-1")})
    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize(
    ("method", "asked", "status"), [("GET", "bytes=10-", 416), ("DELETE", "", 405), ("PUT", "", 403)]
)
async def test_refusals_do_not_run_as_pages_either(local_server, client, key, tmp_path, method, asked, status):
    url = await read_url(local_server, tmp_path, key)
    answer = await client.request(method, url, headers={"Range": asked, "Origin": ALLOWED_ORIGIN})
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN


async def test_a_deleted_object_is_not_found(local_server, client, key, tmp_path):
    url = await read_url(local_server, tmp_path, key)
    await local_server.store.delete_prefix(key.rsplit("/", 1)[0] + "/")
    assert code(await client.get(url)) == (404, "NO_SUCH_FILE")


async def raw(served: LocalServer, method: str, path: str) -> int:
    """The status of a request written by hand: a client would tidy its path up."""
    address = urlsplit(served.server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"{method} /files/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "teams/%00",
        "/etc/passwd",
        ".uploads/x/key",
        "a//b",
        "a%0a",
        "%ff",
        "",
    ],
)
async def test_no_path_leads_out_of_the_folder(local_server, path):
    (local_server.root.parent / "secret").write_text("secret")
    signed = local_server.store.signer.sign(
        "GET", unquote(path), {"type": "text/html", "disposition": "inline"}, expires_in=60
    )
    for method in ("GET", "HEAD", "PUT"):
        assert await raw(local_server, method, path) == 403
        assert await raw(local_server, method, f"{path}?{signed}") == 403


async def test_symbolic_links_are_not_followed(local_server, client, key, tmp_path):
    url = await read_url(local_server, tmp_path, key)
    path = local_server.root / key
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert code(await client.get(url)) == (404, "NO_SUCH_FILE")
    with pytest.raises(ObjectMissing):
        await local_server.store.fetch(key, tmp_path / "here")


async def test_pages_of_allowed_origins_may_put_and_read_the_etag(local_server, client, key):
    url = await part_url(local_server, key)
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-md5,content-type"}
    allowed = await client.options(url, headers={"Origin": ALLOWED_ORIGIN, **ask})
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    foreign = await client.options(url, headers={"Origin": "https://foreign.example", **ask})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    put = await client.put(url, content=BODY, headers={"Origin": ALLOWED_ORIGIN})
    assert put.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN
    assert "ETag" in put.headers["Access-Control-Expose-Headers"]


async def test_a_full_disk_is_said_and_leaves_nothing(client, key, tmp_path):
    with serve_folder(tmp_path / "store", most_bytes=2 * MIB) as served:
        url = await part_url(served, key, 4 * MIB)
        assert code(await client.put(url, content=bytes(4 * MIB))) == (507, "STORAGE_FULL")
        assert await arrived(served, url) == []
        assert served.leftovers() == []
        fits = await part_url(served, key, MIB)
        assert (await client.put(fits, content=bytes(MIB))).status_code == 200


async def test_a_body_that_stalls_is_given_up(tmp_path, key):
    async def stalled():
        yield BODY[:1]
        await asyncio.Event().wait()

    store = LocalStorage(tmp_path, public_url="", signer=Signer(SECRET, utc_now), stall_seconds=0.05)
    upload_id = await store.start_upload(key)
    with pytest.raises(BodyStalled):
        await store.receive_part(key, upload_id, 1, len(BODY), stalled(), None)
    assert await store.parts(key, upload_id) == []


async def test_a_folder_that_is_gone_fails_its_check(tmp_path):
    store = LocalStorage(tmp_path / "store", public_url="", signer=Signer(SECRET, utc_now))
    await store.check()
    (tmp_path / "store").rename(tmp_path / "away")
    with pytest.raises(StorageUnavailable):
        await store.check()


async def test_what_was_forgotten_for_a_week_is_swept(tmp_path, key):
    def opened() -> LocalStorage:
        return LocalStorage(tmp_path, public_url="", signer=Signer(SECRET, utc_now))

    old, young = [await opened().start_upload(key) for _ in range(2)]
    (tmp_path / ".uploads" / "crashed.tmp").write_bytes(BODY)
    for name, days in ((old, 8), ("crashed.tmp", 8), (young, 6)):
        then = (utc_now() - timedelta(days=days)).timestamp()
        os.utime(tmp_path / ".uploads" / name, (then, then))
    opened()
    assert [path.name for path in (tmp_path / ".uploads").iterdir()] == [young]


async def test_the_servers_memory_stays_flat(client, tmp_path, key):
    def memory(pid: int, field: str) -> int:
        return int(re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024

    async def body():
        for _ in range(100):
            yield bytes(MIB)

    with serve_folder(tmp_path / "store") as served:
        await client.put(await part_url(served, key), content=BODY)  # What it needs for any upload at all.
        before = memory(served.server.pid, "VmRSS")
        urls = [await part_url(served, key, 100 * MIB) for _ in range(2)]
        answers = await asyncio.gather(*(client.put(url, content=body()) for url in urls))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert memory(served.server.pid, "VmHWM") - before < 30 * MIB
