"""Teams: make, rename, switch to and delete one, and who is in it as what."""

from typing import Any
from uuid import UUID

from domain.errors import Forbidden, Invalid, NotFound
from domain.events import (
    Event,
    MemberLeft,
    MemberRemoved,
    MemberRoleChanged,
    OwnershipTransferred,
    SessionSwitched,
    TeamCreated,
    TeamDeletionRequested,
    TeamRenamed,
    TeamRestored,
)
from domain.mails import MailKind
from domain.permissions import Role
from domain.teams import DELETION_WAITS, reaches
from domain.text import one_line
from domain.throttling import MAIL_OF_PERSON
from models import Member, Session, Team, User
from models.database import transaction
from models.teams import owners
from resolvers.caller import Caller, hold_asker, require, tell
from resolvers.notices import notify


async def create(caller: Caller, *, name: str) -> Team:
    """A new team, which the caller owns."""
    called = _name(name)
    async with transaction():
        owner = await hold_asker(caller)
        team = await Team.found(called, owner.id, caller.now())
        await tell(caller, TeamCreated, team.id, user_id=owner.id, name=team.name)
    return team


async def rename(caller: Caller, *, team_id: UUID, name: str) -> Team:
    """Calls a team otherwise."""
    called = _name(name)
    async with transaction():
        team = await held(caller, "team:rename", team_id)
        if called != team.name:
            former, team.name = team.name, called
            await team.save()
            await tell(caller, TeamRenamed, team.id, name=called, former_name=former)
    return team


async def switch(caller: Caller, *, team_id: UUID) -> Team:
    """The caller's session works in this team from now on; their other sessions stay where they are."""
    session_id = caller.viewer.session_id
    async with transaction():
        await require(caller, "team:switch", team_id)
        await Session.filter(id=session_id).update(team_id=team_id)
        await tell(caller, SessionSwitched, None, session_id=session_id, chosen_team_id=team_id)
    return await Team.find(team_id, caller.viewer)


async def change_role(caller: Caller, *, member_id: UUID, role: Role) -> Member:
    """Gives a member another role, at most the caller's own; members above the caller are out of reach."""
    async with transaction():
        team, member, own = await _member_within_reach(caller, "member:change_role", member_id)
        require_grantable(own, role)
        if role is not member.role:
            await _require_owner_left(team, member)
            former, member.role = member.role, role
            await member.save()
            await _tell(caller, MemberRoleChanged, member, former_role=former.value)
    return member


async def remove(caller: Caller, *, member_id: UUID) -> Team:
    """Puts another member out of the team; members above the caller are out of reach."""
    async with transaction():
        team, member, _ = await _member_within_reach(caller, "member:remove", member_id)
        if member.user_id == caller.viewer.user_id:
            raise Invalid("problem.member_yourself", path=("memberId",))
        await _require_owner_left(team, member)
        await member.end()
        await _tell(caller, MemberRemoved, member)
    return team


async def leave(caller: Caller, *, team_id: UUID) -> None:
    """The caller goes; the last owner cannot."""
    async with transaction():
        team = await held(caller, "team:leave", team_id)
        member = await Member.get(team_id=team.id, user_id=caller.viewer.user_id)
        await _require_owner_left(team, member)
        await member.end()
        await _tell(caller, MemberLeft, member)


async def transfer(caller: Caller, *, member_id: UUID) -> Team:
    """Another member owns the team in the caller's place, who becomes an admin."""
    async with transaction():
        team, heir, _ = await _member_within_reach(caller, "team:transfer", member_id)
        if heir.user_id == caller.viewer.user_id:
            raise Invalid("problem.heir_yourself", path=("memberId",))
        former, heir.role = heir.role, Role.OWNER
        await heir.save()
        await Member.filter(team_id=team.id, user_id=caller.viewer.user_id).update(role=Role.ADMIN)
        about: dict[str, Any] = {"member_id": heir.id, "heir_id": heir.user_id, "former_role": former.value}
        await tell(caller, OwnershipTransferred, team.id, user_id=caller.viewer.user_id, **about)
    return team


async def delete(caller: Caller, *, team_id: UUID) -> Team:
    """The team can only be looked at from now on, and goes in 14 days. All of its owners are told by mail."""
    await require(caller, "team:delete", team_id)
    await caller.throttle.hit(MAIL_OF_PERSON, str(caller.viewer.user_id))
    async with transaction():
        team = await held(caller, "team:delete", team_id)
        team.ask_for_deletion(caller.now())
        await team.save()
        await tell(caller, TeamDeletionRequested, team.id, days=DELETION_WAITS.days)
        await _mail_owners(caller, team)
    return team


async def restore(caller: Caller, *, team_id: UUID) -> Team:
    """Calls the deletion off, as long as its time has not come."""
    async with transaction():
        team = await held(caller, "team:restore", team_id)
        team.bring_back(caller.now())
        await team.save()
        await tell(caller, TeamRestored, team.id)
    return team


async def held(caller: Caller, action: str, team_id: UUID) -> Team:
    """The team, alone in the caller's hands until the transaction ends: nobody else writes in it, comes or goes.

    Hold it before anything else of the team, as `models.teams.require` does: else two can wait for each other.
    """
    team, _ = await _held(caller, action, team_id)
    return team


def require_grantable(own: Role, role: Role) -> None:
    """Forbidden for a role above one's own."""
    if not reaches(own, role):
        raise Forbidden("problem.role_above", path=("role",))


async def _member_within_reach(caller: Caller, action: str, member_id: UUID) -> tuple[Team, Member, Role]:
    """A member with their team, both held, and the caller's own role in it."""
    team_id = (await Member.find(member_id, caller.viewer)).team_id
    team, own = await _held(caller, action, team_id)
    member = await Member.filter(id=member_id).select_for_update().get_or_none()
    if member is None:  # they went while we waited for the team
        raise NotFound
    member.require_within(own)
    return team, member, own


async def _held(caller: Caller, action: str, team_id: UUID) -> tuple[Team, Role]:
    team = await Team.lock(team_id, caller.viewer)
    return team, await require(caller, action, team_id)


async def _require_owner_left(team: Team, member: Member) -> None:
    """Conflict where nobody would own the team without this member."""
    if member.role is Role.OWNER:
        await team.require_owner_beside(member.user_id)


async def _tell(caller: Caller, event: type[Event], member: Member, **more: Any) -> None:
    about: dict[str, Any] = {"member_id": member.id, "user_id": member.user_id, "role": member.role.value}
    await tell(caller, event, member.team_id, **about, **more)


async def _mail_owners(caller: Caller, team: Team) -> None:
    asker = await User.get(id=caller.viewer.user_id)
    values = {"asker": asker.name, "team": team.name, "days": DELETION_WAITS.days}
    for owner in await owners(team.id):
        await notify(owner, MailKind.TEAM_DELETION, caller.now(), **values)


def _name(text: str) -> str:
    return one_line(text, path=("name",), most=100)
