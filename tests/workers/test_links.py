"""Links on their way to an address."""

import re
from email import message_from_bytes, policy

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind, JobState
from domain.links import PATHS, LinkKind
from domain.tokens import token_hash
from models import Job, MailedLink, User
from models.database import transaction
from workers import links
from workers.mails.previews import SAMPLES


async def mailed(attempts, folder, kind: LinkKind, **changes: object):
    """The link, its job, and the mails that are there once it has run."""
    if kind is LinkKind.PASSWORD_RESET:  # which nobody gets who has no account
        await User.create(name=SAMPLES["name"], email="ada@example.org", password_hash="x", locale="de")
    values = {name: value for name, value in SAMPLES.items() if isinstance(value, str)}
    async with transaction():
        link = await MailedLink.send(kind, "ada@example.org", "de", utc_now())
        await MailedLink.filter(id=link.id).update(values=values, **changes)
    job = await Job.get()
    await attempts.wake({}, str(job.id), 1)
    await link.refresh_from_db()
    files = [file.read_bytes() for file in (folder / "mailbox").glob("*.eml")]
    return link, await Job.get(), [message_from_bytes(file, policy=policy.default) for file in files]


@pytest.mark.parametrize("kind", LinkKind)
async def test_each_kind_of_link_has_a_mail_that_carries_its_token(attempts, folder, kind) -> None:
    link, job, (mail,) = await mailed(attempts, folder, kind)
    assert job.state is JobState.SUCCEEDED
    text = mail.get_body(("plain",)).get_content()
    token = re.search(rf"^http://test{PATHS[kind]}\?token=([\w-]{{43}})\r?$", text, re.MULTILINE)[1]
    assert link.token_hash == token_hash(token)
    assert token not in str(job.payload)
    assert mail["Message-ID"] == f"<{job.id.hex}-1@example.com>"


async def test_who_has_an_address_that_another_wants_is_told_once(attempts, folder) -> None:
    """The first attempt ends, as in a crash, before its job is noted as done."""
    ada, now = await User.create(name="Ada", email="ada@example.org", password_hash="x"), utc_now()
    async with transaction():
        link = await MailedLink.send(LinkKind.EMAIL_CHANGE_NEW, ada.email, "en", now)
    job = await Job.get()
    assert not await links._is_wanted(link, now)
    await attempts.wake({}, str(job.id), 1)
    assert (await Job.get(id=job.id)).state is JobState.SUCCEEDED
    assert await Job.filter(kind=JobKind.MAIL).count() == 1


async def test_a_link_that_was_used_meanwhile_is_not_mailed(attempts, folder) -> None:
    _, job, mails = await mailed(attempts, folder, LinkKind.INVITATION, used_at=utc_now())
    assert (job.state, mails) == (JobState.SUCCEEDED, [])
