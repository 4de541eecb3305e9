"""The same product on an S3-compatible store: parts go straight to the bucket, and so do the results."""

from pathlib import Path

import aioboto3

from local.client import Client
from tests import clips
from tests.factories import Factory, gid
from tests.gateways.servers import BUCKET, serve
from tests.own import own_studio


async def test_a_file_becomes_a_version_in_a_bucket(tmp_path: Path) -> None:
    with serve("serve_s3.py") as s3:
        credentials = {
            "aws_access_key_id": "test-key",
            "aws_secret_access_key": "test-secret",
            "region_name": "us-east-1",
        }
        async with aioboto3.Session(**credentials).client("s3", endpoint_url=s3.url) as bucket:
            await bucket.create_bucket(Bucket=BUCKET)
        url = f"s3://test-key:test-secret@{BUCKET}?endpoint={s3.url}&region=us-east-1"
        async with own_studio("api", "relay", "media", "io", STORAGE_URL=url) as (_, make):
            await play(make, tmp_path, s3.url)


async def play(make: Factory, folder: Path, s3_url: str) -> None:
    crew = await make.crew()
    client: Client = crew.editor.client
    good, bad = gid(await make.video(crew)), gid(await make.video(crew))
    file = clips.make_clip(folder / "cut.mp4", seconds=1)
    for video, sent, state in ((good, file, "SUCCEEDED"), (bad, clips.text(folder), "FAILED")):
        job = await client.upload(video, sent)
        async with client.follow("JobProgress", id=job["id"]) as events:
            assert [event async for event in events][-1]["data"]["jobProgress"]["state"] == state
    [version] = (await client.do("Video", id=good))["versions"]["nodes"]
    assert version["originalUrl"].startswith(s3_url)
    assert (await client.http.get(version["originalUrl"])).content == file.read_bytes()
    assert (await client.http.get(version["posterUrl"])).headers["content-type"] == "image/jpeg"
