"""Mails about accounts."""

import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind, JobState
from domain.tokens import token_hash
from models import Job, SignUp, User
from tests.workers.conftest import enqueue
from workers import accounts  # noqa: F401 - declares what it handles


def mails(folder):
    files = sorted((folder / "mailbox").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


async def sign_up(locale: str = "en") -> SignUp:
    return await SignUp.create(
        email="ada@example.com", name="Ada", team_name="Engines", locale=locale,
        expires_at=utc_now() + timedelta(minutes=1),
    )  # fmt: skip


async def send(attempts, row: SignUp) -> Job:
    job = await enqueue(JobKind.SIGN_IN_MAIL, sign_up_id=str(row.id))
    await attempts.wake({}, str(job.id), 1)
    return await Job.get(id=job.id)


@pytest.mark.parametrize("locale", ["en", "de"])
async def test_the_mailed_link_is_the_sign_ups_token(attempts, folder, locale) -> None:
    row = await sign_up(locale)
    assert (await send(attempts, row)).state is JobState.SUCCEEDED
    (mail,) = mails(folder)
    assert mail["To"] == "ada@example.com"
    text = mail.get_body(("plain",)).get_content()
    assert "Ada" in text
    token = re.search(r"http://test/welcome\?token=([\w-]{43})", text)[1]
    assert f'href="http://test/welcome?token={token}"' in mail.get_body(("html",)).get_content()
    await row.refresh_from_db()
    assert row.token_hash == token_hash(token)
    assert row.expires_at > utc_now() + timedelta(hours=23)


async def test_who_has_an_account_gets_another_text(attempts, folder) -> None:
    await send(attempts, await sign_up())
    await User.create(name="Ada", email="ada@example.com", password_hash="none")
    await send(attempts, await sign_up())
    first, second = mails(folder)
    assert first["Subject"] != second["Subject"]


async def test_a_sign_up_that_is_gone_needs_no_mail(attempts, folder) -> None:
    row = await sign_up()
    await row.delete()
    assert (await send(attempts, row)).state is JobState.SUCCEEDED
    assert mails(folder) == []


async def test_an_address_that_no_server_takes_is_final(attempts) -> None:
    row = await sign_up()
    await SignUp.filter(id=row.id).update(email="no address")
    job = await send(attempts, row)
    assert (job.state, job.failure_code) == (JobState.FAILED, "MAIL_REFUSED")
