"""Jobs over the wire."""

from domain.clock import utc_now
from domain.events import JobCancelled, JobQueued
from domain.ids import new_id
from domain.jobs import JobKind
from models import EventRecord, Job
from models.database import transaction
from tests.factories import Crew, Factory, gid


async def waiting(make: Factory, crew: Crew) -> Job:
    """A job of the editor that no worker takes before its time."""
    video = await make.video(crew)
    async with transaction():
        job = await Job.enqueue(
            JobKind.INGEST,
            utc_now(),
            payload={"upload_id": str(new_id())},
            team_id=crew.team.id,
            video_id=video.id,
            created_by_id=crew.editor.user.id,
        )
        job.available_at = utc_now().replace(year=2100)
        await job.save()
    return job


async def test_a_job_is_cancelled_once_and_by_whom_is_remembered(make: Factory) -> None:
    crew = await make.crew()
    job = await waiting(make, crew)
    seen = await crew.owner.client.do("CancelJob", id=gid(job))
    assert (seen["state"], seen["createdBy"]["id"]) == ("CANCELLED", crew.editor.id)
    problem = (await crew.owner.client.run("CancelJob", id=gid(job)))["data"]["cancelJob"]
    assert problem["code"] == "CONFLICT"
    cancelled = await EventRecord.get(type=JobCancelled.type, subjects__contains=[f"job:{job.id}"])
    assert cancelled.actor_id == crew.owner.user.id
    queued = await EventRecord.get(type=JobQueued.type, subjects__contains=[f"job:{job.id}"])
    assert queued.actor_id is None
