"""Videos over the wire."""

from datetime import datetime, timedelta

from domain.clock import utc_now
from models import Upload
from tests.factories import Factory, gid
from tests.own import own_studio


async def test_a_video_is_made_edited_deleted_and_brought_back(make: Factory) -> None:
    crew = await make.crew()
    editor = crew.editor.client
    video = await editor.do(
        "CreateVideo", input={"teamId": crew.id, "title": "  Rough   cut ", "tags": ["Reel", "reel"]}
    )
    assert (video["title"], video["tags"], video["status"], video["versionCount"]) == (
        "Rough cut",
        ["reel"],
        "DRAFT",
        0,
    )
    assert video["createdBy"]["id"] == crew.editor.id

    video = await editor.do("EditVideo", input={"id": video["id"], "title": "Fine cut", "description": "Two\nlines"})
    assert (video["title"], video["description"], video["tags"]) == ("Fine cut", "Two\nlines", ["reel"])

    video = await editor.do("DeleteVideo", id=video["id"])
    assert video["deletedAt"] is not None
    assert video["restorableUntil"] > video["deletedAt"]
    refused = (await editor.run("EditVideo", input={"id": video["id"], "title": "No"}))["data"]["editVideo"]
    assert refused["code"] == "CONFLICT"

    video = await editor.do("RestoreVideo", id=video["id"])
    assert video["deletedAt"] is None


async def test_a_video_can_be_brought_back_for_30_days() -> None:
    async with own_studio("api") as (_, make):  # without the sweeper, which would purge what nobody can bring back
        crew = await make.crew()
        for days, answer in ((29, "Video"), (31, "Conflict")):
            deleted_at = utc_now() - timedelta(days=days)
            video = await make.video(crew, deleted_at=deleted_at)
            seen = await crew.editor.client.do("Video", id=gid(video))
            assert datetime.fromisoformat(seen["restorableUntil"]) == deleted_at + timedelta(days=30)
            told = (await crew.editor.client.run("RestoreVideo", id=gid(video)))["data"]["restoreVideo"]
            assert told["__typename"] == answer
            await video.refresh_from_db()
            assert video.deleted_at == (None if answer == "Video" else deleted_at)


async def test_what_is_not_in_the_trash_cannot_be_brought_back(make: Factory) -> None:
    crew = await make.crew()
    told = await crew.editor.client.run("RestoreVideo", id=gid(await make.video(crew)))
    assert told["data"]["restoreVideo"]["code"] == "CONFLICT"


async def test_a_video_in_the_trash_takes_no_upload(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew, deleted_at=utc_now())
    asked = {"videoId": gid(video), "fileName": "cut.mp4", "size": 10}
    told = (await crew.editor.client.run("StartUpload", input=asked))["data"]["startUpload"]
    assert (told["__typename"], told["code"]) == ("Conflict", "CONFLICT")
    assert not await Upload.exists(video_id=video.id)
