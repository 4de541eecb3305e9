"""The image of a comment over the wire: sent straight to storage, drawn anew, shown, replaced, withdrawn, forgotten."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.comments import RESTORABLE
from domain.permissions import Role, Scope
from domain.pictures import MOST_IMAGE_BYTES
from local.client import Client
from models import Comment, EventRecord, Job, Member, Upload, Version
from plan import encode_id
from tests.api.test_comment_changes import a_room, said, told
from tests.factories import Factory, uuid_in
from tests.pictures import decoded, encoded, png, png_claiming
from tests.studio import Studio
from tests.waiting import until
from workers.sweeper import Sweeper

SHOWN = """query ($id: ID!) { comment(id: $id) { image { url width height }
    imageUpload { state job { state failure { code message } } } } }"""


async def shown(client: Client, comment: dict[str, Any]) -> dict[str, Any]:
    return (await client.ask(SHOWN, None, {"id": comment["id"]}))["data"]["comment"]


async def begin(client: Client, comment: dict[str, Any], size: int, name: str = "a.png") -> dict[str, Any]:
    asked = {"commentId": comment["id"], "fileName": name, "size": size}
    return await client.do("StartCommentImage", input=asked)


async def complete(client: Client, begun: dict[str, Any], picture: bytes) -> dict[str, Any]:
    checksum = await client.put(begun["missing"][0]["url"], picture)
    asked = {"id": begun["upload"]["id"], "parts": [{"number": 1, "checksum": checksum}]}
    return (await client.run("CompleteUpload", input=asked))["data"]["completeUpload"]


async def attach(client: Client, comment: dict[str, Any], picture: bytes) -> dict[str, Any]:
    """The comment as it is when the job has ended."""
    job = await complete(client, await begin(client, comment, len(picture)), picture)
    assert (job["__typename"], job["kind"]) == ("Job", "IMAGE"), job

    async def has_ended() -> bool:
        return (await Job.get(id=uuid_in(job["id"]))).state.ended

    await until(has_ended, seconds=60)
    return await shown(client, comment)


def stored(studio: Studio, version: Version) -> list[str]:
    """The files that there are for images of comments on the video."""
    # os.walk() passes over folders that are deleted meanwhile, which other tests may do.
    files = [Path(folder) / name for folder, _, names in os.walk(studio.storage) for name in names]
    return sorted(path.name for path in files if f"{version.video_id}" in str(path) and "/images/" in str(path))


async def test_an_image_is_drawn_anew_shown_to_the_team_and_told_live(make: Factory, studio: Studio) -> None:
    crew, version = await a_room(make)
    author, owner = crew.viewer.client, crew.owner.client
    comment = await said(author, version)
    assert await shown(owner, comment) == {"image": None, "imageUpload": None}
    video = encode_id("Video", version.video_id)
    position = (await owner.run("Video", id=video))["extensions"]["position"]
    async with owner.follow("CommentEvents", videoId=video, after=position) as events:
        made = await attach(author, comment, encoded("png", "rgba", 3000, 1500))
        event = (await asyncio.wait_for(anext(events), 20))["data"]["commentEvents"]
        assert (event["kind"], event["comment"]["id"], event["comment"]["image"]["width"]) == (
            "EDITED",
            comment["id"],
            2560,
        )
    assert (made["imageUpload"]["state"], made["imageUpload"]["job"]["state"]) == ("COMPLETED", "SUCCEEDED")
    for person in crew.everybody().values():
        image = (await shown(person.client, comment))["image"]
        assert (image["width"], image["height"]) == (2560, 1280)
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(image["url"])
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
            assert decoded(answer.content, "webp").width == 2560
            assert (await browser.get(image["url"].replace("image.webp", "original"))).status_code in (403, 404)
    await until(lambda: stored(studio, version) == ["image.webp"])  # what was sent is gone
    assert not (await author.do("Comment", id=comment["id"]))["edits"]["nodes"]


async def test_each_kind_of_picture_is_taken(make: Factory) -> None:
    crew, version = await a_room(make)
    comment = await said(crew.viewer.client, version)
    for picture in (encoded("mjpeg", "yuvj420p", 40, 20), encoded("libwebp", "bgra", 40, 20), png(40, 20)):
        image = (await attach(crew.viewer.client, comment, picture))["image"]
        assert (image["width"], image["height"]) == (40, 20)


async def test_a_newer_image_takes_the_place_of_the_older_whose_file_goes(make: Factory, studio: Studio) -> None:
    crew, version = await a_room(make)
    author = crew.viewer.client
    comment = await said(author, version)
    await attach(author, comment, png(8, 8))
    assert (await attach(author, comment, png(9, 9)))["image"]["width"] == 9
    await until(lambda: stored(studio, version) == ["image.webp"])
    removed = await author.do("RemoveCommentImage", id=comment["id"])
    assert removed["image"] is None
    await until(lambda: stored(studio, version) == [])
    assert await told(author, "RemoveCommentImage", id=comment["id"]) == ("Conflict", None)
    changes = await EventRecord.filter(type="comment.edited", team_id=crew.team.id).order_by("recorded_at")
    assert [event.payload["changed"] for event in changes] == [["image"]] * 3


BOMB = png_claiming(30_000, 30_000, b"")


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"GIF89a" + bytes(50), "NOT_MEDIA"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "NOT_MEDIA"),
        (BOMB, "TOO_MANY_PIXELS"),
        (png(40, 40)[:60], "DAMAGED"),
    ],
)
async def test_what_is_no_picture_is_refused_with_the_reason(
    make: Factory, studio: Studio, picture: bytes, code: str
) -> None:
    crew, version = await a_room(make)
    comment = await said(crew.viewer.client, version)
    made = await attach(crew.viewer.client, comment, picture)
    assert made["image"] is None
    job = made["imageUpload"]["job"]
    assert (job["state"], job["failure"]["code"]) == ("FAILED", code)
    assert job["failure"]["message"]
    await until(lambda: stored(studio, version) == [])


async def test_how_large_it_may_be_is_said_before_it_is_sent(make: Factory) -> None:
    crew, version = await a_room(make)
    client, comment = crew.viewer.client, await said(crew.viewer.client, version)
    for size in (0, -1, MOST_IMAGE_BYTES + 1):
        asked = {"commentId": comment["id"], "fileName": "a.png", "size": size}
        assert await told(client, "StartCommentImage", input=asked) == ("Invalid", ["input", "size"])
    asked = {"commentId": comment["id"], "fileName": " ", "size": 1}
    assert await told(client, "StartCommentImage", input=asked) == ("Invalid", ["input", "fileName"])
    begun = await begin(client, comment, 10)
    assert (await client.http.put(begun["missing"][0]["url"], content=bytes(11))).status_code == 413


async def test_only_its_author_attaches_completes_and_removes(make: Factory) -> None:
    crew, version = await a_room(make)
    author, comment = crew.viewer, await said(crew.viewer.client, version)
    stranger = (await make.crew()).owner
    asked = {"commentId": comment["id"], "fileName": "a.png", "size": 3}
    begun = await begin(author.client, comment, 3)
    completing = {"id": begun["upload"]["id"], "parts": [{"number": 1, "checksum": "0" * 32}]}
    reading = await make.key(author, Scope.READ)
    for client, kind in ((crew.owner.client, "Forbidden"), (stranger.client, "NotFound"), (reading, "Forbidden")):
        assert (await told(client, "StartCommentImage", input=asked))[0] == kind
        assert (await told(client, "RemoveCommentImage", id=comment["id"]))[0] == kind
        assert (await told(client, "CompleteUpload", input=completing))[0] == kind
        assert (await told(client, "DiscardUpload", id=begun["upload"]["id"]))[0] == kind
        assert (await client.ask("query ($id: ID!) { uploadParts(id: $id) { upload { id } } }", None,
                                 {"id": begun["upload"]["id"]}))["data"]["uploadParts"] is None  # fmt: skip
    assert (await told(make.client(), "StartCommentImage", input=asked))[0] == "Unauthenticated"
    assert (await stranger.client.ask(SHOWN, None, {"id": comment["id"]}))["data"]["comment"] is None
    assert (await told(await make.key(author, Scope.WRITE), "DiscardUpload", id=begun["upload"]["id"]))[0] == "Upload"


async def test_who_may_make_no_versions_any_more_completes_none(make: Factory) -> None:
    crew, version = await a_room(make)
    asked = {"videoId": encode_id("Video", version.video_id), "fileName": "a.mp4", "size": 3}
    begun = await crew.editor.client.do("StartUpload", input=asked)
    await Member.filter(user_id=crew.editor.user.id).update(role=Role.VIEWER)
    completing = {"id": begun["upload"]["id"], "parts": [{"number": 1, "checksum": "0" * 32}]}
    assert (await told(crew.editor.client, "CompleteUpload", input=completing))[0] == "Forbidden"
    assert (await told(crew.editor.client, "DiscardUpload", id=begun["upload"]["id"]))[0] == "Forbidden"


async def test_a_deleted_comment_shows_no_image_and_keeps_it_for_an_hour(make: Factory, studio: Studio) -> None:
    crew, version = await a_room(make)
    author, comment = crew.viewer.client, await said(crew.viewer.client, version)
    await attach(author, comment, png(8, 8))
    await author.do("DeleteComment", id=comment["id"])
    assert (await shown(author, comment))["image"] is None
    assert await told(author, "RemoveCommentImage", id=comment["id"]) == ("Conflict", None)
    assert (await told(author, "StartCommentImage", input={"commentId": comment["id"], "fileName": "a", "size": 1}))[
        0
    ] == "Conflict"
    await author.do("RestoreComment", id=comment["id"])
    assert (await shown(author, comment))["image"]["width"] == 8
    await author.do("DeleteComment", id=comment["id"])
    sweeper = Sweeper(None, utc_now, attempts=1, patience=timedelta(1), jobs_kept=timedelta(30))  # type: ignore[arg-type]
    await sweeper.forget_deleted_comments(utc_now())
    assert (await Comment.get(id=uuid_in(comment["id"]))).image_key is not None
    await Comment.filter(id=uuid_in(comment["id"])).update(deleted_at=utc_now() - RESTORABLE - timedelta(minutes=1))
    await sweeper.forget_deleted_comments(utc_now())
    assert (await Comment.get(id=uuid_in(comment["id"]))).image_key is None
    await until(lambda: stored(studio, version) == [])


async def test_what_is_begun_anew_or_taken_back_is_not_made(make: Factory) -> None:
    crew, version = await a_room(make)
    author, comment = crew.viewer.client, await said(crew.viewer.client, version)
    first, second = await begin(author, comment, 3), await begin(author, comment, 3)
    states = [(await Upload.get(id=uuid_in(each["upload"]["id"]))).state.value for each in (first, second)]
    assert states == ["discarded", "open"]
    assert (await complete(author, first, b"abc"))["code"] == "CONFLICT"
    await author.do("RemoveCommentImage", id=comment["id"])
    assert (await Upload.get(id=uuid_in(second["upload"]["id"]))).state.value == "discarded"


async def test_too_many_images_have_to_wait(make: Factory) -> None:
    crew, version = await a_room(make)
    comment = await said(crew.viewer.client, version)
    for _ in range(20):
        await begin(crew.viewer.client, comment, 3)
    asked = {"commentId": comment["id"], "fileName": "a.png", "size": 3}
    assert (await told(crew.viewer.client, "StartCommentImage", input=asked))[0] == "Throttled"
