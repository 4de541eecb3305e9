"""Jobs that send mails: what is sent, and what becomes of a mail that is not taken."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind, JobState
from domain.mails import MailKind, mail_payload
from gateways.mail import Mail, MailDeferred, MailRefused, MailUnavailable
from models import Job
from models.database import transaction
from tests.waiting import until
from tests.workers.conftest import RULES
from workers.attempts import Attempts
from workers.patience import DEFERRED, MAIL_AWAY_LONGEST, MAIL_KEPT, pause

VALUES = {"name": "Ada", "team": "Engines", "hours": 24}


async def enqueue(to: str = "ada@example.com") -> Job:
    payload = mail_payload(MailKind.WELCOME, to, "de", link="http://test/somewhere", **VALUES)
    async with transaction():
        return await Job.enqueue(JobKind.MAIL, utc_now(), payload=payload)


class Server:
    """A mailer that raises what it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.mails: list[Mail] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)

    async def close(self) -> None: ...


@pytest.fixture
def serve(means, folder):
    scratch = folder / "mail-scratch"
    scratch.mkdir()

    def attempts(*errors: Exception) -> tuple[Server, Attempts]:
        server = Server(*errors)
        return server, Attempts(replace(means, mailer=server), RULES, scratch, most=2)

    return attempts


async def run(attempts: Attempts, job: Job) -> Job:
    await attempts.wake({}, str(job.id), job.attempt)
    return await Job.get(id=job.id)


async def test_a_mail_that_needs_no_more_than_values(attempts, folder) -> None:
    job = await run(attempts, await enqueue())
    assert job.state is JobState.SUCCEEDED
    (file,) = (folder / "mailbox").glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", "Willkommen bei Video Creator")
    assert mail["Message-ID"] == f"<{job.id.hex}@example.com>"
    assert "http://test" in mail.get_body(("plain",)).get_content()


async def test_a_server_that_defers_a_mail_is_asked_later_and_later(serve) -> None:
    server, attempts = serve(*(MailDeferred("451") for _ in range(8)))
    job = await enqueue()
    for tried in range(1, 9):
        job = await run(attempts, job)
        assert (job.state, job.failures, job.attempt) == (JobState.QUEUED, 0, tried + 1)
        wanted = DEFERRED[min(tried, len(DEFERRED)) - 1]
        assert abs(job.available_at - utc_now() - wanted) < timedelta(seconds=5)
        await Job.filter(id=job.id).update(available_at=utc_now())
    job = await run(attempts, job)
    assert job.state is JobState.SUCCEEDED
    assert len({mail.reference for mail in server.mails}) == 1  # it is one mail, however often it was handed over


async def test_a_mail_that_is_deferred_for_days_is_refused(serve) -> None:
    _, attempts = serve(MailDeferred("452"))
    job = await enqueue()
    await Job.filter(id=job.id).update(created_at=utc_now() - MAIL_KEPT - timedelta(minutes=1))
    job = await run(attempts, job)
    assert (job.state, job.failure_code) == (JobState.FAILED, "MAIL_REFUSED")


async def test_a_server_that_is_away_costs_nobody_a_mail(serve) -> None:
    _, attempts = serve(MailUnavailable("away"))
    job = await enqueue()
    await Job.filter(id=job.id).update(created_at=utc_now() - 2 * MAIL_KEPT, attempt=50)
    await job.refresh_from_db()
    job = await run(attempts, job)
    assert (job.state, job.failures) == (JobState.QUEUED, 0)
    assert abs(job.available_at - utc_now() - MAIL_AWAY_LONGEST) < timedelta(seconds=5)


def test_the_pauses_grow_and_end_growing() -> None:
    pauses = [pause(MailUnavailable("away"), attempt).total_seconds() for attempt in (1, 2, 3, 7, 100, 10**6)]
    assert pauses == [10, 20, 40, 600, 600, 600]


async def test_an_address_that_is_refused_for_good_ends_the_job(serve) -> None:
    server, attempts = serve(MailRefused("550"))
    job = await run(attempts, await enqueue())
    assert (job.state, job.failure_code, len(server.mails)) == (JobState.FAILED, "MAIL_REFUSED", 1)


async def test_a_worker_that_has_to_go_lets_the_mail_go_first(serve) -> None:
    """What the server takes is written down as sent: given back, the job would send it again."""
    server, attempts = serve()
    server.open.clear()
    job = await enqueue()
    running = asyncio.create_task(attempts.wake({}, str(job.id), 1))
    await until(lambda: bool(server.mails))
    attempts.stop()
    await asyncio.sleep(0)
    server.open.set()
    await asyncio.wait_for(running, 10)
    await job.refresh_from_db()
    assert (job.state, len(server.mails)) == (JobState.SUCCEEDED, 1)


async def test_a_worker_that_has_to_go_gives_back_a_mail_that_was_not_taken(serve) -> None:
    server, attempts = serve(MailUnavailable("away"))
    server.open.clear()
    job = await enqueue()
    running = asyncio.create_task(attempts.wake({}, str(job.id), 1))
    await until(lambda: bool(server.mails))
    attempts.stop()
    server.open.set()
    await asyncio.wait_for(running, 10)
    await job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 2)
