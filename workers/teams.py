"""Removing a team for good."""

from uuid import UUID

from domain.events import TeamDeleted
from domain.jobs import JobKind
from models import Team, Upload
from models.events import record
from models.tenancy import delete_owned
from workers.jobs import Work, handles
from workers.uploads import abandon


@handles(JobKind.PURGE_TEAM)
async def purge_team(work: Work) -> None:
    """Deletes a team whose time has come, its files and all that it owns. Payload: `team_id`."""
    team_id, now = UUID(work.job.payload["team_id"]), work.means.clock()
    due = Team.filter(id=team_id, deletion_at__lt=now)
    is_due = await due.exists()
    if is_due:
        await abandon(work.means.storage, await Upload.unfinished(team_id=team_id))
        await delete_owned(team_id)
        # The files after the rows: a worker may store some as long as its job has one. The team's own row is there
        # still, by which a purge that breaks off here is begun again.
        await work.means.storage.delete_prefix(f"teams/{team_id}/")
    async with work.finishing() as job:
        if is_due and await due.delete():  # or another purge has, at the same time
            await record(TeamDeleted(team_id=team_id, actor_id=None), now)
        await job.succeed(now)
