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
    team = await Team.get_or_none(id=team_id, deletion_at__lt=now)
    if team is not None:
        # The files first: a row without files is found and purged again, files without a row never would be.
        await abandon(work.means.storage, await Upload.unfinished(team_id=team_id))
        await work.means.storage.delete_prefix(f"teams/{team_id}/")
        await delete_owned(team_id)
    async with work.finishing() as job:
        if team is not None:
            await team.delete()
            await record(TeamDeleted(team_id=team_id, actor_id=None), now)
        await job.succeed(now)
