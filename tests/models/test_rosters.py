"""A team's mark: another one after every change of who is in it as what, and only then."""

from contextlib import suppress

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from models import Member, Team
from models.accounts import User
from models.database import raw_connection, transaction
from models.teams import roster_mark, who_is


@pytest.fixture
async def team(models: None) -> Team:
    return await Team.found("A studio", (await someone()).id, utc_now())


async def someone() -> User:
    user_id = new_id()
    return await User.create(id=user_id, email=f"{user_id}@example.com", name="Ada", created_at=utc_now())


async def join(team: Team) -> Member:
    return await Member.create(team_id=team.id, user_id=(await someone()).id, role=Role.VIEWER)


async def by_hand(statement: str, *values: object) -> None:
    async with raw_connection() as connection:
        await connection.execute(statement, *values)


async def test_whoever_changes_it_and_however_the_mark_is_another_one(team: Team) -> None:
    marks = [await roster_mark(team.id)]
    member = await join(team)
    marks.append(await roster_mark(team.id))
    member.role = Role.EDITOR
    await member.save()
    marks.append(await roster_mark(team.id))
    await by_hand("UPDATE members SET role = 'admin' WHERE id = $1", member.id)
    marks.append(await roster_mark(team.id))
    await by_hand("DELETE FROM members WHERE id = $1", member.id)
    marks.append(await roster_mark(team.id))
    assert None not in marks
    assert len(set(marks)) == len(marks)


async def test_what_is_said_of_a_role_has_the_mark_of_the_same_moment(team: Team) -> None:
    before = await who_is(team.id, Role.VIEWER)
    async with transaction():
        await join(team)
        inside = await who_is(team.id, Role.VIEWER)
    after = await who_is(team.id, Role.VIEWER)
    assert (before.many, inside.many) == (0, 1)
    assert before.mark != inside.mark
    assert after == inside


async def test_other_teams_keep_theirs(team: Team) -> None:
    other = await Team.found("Another", (await someone()).id, utc_now())
    before = await roster_mark(other.id)
    await join(team)
    assert await roster_mark(other.id) == before


async def test_who_moves_from_one_team_to_another_changes_both(team: Team) -> None:
    other = await Team.found("Another", (await someone()).id, utc_now())
    member = await join(team)
    before = {await roster_mark(team.id), await roster_mark(other.id)}
    await by_hand("UPDATE members SET team_id = $1 WHERE id = $2", other.id, member.id)
    after = {await roster_mark(team.id), await roster_mark(other.id)}
    assert len(before | after) == 4


async def test_what_is_undone_leaves_the_mark(team: Team) -> None:
    before = await roster_mark(team.id)
    with suppress(LookupError):
        async with transaction():
            await join(team)
            raise LookupError
    assert await roster_mark(team.id) == before


async def test_it_goes_with_the_team(team: Team) -> None:
    await Member.filter(team_id=team.id).delete()
    await team.delete()
    assert await roster_mark(team.id) is None
