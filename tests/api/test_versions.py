"""Versions over the wire: the history, and going back in it."""

import asyncio

from models import Version
from tests.factories import Factory, gid


async def test_the_history_is_newest_first_and_restoring_adds_to_it(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    first, second = await make.version(video, size=2**40), await make.version(video)
    restored = await crew.editor.client.do("RestoreVersion", id=gid(first), changeDescription="It was better before")
    assert (restored["number"], restored["changeDescription"]) == (3, "It was better before")
    assert restored["restoredFrom"] == {"id": gid(first), "number": 1}
    assert (restored["size"], restored["createdBy"]["id"]) == (2**40, crew.editor.id)

    seen = await crew.viewer.client.do("Video", id=gid(video))
    assert [version["number"] for version in seen["versions"]["nodes"]] == [3, 2, 1]
    assert (seen["versionCount"], seen["latestVersion"]["number"], seen["durationMs"]) == (3, 3, 2000)
    rows = {row.number: row for row in await Version.filter(video_id=video.id)}
    assert rows[3].file_key == rows[1].file_key, "no byte is copied"
    assert rows[2].file_key == second.file_key


async def test_restoring_at_once_leaves_no_gap(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    version = await make.version(video)
    clients = [crew.editor.client, crew.owner.client, crew.admin.client] * 3
    made = await asyncio.gather(*(client.do("RestoreVersion", id=gid(version)) for client in clients))
    assert sorted(one["number"] for one in made) == list(range(2, 11))


async def test_a_video_in_the_trash_gets_no_new_version(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    version = await make.version(video)
    await crew.editor.client.do("DeleteVideo", id=gid(video))
    problem = (await crew.editor.client.run("RestoreVersion", id=gid(version)))["data"]["restoreVersion"]
    assert problem["code"] == "CONFLICT"
