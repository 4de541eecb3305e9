"""Videos over the wire."""

from tests.factories import Factory, gid


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


async def test_the_library_pages_both_ways(make: Factory) -> None:
    crew = await make.crew()
    made = [await make.video(crew, title=f"Cut {index}") for index in range(5)]
    newest_first = [gid(video) for video in reversed(made)]
    viewer = crew.viewer.client

    async def page(**variables: object) -> dict:
        return (await viewer.do("Library", teamId=crew.id, **variables))["videos"]

    first = await page(first=2, counted=True)
    assert [edge["node"]["id"] for edge in first["edges"]] == newest_first[:2]
    assert first["totalCount"] == 5
    assert (first["pageInfo"]["hasPreviousPage"], first["pageInfo"]["hasNextPage"]) == (False, True)
    second = await page(first=2, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in second["edges"]] == newest_first[2:4]
    last = await page(first=2, after=second["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in last["edges"]] == newest_first[4:]
    assert last["pageInfo"]["hasNextPage"] is False
