"""One person's day in one language, over the wire: what there is to read goes into a transcript."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from domain.permissions import Role
from i18n import formatting, translate
from local.client import Client
from models import Job, Member, Notification, User, Version, Video
from models.database import transaction
from plan import encode_id
from tests.factories import PASSWORD, Crew, Factory, gid, new_network_address, uuid_in
from tests.mails import plain, token_in
from tests.play.transcript import NOW, Transcript
from tests.pseudo import said_on
from tests.studio import Studio
from tests.waiting import until

OURS = {"Sec-Fetch-Site": "same-origin"}
SOON = 42
"""Seconds, in the place of those that are left when it is asked."""
HUGE = 2**50
"""Bytes."""


class Mailbox:
    """The mails that come from now on, each read once."""

    def __init__(self, studio: Studio) -> None:
        self._folder = studio.mailbox
        self._seen = set(self._files())
        self._mails: list[EmailMessage] = []

    async def mail_to(self, email: str) -> EmailMessage:
        """The only mail to that address so far, once it has come; it is then gone."""
        await until(lambda: self._has(email), 30)
        (mail,) = [each for each in self._mails if each["To"] == email]
        self._mails.remove(mail)
        return mail

    def _has(self, email: str) -> bool:
        for file in self._files() - self._seen:
            self._mails.append(message_from_bytes(file.read_bytes(), policy=policy.default))
            self._seen.add(file)
        return any(mail["To"] == email for mail in self._mails)

    def _files(self) -> set[Path]:
        return set(self._folder.glob("*.eml"))


@dataclass(frozen=True)
class Stage:
    """What all days have in common: it is there before the first one begins."""

    studio: Studio
    closed: Studio
    """Where there is maintenance."""
    make: Factory
    mailbox: Mailbox
    crew: Crew
    version: Version
    failed: Job
    """An ingest that has refused its file."""
    too_often: Mapping[str, Any]
    """What readers of each language are told where wrong passwords were tried too often."""


@dataclass
class Day:
    """Ada's day. Everything before she has an account is asked in her browser's language, and then it is hers."""

    stage: Stage
    transcript: Transcript
    client: Client = field(init=False)
    guest: Client = field(init=False)
    """Grace, once she has joined."""
    email: str = field(init=False)
    video_id: str = ""
    """One of her own team's."""

    def __post_init__(self) -> None:
        self.email = f"ada.{new_id().hex}@example.com"
        self.client, self.guest = (self.stage.make.client(language=self.locale) for _ in range(2))

    @property
    def locale(self) -> str:
        return self.transcript.locale

    async def live(self) -> None:
        """From the morning to the evening."""
        await self.signs_up()
        await self.cannot_sign_in()
        await self.invites()
        await self.uploads()
        await self.comments()
        await self.gets_the_digest()
        await self.meets_errors()

    async def signs_up(self) -> None:
        self.transcript.part("She signs up")
        asked = {"email": self.email, "name": "Ada", "teamName": "Engines"}
        assert (await self.client.do("SignUp", input=asked))["email"] == self.email
        text = await self._gets_mail("The mail that she gets", self.email, "mail.welcome.", "mail.")
        token = token_in(text, self.stage.studio, "/welcome")
        async with self._browser() as browser:
            await self._opens("The page where its link leads", browser, f"/welcome?token={token}", "page.")
            for why, password in (
                ("She chooses a short password", "short"),
                ("… one that many have", "password123"),
                ("… her address", self.email),
            ):
                self._sees(why, await self._posted(browser, "/welcome", token=token, password=password), "problem.pass")
            self._sees("… a good one", await self._posted(browser, "/welcome", token=token, password=PASSWORD), "page.")
            again = await self._posted(browser, "/welcome", token=token, password=PASSWORD)
            self._sees("She opens the link again", again, "problem.")
            self.client.token = browser.cookies["session"]
        chosen = await self.client.do("UpdateProfile", input={"locale": self.locale})
        assert chosen["locale"] == self.locale

    async def cannot_sign_in(self) -> None:
        self.transcript.part("She signs in at another device")
        other = self.stage.make.client(language=self.locale)
        await self._refused("With a wrong password", other, "SignIn", email=self.email, password="not the password")
        problem, key = self.stage.too_often[self.locale], "problem.throttled"
        told = translate(self.locale, key, retry_after_seconds=problem["retryAfterSeconds"])
        assert problem["message"] == told
        self.transcript.say("Too often", translate(self.locale, key, retry_after_seconds=SOON), key)

    async def invites(self) -> None:
        guest = f"grace.{new_id().hex}@example.com"
        (mine,) = (await self.client.do("Viewer"))["memberships"]["nodes"]
        asked = {"teamId": mine["team"]["id"], "role": "EDITOR"}
        self.transcript.part("She invites Grace into her team")
        await self._refused("Without an address", self.client, "InviteMember", email="Grace", **asked)
        await self.client.do("InviteMember", input={"email": guest, **asked})
        await self._refused("Herself", self.client, "InviteMember", email=self.email, **asked)
        text = await self._gets_mail("The mail that Grace gets", guest, "mail.invitation.", "mail.")
        token = token_in(text, self.stage.studio, "/invitation")
        async with self._browser() as browser:
            await self._opens(
                "Grace opens the page where its link leads", browser, f"/invitation?token={token}", "page."
            )
            person = {"token": token, "name": "Grace", "password": PASSWORD}
            self._sees("… and joins", await self._posted(browser, "/invitation", **person), "page.")
            self.guest.token = browser.cookies["session"]
            self._sees("… and opens it again", await self._posted(browser, "/invitation", **person), "problem.")

    async def uploads(self) -> None:
        (mine,) = (await self.client.do("Viewer"))["memberships"]["nodes"]
        video = await self.client.do("CreateVideo", input={"teamId": mine["team"]["id"], "title": "Rough cut"})
        self.video_id = video["id"]
        await Member.create(team_id=self.stage.crew.team.id, user_id=(await self._me()).id, role=Role.VIEWER)
        self.transcript.part("She uploads a file")
        huge = {"videoId": self.video_id, "fileName": "cut.mp4", "size": HUGE}
        await self._refused("It is too large", self.client, "StartUpload", **huge)
        failure = (await self.client.do("Job", id=gid(self.stage.failed)))["failure"]
        self.transcript.say("It is no video", failure["message"], f"failure.{failure['code']}")
        theirs = {"videoId": encode_id("Video", self.stage.version.video_id), "fileName": "cut.mp4", "size": 10}
        await self._refused("To a video of a team in which she is a viewer", self.client, "StartUpload", **theirs)

    async def comments(self) -> None:
        self.transcript.part("She comments on a version")
        about = {"versionId": gid(self.stage.version)}
        await self._refused("Nothing", self.client, "AddComment", body=" ", **about)
        await self._refused("At great length", self.client, "AddComment", body="x" * 100_000, **about)
        await self._refused("Where it has ended", self.client, "AddComment", body="Hm", startMs=9_999_999, **about)
        said = await self.client.do("AddComment", input={"body": "Too dark", "startMs": 1500, **about})
        assert said["author"]["name"] == "Ada"

    async def gets_the_digest(self) -> None:
        """Grace says something about her video; the mail of the next morning is sent at once. She wants no more."""
        self.transcript.part("She gets a daily digest")
        version = await self.stage.make.version(await Video.get(id=uuid_in(self.video_id)))
        for body in ("Brighter here?", "And louder."):
            await self.guest.do("AddComment", input={"versionId": gid(version), "body": body, "startMs": 1500})
        subject, text = await self._digest()
        self.transcript.mail("The mail", subject, text, "mail.digest.", "notification.", "mail.")
        (leave,) = re.findall(r"/unsubscribe\?token=(\S+)", text)
        async with self._browser() as browser:
            await self._opens("The page where its last link leads", browser, f"/unsubscribe?token={leave}", "page.")
            self._sees("She wants no more", await self._posted(browser, "/unsubscribe", token=leave), "page.")

    async def _digest(self) -> tuple[str, str]:
        """Its subject and its text, always of the same day and video."""
        user = await self._me()
        told = Notification.filter(user_id=user.id, count=2)
        await until(told.exists, 30)
        async with transaction():
            await Job.enqueue(JobKind.NOTIFICATION_MAIL, utc_now(), payload={"user_id": str(user.id)})
        mail = await self.stage.mailbox.mail_to(self.email)
        at = (await told.get()).latest_at
        subject, text = str(mail["Subject"]), plain(mail).replace(self.video_id, "…")
        for was, always in ((at, NOW), (mail["Date"].datetime.date(), NOW.date())):
            said, now = formatting.written(self.locale, was), formatting.written(self.locale, always)
            assert said in text
            subject, text = subject.replace(said, now), text.replace(said, now)
        return subject, text

    async def meets_errors(self) -> None:
        self.transcript.part("She meets errors")
        nowhere = encode_id("Video", new_id())
        answer = (await self.client.run("DeleteVideo", id=nowhere))["data"]["deleteVideo"]
        self.transcript.say("She deletes what is gone", answer["message"], "problem.")
        asking = self.stage.make.client(language=self.locale)
        asking.url, asking.token = self.stage.closed.url, self.client.token
        (error,) = (await asking.run("DeleteVideo", id=nowhere))["errors"]
        self.transcript.say("She does so during maintenance", error["message"], "problem.")
        async with self._browser(self.stage.closed) as browser:
            await self._opens("She follows a link then", browser, "/welcome?token=none", "page.")

    async def _gets_mail(self, happens: str, email: str, *within: str) -> str:
        """Its text."""
        mail = await self.stage.mailbox.mail_to(email)
        text = plain(mail)
        self.transcript.mail(happens, mail["Subject"], text, *within)
        return text

    async def _refused(self, happens: str, client: Client, operation: str, **given: Any) -> None:
        answer = await client.run(operation, input=given)
        assert "errors" not in answer, answer
        self.transcript.say(happens, next(iter(answer["data"].values()))["message"], "problem.")

    async def _opens(self, happens: str, browser: httpx.AsyncClient, path: str, *within: str) -> None:
        self._sees(happens, await browser.get(path), *within)

    def _sees(self, happens: str, page: httpx.Response, *within: str) -> None:
        """All that a page says; of one that asks again only what was wrong."""
        said = list(said_on(page.text))
        for text in said[:1] if page.status_code == 409 else said:
            self.transcript.say(happens, text, *within, "label.")

    async def _posted(self, browser: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
        return await browser.post(path, data=form, headers=OURS)

    def _browser(self, studio: Studio | None = None) -> httpx.AsyncClient:
        headers = {"Accept-Language": self.locale, "X-Forwarded-For": new_network_address()}
        return httpx.AsyncClient(base_url=(studio or self.stage.studio).url, timeout=30, headers=headers)

    async def _me(self) -> User:
        return await User.get(email=self.email)
