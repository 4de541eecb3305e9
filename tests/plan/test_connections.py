"""Walking a connection, whichever way and by whatever steps, meets every row once and in order."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import Viewer
from models import Comment, Member, Team, Version, Video
from models.comments import Span
from plan import encode_id
from tests.plan.conftest import Asker, Desk
from tests.plan.world import LONG_AGO, user, version

PAGE = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{
  node(id: $id) {{ ... on {type} {{
    rows: {field}(first: $first, after: $after, last: $last, before: $before) {{
      totalCount nodes {{ id }} edges {{ cursor node {{ id }} }}
      pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
    }}
  }} }}
}}"""
FIELDS = ("Team.videos", "Team.members", "Video.versions", "Video.comments", "Version.comments", "Comment.replies")
UPWARDS = ("Team.members", "Version.comments", "Comment.replies")
quick = settings(max_examples=40, deadline=None)


@dataclass
class Line:
    """One connection: how to ask for a page of it, and the global ids of all its rows in the order that it promises."""

    asker: Asker
    field: str
    parent: str
    ids: list[str]

    async def page(self, **paging: Any) -> dict[str, Any]:
        kind, name = self.field.split(".")
        page = (await self.asker.data(PAGE.format(type=kind, field=name), id=self.parent, **paging))["node"]["rows"]
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        assert page["totalCount"] == len(self.ids)
        assert page["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
        assert page["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
        return page

    async def cursors(self) -> list[str]:
        return [edge["cursor"] for edge in (await self.page(first=100))["edges"]]


def ids_of(page: dict[str, Any]) -> list[str]:
    return [node["id"] for node in page["nodes"]]


async def a_team(size: int) -> tuple[Team, list[Member], list[Video]]:
    """Members and videos of which every three were made in the same microsecond."""
    team = await Team.create(name="Crew")
    made = [LONG_AGO + timedelta(microseconds=index // 3) for index in range(size)]
    people = [await user() for _ in made]
    who = {"team_id": team.id, "role": Role.VIEWER}
    members = [await Member.create(user_id=p.id, created_at=at, **who) for p, at in zip(people, made, strict=True)]
    mine = {"team_id": team.id, "created_by_id": people[0].id}
    return team, members, [await Video.create(title="Cut", created_at=at, **mine) for at in made]


async def a_discussion(about: Version, size: int) -> tuple[list[Comment], list[Comment]]:
    """Threads, of which every two stand at the same moment, and the answers in the first of them."""
    said: dict[str, Any] = {"body": "Nice", "by": about.created_by_id, "now": LONG_AGO}
    threads = [Comment.opened(about, Span((size - index) // 2), **said) for index in range(size)]
    answers = [threads[0].answered(**said) for _ in range(size)]
    for comments in (threads, answers):
        await Comment.bulk_create(comments)
    return threads, answers


@pytest.fixture(scope="session")
async def lines(desk: Desk) -> dict[str, Line]:
    team, members, videos = await a_team(17)
    versions = [await version(videos[0], number) for number in range(1, 6)]
    threads, answers = await a_discussion(versions[0], 7)
    asker = desk.asker(Viewer(members[0].user_id, new_id()))

    def line(field: str, parent: Any, rows: list[Any], order: Any) -> Line:
        ordered = sorted(rows, key=order, reverse=field not in UPWARDS)
        ids = [encode_id(type(row).__name__, row.id) for row in ordered]
        return Line(asker, field, encode_id(type(parent).__name__, parent.id), ids)

    return {
        "Team.videos": line("Team.videos", team, videos, lambda row: (row.created_at, row.id)),
        "Team.members": line("Team.members", team, members, lambda row: (row.created_at, row.id)),
        "Video.versions": line("Video.versions", videos[0], versions, lambda row: row.number),
        "Video.comments": line("Video.comments", videos[0], threads + answers, lambda row: (row.created_at, row.id)),
        "Version.comments": line("Version.comments", versions[0], threads, lambda row: (row.start_ms, row.id)),
        "Comment.replies": line("Comment.replies", threads[0], answers, lambda row: (row.created_at, row.id)),
    }


@quick
@given(size=st.integers(1, 20), field=st.sampled_from(FIELDS))
async def test_a_walk_forwards_meets_every_row_once(lines, size, field):
    line, met, paging = lines[field], [], {"first": size}
    while True:
        page = await line.page(**paging)
        assert page["pageInfo"]["hasPreviousPage"] is bool(met)
        met += ids_of(page)
        assert page["pageInfo"]["hasNextPage"] is (len(met) < len(line.ids))
        if len(met) >= len(line.ids):
            break
        assert len(page["nodes"]) == size
        paging["after"] = page["pageInfo"]["endCursor"]
    assert met == line.ids


@quick
@given(size=st.integers(1, 20), field=st.sampled_from(FIELDS))
async def test_a_walk_backwards_meets_every_row_once(lines, size, field):
    line, met, paging = lines[field], [], {"last": size}
    while True:
        page = await line.page(**paging)
        assert page["pageInfo"]["hasNextPage"] is bool(met)
        met = ids_of(page) + met
        assert page["pageInfo"]["hasPreviousPage"] is (len(met) < len(line.ids))
        if len(met) >= len(line.ids):
            break
        assert len(page["nodes"]) == size
        paging["before"] = page["pageInfo"]["startCursor"]
    assert met == line.ids


@quick
@given(data=st.data(), field=st.sampled_from(FIELDS), backwards=st.booleans(), size=st.integers(1, 8))
async def test_a_page_lies_between_its_cursors(lines, data, field, backwards, size):
    line = lines[field]
    cursors, place = await line.cursors(), st.none() | st.integers(0, len(lines[field].ids) - 1)
    after, before = data.draw(place, "after"), data.draw(place, "before")
    page = await line.page(
        **{"last" if backwards else "first": size},
        after=None if after is None else cursors[after],
        before=None if before is None else cursors[before],
    )
    between = line.ids[0 if after is None else after + 1 : len(line.ids) if before is None else before]
    assert ids_of(page) == (between[-size:] if backwards else between[:size])
    more = len(between) > size
    expected = (more, before is not None) if backwards else (after is not None, more)
    assert (page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) == expected


@pytest.mark.parametrize("gone", range(6))
async def test_the_place_of_a_row_that_is_gone_is_still_a_place(desk, gone):
    team, members, videos = await a_team(6)
    ids = [encode_id("Video", video.id) for video in sorted(videos, key=lambda v: (v.created_at, v.id), reverse=True)]
    line = Line(desk.asker(Viewer(members[0].user_id, new_id())), "Team.videos", encode_id("Team", team.id), ids)
    cursor = (await line.cursors())[gone]
    await next(video for video in videos if encode_id("Video", video.id) == ids[gone]).delete()
    line.ids = ids[:gone] + ids[gone + 1 :]
    assert ids_of(await line.page(first=100, after=cursor)) == ids[gone + 1 :]
    assert ids_of(await line.page(last=100, before=cursor)) == ids[:gone]


async def test_without_a_size_a_page_has_twenty_rows(desk):
    team, members, _ = await a_team(21)
    line = Line(desk.asker(Viewer(members[0].user_id, new_id())), "Team.members", encode_id("Team", team.id), members)
    page = await line.page()
    assert len(page["nodes"]) == 20
    assert page["pageInfo"]["hasNextPage"] is True


async def test_a_cursor_of_another_team_is_only_a_moment(lines, desk):
    """It holds a place, not a row: in my library it tells nothing of theirs."""
    cursors = await lines["Team.videos"].cursors()
    team, members, videos = await a_team(3)
    mine = Line(desk.asker(Viewer(members[0].user_id, new_id())), "Team.videos", encode_id("Team", team.id), videos)
    assert len((await mine.page(after=cursors[0]))["nodes"]) == 3
    assert (await mine.page(after=cursors[-1]))["nodes"] == []
