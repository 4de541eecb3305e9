"""Reviews in which very much is said: threads of a thousand answers, and people who do not stop."""

from uuid import UUID

import pytest

from domain.clock import utc_now
from models import Comment
from plan import encode_id
from tests.api.test_comment_changes import a_room, said, told
from tests.factories import Factory, gid, uuid_in
from tests.repeating import new_key, run

SAY = """mutation ($input: AddCommentInput!) { addComment(input: $input) {
    __typename ... on Throttled { code retryAfterSeconds } } }"""
PAGE = """query ($id: ID!, $after: String) { comment(id: $id) { replyCount replies(first: 100, after: $after) {
    totalCount nodes { id parent { id } } pageInfo { hasNextPage endCursor } } } }"""


async def test_a_thread_a_thousand_deep_is_one_level_deep(make: Factory) -> None:
    """Each answers the one before; all but the last few by the rule that these keep."""
    crew, version = await a_room(make)
    thread = await make.comment(version)
    last, *others = await answers(thread, 997)
    for number in range(3):
        last = uuid_in((await said(crew.owner.client, version, f"{number}", parentId=encode_id("Comment", last)))["id"])
    known, after = [], None
    while True:
        page = (await crew.viewer.client.ask(PAGE, None, {"id": gid(thread), "after": after}))["data"]["comment"]
        assert (page["replyCount"], page["replies"]["totalCount"]) == (1000, 1000)
        known += page["replies"]["nodes"]
        if not page["replies"]["pageInfo"]["hasNextPage"]:
            break
        after = page["replies"]["pageInfo"]["endCursor"]
    assert len({each["id"] for each in known}) == len(known) == 1000
    assert {each["parent"]["id"] for each in known} == {gid(thread)}
    assert known[-1]["id"] == encode_id("Comment", last)
    assert len(others) == 996


async def answers(thread: Comment, count: int) -> list[UUID]:
    """So many of them in the thread, made at once."""
    made = [thread.answered(body="Hm", by=thread.created_by_id, now=utc_now()) for _ in range(count)]
    await Comment.bulk_create(made)
    return [each.id for each in made]


async def test_a_flood_of_comments_is_held_up(make: Factory) -> None:
    crew, version = await a_room(make)
    asked, key = {"versionId": gid(version), "body": "Again"}, new_key()
    first = await run(crew.viewer.client, key, "AddComment", input=asked)
    for _ in range(29):
        assert (await told(crew.viewer.client, "AddComment", input=asked))[0] == "Comment"
    for client in (crew.viewer.client, await make.key(crew.viewer)):
        refused = (await client.ask(SAY, None, {"input": asked}))["data"]["addComment"]
        assert (refused["__typename"], refused["code"]) == ("Throttled", "THROTTLED")
        assert 0 < refused["retryAfterSeconds"] <= 60
    again = await run(crew.viewer.client, key, "AddComment", input=asked)
    assert (again.replayed, again.value) == (True, first.value)
    assert (await told(crew.editor.client, "AddComment", input=asked))[0] == "Comment"
    assert await Comment.filter(team_id=crew.team.id).count() == 31


@pytest.mark.parametrize(
    ("there", "back"), [("DeleteComment", "RestoreComment"), ("ResolveComment", "UnresolveComment")]
)
async def test_a_flood_of_changes_is_held_up(make: Factory, there: str, back: str) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.viewer.client, version)
    for _ in range(30):
        for operation in (there, back):
            assert (await told(crew.viewer.client, operation, id=thread["id"]))[0] == "Comment"
    assert (await told(crew.viewer.client, there, id=thread["id"]))[0] == "Throttled"
    assert (await told(crew.editor.client, there, id=thread["id"]))[0] == "Comment"
