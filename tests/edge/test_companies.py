"""Who has a role is looked up again when the team's mark is another one, and not at each event."""

import pytest

from domain.ids import new_id
from domain.permissions import Role
from edge import companies as module
from edge.companies import Companies
from models.teams import Company

TEAM, OTHER = new_id(), new_id()


class Database:
    """Which marks and people there are, and how often all of these were looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.marks, self.people, self.looks = {TEAM: new_id(), OTHER: new_id()}, (2, 7), 0
        monkeypatch.setattr(module, "roster_mark", self.roster_mark)
        monkeypatch.setattr(module, "who_is", self.who_is)

    async def roster_mark(self, team_id):
        return self.marks.get(team_id)

    async def who_is(self, team_id, role):
        self.looks += 1
        return Company(self.marks.get(team_id), *self.people)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    return Database(monkeypatch)


async def test_all_are_looked_at_once_as_long_as_nothing_changes(database: Database) -> None:
    companies = Companies()
    assert {await companies.of(TEAM, Role.VIEWER) for _ in range(5)} == {(2, 7)}
    assert database.looks == 1


async def test_each_role_of_each_team_is_a_company_of_its_own(database: Database) -> None:
    companies = Companies()
    for team in (TEAM, OTHER):
        for role in Role:
            await companies.of(team, role)
    assert database.looks == 2 * len(Role)


async def test_another_mark_has_all_looked_at_again(database: Database) -> None:
    companies = Companies()
    before = await companies.of(TEAM, Role.VIEWER)
    database.marks[TEAM], database.people = new_id(), (1, 8)
    assert await companies.of(TEAM, Role.VIEWER) == (1, 8) != before
    assert database.looks == 2


async def test_a_mark_that_changed_while_all_were_looked_at_is_not_taken_for_theirs(database: Database) -> None:
    companies, newer = Companies(), new_id()
    older, database.marks[TEAM] = database.marks[TEAM], newer

    async def late(_team):
        return older

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "roster_mark", late)
        await companies.of(TEAM, Role.VIEWER)
    await companies.of(TEAM, Role.VIEWER)
    assert database.looks == 1, "what was found has the mark with which it was read"
    database.marks[TEAM] = older  # as in a database that was put back
    await companies.of(TEAM, Role.VIEWER)
    assert database.looks == 2


async def test_a_team_without_a_mark_is_looked_at_each_time(database: Database) -> None:
    del database.marks[TEAM]
    companies = Companies()
    for _ in range(2):
        await companies.of(TEAM, Role.VIEWER)
    assert database.looks == 2


async def test_not_more_is_remembered_than_that(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    companies = Companies()
    for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
        await companies.of(TEAM, role)
    assert len(companies._found) <= 2
