"""Uploads over the wire: parts straight to storage, in any order, again and again."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from domain.clock import utc_now
from domain.permissions import Role
from local.client import Client
from models import Job, Member, Team, Upload, Video
from models.database import transaction
from tests.factories import Crew, Factory, gid, uuid_in
from tests.studio import Studio
from tests.waiting import until

PART = 5 * 1024**2


async def begun(make: Factory, size: int, **more: Any) -> tuple[Crew, Client, dict[str, Any]]:
    crew = await make.crew()
    video = await make.video(crew)
    asked = {"videoId": gid(video), "fileName": "cut.mp4", "size": size, **more}
    return crew, crew.editor.client, await crew.editor.client.do("StartUpload", input=asked)


async def completed(client: Client, upload_id: str, parts: list[tuple[int, str]]) -> dict[str, Any]:
    listed = [{"number": number, "checksum": checksum} for number, checksum in parts]
    return (await client.run("CompleteUpload", input={"id": upload_id, "parts": listed}))["data"]["completeUpload"]


async def test_parts_come_in_any_order_and_again(make: Factory) -> None:
    _, client, upload = await begun(make, 2 * PART + 3)
    assert [(part["number"], part["size"]) for part in upload["missing"]] == [(1, PART), (2, PART), (3, 3)]
    urls = {part["number"]: part["url"] for part in upload["missing"]}
    upload_id = upload["upload"]["id"]

    checksums = {3: await client.put(urls[3], b"end")}
    await client.put(urls[1], b"x" * PART)
    checksums[1] = await client.put(urls[1], b"a" * PART)  # sent again, with other bytes: the last one counts
    known = await client.do("UploadParts", id=upload_id)
    assert [part["number"] for part in known["arrived"]] == [1, 3]
    assert [part["number"] for part in known["missing"]] == [2]
    assert known["arrived"][0]["checksum"] == hashlib.md5(b"a" * PART).hexdigest()

    checksums[2] = await client.put(known["missing"][0]["url"], b"b" * PART)
    job = await completed(client, upload_id, list(checksums.items()))
    assert (job["__typename"], job["kind"]) == ("Job", "INGEST")
    again = await completed(client, upload_id, list(checksums.items()))
    assert again["id"] == job["id"], "completing twice is one job"


async def test_what_is_not_as_promised_is_refused_by_the_part(make: Factory) -> None:
    _, client, upload = await begun(make, PART + 3)
    urls = {part["number"]: part["url"] for part in upload["missing"]}
    upload_id = upload["upload"]["id"]
    first = await client.put(urls[1], b"a" * PART)
    problem = await completed(client, upload_id, [(1, first)])
    assert (problem["code"], problem["path"]) == ("INVALID", ["input", "parts"])  # where it lacks
    second = await client.put(urls[2], b"abc")
    problem = await completed(client, upload_id, [(1, first), (2, "0" * 32)])
    assert (problem["code"], problem["path"]) == ("INVALID", ["input", "parts", "1"])
    problem = await completed(client, upload_id, [(1, first), (1, first), (2, second)])
    assert (problem["code"], problem["path"]) == ("INVALID", ["input", "parts", "1"])
    assert (await client.http.put(urls[2], content=b"abcd")).status_code == 413
    assert (await client.http.put(urls[2].replace("part=2", "part=1"), content=b"abc")).status_code == 403
    assert await Job.filter(team_id=(await Upload.get(id=uuid_in(upload_id))).team_id).count() == 0


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"size": -1}, ["size"]),
        ({"size": 2**50}, ["size"]),
        ({"fileName": "  "}, ["fileName"]),
        ({"fileName": "a\x00b"}, ["fileName"]),
        ({"sha256": "abc"}, ["sha256"]),
        ({"videoId": "nonsense"}, ["videoId"]),
    ],
)
async def test_an_upload_that_cannot_be_is_refused(make: Factory, changed: dict[str, Any], path: list[str]) -> None:
    crew = await make.crew()
    asked = {"videoId": gid(await make.video(crew)), "fileName": "cut.mp4", "size": 10, **changed}
    problem = (await crew.editor.client.run("StartUpload", input=asked))["data"]["startUpload"]
    assert (problem["code"], problem["path"]) == ("INVALID", ["input", *path])


async def test_every_part_must_be_promised_and_no_other(make: Factory) -> None:
    _, client, upload = await begun(make, 3)
    upload_id, checksum = upload["upload"]["id"], await client.put(upload["missing"][0]["url"], b"abc")
    for parts, path in (([], []), ([(1, checksum), (99, "zz")], ["1"]), ([(2**31 - 1, checksum)], [])):
        problem = await completed(client, upload_id, parts)
        assert (problem["code"], problem["path"]) == ("INVALID", ["input", "parts", *path])


async def test_an_upload_to_a_video_in_the_trash_cannot_be_completed(make: Factory) -> None:
    _, client, upload = await begun(make, 3)
    checksum = await client.put(upload["missing"][0]["url"], b"abc")
    await client.do("DeleteVideo", id=upload["upload"]["video"]["id"])
    problem = await completed(client, upload["upload"]["id"], [(1, checksum)])
    assert problem["code"] == "CONFLICT"


async def test_completing_from_two_places_at_once_is_one_job(make: Factory) -> None:
    crew, client, upload = await begun(make, 3)
    checksum = await client.put(upload["missing"][0]["url"], b"abc")
    clients = [client, crew.owner.client, crew.admin.client] * 3
    jobs = await asyncio.gather(*(completed(one, upload["upload"]["id"], [(1, checksum)]) for one in clients))
    assert len({job["id"] for job in jobs}) == 1


async def test_a_discarded_upload_takes_nothing_more_and_leaves_nothing(make: Factory, studio: Studio) -> None:
    crew, client, upload = await begun(make, 3)
    checksum = await client.put(upload["missing"][0]["url"], b"abc")
    assert (await client.do("DiscardUpload", id=upload["upload"]["id"]))["state"] == "DISCARDED"
    problem = await completed(client, upload["upload"]["id"], [(1, checksum)])
    assert problem["code"] == "CONFLICT"
    assert await client.do("UploadParts", id=upload["upload"]["id"]) is None
    await until(lambda: not files_of(studio, crew))


async def test_who_may_only_look_gets_no_place_to_write(make: Factory) -> None:
    crew, _, upload = await begun(make, 3)
    assert (await crew.viewer.client.do("Upload", id=upload["upload"]["id"]))["state"] == "OPEN"
    assert await crew.viewer.client.do("UploadParts", id=upload["upload"]["id"]) is None


def files_of(studio: Studio, crew: Crew) -> list[Path]:
    """Every file in the store that belongs to the team; uploads still open lie elsewhere, all in one folder."""
    return [path for path in studio.storage.rglob("*") if path.is_file() and str(crew.team.id) in str(path)]


@pytest.mark.parametrize("loss", ["role", "video"])
async def test_who_loses_the_right_while_storage_answers_gets_no_place_and_leaves_none(
    make: Factory, studio: Studio, loss: str
) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    before = set((studio.storage / ".uploads").iterdir())
    asked = {"videoId": gid(video), "fileName": "cut.mp4", "size": 3}
    async with transaction():
        await (Team.filter(id=crew.team.id) if loss == "role" else Video.filter(id=video.id)).select_for_update().get()
        start = asyncio.create_task(crew.editor.client.run("StartUpload", input=asked))
        await until(lambda: len(set((studio.storage / ".uploads").iterdir()) - before) == 1)
        if loss == "role":
            await Member.filter(team_id=crew.team.id, user_id=crew.editor.user.id).update(role=Role.VIEWER)
        else:
            await Video.filter(id=video.id).update(deleted_at=utc_now())
    code = (await start)["data"]["startUpload"]["code"]
    assert code == ("FORBIDDEN" if loss == "role" else "CONFLICT")
    assert set((studio.storage / ".uploads").iterdir()) <= before
    assert not await Upload.exists(video_id=video.id)
