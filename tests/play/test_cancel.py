"""Somebody changes their mind in the middle of an ingest."""

from pathlib import Path
from typing import Any

from models import Version
from tests import clips
from tests.factories import Factory, gid
from tests.studio import Studio
from tests.waiting import until


async def test_an_ingest_cancelled_in_the_middle_leaves_nothing_and_the_next_one_runs(
    make: Factory, studio: Studio, tmp_path: Path
) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    worker = studio.processes["media"]
    long, short = clips.make_clip(tmp_path / "long.mp4", seconds=120), clips.silent(tmp_path)
    job = await crew.editor.client.upload(gid(video), long)
    heard: list[dict[str, Any]] = []
    async with crew.viewer.client.follow("JobProgress", id=job["id"]) as events:
        async for event in events:
            told, encoding = event["data"]["jobProgress"], [before for before in heard if before["step"] == "PROXY"]
            heard.append(told)
            if (told["state"], told["step"]) == ("RUNNING", "PROXY") and not encoding:
                cancelled = await crew.editor.client.do("CancelJob", id=job["id"])
                assert (cancelled["state"], cancelled["failure"]) == ("CANCELLED", None)
    assert ("RUNNING", "PROXY") in [(told["state"], told["step"]) for told in heard], "it never got that far"
    assert heard[-1]["state"] == heard[-1]["job"]["state"] == "CANCELLED"

    await until(lambda: list((studio.folder / "work").glob("media-*/*")) == [], 2)
    # 0.1 s on a busy machine. Less than the sweeper takes to make up for a wake that was lost: none is, here.
    await until(lambda: not [path for path in studio.storage.rglob(f"*{video.id}*/**/*") if path.is_file()], 5)
    again = (await crew.editor.client.run("CancelJob", id=job["id"]))["data"]["cancelJob"]
    assert again["code"] == "CONFLICT"

    following = await crew.editor.client.upload(gid(video), short)
    async with crew.viewer.client.follow("JobProgress", id=following["id"]) as events:
        told = [event["data"]["jobProgress"] async for event in events][-1]["job"]
    assert (told["state"], told["attempt"]) == ("SUCCEEDED", 1)
    assert studio.processes["media"] is worker
    assert worker.poll() is None
    version = await Version.get(video_id=video.id)
    assert (version.number, version.file_name) == (1, short.name)
