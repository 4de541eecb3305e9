"""The main play: a file goes in over the wire and becomes a version with the right figures, or is refused."""

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from i18n import translate
from models import User, Version
from tests import clips
from tests.factories import Crew, Factory, gid, uuid_in
from tests.studio import Studio
from tests.waiting import until

Maker = Callable[[Path], Path]

GOOD: dict[str, tuple[Maker, dict[str, Any]]] = {
    "H.264 and AAC in MP4": (clips.mp4, {"width": 320, "height": 180, "videoCodec": "h264", "audioCodec": "aac"}),
    "portrait phone MOV": (clips.phone_mov, {"width": 180, "height": 320, "rotation": 90, "videoCodec": "h264"}),
    "VP9 WebM": (clips.webm, {"width": 320, "height": 180, "videoCodec": "vp9", "audioCodec": "opus"}),
    "HEVC": (clips.hevc, {"width": 320, "height": 180, "videoCodec": "hevc"}),
    "no sound": (clips.silent, {"audioCodec": None, "videoCodec": "h264"}),
    "variable frame rate": (clips.variable, {"variableFrameRate": True}),
}
BAD: dict[str, tuple[Maker, str]] = {
    "zero bytes": (clips.empty, "EMPTY"),
    "text named .mp4": (clips.text, "NOT_MEDIA"),
    "a playlist named .mp4": (lambda folder: clips.playlist(folder, "other.ts"), "PLAYLIST"),
    "half an MP4": (lambda folder: clips.half(folder, index_first=True), "TRUNCATED"),
    "half an MP4 without its index": (lambda folder: clips.half(folder, index_first=False), "TRUNCATED"),
    "a PNG of 144 megapixels": (clips.huge_png, "TOO_MANY_PIXELS"),
    "sound alone": (clips.sound_only, "NO_VIDEO"),
}


async def sent(make: Factory, file: Path, **more: Any) -> tuple[Crew, str, dict[str, Any]]:
    """Uploads a file as a new video's next version; answers when its job has ended."""
    crew = await make.crew()
    video = gid(await make.video(crew))
    job = await crew.editor.client.upload(video, file, **more)
    seen: list[dict[str, Any]] = []
    async with crew.viewer.client.follow("JobProgress", id=job["id"]) as events:
        async for event in events:
            assert "errors" not in event, event
            seen.append(event["data"]["jobProgress"])
    percents = [told["percent"] for told in seen]
    assert percents == sorted(percents), percents
    return crew, video, seen[-1]["job"]


@pytest.mark.parametrize("kind", GOOD)
async def test_a_good_file_becomes_a_version(make: Factory, tmp_path: Path, kind: str) -> None:
    maker, figures = GOOD[kind]
    file = maker(tmp_path)
    crew, video, job = await sent(make, file, changeDescription="First cut")
    assert (job["state"], job["percent"], job["failure"]) == ("SUCCEEDED", 100, None)
    [version] = (await crew.viewer.client.do("Video", id=video))["versions"]["nodes"]
    assert {name: version[name] for name in figures} == figures
    assert (version["number"], version["changeDescription"]) == (1, "First cut")
    assert (version["size"], version["fileName"]) == (file.stat().st_size, file.name)
    counted, seconds, rate = measured(file)
    assert version["frameCount"] == counted
    assert abs(version["durationMs"] / 1000 - seconds) <= 0.1
    if not version["variableFrameRate"]:
        assert Fraction(version["frameRate"]["numerator"], version["frameRate"]["denominator"]) == rate
    await check_files(crew, version, file, tmp_path)


async def check_files(crew: Crew, version: dict[str, Any], file: Path, folder: Path) -> None:
    http = make_http(crew)
    original = await http.get(version["originalUrl"])
    assert hashlib.sha256(original.content).hexdigest() == version["sha256"]
    assert file.name in original.headers["content-disposition"]
    part = await http.get(version["proxyUrl"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert (await http.get(version["posterUrl"])).content[:3] == b"\xff\xd8\xff"
    assert (await http.get(version["proxyUrl"].replace("signature=", "signature=0"))).status_code == 403
    proxy = folder / "proxy.mp4"
    proxy.write_bytes((await http.get(version["proxyUrl"])).content)
    with av.open(str(proxy)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert bool(container.streams.audio) is (version["audioCodec"] is not None)


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_file_is_refused_with_its_reason(make: Factory, studio: Studio, tmp_path: Path, kind: str) -> None:
    maker, reason = BAD[kind]
    crew, video, job = await sent(make, maker(tmp_path))
    assert (job["state"], job["failure"]["code"]) == ("FAILED", reason)
    assert len(job["failure"]["message"]) > 10
    seen = await crew.viewer.client.do("Video", id=video)
    assert (seen["versionCount"], seen["status"], seen["versions"]["nodes"]) == (0, "DRAFT", [])
    assert await Version.filter(video_id=uuid_in(video)).count() == 0
    await until(lambda: not [path for path in studio.storage.rglob(f"*{uuid_in(video)}*/*") if path.is_file()])
    await until(lambda: list((studio.folder / "work").glob("*/*")) == [])
    assert studio.processes["media"].poll() is None


async def test_a_file_that_is_not_the_promised_one_is_refused(make: Factory, tmp_path: Path) -> None:
    crew, video, job = await sent(make, clips.mp4(tmp_path), sha256="0" * 64)
    assert job["failure"]["code"] == "CHECKSUM_MISMATCH"
    assert (await crew.viewer.client.do("Video", id=video))["versionCount"] == 0


async def test_the_reason_is_told_in_the_readers_language(make: Factory, tmp_path: Path) -> None:
    crew, _, job = await sent(make, clips.empty(tmp_path))
    await User.filter(id=crew.viewer.user.id).update(locale="de")
    told = (await crew.viewer.client.do("Job", id=job["id"]))["failure"]["message"]
    assert told == translate("de", "failure.EMPTY") != job["failure"]["message"]


async def test_two_uploads_at_once_make_two_versions_without_a_gap(make: Factory, tmp_path: Path) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    file = clips.silent(tmp_path)
    jobs = [await crew.editor.client.upload(video, file) for _ in range(3)]
    for job in jobs:
        async with crew.editor.client.follow("JobProgress", id=job["id"]) as events:
            assert [event async for event in events][-1]["data"]["jobProgress"]["state"] == "SUCCEEDED"
    versions = (await crew.editor.client.do("Video", id=video))["versions"]["nodes"]
    assert [version["number"] for version in versions] == [3, 2, 1]


def make_http(crew: Crew) -> Any:
    return crew.viewer.client.http


def measured(file: Path) -> tuple[int, float, Fraction]:
    """Frames counted, seconds shown and rate, by decoding the file here."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        rate = Fraction(stream.average_rate or 25)
        times = [float(frame.time or 0) for frame in container.decode(stream)]
    return len(times), times[-1] - times[0] + float(1 / rate), rate
