"""Who made a webhook is gone, or looks after webhooks no more: the team's owners hear of what goes on."""

from typing import Any

import pytest
from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.events import AccountDeleted, Event, MemberLeft, MemberRemoved, MemberRoleChanged
from domain.ids import new_id
from domain.permissions import Role
from domain.webhooks.states import PauseReason
from models import Job, Member, Team, User, Webhook
from models.database import transaction
from tests.workers.posting import endpoint
from tests.workers.test_webhooks import recorded
from workers.consumers import Tools
from workers.makers import MOST_HOSTS
from workers.pausing import pause
from workers.webhooks import look_after_what_was_left


class Office:
    """A team whose owner has made a webhook, as has an admin who is gone by now."""

    def __init__(self, tools: Tools, team: Team, owner: User, gone: User) -> None:
        self.tools, self.team, self.owner, self.gone = tools, team, owner, gone

    def about(self) -> dict[str, Any]:
        ids = {"team_id": self.team.id, "user_id": self.gone.id}
        return {**ids, "actor_id": self.owner.id, "member_id": new_id(), "role": "admin"}

    async def hear(self, event: Event) -> list[tuple[str, list[str]]]:
        """Whom the event has mailed, and the hosts that they are told."""
        async with transaction():
            await look_after_what_was_left([recorded(event, 1)], self.tools)
        jobs = [job.payload for job in await Job.all() if job.payload.get("kind") == "webhook_maker_gone"]
        return [(each["to"], each["values"]["hosts"]) for each in jobs]


@pytest.fixture
async def office(models: None, redis: ArqRedis) -> Office:
    owner, gone = [
        await User.create(name=name, email=f"{name}@example.com", password_hash="none") for name in ("ada", "bob")
    ]
    team = await Team.create(name="Crew")
    await Member.create(team_id=team.id, user_id=owner.id, role=Role.OWNER)
    await endpoint(team, url="https://of-the-owner.example/")
    for url in ("https://one.example/a", "https://one.example/b", "https://another.example/"):
        await endpoint(team, url=url, created_by_id=gone.id)
    return Office(Tools(redis, utc_now), team, owner, gone)


async def test_owners_are_told_once_where_what_goes_on_leads(office: Office) -> None:
    for more in ({"deleted_at": utc_now()}, {"api_key_id": new_id()}):
        await endpoint(office.team, url="https://over.example/", created_by_id=office.gone.id, **more)
    assert await office.hear(MemberRemoved(**office.about())) == [
        ("ada@example.com", ["another.example", "one.example"])
    ]


async def test_owners_are_told_of_what_is_paused_too_since_who_resumes_it_has_to_know(office: Office) -> None:
    await Webhook.filter(created_by_id=office.gone.id).update(state="paused", pause_reason="failing")
    of_a_key = {"url": "https://of-a-key.example/", "state": "paused", "pause_reason": "asked", "api_key_id": new_id()}
    await endpoint(office.team, created_by_id=office.gone.id, **of_a_key)
    assert await office.hear(MemberRemoved(**office.about())) == [
        ("ada@example.com", ["another.example", "of-a-key.example", "one.example"])
    ]


async def test_the_end_of_an_account_is_one_too(office: Office) -> None:
    about = {"actor_id": office.gone.id, "user_id": office.gone.id}
    assert await office.hear(AccountDeleted(team_id=None, **about)) == []
    assert len(await office.hear(AccountDeleted(team_id=office.team.id, **about))) == 1


@pytest.mark.parametrize(
    ("former", "role", "are_told"),
    [("admin", "editor", True), ("owner", "viewer", True), ("editor", "viewer", False), ("owner", "admin", False)],
)
async def test_who_is_less_than_before_is_told_of_where_that_is_too_little(
    office: Office, former: str, role: str, are_told: bool
) -> None:
    await Member.create(team_id=office.team.id, user_id=office.gone.id, role=Role(role))
    about = {**office.about(), "role": role, "former_role": former}
    assert bool(await office.hear(MemberRoleChanged(**about))) is are_told


async def test_what_becomes_later_of_who_could_do_nothing_any_more_has_been_told(office: Office) -> None:
    assert await office.hear(MemberLeft(**{**office.about(), "role": "editor"})) == []


async def test_who_has_come_again_meanwhile_looks_after_their_own(office: Office) -> None:
    await Member.create(team_id=office.team.id, user_id=office.gone.id, role=Role.ADMIN)
    assert await office.hear(MemberLeft(**office.about())) == []


async def test_nobody_is_told_of_who_has_made_none(office: Office) -> None:
    await Webhook.filter(created_by_id=office.gone.id).update(created_by_id=office.owner.id)
    assert await office.hear(MemberLeft(**office.about())) == []


async def test_a_mail_names_so_many_and_every_owner_gets_one(office: Office) -> None:
    second = await User.create(name="eve", email="eve@example.com", password_hash="none")
    await Member.create(team_id=office.team.id, user_id=second.id, role=Role.OWNER)
    for number in range(MOST_HOSTS):
        await endpoint(office.team, url=f"https://a{number}.example/", created_by_id=office.gone.id)
    told = await office.hear(MemberLeft(**office.about()))
    assert {to for to, _ in told} == {"ada@example.com", "eve@example.com"}
    assert [len(hosts) for _, hosts in told] == [MOST_HOSTS] * 2


async def test_what_is_paused_is_told_to_owners_once_its_maker_is_gone(office: Office) -> None:
    webhook = await Webhook.get(url="https://another.example/")
    await pause(webhook.id, PauseReason.FAILING, utc_now())
    assert [job.payload["to"] for job in await Job.all()] == ["ada@example.com"]
