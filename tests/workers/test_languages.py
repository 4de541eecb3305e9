"""Mails are in what their receiver reads when they are sent, whoever has asked for them, and whenever."""

from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind, JobState
from domain.links import LinkKind
from domain.mails import MailKind
from models import Job, MailedLink, SignUp, User
from models.database import transaction
from models.mails import send_mail
from workers import accounts, links  # noqa: F401 - the jobs that mail
from workers.attempts import Attempts
from workers.deletions import forget
from workers.mails.previews import SAMPLES

ADDRESS = "ada@example.com"
VALUES = {name: value for name, value in SAMPLES.items() if isinstance(value, str)}


async def person(locale: str, email: str = ADDRESS) -> User:
    return await User.create(name="Ada", email=email, password_hash="x", locale=locale)


async def language(attempts: Attempts, folder: Path) -> str:
    """Of the one mail that waits, once it has been sent."""
    job = await Job.get(state=JobState.QUEUED, kind__in=[JobKind.MAIL, JobKind.LINK_MAIL, JobKind.SIGN_IN_MAIL])
    await attempts.wake({}, str(job.id), 1)
    assert (await Job.get(id=job.id)).state is JobState.SUCCEEDED
    (file,) = (folder / "mailbox").glob("*.eml")
    html = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("html",))
    assert html is not None
    text = str(html.get_content())
    file.unlink()
    return text.partition('lang="')[2].partition('"')[0]


async def noted(locale: str, to: str = ADDRESS, user: User | None = None) -> None:
    async with transaction():
        user_id = user.id if user else None
        await send_mail(MailKind.PASSWORD_CHANGED, to, locale, utc_now(), user_id=user_id, name="Ada")


async def linked(kind: LinkKind, locale: str, user: User | None = None) -> None:
    async with transaction():
        await MailedLink.send(kind, ADDRESS, locale, utc_now(), user_id=user.id if user else None, **VALUES)


async def test_what_somebody_has_chosen_since_it_was_asked_for(attempts, folder) -> None:
    ada = await person("en")
    await noted(ada.locale, user=ada)
    await User.filter(id=ada.id).update(locale="de")
    assert await language(attempts, folder) == "de"


async def test_a_former_address_gets_it_in_its_persons_language(attempts, folder) -> None:
    ada = await person("de", "new@example.com")
    await person("en", ADDRESS)  # who has the address now
    await noted("en", ADDRESS, ada)
    assert await language(attempts, folder) == "de"


async def test_whoever_has_gone_gets_it_in_the_language_that_they_had(attempts, folder) -> None:
    ada = await person("de")
    await noted(ada.locale, user=ada)
    async with transaction():
        await forget(ada, utc_now())
    assert await language(attempts, folder) == "de"


@pytest.mark.parametrize(("account", "given"), [("en", "en"), (None, "de"), ("it", "en")])
async def test_a_mail_of_nobody_in_particular_looks_who_has_the_address(attempts, folder, account, given) -> None:
    if account:
        await person(account)
    await noted("de")
    assert await language(attempts, folder) == given


@pytest.mark.parametrize(("account", "given"), [(None, "de"), ("en", "en")])
async def test_a_sign_up_answers_as_it_was_asked_but_to_who_has_an_account(attempts, folder, account, given) -> None:
    if account:
        await person(account)
    about: dict[str, Any] = {"email": ADDRESS, "name": "Ada", "team_name": "Engines", "locale": "de"}
    wish = await SignUp.create(**about, expires_at=utc_now() + timedelta(hours=1))
    async with transaction():
        await Job.enqueue(JobKind.SIGN_IN_MAIL, utc_now(), payload={"sign_up_id": str(wish.id)})
    assert await language(attempts, folder) == given


@pytest.mark.parametrize(("account", "given"), [(None, "de"), ("en", "en")])
async def test_an_invitation_is_for_who_is_invited_then_as_who_invites(attempts, folder, account, given) -> None:
    if account:
        await person(account)
    await linked(LinkKind.INVITATION, "de")
    assert await language(attempts, folder) == given


async def test_a_new_password_is_for_who_has_the_address_not_for_who_asks(attempts, folder) -> None:
    await person("de")
    await linked(LinkKind.PASSWORD_RESET, "en")
    assert await language(attempts, folder) == "de"


@pytest.mark.parametrize("kind", [LinkKind.EMAIL_CHANGE_OLD, LinkKind.EMAIL_CHANGE_NEW])
async def test_both_addresses_of_somebody_who_moves_are_theirs(attempts, folder, kind) -> None:
    ada = await person("en", "elsewhere@example.com")
    await linked(kind, ada.locale, ada)
    await User.filter(id=ada.id).update(locale="de")
    assert await language(attempts, folder) == "de"


async def test_who_has_an_address_that_another_wants_reads_it_in_their_own_language(attempts, folder) -> None:
    await person("de")
    await linked(LinkKind.EMAIL_CHANGE_NEW, "en")
    job = await Job.get(kind=JobKind.LINK_MAIL)
    await attempts.wake({}, str(job.id), 1)
    assert await language(attempts, folder) == "de"
