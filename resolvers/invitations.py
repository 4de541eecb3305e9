"""Invitations: ask somebody into a team, ask again, take it back, and what the holder of the link may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from domain.events import InvitationDeclined, InvitationResent, InvitationRevoked, MemberInvited, MemberJoined
from domain.ids import new_id
from domain.invitations import InvitationState, invitation_state
from domain.links import LinkKind
from domain.permissions import Role
from domain.text import email_address, one_line
from domain.throttling import MAIL_OF_PERSON, MAIL_TO_ADDRESS
from models import Invitation, MailedLink, Member, Team, User
from models.base import M
from models.database import transaction
from resolvers import teams
from resolvers.accounts import join
from resolvers.caller import Caller, hold_asker, require, tell
from resolvers.passwords import hash_password
from resolvers.signing_in import SignedIn, open_session


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who accepts and has no account yet."""

    name: str
    password: str
    locale: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A fresh membership, and the session of who had no account before."""

    member_id: UUID
    session: SignedIn | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What the holder of a link may know of the invitation that it is for."""

    invitation: Invitation
    team_name: str
    invited_by: str
    has_account: bool


async def invite(caller: Caller, *, team_id: UUID, email: str, role: Role) -> Invitation:
    """Invites an address, or mails its open invitation again, in the role and the name of who asks now."""
    await _require_reach(caller, team_id, role)
    address = email_address(email, path=("email",))
    await _count_mail(caller, address)
    async with transaction():
        team = await teams.held(caller, "member:invite", team_id)
        await _require_reach(caller, team_id, role)
        await _require_stranger(team_id, address)
        before = await Invitation.open_for(team_id, address)
        invitation = before or Invitation(id=new_id(), team_id=team_id, email=address, created_at=caller.now())
        if before is not None:
            await _require_reach(caller, team_id, before.role)
        invitation.role, invitation.created_by_id = role, caller.viewer.user_id
        await _send(caller, invitation, team)
        event = MemberInvited if before is None else InvitationResent
        await tell(caller, event, team_id, invitation_id=invitation.id, role=role.value)
    return invitation


async def resend(caller: Caller, *, invitation_id: UUID) -> Invitation:
    """Mails it again: another link, another seven days; the older link is good no more."""
    seen = await Invitation.find(invitation_id, caller.viewer)
    await _require_reach(caller, seen.team_id, seen.role)
    await _count_mail(caller, seen.email)
    async with transaction():
        team, invitation = await _held(caller, seen)
        await _require_stranger(team.id, invitation.email)
        await _send(caller, invitation, team)
        await tell(caller, InvitationResent, team.id, invitation_id=invitation.id, role=invitation.role.value)
    return invitation


async def revoke(caller: Caller, *, invitation_id: UUID) -> Invitation:
    """Takes it back; Conflict once it was accepted."""
    async with transaction():
        team, invitation = await _held(caller, await Invitation.find(invitation_id, caller.viewer))
        await invitation.revoke(caller.now())
        await tell(caller, InvitationRevoked, team.id, invitation_id=invitation.id)
    return invitation


async def preview(caller: Caller, *, token: str) -> Preview:
    """What a link is for; Conflict unless it can be followed now."""
    link = await MailedLink.seen(token, LinkKind.INVITATION, now=caller.now())
    known = Invitation.filter(id=link.subject_id).prefetch_related("team", "created_by")
    invitation = _found(await known.get_or_none())
    invitation.require_pending(caller.now())
    invitation.team.require_lasting()
    has_account = await User.exists(email=invitation.email)
    return Preview(invitation, invitation.team.name, invitation.created_by.name, has_account)


async def accept(caller: Caller, *, token: str, newcomer: Newcomer | None = None) -> Joined:
    """Makes whoever holds the link a member: themselves, if they are signed in, or the account that they make by it."""
    shown = await _shown(caller, token)
    user = await _new_person(caller, shown, newcomer) if not caller.viewer.signed_in else None
    async with transaction():
        person = await _saved(caller, user) if user else await hold_asker(caller)  # first, as who goes does
        invitation = await _followed(token, shown.invitation.team_id, caller.now())
        _require_addressed(person, invitation)
        member = await _join(invitation, person, caller.now())
        about: dict[str, Any] = {"invitation_id": invitation.id, "member_id": member.id, "user_id": person.id}
        about |= {"role": member.role.value, "is_new": user is not None}
        await tell(caller, MemberJoined, member.team_id, by=person.id, **about)
        return Joined(member.id, await open_session(caller, person) if user else None)


async def decline(caller: Caller, *, token: str) -> Preview:
    """Says no, for whoever holds the link: themselves, if they are signed in, or nobody whose address has an account.

    Its link is good no more. Refuses as `accept` does.
    """
    shown = await _shown(caller, token)
    if shown.has_account and not caller.viewer.signed_in:
        raise Unauthenticated("problem.invitation_sign_in")
    async with transaction():
        asker = await hold_asker(caller) if caller.viewer.signed_in else None  # first, as for `accept`
        invitation = await _followed(token, shown.invitation.team_id, caller.now())
        if asker is not None:
            _require_addressed(asker, invitation)
        invitation.declined_at = caller.now()
        await invitation.save()
        await tell(caller, InvitationDeclined, invitation.team_id, invitation_id=invitation.id)
    return shown


async def states(caller: Caller, rows: Sequence[Any]) -> list[InvitationState]:
    """Where invitations stand now."""
    now = caller.now()
    return [
        invitation_state(row["accepted_at"], row["declined_at"], row["revoked_at"], row["expires_at"], now)
        for row in rows
    ]


async def _require_reach(caller: Caller, team_id: UUID, role: Role) -> None:
    """The caller may invite into the team, and somebody as `role`."""
    teams.require_grantable(await require(caller, "member:invite", team_id), role)


async def _count_mail(caller: Caller, address: str) -> None:
    # Only for who may invite: else anybody could use up what may be mailed to an address.
    await caller.throttle.hit_all([(MAIL_OF_PERSON, str(caller.viewer.user_id)), (MAIL_TO_ADDRESS, address)])


async def _require_stranger(team_id: UUID, address: str) -> None:
    if await Member.filter(team_id=team_id, user__email=address).exists():
        raise Conflict("problem.member_already")


async def _held(caller: Caller, seen: Invitation) -> tuple[Team, Invitation]:
    """An invitation within the caller's reach and its team, both held."""
    team = await teams.held(caller, "member:invite", seen.team_id)
    invitation = await Invitation.lock(seen.id, caller.viewer)
    await _require_reach(caller, team.id, invitation.role)
    return team, invitation


async def _send(caller: Caller, invitation: Invitation, team: Team) -> None:
    """For who has no account when it is mailed, in the language of who invites: they may share it."""
    inviter = await User.get(id=caller.viewer.user_id)
    await invitation.send(caller.now(), inviter.locale, inviter=inviter.name, team=team.name)


async def _shown(caller: Caller, token: str) -> Preview:
    """What whoever holds the link answers to; Forbidden to an API key: nobody invites a program."""
    if caller.scopes is not None:
        raise Forbidden("problem.scope")
    return await preview(caller, token=token)


def _require_addressed(person: User, invitation: Invitation) -> None:
    if person.email != invitation.email:
        raise Forbidden("problem.invitation_address")


async def _new_person(caller: Caller, shown: Preview, newcomer: Newcomer | None) -> User:
    """Who is to be made; not saved yet, since hashing takes its time and must hold nothing up."""
    if shown.has_account:
        raise Unauthenticated("problem.invitation_sign_in")
    if newcomer is None:
        raise Invalid("problem.newcomer_missing", path=("newPerson",))
    name = one_line(newcomer.name, path=("newPerson", "name"), most=100)
    email = shown.invitation.email
    hashed = await hash_password(newcomer.password, path=("newPerson", "password"), person=(name, email))
    about = {"email": email, "name": name, "locale": newcomer.locale}
    return User(id=new_id(), password_hash=hashed, created_at=caller.now(), **about)


async def _saved(caller: Caller, user: User) -> User:
    try:
        await join(caller, user)
    except Conflict as error:  # the address has got an account meanwhile, by a sign-up
        raise Unauthenticated("problem.invitation_sign_in") from error
    return user


async def _followed(token: str, team_id: UUID, now: datetime) -> Invitation:
    """The invitation behind a link, which is used up; team, link and invitation are held, in this order."""
    team = _found(await Team.filter(id=team_id).select_for_update().get_or_none())
    link = await MailedLink.behind(token, LinkKind.INVITATION, now=now)
    invitation = _found(await Invitation.filter(id=link.subject_id).select_for_update().get_or_none())
    team.require_lasting()
    invitation.require_pending(now)
    await link.use_up(now)
    return invitation


def _found(row: M | None) -> M:
    if row is None:  # the team is gone, and its links with it, in this very moment
        raise Conflict("problem.link_over", path=("token",))
    return row


async def _join(invitation: Invitation, person: User, now: datetime) -> Member:
    if await Member.exists(team_id=invitation.team_id, user_id=person.id):
        raise Conflict("problem.member_already")
    member = await Member.create(team_id=invitation.team_id, user_id=person.id, role=invitation.role, created_at=now)
    invitation.accepted_at = now
    await invitation.save()
    return member
