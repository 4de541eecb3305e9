"""A viewer who looks for what is team-only by everything that can be asked, and listens to everything that is told."""

from contextlib import AsyncExitStack
from typing import Any

import orjson
from graphql import OperationType

from local.client import Client, document, operation_names
from models import Version
from tests.api.test_comment_changes import a_room, said
from tests.api.test_images import begin
from tests.api.test_mentions import settled
from tests.api.test_team_only import TEAM, a_thread
from tests.api.test_team_only_live import WHAT, about, next_of, place, position_of
from tests.factories import Factory, uuid_in
from tests.furnished import Furnished, furnished
from tests.operations import kind_of


async def everything(client: Client, there: Furnished) -> dict[str, Any]:
    """What each query answers, and costs; without how many events there have been by now, in all teams."""
    return {
        operation: await asked(client, operation, there.variables[operation])
        for operation in operation_names()
        if kind_of(operation) is OperationType.QUERY
    }


async def asked(client: Client, operation: str, variables: dict[str, Any]) -> Any:
    body = {"query": document(operation), "operationName": operation, "variables": variables}
    response = await client.http.post(f"{client.url}/graphql", json=body, headers=client.headers())
    answer = orjson.loads(response.content)
    cost = answer.pop("extensions", {}).get("cost", {}).get("nodes")
    return without_signatures(answer), cost


def without_signatures(value: Any) -> Any:
    """The same with links as they are before what is signed anew for each answer."""
    if isinstance(value, dict):
        return {name: without_signatures(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_signatures(each) for each in value]
    return value.partition("?")[0] if isinstance(value, str) and value.startswith("http") else value


async def test_no_query_answers_a_viewer_otherwise(make: Factory) -> None:
    there = await furnished(make)
    crew, version = there.crew, await Version.get(id=uuid_in(there.ids["Version"]))
    await settled()
    before = await everything(crew.viewer.client, there)
    await a_thread(crew.editor.client, version, **TEAM)
    for start in range(3):
        await said(crew.admin.client, version, "@Viewer, look", startMs=start, **TEAM)
    gone = await said(crew.admin.client, version, "Never mind", **TEAM)
    await crew.admin.client.do("DeleteComment", id=gone["id"])
    await settled()
    after = await everything(crew.viewer.client, there)
    assert {name for name in before if before[name] != after[name]} == set()
    assert len(before) > 30


async def test_nothing_that_is_done_to_a_thread_is_told_to_viewers(make: Factory) -> None:
    """The first that they hear of is what is for all, in whatever they follow."""
    crew, version = await a_room(make)
    editor, after = crew.editor.client, await position_of(crew.owner.client, version)
    async with AsyncExitStack() as following:
        events = [
            await following.enter_async_context(
                crew.viewer.client.follow(operation, after=after, **place(operation, crew, version))
            )
            for operation in WHAT
        ]
        personal = await following.enter_async_context(crew.viewer.client.follow("NotificationChanges", after=after))
        thread, (_, reply, *_) = await a_thread(editor, version, **TEAM)
        await said(editor, version, "@Viewer!", parentId=thread["id"])
        await editor.do("UnresolveComment", id=thread["id"])
        await editor.do("RemoveReaction", input={"commentId": thread["id"], "kind": "EYES"})
        await editor.do("RemoveCommentImage", id=reply)
        await editor.do("DiscardUpload", id=(await begin(editor, thread, 67))["upload"]["id"])
        for operation, comment in (
            ("DeleteComment", reply),
            ("RestoreComment", reply),
            ("DeleteComment", thread["id"]),
        ):
            await editor.do(operation, id=comment)
        shown = await said(crew.owner.client, version, "To all, @Viewer")
        assert {about(await next_of(each))[1] for each in events} == {shown["id"]}
        told = await next_of(personal)
    assert told["notification"]["comment"]["id"] == shown["id"]
    assert told["viewer"]["unreadNotificationCount"] == 1
