"""Notifications over the wire: told in one's language, live, marked as read, and mailed no more by one click."""

import asyncio
from typing import Any

import httpx
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from domain.notifications import EmailNotifications, unsubscribe_token
from domain.permissions import Scope
from domain.sealing import Keys
from domain.viewers import Viewer
from local.client import Client, OperationFailed
from models import EventRecord, Job, Notification, User, Version
from plan import encode_id
from tests.factories import Crew, Factory, Person, gid
from tests.studio import SECRET_KEY
from tests.waiting import until

OF_ANOTHER = """query($id: ID!) { node(id: $id) { ... on User {
  emailNotifications unreadNotificationCount unreadNotifications { totalCount }
  notifications { totalCount nodes { id } }
} } }"""


async def say(client: Client, version: Version, body: str = "Too dark", **more: Any) -> Any:
    return await client.do("AddComment", input={"versionId": gid(version), "body": body, **more})


async def listed(person: Person, operation: str = "Notifications", **variables: Any) -> Any:
    return (await person.client.run(operation, **variables))["data"]["viewer"]


async def a_version(make: Factory) -> tuple[Crew, Version]:
    crew = await make.crew()
    return crew, await make.version(await make.video(crew, title="Fine cut"))


async def test_a_burst_is_one_notification_in_the_readers_language(make: Factory) -> None:
    crew, version = await a_version(make)
    for person in (crew.editor, crew.viewer, crew.admin):
        await say(person.client, version)

    async def all_are_told() -> bool:
        return await Notification.exists(user_id=crew.owner.user.id, count=3)

    await until(all_are_told)
    seen = await listed(crew.owner)
    assert seen["unreadNotificationCount"] == 1
    (told,) = seen["notifications"]["nodes"]
    assert (told["kind"], told["count"], told["peopleCount"], told["readAt"]) == ("COMMENT", 3, 3, None)
    assert told["text"] == "Admin and 2 others commented on “Fine cut”."
    assert told["video"]["id"] == encode_id("Video", version.video_id)
    await User.filter(id=crew.owner.user.id).update(locale="de")
    (told,) = (await crew.owner.client.run("Notifications"))["data"]["viewer"]["notifications"]["nodes"]
    assert told["text"] == "Admin und 2 weitere haben „Fine cut“ kommentiert."


async def test_it_is_told_live_and_a_client_that_returns_misses_nothing(make: Factory) -> None:
    crew, version = await a_version(make)
    owner, position = crew.owner.client, (await crew.owner.client.run("Notifications"))["extensions"]["position"]
    async with owner.follow("NotificationChanges", after=position) as events:
        await say(crew.viewer.client, version)
        first = await asyncio.wait_for(anext(events), 10)
    change = first["data"]["notifications"]
    assert (change["type"], change["viewer"]["unreadNotificationCount"]) == ("notification.raised", 1)
    assert change["notification"]["text"] == "Viewer commented on “Fine cut”."
    until_ = change["notification"]["latestAt"]
    marked = await owner.do("MarkNotificationsRead", input={"until": until_})
    assert marked["unreadNotificationCount"] == 0
    await say(crew.viewer.client, version)
    async with owner.follow("NotificationChanges", after=first["extensions"]["eventId"]) as events:
        missed = [(await asyncio.wait_for(anext(events), 10))["data"]["notifications"] for _ in range(2)]
    assert [(each["type"], each["notification"] is None) for each in missed] == [
        ("notification.read", True),
        ("notification.raised", False),
    ]


async def test_others_hear_nothing_of_it(make: Factory) -> None:
    crew, version = await a_version(make)
    position = (await crew.editor.client.run("Notifications"))["extensions"]["position"]
    async with crew.editor.client.follow("NotificationChanges", after=position) as events:
        thread = await say(crew.viewer.client, version)  # concerns the owner alone
        await say(crew.editor.client, version, parentId=thread["id"])  # and this the viewer, too
        await say(crew.viewer.client, version, parentId=thread["id"])
        heard = (await asyncio.wait_for(anext(events), 10))["data"]["notifications"]
    assert heard["notification"]["text"] == "Viewer replied in a thread on “Fine cut”."
    assert heard["viewer"]["id"] == crew.editor.id
    with pytest.raises(OperationFailed, match="UNAUTHENTICATED"):
        async with make.client().follow("NotificationChanges") as events:
            await anext(events)


async def test_one_several_or_all_up_to_a_moment_are_marked(make: Factory) -> None:
    crew, version = await a_version(make)
    comment = await make.comment(version)
    rows = [await make.notification(comment, crew.owner, about_id=new_id()) for _ in range(5)]
    theirs = await make.notification(comment, crew.viewer)

    async def mark(**given: Any) -> Any:
        return (await crew.owner.client.run("MarkNotificationsRead", input=given))["data"]["markNotificationsRead"]

    assert (await mark(ids=[gid(rows[0])]))["unreadNotificationCount"] == 4
    assert (await mark(ids=[gid(rows[0]), gid(rows[1])]))["unreadNotificationCount"] == 3
    for unknown in (gid(theirs), encode_id("Notification", new_id()), gid(comment)):
        assert (await mark(ids=[gid(rows[2]), unknown]))["code"] == "NOT_FOUND"
    for wrong in ({}, {"ids": [gid(rows[2])], "until": utc_now().isoformat()}, {"ids": [gid(rows[2])] * 101}):
        told = await mark(**wrong)
        assert (told["code"], told["path"]) == ("INVALID", ["input", "ids"])
    assert (await mark(ids=["nonsense"]))["path"] == ["input", "ids", "0"]
    assert (await mark(until=rows[2].latest_at.isoformat()))["unreadNotificationCount"] == 2
    assert (await mark(ids=[]))["unreadNotificationCount"] == 2
    unread = (await listed(crew.owner, "UnreadNotifications"))["unreadNotifications"]
    assert (unread["totalCount"], [each["id"] for each in unread["nodes"]]) == (2, [gid(rows[4]), gid(rows[3])])
    assert await Notification.filter(user_id=crew.viewer.user.id, read_at__isnull=True).count() == 1
    for beyond, left in (("0001-01-01T00:00:00+14:00", 2), ("9999-12-31T23:59:59-14:00", 0)):
        assert (await mark(until=beyond))["unreadNotificationCount"] == left
    read = await EventRecord.filter(type="notification.read", subjects__contains=[f"notified:{crew.owner.user.id}"])
    assert sorted((event.payload["count"], event.actor_id) for event in read) == [(1, None)] * 3 + [(2, None)]
    nobody = (await make.client().run("MarkNotificationsRead", input={"ids": []}))["data"]["markNotificationsRead"]
    assert nobody["code"] == "UNAUTHENTICATED"


async def test_a_list_is_paged_by_what_is_latest(make: Factory) -> None:
    crew, version = await a_version(make)
    comment = await make.comment(version)
    rows = [await make.notification(comment, crew.owner, about_id=new_id()) for _ in range(3)]
    met, after = list[str](), None
    while len(met) < 3:
        page = (await listed(crew.owner, first=1, after=after))["notifications"]
        met += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert met == [gid(row) for row in reversed(rows)]


async def test_they_are_ones_own_in_teams_that_one_is_in(make: Factory) -> None:
    crew, version = await a_version(make)
    mine = await make.notification(await make.comment(version), crew.viewer)
    nothing = {"emailNotifications": None, "unreadNotificationCount": 0, "unreadNotifications": {"totalCount": 0}}
    nothing |= {"notifications": {"totalCount": 0, "nodes": []}}
    for headers in ({}, {"X-Plan": "off"}):
        crew.owner.client.http.headers.update(headers)
        seen = (await crew.owner.client.ask(OF_ANOTHER, None, {"id": crew.viewer.id}))["data"]["node"]
        assert seen == nothing
    assert (await crew.owner.client.run("AnyNode", id=gid(mine)))["data"]["node"] is None
    key = await make.key(crew.viewer, Scope.READ)
    own = (await key.ask(OF_ANOTHER, None, {"id": crew.viewer.id}))["data"]["node"]
    assert (own["emailNotifications"], own["unreadNotificationCount"]) == ("DAILY", 1)
    refused = (await key.run("MarkNotificationsRead", input={"ids": [gid(mine)]}))["data"]["markNotificationsRead"]
    assert refused["code"] == "FORBIDDEN"
    await crew.viewer.client.do("LeaveTeam", id=crew.id)
    assert (await crew.viewer.client.run("AnyNode", id=gid(mine)))["data"]["node"] is None
    assert not await Notification.exists(id=mine.id)


async def test_who_is_behind_it_and_has_left_is_not_named(make: Factory) -> None:
    crew, version = await a_version(make)
    comment = await make.comment(version, created_by_id=crew.viewer.user.id)
    await make.notification(comment, crew.owner, count=2)
    await crew.viewer.client.do("LeaveTeam", id=crew.id)
    (told,) = (await listed(crew.owner))["notifications"]["nodes"]
    assert told["text"] == "There are 2 new comments on “Fine cut”."


async def test_when_one_is_mailed_is_chosen_and_moves_with_ones_zone(make: Factory) -> None:
    ada = await make.person()
    changed = await ada.client.do("UpdateProfile", input={"emailNotifications": "IMMEDIATELY"})
    assert changed["emailNotifications"] == "IMMEDIATELY"
    await ada.client.do("UpdateProfile", input={"emailNotifications": "DAILY"})
    assert (await User.get(id=ada.user.id)).mail_at is None, "nothing is new"
    await User.filter(id=ada.user.id).update(mail_at=utc_now())
    due = {}
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        await ada.client.do("UpdateProfile", input={"timeZone": zone})
        due[zone] = (await User.get(id=ada.user.id)).mail_at
    assert [at.hour for at in due.values()] == [18, 19]  # 8:00 there
    await ada.client.do("UpdateProfile", input={"emailNotifications": "NEVER"})
    assert (await User.get(id=ada.user.id)).mail_at is None


HOSTILE = "<b>\u202eeve\u2066{count}"


async def test_names_and_titles_cannot_turn_the_sentence_that_they_stand_in(make: Factory) -> None:
    crew = await make.crew()
    version = await make.version(await make.video(crew, title="שלום\u2069 <i>"))
    await User.filter(id=crew.viewer.user.id).update(name=HOSTILE)
    await make.notification(await make.comment(version, created_by_id=crew.viewer.user.id), crew.owner)
    (told,) = (await listed(crew.owner))["notifications"]["nodes"]
    assert told["text"] == "<b>eve{count} commented on “\u2068שלום <i>\u2069”."


async def test_what_came_while_somebody_wanted_no_mails_is_not_mailed_later(make: Factory) -> None:
    crew, version = await a_version(make)
    owner = crew.owner.user
    await crew.owner.client.do("UpdateProfile", input={"emailNotifications": "NEVER"})
    await say(crew.viewer.client, version)
    await until(lambda: Notification.exists(user_id=owner.id, count=1))
    await crew.owner.client.do("UpdateProfile", input={"emailNotifications": "DAILY"})
    assert ((await User.get(id=owner.id)).mail_at, await Notification.unmailed(Viewer(owner.id))) == (None, [])
    await crew.owner.client.do("UpdateProfile", input={"emailNotifications": "IMMEDIATELY"})
    assert (await listed(crew.owner))["unreadNotificationCount"] == 1
    await say(crew.editor.client, version, "Too bright")
    await until(lambda: Notification.exists(user_id=owner.id, count=2))
    sent = await Job.filter(kind=JobKind.NOTIFICATION_MAIL, payload__contains={"user_id": str(owner.id)}).count()
    assert sent == 1


@pytest.mark.parametrize(
    "token", ["\0", "é" * 40, "\u202e", "." * 3000, "a.b", "=" * 64, "A" * 86, "\ud7ff", "+%2B+", "0" * 4000], ids=ascii
)
async def test_what_is_no_token_of_ours_ends_nobodys_mails(browser: httpx.AsyncClient, token: str) -> None:
    sent = {"params": {"token": token}}, {"data": {"token": token}}
    for given in sent:
        answer = await browser.post("/unsubscribe", **given)
        assert answer.status_code in (409, 413), answer.text
        assert "Traceback" not in answer.text
    page = await browser.get("/unsubscribe", params={"token": f'{token}"><script>'})
    assert (page.status_code, "<script>" in page.text) == (200, False)


async def test_one_click_ends_the_mails_and_a_look_does_not(make: Factory, browser: httpx.AsyncClient) -> None:
    ada, eve = await make.person(), await make.person()
    await User.filter(id=ada.user.id).update(mail_at=utc_now().replace(year=2100))
    token = unsubscribe_token(Keys(SECRET_KEY), ada.user.id)

    async def how(person: Person) -> EmailNotifications:
        return EmailNotifications((await User.get(id=person.user.id)).email_notifications)

    page = await browser.get("/unsubscribe", params={"token": token})
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "<button>Unsubscribe</button>" in page.text
    await browser.head("/unsubscribe", params={"token": token})
    for wrong in ("", "x" * 64, token[:-1]):
        answer = await browser.post("/unsubscribe", params={"token": wrong})
        assert answer.status_code == 409
    assert await how(ada) is EmailNotifications.DAILY
    # As a mail program does, which has no cookies, and says no origin of ours.
    click = {"content": "List-Unsubscribe=One-Click", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    for _ in range(2):
        answer = await browser.post("/unsubscribe", params={"token": token}, **click)
        assert (answer.status_code, "no more e-mails" in answer.text) == (200, True)
    assert (await how(ada), await how(eve)) == (EmailNotifications.NEVER, EmailNotifications.DAILY)
    assert (await User.get(id=ada.user.id)).mail_at is None
    (told,) = await EventRecord.filter(type="account.edited", actor_id=ada.user.id)
    assert told.payload["changed"] == ["email_notifications"]
    await User.filter(id=ada.user.id).update(email_notifications=EmailNotifications.DAILY)
    answer = await browser.post("/unsubscribe", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, await how(ada)) == (200, EmailNotifications.NEVER)
