"""What happens in a team is told to its members as it happens, whoever they have become by then."""

import asyncio
from typing import Any

from domain.ids import new_id
from domain.permissions import Role
from local.client import Subscription
from models import Member
from tests.api.test_rights import change_role, end_of, remove
from tests.factories import Factory, gid


async def next_type(events: Subscription) -> str:
    answer = await asyncio.wait_for(anext(events), 10)
    kind: str = answer["data"]["teamActivity"]["type"]
    return kind


async def test_it_is_told_as_it_happens_and_whoever_returns_has_missed_nothing(make: Factory) -> None:
    crew = await make.crew()
    owner, viewer = crew.owner.client, crew.viewer.client
    position = (await viewer.run("Team", id=crew.id))["extensions"]["position"]
    async with viewer.follow("TeamActivity", teamId=crew.id, after=position) as events:
        video = await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": "New"})
        first = await asyncio.wait_for(anext(events), 10)
    told = first["data"]["teamActivity"]
    assert (told["type"], told["video"]["title"], told["actor"]["id"]) == ("video.created", "New", crew.editor.id)
    await owner.do("DeleteVideo", id=video["id"])
    await owner.do("RenameTeam", input={"id": crew.id, "name": "Other"})
    async with viewer.follow("TeamActivity", teamId=crew.id, after=first["extensions"]["eventId"]) as events:
        assert [await next_type(events) for _ in range(2)] == ["video.deleted", "team.renamed"]


async def test_a_change_of_role_changes_what_is_heard_from_then_on(make: Factory) -> None:
    crew = await make.crew()
    position = (await crew.admin.client.run("Team", id=crew.id))["extensions"]["position"]

    async def invite() -> None:
        about = {"teamId": crew.id, "email": f"{new_id()}@example.com", "role": "VIEWER"}
        await crew.owner.client.do("InviteMember", input=about)

    async with crew.admin.client.follow("TeamActivity", teamId=crew.id, after=position) as events:
        await invite()
        assert await next_type(events) == "member.invited"
        await change_role(crew, crew.admin, Role.VIEWER)
        assert await next_type(events) == "member.role_changed"
        await invite()
        await crew.owner.client.do("RenameTeam", input={"id": crew.id, "name": "Other"})
        assert await next_type(events) == "team.renamed"
        await change_role(crew, crew.admin, Role.ADMIN)
        assert await next_type(events) == "member.role_changed"
        await invite()
        assert await next_type(events) == "member.invited"


async def test_who_is_removed_hears_no_more_and_strangers_nothing(make: Factory) -> None:
    crew, stranger = await make.crew(), await make.person()
    position = (await crew.viewer.client.run("Team", id=crew.id))["extensions"]["position"]
    async with (
        crew.viewer.client.follow("TeamActivity", teamId=crew.id, after=position) as lost,
        crew.admin.client.follow("TeamActivity", teamId=crew.id, after=position) as kept,
        stranger.client.follow("TeamActivity", teamId=crew.id, after=position) as refused,
    ):
        assert (await end_of(refused))[0] == "NOT_FOUND"
        viewer = gid(await Member.get(team_id=crew.team.id, user_id=crew.viewer.user.id))
        await remove(crew, crew.viewer)
        heard: list[Any] = []
        assert (await end_of(lost, heard))[0] == "NOT_FOUND"
        assert heard == []
        answer = (await asyncio.wait_for(anext(kept), 10))["data"]["teamActivity"]
        assert (answer["type"], answer["subjectId"], answer["member"]) == ("member.removed", viewer, None)
