"""An account that shall go: asked for, and thought better of. It goes in `workers/deletions.py`."""

from domain.accounts import DELETION_GRACE
from domain.errors import Conflict
from domain.events import DeletionCancelled, DeletionRequested
from domain.mails import MailKind
from models import User
from models.database import transaction
from models.succession import orphaned_by
from resolvers.caller import Caller, hold_asker, tell
from resolvers.credentials import prove, still_proven
from resolvers.notices import notify


async def request(caller: Caller, *, password: str) -> User:
    """The account goes in 14 days; Conflict while a team with others in it would be left without an owner."""
    proven, now = await prove(caller, password, "password"), caller.now()
    async with transaction():
        user = await still_proven(caller, proven)
        user.ask_for_deletion(now)
        if orphans := await orphaned_by(user.id):
            raise Conflict("problem.only_owner", teams=[team.name for team in orphans])
        await user.save(update_fields=["deletion_at"])
        await tell(caller, DeletionRequested, None, user_id=user.id)
        await notify(user, MailKind.DELETION_REQUESTED, now, days=DELETION_GRACE.days)
    return user


async def cancel(caller: Caller) -> User:
    """The account stays; Conflict if it was not going to go."""
    async with transaction():
        user = await hold_asker(caller)
        user.stay()
        await user.save(update_fields=["deletion_at"])
        await tell(caller, DeletionCancelled, None, user_id=user.id)
    return user
