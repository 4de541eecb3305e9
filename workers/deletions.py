"""The end of accounts, and of files that nothing refers to any more."""

from datetime import datetime

from domain.accounts import DELETION_GRACE
from domain.events import AccountDeleted, DeletionPostponed, InvitationRevoked, MemberJoined
from domain.jobs import JobKind
from domain.mails import MailKind
from models import EventRecord, Invitation, Job, MailedLink, Member, SignUp, Team, User
from models.events import record
from models.mails import send_mail
from models.succession import lonely_after, orphaned_by
from models.tenancy import of_a_person
from workers.jobs import Work, handles
from workers.uploads import abandon


@handles(JobKind.DELETE_ACCOUNT)
async def delete_account(work: Work) -> None:
    """Makes an account that is due nobody's; of whom is who has asked for the job."""
    now = work.means.clock()
    async with work.finishing() as job:
        assert job.created_by_id is not None, "somebody has asked for it"
        await Job.withdraw(JobKind.AVATAR, job.created_by_id, now)
        due = User.filter(id=job.created_by_id, deletion_at__lte=now)
        user = await due.select_for_update(no_key=True).get_or_none()  # as `User.hold`
        if user is not None:
            orphans = await orphaned_by(user.id)
            await (_postpone(user, orphans, now) if orphans else _delete(user, now))
        await job.succeed(now)


@handles(JobKind.DISCARD_FILES)
async def discard_files(work: Work) -> None:
    """Deletes all files whose keys begin with the payload's `prefix`."""
    # A job that the release before this one has made, for a team that went with an account, may name `uploads`, too.
    await abandon(work.means.storage, work.job.payload.get("uploads", []))
    await work.means.storage.delete_prefix(work.job.payload["prefix"])
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


async def _postpone(user: User, orphans: list[Team], now: datetime) -> None:
    """Somebody has to own the teams: the person hears of it, and has as long again."""
    user.deletion_at = now + DELETION_GRACE
    await user.save(update_fields=["deletion_at"])
    about = {"name": user.name, "teams": [team.name for team in orphans], "days": DELETION_GRACE.days}
    await send_mail(MailKind.DELETION_WAITS, user.email, user.locale, now, user_id=user.id, **about)
    await record(DeletionPostponed(team_id=None, actor_id=None, user_id=user.id, teams=len(orphans)), now)


async def _delete(user: User, now: datetime) -> None:
    alone = await lonely_after(user.id)
    for team in alone:
        await _let_go(team, user, now)
    teams = {member.team_id for member in await Member.filter(user_id=user.id)} - {team.id for team in alone}
    await send_mail(MailKind.ACCOUNT_DELETED, user.email, user.locale, now, name=user.name)
    await forget(user, now)
    for team_id in (None, *sorted(teams)):  # who is left there hears of it
        await record(AccountDeleted(team_id=team_id, actor_id=user.id, user_id=user.id), now)


async def forget(user: User, now: datetime) -> None:
    """What they made stays with their teams; who they were does not."""
    await SignUp.filter(email=user.email).delete()
    await MailedLink.filter(email=user.email).delete()
    address = user.email
    for model in of_a_person():
        await model.filter(user_id=user.id).delete()
    await Job.discard(f"users/{user.id}/", now)
    user.anonymise()
    await user.save()
    await _forget_invitations(address, user, now)
    await _forget_former_addresses(user)


async def _forget_invitations(address: str, user: User, now: datetime) -> None:
    """Nobody is asked at the address any more, and no team knows it."""
    for invitation in await Invitation.filter(email=address).order_by("id").select_for_update():
        invitation.email = user.email
        if invitation.is_open:
            invitation.revoked_at = now
            revoked = InvitationRevoked(team_id=invitation.team_id, actor_id=None, invitation_id=invitation.id)
            await record(revoked, now)
        await invitation.save(update_fields=["email", "revoked_at"])


async def _forget_former_addresses(user: User) -> None:
    """What they accepted has the address that they had then."""
    joined = await EventRecord.filter(type=MemberJoined.type, subjects__contains=[f"user:{user.id}"])
    accepted = [event.payload["invitation_id"] for event in joined]
    await Invitation.filter(id__in=accepted).update(email=user.email)


async def _let_go(team: Team, user: User, now: datetime) -> None:
    """A team in which nobody is left is due as its last member is, and goes as any other.

    Not in this transaction: who sends to webhooks, of other teams too, would wait until all that it owns is deleted.
    """
    team.deletion_at = user.deletion_at
    await team.save(update_fields=["deletion_at"])
    await Job.enqueue(JobKind.PURGE_TEAM, now, payload={"team_id": str(team.id)})
