"""A database and a Redis for each test of the spine and the jobs: they count every event and flush everything."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from arq.connections import ArqRedis
from tortoise.context import TortoiseContext

from domain.clock import utc_now
from domain.jobs import JobKind
from domain.media import Limits
from domain.sealing import Keys
from gateways.mail import open_mailer
from gateways.storage import open_storage
from local.redis import EmbeddedRedis
from models import Job, Team, Upload, User, Video
from models.database import configuration, transaction
from tests import services
from tests.conftest import fresh_database
from tests.studio import Studio
from tests.waiting import until
from tests.workers.posting import Dispatching, Moving, Post, dispatching
from workers.attempts import Attempts
from workers.jobs import HANDLERS, Means, Rules, Work
from workers.wakes import open_queues

QUICK = {
    "JOB_LEASE_SECONDS": "2",
    "JOB_HEARTBEAT_SECONDS": "0.5",
    "JOB_SWEEP_SECONDS": "0.2",
    "RELAY_POLL_SECONDS": "0.5",
}
RULES = Rules(lease=timedelta(seconds=30), heartbeat=timedelta(seconds=5), attempts=3)
_databases = count()


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    with EmbeddedRedis(folder, lasting=False) as server:
        yield server


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[ArqRedis]:
    redis = open_queues(redis_server.url())
    await redis.flushall()
    yield redis
    await redis.aclose()


@pytest.fixture
async def database_url(number: int) -> str:
    return await fresh_database(f"workers{number}_{next(_databases)}")


@pytest.fixture
async def models(database_url: str) -> AsyncIterator[None]:
    async with TortoiseContext() as context:  # not the process's own: other tests have theirs
        await context.init(config=configuration(database_url, connections=8))
        yield


@pytest.fixture
def studio(folder: Path, models: None, database_url: str, redis: ArqRedis, redis_server: EmbeddedRedis):
    studio = Studio(folder, database_url, redis_server.url(), **QUICK)
    yield studio
    studio.close()


@pytest.fixture
async def means(folder: Path, models: None, redis: ArqRedis) -> AsyncIterator[Means]:
    url, secret = f"file:{folder / 'storage'}", "s" * 32
    limits = Limits(max_pixels=10**7, max_seconds=600, threads=1, memory_bytes=2 << 30, wall_seconds=60)
    async with open_storage(url, public_url="http://test", secret=secret, clock=utc_now) as storage:
        mailer = open_mailer(f"mailbox:{folder / 'mailbox'}", "Test <test@example.com>")
        yield Means(storage, mailer, redis, utc_now, limits, "http://test", "http://api.test", Keys(secret))


@pytest.fixture
def attempts(means: Means, folder: Path) -> Attempts:
    scratch = folder / "scratch"
    scratch.mkdir()
    return Attempts(means, RULES, scratch, most=2)


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Work], Awaitable[None]]], None]:
    """Puts a function in the place of the one that sends mails."""
    return lambda function: monkeypatch.setitem(HANDLERS, JobKind.SIGN_IN_MAIL, function)


async def enqueue(kind: JobKind = JobKind.SIGN_IN_MAIL, **values: object) -> Job:
    async with transaction():
        return await Job.enqueue(kind, utc_now(), payload=values)


class Uploads:
    """Makes uploads whose bytes are in the store, and ingest jobs for them."""

    def __init__(self, means: Means) -> None:
        self.storage = means.storage

    async def video(self) -> Video:
        user = await User.create(name="Ada", email="ada@example.com", password_hash="none")
        team = await Team.create(name="Crew")
        return await Video.create(title="A cut", team_id=team.id, created_by_id=user.id)

    async def upload(self, video: Video, source: Path, **values: object) -> Upload:
        from domain.ids import new_id

        version_id = new_id()
        key = f"teams/{video.team_id}/videos/{video.id}/versions/{version_id}/original"
        size = source.stat().st_size  # noqa: ASYNC240 - a test may wait for it
        await self.storage.store(source, key, content_type="video/mp4")
        values = {"expires_at": utc_now() + timedelta(hours=1)} | values
        return await Upload.create(
            team_id=video.team_id, video_id=video.id, created_by_id=video.created_by_id, version_id=version_id,
            file_name="cut.mp4", size=size, part_size=size or 1, storage_key=key,
            storage_upload_id=await self.storage.start_upload(key), **values,
        )  # fmt: skip

    async def ingest(self, upload: Upload) -> Job:
        async with transaction():
            job = await Job.enqueue(
                JobKind.INGEST, utc_now(), payload={"upload_id": str(upload.id)}, team_id=upload.team_id,
                video_id=upload.video_id, created_by_id=upload.created_by_id,
            )  # fmt: skip
            upload.complete(job, {}, utc_now())
            await upload.save()
        return job


@pytest.fixture
def uploads(means: Means) -> Uploads:
    return Uploads(means)


@pytest.fixture
def clock() -> Moving:
    """A clock that stands."""
    return Moving()


@pytest.fixture
def post() -> Post:
    """What dispatchers send is kept there."""
    return Post()


@pytest.fixture
async def sending(database_url: str, redis: ArqRedis, post: Post) -> AsyncIterator[Dispatching]:
    """Starts dispatchers that send to the post."""
    async with dispatching(database_url, redis, post) as started:
        yield started


async def ended(job_id: UUID, seconds: float = 20) -> Job:
    """The job, once it has ended."""
    found = SimpleNamespace(job=None)

    async def is_over() -> bool:
        found.job = await Job.get(id=job_id)
        return found.job.state.ended

    await until(is_over, seconds)
    return found.job
