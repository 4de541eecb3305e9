"""Profiles over the wire: name, time zone, language and picture."""

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.jobs import JobKind, JobState
from local.client import Client
from models import EventRecord, Job, User
from tests.factories import Factory, gid, uuid_in
from tests.pictures import encoded, png, png_claiming
from tests.studio import Studio
from tests.waiting import until

PRIVATE = "name avatarUrl timeZone deletionAt sessions { totalCount }"


async def update(client: Client, **given: Any) -> Any:
    return (await client.run("UpdateProfile", input=given))["data"]["updateProfile"]


async def set_avatar(client: Client, picture: bytes) -> Any:
    image = base64.b64encode(picture).decode()
    return (await client.run("SetAvatar", input={"image": image}))["data"]["setAvatar"]


async def ended(client: Client, job_id: str) -> Any:
    async def is_over() -> bool:
        return (await client.do("Job", id=job_id))["state"] in ("SUCCEEDED", "FAILED", "CANCELLED")

    await until(is_over, 30)
    return await client.do("Job", id=job_id)


async def keys_of(studio: Studio, user: User) -> list[str]:
    folder = studio.storage
    return [str(path) for path in folder.rglob("avatar.webp") if str(user.id) in str(path)]


async def test_what_is_given_changes_and_the_rest_stays(make: Factory) -> None:
    ada = await make.person()
    changed = await update(ada.client, name=" Ada   Lovelace ", timeZone="Europe/Berlin", locale="de")
    assert (changed["name"], changed["timeZone"], changed["locale"]) == ("Ada Lovelace", "Europe/Berlin", "de")
    assert (await update(ada.client, timeZone="Asia/Tokyo"))["name"] == "Ada Lovelace"
    assert (await update(ada.client, name="Ada Lovelace", locale=None))["__typename"] == "User"
    events = await EventRecord.filter(type="account.edited", actor_id=ada.user.id).order_by("id")
    assert [event.payload["changed"] for event in events] == [["name", "time_zone", "locale"], ["time_zone"]]
    assert (await update(make.client(), name="Eve"))["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "a" * 101),
        ("name", "a\x00b"),
        ("timeZone", ""),
        ("timeZone", "Mars/Olympus"),
        ("timeZone", "../../etc/passwd"),
        ("timeZone", "europe/berlin"),
        ("timeZone", "localtime"),
        ("timeZone", "E" * 10_000),
        ("locale", ""),
        ("locale", "xx"),
        ("locale", "EN"),
    ],
)
async def test_what_a_profile_refuses(make: Factory, field: str, value: str) -> None:
    ada = await make.person()
    answer = await update(ada.client, **{field: value})
    assert (answer["code"], answer["path"]) == ("INVALID", ["input", field])
    assert (await User.get(id=ada.user.id)).name == "Ada"


async def test_what_is_private_is_told_to_oneself_alone(make: Factory) -> None:
    crew = await make.crew()
    await update(crew.viewer.client, timeZone="Europe/Berlin")
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on User {{ {PRIVATE} email }} }} }}"
    for headers in ({}, {"X-Plan": "off"}):
        crew.owner.client.http.headers.update(headers)
        crew.viewer.client.http.headers.update(headers)
        seen = (await crew.owner.client.ask(query, None, {"id": crew.viewer.id}))["data"]["node"]
        own = (await crew.viewer.client.ask(query, None, {"id": crew.viewer.id}))["data"]["node"]
        assert (seen["timeZone"], seen["sessions"]) == (None, {"totalCount": 0})
        assert (own["timeZone"], own["sessions"]) == ("Europe/Berlin", {"totalCount": 1})
        assert seen["email"] == own["email"]
    stranger = await make.person()
    assert (await stranger.client.ask(query, None, {"id": crew.viewer.id}))["data"]["node"] is None


async def test_a_picture_is_made_shown_to_colleagues_replaced_and_removed(make: Factory, studio: Studio) -> None:
    crew = await make.crew()
    client, user = crew.editor.client, crew.editor.user
    job = await set_avatar(client, encoded("png", "rgba", 640, 480))
    assert (job["__typename"], job["kind"]) == ("Job", "AVATAR")
    assert (await ended(client, job["id"]))["state"] == "SUCCEEDED"
    stored = await Job.get(id=uuid_in(job["id"]))
    assert stored.payload == {}, "the file that was sent is not kept"
    assert (await crew.owner.client.run("Job", id=job["id"]))["data"]["job"] is None, "it is nobody else's business"
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on User {{ {PRIVATE} }} }} }}"
    seen = (await crew.owner.client.ask(query, None, {"id": crew.editor.id}))["data"]["node"]
    async with httpx.AsyncClient() as browser:
        shown = await browser.get(seen["avatarUrl"])
    assert (shown.status_code, shown.headers["content-type"], shown.content[8:12]) == (200, "image/webp", b"WEBP")
    (first,) = await keys_of(studio, user)

    second = await set_avatar(client, encoded("mjpeg", "yuvj420p", 100, 200))
    await ended(client, second["id"])

    async def first_is_gone() -> bool:
        keys = await keys_of(studio, user)
        return len(keys) == 1 and first not in keys

    await until(first_is_gone)
    removed = await client.do("RemoveAvatar")
    assert removed["avatarUrl"] is None
    again = (await client.run("RemoveAvatar"))["data"]["removeAvatar"]
    assert again["code"] == "CONFLICT"

    async def all_are_gone() -> bool:
        return await keys_of(studio, user) == []

    await until(all_are_gone)
    events = await EventRecord.filter(type="account.edited", actor_id=user.id).order_by("id")
    assert [event.payload["changed"] for event in events] == [["avatar"]] * 3


HOSTILE = {
    "nothing": b"",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a GIF": b"GIF89a" + bytes(100),
    "a video": b"\x00\x00\x00\x20ftypisom" + bytes(100),
    "a playlist": b"#EXTM3U\nfile:///etc/passwd\n",
    "a program": b"MZ" + bytes(100),
    "a PNG without a header": b"\x89PNG\r\n\x1a\n",
    "a JPEG without a size": b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9",
    "a WebP of an unknown kind": b"RIFF\x00\x00\x00\x00WEBPXXXX" + bytes(20),
    "a PNG of no width": png_claiming(0, 10, b""),
    "a bomb": png_claiming(60_000, 60_000, b""),
    "too many bytes": png(4, 4) + bytes(256 * 1024),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_what_is_no_picture_is_refused_at_once(make: Factory, what: str) -> None:
    ada = await make.person()
    answer = await set_avatar(ada.client, HOSTILE[what])
    assert (answer["code"], answer["path"]) == ("INVALID", ["input", "image"])
    assert not await Job.exists(created_by_id=ada.user.id)


@pytest.mark.parametrize("image", ["data:image/png;base64,AAAA", "not base64!", "AAA", "\x00", "ä" * 10, "A" * 900_000])
async def test_what_is_no_base64_is_refused(make: Factory, image: str) -> None:
    ada = await make.person()
    answer = (await ada.client.run("SetAvatar", input={"image": image}))["data"]["setAvatar"]
    assert (answer["code"], answer["path"]) == ("INVALID", ["input", "image"])


async def test_a_file_that_only_pretends_ends_with_a_reason_and_changes_nothing(make: Factory, studio: Studio) -> None:
    ada = await make.person()
    await User.filter(id=ada.user.id).update(avatar_key="users/before/avatar.webp")
    for pretender in (
        png_claiming(64, 64, b"not zlib"),
        png(64, 64)[:60],
        b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x10\x00\x10",
    ):
        job = await ended(ada.client, (await set_avatar(ada.client, pretender))["id"])
        assert (job["state"], job["failure"]["code"]) == ("FAILED", "DAMAGED")
    assert (await User.get(id=ada.user.id)).avatar_key == "users/before/avatar.webp"
    assert [job.payload for job in await Job.filter(created_by_id=ada.user.id)] == [{}] * 3
    assert await keys_of(studio, ada.user) == []


async def test_removing_a_picture_withdraws_one_that_is_being_made(make: Factory) -> None:
    ada = await make.person()
    waiting = {"queue": "media", "available_at": utc_now() + timedelta(days=1), "payload": {"content": "x"}}
    job = await Job.create(kind=JobKind.AVATAR, created_by_id=ada.user.id, **waiting)
    removed = (await ada.client.run("RemoveAvatar"))["data"]["removeAvatar"]
    assert removed["__typename"] == "User"
    await job.refresh_from_db()
    assert (job.state, job.payload) == (JobState.CANCELLED, {})


async def test_a_newer_picture_withdraws_one_that_is_being_made(make: Factory) -> None:
    ada = await make.person()
    waiting = {"queue": "media", "available_at": utc_now() + timedelta(days=1), "payload": {"content": "x"}}
    earlier = await Job.create(kind=JobKind.AVATAR, created_by_id=ada.user.id, **waiting)
    newer = await set_avatar(ada.client, png(4, 4))
    await earlier.refresh_from_db()
    assert (earlier.state, earlier.payload) == (JobState.CANCELLED, {})
    assert (await ended(ada.client, newer["id"]))["state"] == "SUCCEEDED"


async def test_who_sends_too_many_pictures_has_to_wait(make: Factory) -> None:
    ada, eve = await make.person(), await make.person()
    answers = [await set_avatar(ada.client, png(4, 4)) for _ in range(11)]
    assert [answer["__typename"] for answer in answers[:10]] == ["Job"] * 10
    assert answers[10]["code"] == "THROTTLED"
    assert await Job.filter(kind=JobKind.AVATAR, created_by_id=ada.user.id).count() == 10
    assert (await set_avatar(eve.client, png(4, 4)))["__typename"] == "Job"


async def test_ones_own_job_can_be_followed_and_cancelled_by_oneself_alone(make: Factory) -> None:
    ada, eve = await make.person(), await make.person()
    waiting = {"queue": "media", "available_at": utc_now() + timedelta(days=1)}
    row = await Job.create(kind=JobKind.AVATAR, created_by_id=ada.user.id, **waiting)
    job = (await ada.client.ask("query($id: ID!) { job(id: $id) { id } }", None, {"id": gid(row)}))["data"]["job"]
    assert job == {"id": gid(row)}
    for client, code in ((eve.client, "NOT_FOUND"), (make.client(), "UNAUTHENTICATED")):
        assert (await client.run("CancelJob", id=gid(row)))["data"]["cancelJob"]["code"] == code
    async with ada.client.follow("JobProgress", id=gid(row)) as events:
        assert (await anext(events))["data"]["jobProgress"]["state"] == "QUEUED"
    assert (await ada.client.do("CancelJob", id=gid(row)))["state"] == "CANCELLED"


async def test_nobody_has_no_picture_made(make: Factory) -> None:
    assert (await set_avatar(make.client(), png(4, 4)))["code"] == "UNAUTHENTICATED"
    assert (await make.client().run("RemoveAvatar"))["data"]["removeAvatar"]["code"] == "UNAUTHENTICATED"
