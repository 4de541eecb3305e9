"""The library of a team over the wire: its pages, and what narrows it down."""

from typing import Any

import pytest

from domain.clock import utc_now
from domain.videos import VideoStatus
from tests.factories import Crew, Factory, gid

FILTERS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, {"reel", "report", "percent", "snake", "plain"}),
    "nothing, said aloud": (
        {"status": None, "text": None, "tags": None, "deleted": None},
        {"reel", "report", "percent", "snake", "plain"},
    ),
    "what is still a draft": ({"status": "DRAFT"}, {"report", "percent", "snake", "plain"}),
    "what is ready": ({"status": "READY"}, {"reel"}),
    "words of the title": ({"text": "Show Reel"}, {"reel"}),
    "words of the description": ({"text": "harbour"}, {"reel", "report"}),
    "the middle of a word, in any case": ({"text": "ARBO"}, {"reel", "report"}),
    "letters beyond ASCII, in any case": ({"text": "ÜBER"}, {"report"}),
    "letters composed otherwise": ({"text": "u\u0308ber"}, {"report"}),
    "a percent sign, which is no wildcard": ({"text": "0%"}, {"percent"}),
    "an underscore, which is no wildcard": ({"text": "t_l"}, {"snake"}),
    "a backslash, which escapes nothing": ({"text": "\\"}, {"snake"}),
    "a quote, which ends nothing": ({"text": "o'c"}, {"plain"}),
    "text that is nowhere": ({"text": "nowhere"}, set()),
    "no text at all": ({"text": ""}, {"reel", "report", "percent", "snake", "plain"}),
    "one tag": ({"tags": ["sea"]}, {"reel", "report"}),
    "several tags, all of which must be there": ({"tags": ["sea", "final"]}, {"reel"}),
    "a tag in another case, with spaces": ({"tags": [" SEA ", "Final"]}, {"reel"}),
    "half a tag": ({"tags": ["se"]}, set()),
    "a tag that is there and one that is not": ({"tags": ["sea", "nowhere"]}, set()),
    "no tags at all": ({"tags": []}, {"reel", "report", "percent", "snake", "plain"}),
    "the trash": ({"deleted": True}, {"old reel"}),
    "all but the trash": ({"deleted": False}, {"reel", "report", "percent", "snake", "plain"}),
    "text and status": ({"text": "harbour", "status": "DRAFT"}, {"report"}),
    "text and tags": ({"text": "harbour", "tags": ["final"]}, {"reel"}),
    "status and tags": ({"status": "DRAFT", "tags": ["sea"]}, {"report"}),
    "text in the trash": ({"text": "harbour", "deleted": True}, {"old reel"}),
    "text that is not in the trash": ({"text": "o'c", "deleted": True}, set()),
    "everything at once": ({"text": "REEL", "status": "READY", "tags": ["sea"], "deleted": False}, {"reel"}),
}

PAGE = """
query($teamId: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  team(id: $teamId) {
    videos(first: $first, after: $after, last: $last, before: $before) {
      nodes { id } pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
    }
  }
}
"""


async def furnished(make: Factory) -> tuple[Crew, dict[str, str]]:
    """A team with a library, and the names of its videos by their ids; another team has the same."""
    ready = {"status": VideoStatus.READY, "tags": ["sea", "final"]}
    wanted: dict[str, dict[str, Any]] = {
        "reel": {"title": "Show reel", "description": "Ships in the harbour.", **ready},
        "report": {"title": "Harbour über alles", "description": "Interviews", "tags": ["sea"]},
        "percent": {"title": "Grade at 100%", "description": "10 of 20"},
        "snake": {"title": "cut_list", "description": "back\\slash"},
        "plain": {"title": "Cut-list, 1000 takes", "description": "Ten o'clock", "tags": ["final"]},
        "old reel": {"title": "Show reel", "description": "The harbour of old.", "deleted_at": utc_now(), **ready},
    }
    crew, others = await make.crew(), await make.crew()
    names = {}
    for name, values in wanted.items():
        names[gid(await make.video(crew, **values))] = name
        await make.video(others, **values)
    return crew, names


@pytest.mark.parametrize("wish", FILTERS)
async def test_a_filter_finds_what_it_says_and_counts_it(make: Factory, wish: str) -> None:
    narrowed, expected = FILTERS[wish]
    crew, names = await furnished(make)
    team = await crew.viewer.client.do("Library", teamId=crew.id, filter=narrowed, counted=True, first=50)
    found = [names[edge["node"]["id"]] for edge in team["videos"]["edges"]]
    assert found == [name for name in reversed(names.values()) if name in expected], "newest first, and no others"
    assert team["videos"]["totalCount"] == len(expected)


async def test_the_count_is_of_the_whole_filter_not_of_the_page(make: Factory) -> None:
    crew, _ = await furnished(make)
    sea = {"tags": ["sea"]}
    page = (await crew.viewer.client.do("Library", teamId=crew.id, filter=sea, counted=True, first=1))["videos"]
    assert (len(page["edges"]), page["totalCount"], page["pageInfo"]["hasNextPage"]) == (1, 2, True)
    after = page["pageInfo"]["endCursor"]
    rest = await crew.viewer.client.do("Library", teamId=crew.id, filter=sea, counted=True, first=1, after=after)
    assert (len(rest["videos"]["edges"]), rest["videos"]["totalCount"]) == (1, 2)
    assert rest["videos"]["edges"][0]["node"]["id"] != page["edges"][0]["node"]["id"]
    assert rest["videos"]["pageInfo"]["hasNextPage"] is False


async def test_the_library_pages_forwards(make: Factory) -> None:
    crew = await make.crew()
    made = [await make.video(crew, title=f"Cut {index}") for index in range(5)]
    newest_first = [gid(video) for video in reversed(made)]
    viewer = crew.viewer.client

    async def page(**variables: object) -> dict[str, Any]:
        videos: dict[str, Any] = (await viewer.do("Library", teamId=crew.id, **variables))["videos"]
        return videos

    first = await page(first=2, counted=True)
    assert [edge["node"]["id"] for edge in first["edges"]] == newest_first[:2]
    assert first["totalCount"] == 5
    assert (first["pageInfo"]["hasPreviousPage"], first["pageInfo"]["hasNextPage"]) == (False, True)
    second = await page(first=2, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in second["edges"]] == newest_first[2:4]
    last = await page(first=2, after=second["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in last["edges"]] == newest_first[4:]
    assert last["pageInfo"]["hasNextPage"] is False
    assert "totalCount" not in last


async def test_the_library_pages_backwards(make: Factory) -> None:
    crew = await make.crew()
    made = [await make.video(crew, title=f"Cut {index}") for index in range(5)]
    newest_first = [gid(video) for video in reversed(made)]

    async def page(**variables: object) -> tuple[list[str], dict[str, Any]]:
        answer = await crew.viewer.client.ask(PAGE, None, {"teamId": crew.id, **variables})
        videos = answer["data"]["team"]["videos"]
        return [node["id"] for node in videos["nodes"]], videos["pageInfo"]

    found, place = await page(last=2)
    assert found == newest_first[3:]
    assert (place["hasPreviousPage"], place["hasNextPage"]) == (True, False)
    found, place = await page(last=2, before=place["startCursor"])
    assert found == newest_first[1:3]
    found, place = await page(last=2, before=place["startCursor"])
    assert found == newest_first[:1]
    assert place["hasPreviousPage"] is False


ORDERED = """
query($teamId: ID!, $first: Int, $after: String, $orderBy: VideoOrder) {
  team(id: $teamId) {
    videos(first: $first, after: $after, orderBy: $orderBy) { nodes { id } pageInfo { hasNextPage endCursor } }
  }
}
"""


async def listed(crew: Crew, order: str | None) -> tuple[list[str], str]:
    """All videos in an order, two at a time, and the last cursor."""
    found, after = [], None
    while True:
        asked = {"teamId": crew.id, "first": 2, "after": after, "orderBy": order}
        page = (await crew.viewer.client.ask(ORDERED, None, asked))["data"]["team"]["videos"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found, after


async def test_the_library_is_listed_from_either_end(make):
    crew, _ = await furnished(make)
    newest, _ = await listed(crew, None)
    oldest, cursor = await listed(crew, "OLDEST")
    assert len(newest) == 5
    assert (await listed(crew, "NEWEST"))[0] == newest == oldest[::-1]
    asked = {"teamId": crew.id, "first": 2, "after": cursor, "orderBy": "NEWEST"}
    answer = await crew.viewer.client.ask(ORDERED, None, asked)
    assert answer["errors"][0]["extensions"]["code"] == "INVALID", "a place in one order is none in another"
