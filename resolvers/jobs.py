"""Jobs: watch one, cancel one."""

from uuid import UUID

from models import Job
from models.database import transaction
from resolvers.caller import Caller, Following, follow, lock, origin


async def cancel(caller: Caller, *, job_id: UUID) -> Job:
    """Ends a job that has not ended; whatever it made so far is thrown away."""
    async with transaction():
        job = await lock(caller, "job:cancel", Job, job_id)
        await job.cancel(caller.now(), by=caller.viewer.user_id, **origin(caller))
    return job


async def watch(caller: Caller, *, job_id: UUID) -> Following:
    """Where a job's steps are told. One that draws an image is hidden with the thread that it is for."""
    return await follow(caller, "job:view", Job, job_id, "job", can_be_hidden=True)


async def has_ended(caller: Caller, *, job_id: UUID) -> bool:
    """Whether nothing more will happen to the job."""
    return (await Job.find(job_id, caller.viewer)).state.ended
