"""What happens at the same moment: owners who leave, links that are followed, roles that change in the middle."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.clock import utc_now
from domain.permissions import Role
from models import EventRecord, Invitation, Member, Session, Team, User, Video
from models.database import raw_connection, transaction
from tests.api.test_declining import decline
from tests.api.test_invitations import NEW, accept, invite, new_address
from tests.api.test_teams import kind, place
from tests.factories import Crew, Factory, Person, gid
from tests.waiting import until

ROUNDS = 20
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
AND query LIKE '%' || $1 || '%'
"""


async def kinds(*asked: Awaitable[Any]) -> Counter[str]:
    answers = await asyncio.gather(*asked)
    return Counter(answer if isinstance(answer, str) else answer["__typename"] for answer in answers)


async def owners(crew: Crew) -> int:
    return await Member.filter(team_id=crew.team.id, role=Role.OWNER).count()


async def two_owners(make: Factory) -> tuple[Crew, Person, Person]:
    crew = await make.crew()
    return crew, crew.owner, await make.member(crew.team, Role.OWNER)


def leaves(crew: Crew, person: Person) -> Awaitable[str]:
    return kind(person.client, "LeaveTeam", id=crew.id)


async def steps_down(crew: Crew, person: Person) -> str:
    own = gid(await Member.get(team_id=crew.team.id, user_id=person.user.id))
    return await kind(person.client, "ChangeRole", input={"memberId": own, "role": "VIEWER"})


async def test_of_the_last_two_owners_who_leave_at_once_one_stays(make: Factory) -> None:
    for _ in range(ROUNDS):
        crew, one, other = await two_owners(make)
        assert await kinds(leaves(crew, one), leaves(crew, other)) == {"TeamLeft": 1, "Conflict": 1}
        assert await owners(crew) == 1


async def test_however_the_last_two_go_one_stays(make: Factory) -> None:
    """One removes the other who leaves, both step down, both remove or degrade each other."""

    async def degrades(crew: Crew, by: Person, whom: Person) -> str:
        member = gid(await Member.get(team_id=crew.team.id, user_id=whom.user.id))
        return await kind(by.client, "ChangeRole", input={"memberId": member, "role": "EDITOR"})

    async def removes(crew: Crew, by: Person, whom: Person) -> str:
        return await kind(
            by.client, "RemoveMember", memberId=gid(await Member.get(team_id=crew.team.id, user_id=whom.user.id))
        )

    ways: list[Callable[[Crew, Person, Person], tuple[Awaitable[str], Awaitable[str]]]] = [
        lambda crew, one, other: (leaves(crew, one), steps_down(crew, other)),
        lambda crew, one, other: (steps_down(crew, one), steps_down(crew, other)),
        lambda crew, one, other: (removes(crew, one, other), leaves(crew, one)),
        lambda crew, one, other: (removes(crew, one, other), removes(crew, other, one)),
        lambda crew, one, other: (degrades(crew, one, other), degrades(crew, other, one)),
    ]
    for way in ways:
        for _ in range(ROUNDS // 4):
            crew, one, other = await two_owners(make)
            answers = await kinds(*way(crew, one, other))
            assert sum(answers.values()) == 2
            assert await owners(crew) == 1, answers


async def test_everybody_changes_everybody_at_once_and_nobody_waits_for_ever(make: Factory) -> None:
    """Crossed changes of members, and writes of those members, in one team: no deadlock comes to light."""
    crew = await make.crew()
    people = [await make.member(crew.team, Role.OWNER) for _ in range(4)]
    places = [gid(await Member.get(team_id=crew.team.id, user_id=person.user.id)) for person in people]
    video = await make.video(crew)
    version = await make.version(video)

    async def busy(person: Person, number: int) -> list[str]:
        done = []
        for turn in range(ROUNDS // 2):
            other = places[(number + turn + 1) % len(places)]
            wish = {"memberId": other, "role": ("ADMIN", "OWNER")[turn % 2]}
            done.append(await kind(person.client, "ChangeRole", input=wish))
            done.append(await kind(person.client, "EditVideo", input={"id": gid(video), "title": f"{number} {turn}"}))
            done.append(await kind(person.client, "AddComment", input={"versionId": gid(version), "body": "x"}))
        return done

    answers = await asyncio.gather(*(busy(person, number) for number, person in enumerate(people)))
    assert {answer for found in answers for answer in found} <= {"Member", "Video", "Comment", "Forbidden"}
    assert await owners(crew) >= 1


async def test_a_link_that_several_follow_at_once_makes_one_member(make: Factory) -> None:
    for _ in range(ROUNDS // 2):
        crew, person = await make.crew(), await make.person()
        _, token = await make.invitation(crew, person.user.email)
        answers = await kinds(*(accept(person.client, token) for _ in range(4)))
        assert answers == {"InvitationAccepted": 1, "Conflict": 3}
        assert await Member.filter(team_id=crew.team.id, user_id=person.user.id).count() == 1


async def test_a_link_that_several_new_people_follow_at_once_makes_one_account(make: Factory) -> None:
    for _ in range(ROUNDS // 4):
        crew = await make.crew()
        invitation, token = await make.invitation(crew)
        clients = [make.client() for _ in range(4)]
        answers = await kinds(*(accept(client, token, **NEW) for client in clients))
        assert answers.pop("InvitationAccepted") == 1
        assert answers.keys() <= {"Conflict", "Unauthenticated"}
        user = await User.get(email=invitation.email)
        assert await Member.filter(team_id=crew.team.id).count() == 5
        assert await Session.filter(user_id=user.id).count() == 1


async def test_two_teams_ask_one_new_person_who_follows_both_links_at_once(make: Factory) -> None:
    """One makes the account; the other finds it there, and nothing is half done."""
    for _ in range(ROUNDS // 4):
        email, crews = new_address(), [await make.crew(), await make.crew()]
        tokens = [(await make.invitation(crew, email))[1] for crew in crews]
        answers = await kinds(*(accept(make.client(), token, **NEW) for token in tokens))
        assert answers == {"InvitationAccepted": 1, "Unauthenticated": 1}
        user = await User.get(email=email)
        assert await Member.filter(user_id=user.id).count() == 1
        assert await Invitation.filter(email=email, accepted_at__isnull=True).count() == 1


async def test_revoked_or_accepted_but_not_both(make: Factory) -> None:
    for _ in range(ROUNDS // 2):
        crew, person = await make.crew(), await make.person()
        invitation, token = await make.invitation(crew, person.user.email)
        revoke = kind(crew.admin.client, "RevokeInvitation", id=gid(invitation))
        answers = await kinds(accept(person.client, token), revoke)
        assert answers["Conflict"] == 1
        joined = await Member.exists(team_id=crew.team.id, user_id=person.user.id)
        await invitation.refresh_from_db()
        assert joined is (invitation.accepted_at is not None) is (invitation.revoked_at is None)
        assert joined is (answers["InvitationAccepted"] == 1)


async def test_declined_or_accepted_but_not_both(make: Factory) -> None:
    for _ in range(ROUNDS // 2):
        crew, person = await make.crew(), await make.person()
        invitation, token = await make.invitation(crew, person.user.email)
        answers = await kinds(accept(person.client, token), decline(person.client, token))
        assert answers["Conflict"] == 1
        joined = await Member.exists(team_id=crew.team.id, user_id=person.user.id)
        await invitation.refresh_from_db()
        assert joined is (invitation.accepted_at is not None) is (invitation.declined_at is None)
        assert joined is (answers["InvitationAccepted"] == 1)


async def test_an_address_that_is_asked_several_times_at_once_has_one_invitation(make: Factory) -> None:
    for _ in range(ROUNDS // 4):
        crew, email = await make.crew(), new_address()
        clients = (crew.owner.client, crew.admin.client, crew.owner.client)
        assert await kinds(*(invite(client, crew, email) for client in clients)) == {"Invitation": 3}
        assert await Invitation.filter(team_id=crew.team.id).count() == 1


async def test_a_role_that_changes_in_the_middle_of_a_write_waits_for_its_end(make: Factory) -> None:
    """`restoreVersion` has asked for the editor's role and waits for the video: it ends as it began."""
    crew = await make.crew()
    video = await make.video(crew)
    version, editor = await make.version(video), await place(crew, Role.EDITOR)
    async with transaction():
        await Video.filter(id=video.id).select_for_update().get()
        write = asyncio.create_task(kind(crew.editor.client, "RestoreVersion", id=gid(version)))
        await until(lambda: waits_for("videos"))
        change = asyncio.create_task(
            kind(crew.owner.client, "ChangeRole", input={"memberId": editor, "role": "VIEWER"})
        )
        await until(lambda: waits_for("teams"))
        assert not change.done()
    assert (await write, await change) == ("Version", "Member")
    types = [event.type for event in await EventRecord.filter(team_id=crew.team.id).order_by("recorded_at")]
    assert types == ["version.created", "member.role_changed"]


@pytest.mark.parametrize("change", [{"role": Role.VIEWER}, None])
async def test_a_write_that_comes_while_a_role_changes_is_judged_by_the_new_one(
    make: Factory, change: dict[str, Any] | None
) -> None:
    """Both where the team is named and where it is that of a row."""
    crew = await make.crew()
    video = gid(await make.video(crew))
    writes: dict[str, Any] = {
        "CreateVideo": {"input": {"teamId": crew.id, "title": "New"}},
        "EditVideo": {"input": {"id": video, "title": "New"}},
    }
    async with transaction():
        await Team.filter(id=crew.team.id).select_for_update().get()
        asked = [asyncio.create_task(kind(crew.editor.client, name, **given)) for name, given in writes.items()]
        await until(lambda: waits_for("members", 2))
        editor = Member.filter(team_id=crew.team.id, user_id=crew.editor.user.id)
        await (editor.update(**change) if change else editor.delete())
    assert await asyncio.gather(*asked) == ["Forbidden" if change else "NotFound"] * 2
    assert not await Video.exists(team_id=crew.team.id, title="New")


async def test_a_write_that_comes_while_the_deletion_is_asked_for_is_too_late(make: Factory) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    async with transaction():
        team = await Team.filter(id=crew.team.id).select_for_update().get()
        made = asyncio.create_task(kind(crew.editor.client, "CreateVideo", input={"teamId": crew.id, "title": "New"}))
        edited = asyncio.create_task(kind(crew.editor.client, "EditVideo", input={"id": video, "title": "New"}))
        await until(lambda: waits_for("members", 2))
        team.ask_for_deletion(utc_now())
        await team.save()
    assert (await made, await edited) == ("Conflict", "Conflict")
    assert not await Video.exists(team_id=crew.team.id, title="New")


@pytest.mark.parametrize("operation", ["ChangeRole", "RemoveMember", "TransferOwnership"])
async def test_a_member_who_goes_in_that_moment_is_not_found(make: Factory, operation: str) -> None:
    crew = await make.crew()
    editor = await place(crew, Role.EDITOR)
    asked: dict[str, Any] = {"memberId": editor}
    asked = {"input": asked | {"role": "VIEWER"}} if operation == "ChangeRole" else asked
    async with transaction():
        await Team.filter(id=crew.team.id).select_for_update().get()
        change = asyncio.create_task(kind(crew.owner.client, operation, **asked))
        await until(lambda: waits_for("teams"))
        await Member.filter(team_id=crew.team.id, user_id=crew.editor.user.id).delete()
    assert await change == "NotFound"
    assert await owners(crew) == 1


async def test_a_write_that_was_undone_for_anothers_sake_is_run_again(make: Factory) -> None:
    """A deadlock of our own making: the database undoes one of the two, and no client hears of it."""
    crew = await make.crew()
    video = await make.video(crew)
    version = await make.version(video)
    async with transaction():
        async with raw_connection() as connection:
            await connection.execute("SET LOCAL deadlock_timeout = '30s'")  # so that it is the other who finds it
        await Video.filter(id=video.id).select_for_update().get()
        write = asyncio.create_task(kind(crew.editor.client, "RestoreVersion", id=gid(version)))
        await until(lambda: waits_for("videos"))  # it holds the team, and waits for the video
        await Team.filter(id=crew.team.id).select_for_update().get()  # we hold the video, and wait for the team
        assert not write.done()
    assert await write == "Version"


async def waits_for(table: str, number: int = 1) -> bool:
    """Whether so many statements about this table wait for a lock, or more: the sweeper may be among them."""
    async with raw_connection() as connection:
        await connection.execute("SELECT pg_stat_clear_snapshot()")  # a transaction would see the same again and again
        return bool(await connection.fetchval(WAITING, table) >= number)
