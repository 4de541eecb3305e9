"""Mentions over the wire: who is found in what is written, who is offered, what becomes of it, who is told of whom."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from domain.clock import utc_now
from domain.mentions import MOST, kept
from domain.permissions import Role, Scope
from local.client import Client
from models import Comment, ConsumerCursor, EventRecord, Member, Mention, Notification, Version, Video
from models.database import raw_connection, transaction
from models.events import newest_position
from plan import encode_id
from tests.api.test_comment_changes import a_room, said, told
from tests.api.test_reviewing import found
from tests.factories import Crew, Factory, Person, gid, uuid_in
from tests.waiting import until
from workers.deletions import forget

OFFERED = """query ($video: ID!, $prefix: String! = "", $first: Int! = 10) {
    mentionable(videoId: $video, prefix: $prefix, first: $first) { handle user { id name } } }"""
HISTORY = "query ($id: ID!) { comment(id: $id) { edits { nodes { body bodyHtml } } } }"


async def named(make: Factory, crew: Crew, name: str, role: Role = Role.VIEWER, **values: Any) -> Person:
    person = await make.member(crew.team, role)
    person.user.update_from_dict({"name": name, **values})
    await person.user.save()
    return person


async def offered(client: Client, version: Version, **asked: Any) -> list[str] | None:
    """The handles that are offered for a video."""
    answer = await client.ask(OFFERED, None, {"video": encode_id("Video", version.video_id), **asked})
    assert "errors" not in answer, answer
    found = answer["data"]["mentionable"]
    return None if found is None else [each["handle"] for each in found]


def mentioned(comment: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What stands where somebody is mentioned, as a client cuts it out, and what they are called."""
    coded = comment["body"].encode("utf-16-le")
    return [
        (coded[2 * each["start"] : 2 * (each["start"] + each["length"])].decode("utf-16-le"), each["name"])
        for each in comment["mentions"]
    ]


async def told_of(person: Person) -> list[tuple[str, int]]:
    rows = await Notification.filter(user_id=person.user.id).order_by("id")
    return [(each.kind.value, each.count) for each in rows]


async def settled() -> None:
    """All that has happened was handed to those whom it may concern."""

    async def is_settled() -> bool:
        cursor = await ConsumerCursor.get_or_none(consumer="notifications")
        waiting = await EventRecord.filter(position__isnull=True).exists()
        return not waiting and cursor is not None and cursor.position >= await newest_position()

    await until(is_settled)


async def test_people_are_found_by_name_in_any_script_and_by_address(make: Factory) -> None:
    crew, version = await a_room(make)
    yamada, ada = await named(make, crew, "山田 太郎"), await named(make, crew, "Ada King")
    kim, ram = await named(make, crew, "김철수"), await named(make, crew, "राम कुमार")
    body = f"👍 @山田さん、@ada king! @김철수님 @राम कुमार को @{kim.user.email} `@Ada` x@Ada"
    made = await said(crew.viewer.client, version, body)
    assert mentioned(made) == [
        ("@山田", "山田 太郎"), ("@ada king", "Ada King"), ("@김철수", "김철수"), ("@राम कुमार", "राम कुमार"),
        (f"@{kim.user.email}", "김철수"),
    ]  # fmt: skip
    assert [each["userId"] for each in made["mentions"]] == [each.id for each in (yamada, ada, kim, ram, kim)]
    assert f'<span class="mention" data-user="{ada.id}">@ada king</span>!' in made["bodyHtml"]
    assert made["bodyHtml"].count("<span") == 5
    seen = await crew.owner.client.do("Comment", id=made["id"])
    assert (seen["mentions"], seen["bodyHtml"]) == (made["mentions"], made["bodyHtml"])


async def test_nobody_is_found_who_cannot_see_the_video_and_nothing_tells_that_they_exist(make: Factory) -> None:
    crew, version = await a_room(make)
    other = await make.crew()
    stranger = await named(make, other, "Strange Stranger")
    bodies = (f"@{stranger.user.email} @Strange Stranger", "@nobody@example.com @Nobody Atall")
    made = [await said(crew.viewer.client, version, body) for body in bodies]
    assert [mentioned(each) for each in made] == [[], []]
    assert not await Mention.exists(team_id=crew.team.id)
    assert await offered(crew.viewer.client, version, prefix="Strange") == []
    assert await offered(crew.viewer.client, version, prefix=stranger.user.email) == []
    assert await offered(stranger.client, version) is None
    assert await offered(make.client(), version) is None
    async with transaction():
        await (await Member.get(user_id=crew.editor.user.id)).end()
    assert mentioned(await said(crew.viewer.client, version, "@Editor @Admin")) == [("@Admin", "Admin")]


async def test_who_is_offered(make: Factory) -> None:
    crew, version = await a_room(make)
    names = ("Zoë Frame", "Ada-Lena Frame", "山田 太郎", "ﾔﾏﾀﾞ", "王小明", "राम कुमार")
    people = {name: await named(make, crew, name) for name in names}
    client = crew.viewer.client
    everybody = ["Owner", "Ada-Lena Frame", "Admin", "Editor", "Zoë Frame", "राम कुमार", "ﾔﾏﾀﾞ", "山田 太郎", "王小明"]
    assert await offered(client, version) == everybody
    await make.comment(version, created_by_id=people["王小明"].user.id)
    assert await offered(client, version) == ["Owner", "王小明", *everybody[1:-1]]
    assert await offered(client, version, first=2) == ["Owner", "王小明"]
    for prefix, handles in {
        "fra": ["Ada-Lena Frame", "Zoë Frame"], "ZOË": ["Zoë Frame"], "zoe\u0308 f": ["Zoë Frame"],
        "lena": ["Ada-Lena Frame"],
        "rame": [], "太": ["山田 太郎"], "小": ["王小明"], "ヤマ": ["ﾔﾏﾀﾞ"], "ﾔﾏ": ["ﾔﾏﾀﾞ"], "कु": ["राम कुमार"],
        "@own": ["Owner"],
        "view": [], " ": ["Owner", "王小明", *everybody[1:-1]], "%": [], "_": [], "\\": [], "'": [],
        people["Zoë Frame"].user.email[:20].upper(): ["Zoë Frame"],
    }.items():  # fmt: skip
        assert await offered(client, version, prefix=prefix) == handles, prefix


async def test_of_people_with_one_name_each_has_a_handle_of_their_own(make: Factory) -> None:
    crew, version = await a_room(make)
    twins = [await named(make, crew, name) for name in ("Ada King", "ADA KING")]
    handles = await offered(crew.viewer.client, version, prefix="ada")
    assert sorted(handles or []) == sorted(twin.user.email for twin in twins)
    assert mentioned(await said(crew.viewer.client, version, "@Ada King @Ada")) == []
    made = await said(crew.viewer.client, version, " ".join(f"@{handle}" for handle in handles or []))
    assert {each["userId"] for each in made["mentions"]} == {twin.id for twin in twins}


async def test_names_that_mean_the_same_in_a_text_are_namesakes_however_they_are_written(make: Factory) -> None:
    crew, version = await a_room(make)
    people = [await named(make, crew, name) for name in ("山田 太郎", "山田太郎", "Groß", "Gross")]
    handles = {
        handle for prefix in ("山", "gr") for handle in await offered(crew.viewer.client, version, prefix=prefix) or []
    }
    assert handles == {person.user.email for person in people}
    made = await said(crew.viewer.client, version, " ".join(f"@{handle}" for handle in sorted(handles)))
    assert {each["userId"] for each in made["mentions"]} == {person.id for person in people}


async def test_what_is_asked_of_mentionable_is_bounded(make: Factory) -> None:
    crew, version = await a_room(make)
    client, video = crew.viewer.client, encode_id("Video", version.video_id)
    for wrong in ({"first": 0}, {"first": 101}, {"first": -1}, {"prefix": "a" * 101}, {"prefix": "\x00"}):
        answer = await client.ask(OFFERED, None, {"video": video, **wrong})
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID"}, wrong
    assert await offered(client, version, prefix="a" * 100, first=100) == []
    await Video.filter(id=version.video_id).update(deleted_at=utc_now())
    assert await offered(client, version) is None
    answer = await client.ask(OFFERED, None, {"video": gid(version)})
    assert answer["data"]["mentionable"] is None


async def test_an_api_key_needs_the_right_to_write_to_be_offered_people(make: Factory) -> None:
    crew, version = await a_room(make)
    assert await offered(await make.key(crew.viewer, Scope.READ), version) is None
    writing = await make.key(crew.viewer, Scope.WRITE)
    assert "Owner" in (await offered(writing, version) or [])
    assert mentioned(await said(writing, version, "@Owner")) == [("@Owner", "Owner")]


async def test_a_mention_is_told_once_for_each_comment_and_person_and_never_to_oneself(make: Factory) -> None:
    crew, version = await a_room(make)
    author, editor, admin = crew.viewer.client, crew.editor, crew.admin
    made = await said(author, version, "@Editor @Editor @Viewer @Owner")
    await settled()
    assert await told_of(editor) == await told_of(crew.owner) == [("mention", 1)]
    assert await told_of(crew.viewer) == []
    for body in ("@Editor @Admin", "nobody", "@Editor, @Admin", "@Admin only"):
        await author.do("EditComment", input={"id": made["id"], "body": body})
    await settled()
    assert await told_of(editor) == await told_of(admin) == [("mention", 1)]
    await author.do("DeleteComment", id=made["id"])
    await author.do("RestoreComment", id=made["id"])
    await settled()
    assert await told_of(admin) == [("mention", 1)]
    await said(author, version, "@Admin", parentId=made["id"])
    await settled()
    assert await told_of(admin) == [("mention", 2)]
    (text,) = [each["text"] for each in (await admin.client.do("Notifications", first=5))["notifications"]["nodes"]]
    assert text == "Viewer mentioned you in 2 comments on “A cut”."


async def test_two_edits_at_once_tell_once(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version, "Hm")
    bodies = [f"@Admin {number}" for number in range(6)]
    client = crew.viewer.client
    await asyncio.gather(*(client.do("EditComment", input={"id": made["id"], "body": body}) for body in bodies))
    await settled()
    assert await told_of(crew.admin) == [("mention", 1)]
    assert await Mention.filter(comment_id=uuid_in(made["id"])).count() == 1


async def test_an_edit_and_the_telling_of_what_was_said_do_not_wait_for_each_other_in_a_ring(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version, "@Admin @Editor")
    await settled()
    comment = await Comment.get(id=uuid_in(made["id"]))
    await Mention.filter(comment_id=comment.id).update(told_at=None)
    first, last = sorted((crew.admin.user.id, crew.editor.user.id))
    comment.mentions = kept([each for each in comment.mentioned() if each.user_id == first])
    held, released = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        await Mention.filter(comment_id=comment.id, user_id=first).select_for_update().get()
        held.set()
        await released.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(alone(hold()))
        await held.wait()
        tasks.create_task(alone(Mention.told({comment.id: [first, last]}, utc_now())))
        await until(lambda: waiting(1))
        tasks.create_task(alone(Mention.follow(comment, utc_now())))
        await until(lambda: waiting(2))
        released.set()
    rows = await Mention.filter(comment_id=comment.id).order_by("user_id")
    assert [(row.told_at is not None, row.ended_at is not None) for row in rows] == [(True, False), (True, True)]


async def alone(work: Coroutine[Any, Any, None]) -> None:
    async with transaction():
        await work


async def waiting(statements: int) -> bool:
    """Whether so many statements wait for mentions that others hold."""
    asked = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%mentions%'"""
    async with raw_connection() as connection:
        return int(await connection.fetchval(asked)) == statements


async def test_what_mentions_me_is_found_as_long_as_it_does(make: Factory) -> None:
    crew, version = await a_room(make)
    author, admin = crew.viewer.client, crew.admin.client
    first = await said(author, version, "@Admin one")
    answer = await said(author, version, "@Admin two", parentId=first["id"])
    await said(author, version, "none")
    assert await found(admin, version, mentioningMe=True) == (["@Admin one"], ["@Admin two", "@Admin one"])
    assert await found(admin, version, mentioningMe=True, mine=True) == ([], [])
    assert await found(author, version, mentioningMe=True) == ([], [])
    assert len((await found(admin, version, mentioningMe=False))[1]) == 3
    await author.do("EditComment", input={"id": answer["id"], "body": "not any more"})
    assert await found(admin, version, mentioningMe=True) == (["@Admin one"], ["@Admin one"])
    await author.do("DeleteComment", id=first["id"])
    assert await found(admin, version, mentioningMe=True) == ([], [])
    await author.do("RestoreComment", id=first["id"])
    assert await found(admin, version, mentioningMe=True) == (["@Admin one"], ["@Admin one"])


async def test_a_mention_outlives_a_rename_and_its_history_stays(make: Factory) -> None:
    crew, version = await a_room(make)
    author, ada = crew.viewer.client, await named(make, crew, "Ada King")
    made = await said(author, version, "@Ada King one")
    ada.user.name = "Countess Lovelace"
    await ada.user.save()
    edited = await author.do("EditComment", input={"id": made["id"], "body": "two: @Ada King, @Countess"})
    assert mentioned(edited) == [("@Ada King", "Countess Lovelace"), ("@Countess", "Countess Lovelace")]
    (before,) = (await author.ask(HISTORY, None, {"id": made["id"]}))["data"]["comment"]["edits"]["nodes"]
    assert before["bodyHtml"] == f'<p><span class="mention" data-user="{ada.id}">@Ada King</span> one</p>'
    async with transaction():
        await (await Member.get(user_id=ada.user.id)).end()
    seen = await author.do("Comment", id=made["id"])
    assert (mentioned(seen), seen["bodyHtml"]) == ([], "<p>two: @Ada King, @Countess</p>")
    edited = await author.do("EditComment", input={"id": made["id"], "body": "three: @Ada King"})
    assert (mentioned(edited), edited["bodyHtml"]) == ([], "<p>three: @Ada King</p>")


async def test_a_storm_of_mentions_is_refused(make: Factory) -> None:
    crew, version = await a_room(make)
    client = crew.viewer.client
    crowd = [await named(make, crew, f"Extra {chr(97 + number)}") for number in range(MOST + 1)]
    body = " ".join(f"@{person.user.name}" for person in crowd)
    asked = {"versionId": gid(version), "body": body}
    assert await told(client, "AddComment", input=asked) == ("Invalid", ["input", "body"])
    made = await said(client, version, body.rpartition(" @")[0])
    assert len(made["mentions"]) == MOST
    assert await told(client, "EditComment", input={"id": made["id"], "body": body}) == ("Invalid", ["input", "body"])
    assert await Comment.filter(version_id=version.id).count() == 1


async def test_with_a_video_and_with_a_person_go_the_mentions(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version, "@Admin @Editor")
    await settled()  # who tells of it holds the person first, as whoever ends an account does
    async with transaction():
        await forget(crew.admin.user, utc_now())
    assert await Mention.filter(team_id=crew.team.id).values_list("user_id", flat=True) == [crew.editor.user.id]
    seen = await crew.viewer.client.do("Comment", id=made["id"])
    assert mentioned(seen) == [("@Editor", "Editor")]
    async with transaction():
        await Comment.purge(version.video_id)
    assert not await Mention.exists(team_id=crew.team.id)
