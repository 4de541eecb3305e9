"""Mails of what is new: in their reader's language and time, bounded, harmless, sent once, and ended by one click."""

from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind, JobState
from domain.links import page_of_video
from domain.notifications import MOST_MAILED, EmailNotifications, NotificationKind, unsubscribing
from models import Job, Member, Notification, User, Version, Video
from tests.factories import Crew, Factory, Person
from tests.workers.conftest import enqueue
from tests.workers.test_mails import Page
from workers import io  # noqa: F401 - declares what it handles
from workers.attempts import Attempts
from workers.jobs import Means

DAILY, IMMEDIATELY, NEVER = EmailNotifications.DAILY, EmailNotifications.IMMEDIATELY, EmailNotifications.NEVER


@pytest.fixture
async def make(models: None) -> Factory:
    return Factory("http://test")


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


def mails(folder: Path) -> list[EmailMessage]:
    files = sorted((folder / "mailbox").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def text(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def send(attempts: Attempts, person: Person) -> Job:
    job = await enqueue(JobKind.NOTIFICATION_MAIL, user_id=str(person.user.id))
    await attempts.wake({}, str(job.id), 1)
    done = await Job.get(id=job.id)
    assert done.state is JobState.SUCCEEDED
    return done


async def commented(make: Factory, crew: Crew, body: str = "Too dark", title: str = "A cut", **values: Any) -> Version:
    """A video of the owner's that the viewer has commented on, of which the owner is notified."""
    version = await make.version(await make.video(crew, title=title))
    comment = await make.comment(version, created_by_id=crew.viewer.user.id, body=body)
    await make.notification(comment, crew.owner, **values)
    return version


async def test_a_digest_is_in_the_language_and_the_time_of_its_reader(
    make: Factory, crew: Crew, attempts: Attempts, means: Means, folder: Path
) -> None:
    await User.filter(id=crew.owner.user.id).update(name="Grete", locale="de", time_zone="Asia/Tokyo")
    at = datetime.fromisoformat("2026-11-28T18:05Z")
    version = await commented(make, crew, latest_at=at, count=3)
    await send(attempts, crew.owner)
    (mail,) = mails(folder)
    said, page = text(mail), Page(text(mail, "html"))
    today = utc_now() + timedelta(hours=9)
    assert mail["Subject"] == f"Deine Zusammenfassung vom {today.day}. {MONTHS[today.month - 1]} {today.year}"
    assert "Hallo Grete," in said
    assert "Viewer hat „A cut“ 3-mal kommentiert." in said
    assert "29.11.2026, 03:05" in said
    assert "> Too dark" in said
    link, leave = page_of_video("http://test", version.video_id), mail["List-Unsubscribe"].strip(" <>")
    assert page.links() == {link, "http://test/notifications", "http://test", leave}
    assert {link, leave} <= set(said.split())
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address, _, token = leave.partition("?token=")
    assert (address, unsubscribing(means.keys, token)) == ("http://api.test/unsubscribe", crew.owner.user.id)


MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip


async def test_a_mail_tells_of_what_is_unread_and_only_once(
    make: Factory, crew: Crew, attempts: Attempts, folder: Path
) -> None:
    await commented(make, crew, title="Read", read_at=utc_now())
    await commented(make, crew, title="Mailed", position=5, mailed_position=5)
    trash = await commented(make, crew, title="In the trash")
    await Video.filter(id=trash.video_id).update(deleted_at=utc_now())
    new = await commented(make, crew, title="New")
    await send(attempts, crew.owner)
    await send(attempts, crew.owner)
    (mail,) = mails(folder)
    assert [title for title in ("Read", "Mailed", "In the trash", "New") if title in text(mail)] == ["New"]
    await Notification.filter(video_id=new.video_id).update(position=2)
    await send(attempts, crew.owner)
    assert len(mails(folder)) == 2, "it has gathered more since"
    await Video.filter(id=trash.video_id).update(deleted_at=None)
    await send(attempts, crew.owner)
    assert len(mails(folder)) == 3, "what came out of the trash is told then"


@pytest.mark.parametrize("why", ["never", "gone", "left", "nothing"])
async def test_who_has_nothing_to_hear_gets_no_mail(
    make: Factory, crew: Crew, attempts: Attempts, folder: Path, why: str
) -> None:
    await commented(make, crew)
    owner = crew.owner
    match why:
        case "never":
            await User.filter(id=owner.user.id).update(email_notifications=NEVER)
        case "gone":
            owner = Person(User(id=crew.team.id), owner.client)
        case "left":
            await Member.filter(user_id=owner.user.id).delete()
        case "nothing":
            await Notification.all().update(read_at=utc_now())
    await send(attempts, owner)
    assert mails(folder) == []


async def test_what_is_said_of_one_video_stands_together_and_long_lists_end(
    make: Factory, crew: Crew, attempts: Attempts, folder: Path
) -> None:
    await User.filter(id=crew.owner.user.id).update(email_notifications=IMMEDIATELY)
    first = await commented(make, crew, title="First", latest_at=utc_now() - timedelta(days=1))
    for number in range(MOST_MAILED):
        comment = await make.comment(first, body=f"Remark {number:02}", created_by_id=crew.viewer.user.id)
        about = {"kind": NotificationKind.REPLY, "about_id": comment.id, "people": [str(crew.admin.user.id)]}
        await make.notification(comment, crew.owner, **about)
    await commented(make, crew, title="Second", body="x" * 5000)
    await send(attempts, crew.owner)
    (mail,) = mails(folder)
    said = text(mail)
    assert mail["Subject"] == "New comments on “Second”"
    groups = [line for line in said.splitlines() if line in ("First", "Second")]
    assert groups == ["Second", "First"]
    assert said.count("\n* ") == MOST_MAILED
    assert "And 2 more." in said
    assert f"  > {'x' * 199}…" in said.splitlines()
    assert await Notification.filter(mailed_position=0).count() == 0


HOSTILE = (
    "<script>alert(1)</script>", "{{ 7*7 }}", "evil.example", "{person}", "ab\u202egpj", 'x" onclick="y', "</title>",
    "a\n\nb",
)  # fmt: skip


async def test_no_name_title_or_comment_does_harm_in_a_mail(
    make: Factory, crew: Crew, attempts: Attempts, folder: Path
) -> None:
    await commented(make, crew)
    await send(attempts, crew.owner)
    for words in HOSTILE:
        await Notification.all().update(read_at=utc_now())
        await User.filter(id=crew.viewer.user.id).update(name=words)
        await commented(make, crew, body=words, title=words)
        await send(attempts, crew.owner)
    harmless, *others = [Page(text(mail, "html")) for mail in mails(folder)]
    assert len(others) == len(HOSTILE)
    for page in others:
        assert [tag for tag, _ in page.tags] == [tag for tag, _ in harmless.tags]
        assert not {"\u202e"} & set(page.text)
        assert "evil.example" not in page.text
    assert sum("{{ 7*7 }}" in page.text for page in others) == 1
