"""A part that is sent again after the upload was completed: the version is made of what was promised, or of nothing."""

from pathlib import Path

from tests import clips
from tests.factories import gid
from tests.own import own_studio


async def test_bytes_that_were_not_promised_become_no_version(tmp_path: Path) -> None:
    promised, other = (clips.make_clip(tmp_path / f"{name}.mp4", seconds=1) for name in ("promised", "other"))
    body = promised.read_bytes()
    async with own_studio("api", "relay") as (studio, make):
        crew = await make.crew()
        client, video = crew.editor.client, gid(await make.video(crew))
        asked = {"videoId": video, "fileName": "cut.mp4", "size": len(body)}
        begun = await client.do("StartUpload", input=asked)
        url, upload = begun["missing"][0]["url"], begun["upload"]["id"]
        parts = [{"number": 1, "checksum": await client.put(url, body)}]
        job = await client.do("CompleteUpload", input={"id": upload, "parts": parts})
        await client.put(url, other.read_bytes()[: len(body)].ljust(len(body), b"\0")[::-1])
        studio.start("media", "io")
        async with client.follow("JobProgress", id=job["id"]) as events:
            told = [event["data"]["jobProgress"]["job"] async for event in events][-1]
        assert (told["state"], told["failure"]["code"]) == ("FAILED", "UPLOAD_LOST")
        assert (await client.do("Video", id=video))["versionCount"] == 0
