"""The audit log: whatever is done leaves an entry, for those who answer for the team, or for whoever did it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.api_keys import shown_of
from domain.clock import utc_now
from domain.events import CommentCreated, MemberRemoved, SessionEnded, VideoDeleted, VideoEdited
from domain.ids import new_id
from domain.jobs import JobKind
from domain.permissions import Role, Scope
from domain.viewers import NOBODY
from local.client import Client, document
from models import ApiKey, AuditEntry, ConsumerCursor, EventRecord, Job, Member
from models.database import transaction
from models.events import record
from plan import encode_id
from tests.factories import Crew, Factory, Person, gid
from tests.furnished import furnished
from tests.house.test_layout import ROOMS, ROOT
from tests.operations import ASKED_BY
from tests.waiting import until

HERE = "192.0.2.7"
WITHOUT_ENTRY = {
    "SignUp": "nobody is there yet who could have done it",
    "RequestPasswordReset": "the request does not know whose address it is, or whether it is anybody's",
    "UpdatePresence": "where somebody is at this moment is kept nowhere",
    "MarkNotificationsRead": "what somebody has looked at is nobody's business",
    "SetAvatar": "what has changed is told when its job has made the picture",
}
"""Mutations that change something, and leave no entry."""
SIGNING_IN = {"ConfirmSignUp", "SignIn", "SignInWithCode", "ResetPassword", "ConfirmEmailChange"}
"""Mutations by which anybody shows who they are: whatever key they show besides, it is not what did it."""
DAY = timedelta(days=1)


async def kept(event_id: UUID) -> None:
    """Returns once the log has come past the event."""
    event = EventRecord.filter(id=event_id)

    async def is_past() -> bool:
        (position,) = await event.values_list("position", flat=True)
        return position is not None and await ConsumerCursor.exists(consumer="audit", position__gte=position)

    await until(is_past)


async def everything_is_kept() -> None:
    """All that was recorded by now."""
    newest = await EventRecord.all().order_by("-recorded_at").first()
    if newest is not None:
        await kept(newest.id)


async def happen(event: type, crew: Crew | None, by: Person, *, at: datetime | None = None, **about: Any) -> UUID:
    async with transaction():
        team_id = crew.team.id if crew else None
        return await record(event(team_id=team_id, actor_id=by.user.id, **about), at or utc_now())


async def log(client: Client, crew: Crew, **variables: Any) -> list[dict[str, Any]]:
    team = await client.do("AuditLog", teamId=crew.id, **variables)
    return team["auditLog"]["nodes"]


async def types(client: Client, crew: Crew, **given: Any) -> list[str]:
    return [entry["type"] for entry in await log(client, crew, first=100, filter=given)]


async def test_every_mutation_leaves_an_entry_that_says_who_from_where_and_with_what(make: Factory) -> None:
    """Of each operation of `web/operations`: that every mutation has one, test_operations.py makes sure."""
    there = await furnished(make)
    asked: dict[str, str] = {}
    for operation, variables in there.variables.items():
        if not document(operation).startswith("mutation"):
            continue
        client = there.crew.everybody()[ASKED_BY.get(operation, Role.OWNER)].client
        asked[operation] = str(new_id())
        headers = {"X-Request-ID": asked[operation], "User-Agent": f"Walker of {operation}", "X-Forwarded-For": HERE}
        client.http.headers.update(headers)
        answer = await client.run(operation, **variables)
        assert "code" not in next(iter(answer["data"].values())), (operation, answer)
    await everything_is_kept()
    for operation, request_id in asked.items():
        entries = await AuditEntry.filter(request_id=request_id)
        assert (not entries) is (operation in WITHOUT_ENTRY), operation
        for entry in entries:
            assert entry.actor_id is not None, operation
            assert (entry.address, entry.device, entry.api_key_prefix) == (HERE, f"Walker of {operation}", None)


async def test_whatever_a_key_does_says_that_it_was_the_key(make: Factory) -> None:
    there = await furnished(make)
    expected: dict[str, str | None] = {}
    for operation, variables in there.variables.items():
        if not document(operation).startswith("mutation") or operation in WITHOUT_ENTRY:
            continue
        program = await make.key(there.crew.everybody()[ASKED_BY.get(operation, Role.OWNER)], Scope.WRITE)
        program.http.headers["X-Request-ID"] = request_id = str(new_id())
        answer = await program.run(operation, **variables)
        if "code" not in next(iter(answer["data"].values())):
            expected[request_id] = None if operation in SIGNING_IN else shown_of(program.token or "")
    await everything_is_kept()
    assert len(set(expected.values())) > 10
    assert list(expected.values()).count(None) == len(SIGNING_IN)
    for request_id, prefix in expected.items():
        assert {entry.api_key_prefix for entry in await AuditEntry.filter(request_id=request_id)} == {prefix}


async def test_a_team_sees_with_which_key_something_was_done(make: Factory) -> None:
    crew = await make.crew()
    program, video = await make.key(crew.editor, Scope.WRITE), await make.video(crew)
    await program.do("DeleteVideo", id=gid(video))
    await everything_is_kept()
    await ApiKey.filter(user_id=crew.editor.user.id).delete()
    (entry,) = await log(crew.owner.client, crew)
    assert (entry["actor"]["id"], entry["apiKeyPrefix"]) == (crew.editor.id, shown_of(program.token or ""))


async def test_an_entry_tells_it_all(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew, title="Rough cut")
    crew.editor.client.http.headers.update(
        {"X-Request-ID": "request-of-mine", "User-Agent": "Firefox", "X-Forwarded-For": HERE}
    )
    await crew.editor.client.do("DeleteVideo", id=gid(video))
    await everything_is_kept()
    (entry,) = await log(crew.admin.client, crew)
    event = await EventRecord.get(type="video.deleted", team_id=crew.team.id)
    at = datetime.fromisoformat(entry.pop("at"))
    assert at == event.created_at
    assert entry == {
        "id": encode_id("AuditEntry", event.id),
        "type": "video.deleted",
        "actor": {"id": crew.editor.id, "name": "Editor"},
        "subject": {"typename": "Video", "id": gid(video)},
        "related": [],
        "details": {"title": "Rough cut"},
        "address": HERE,
        "device": "Firefox",
        "apiKeyPrefix": None,
    }
    alone = await crew.owner.client.do("AuditEntry", id=entry["id"])
    assert (alone["requestId"], alone["team"]["id"]) == ("request-of-mine", crew.id)


async def test_what_it_is_about_comes_first_and_only_types_of_the_schema_are_named(make: Factory) -> None:
    crew = await make.crew()
    comment = await make.comment(await make.version(await make.video(crew)))
    about = {"video_id": comment.video_id, "version_id": comment.version_id, "comment_id": comment.id}
    await kept(await happen(CommentCreated, crew, crew.viewer, **about, parent_id=new_id()))
    (entry,) = await log(crew.owner.client, crew)
    assert entry["subject"] == {"typename": "Comment", "id": gid(comment)}
    assert {thing["typename"] for thing in entry["related"]} == {"Video", "Version"}
    assert entry["details"] == {"visibility": "open"}


async def test_what_jobs_do_by_themselves_and_what_nobody_did_is_no_entry(make: Factory) -> None:
    crew = await make.crew()
    nobody = SessionEnded(team_id=None, actor_id=NOBODY, user_id=new_id(), session_id=new_id())
    async with transaction():
        await Job.enqueue(JobKind.INGEST, utc_now(), payload={}, team_id=crew.team.id)
        event_id = await record(nobody, utc_now())
    await kept(event_id)
    assert await log(crew.owner.client, crew) == []
    assert not await AuditEntry.exists(id=event_id)


async def test_an_event_that_is_told_twice_is_one_entry(make: Factory) -> None:
    crew = await make.crew()
    event_id = await happen(VideoEdited, crew, crew.owner, video_id=new_id(), changed=["title"])
    await kept(event_id)
    async with transaction():
        await AuditEntry.keep([event_id, event_id])
    assert await types(crew.owner.client, crew) == ["video.edited"]


async def told_of(make: Factory) -> tuple[Crew, str, str]:
    """A team of which a few things are told, on three days in 2026; and two of its videos."""
    crew = await make.crew()
    one, other = await make.video(crew), await make.video(crew)
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    await happen(VideoEdited, crew, crew.editor, at=first, video_id=one.id, changed=["tags"])
    await happen(VideoDeleted, crew, crew.admin, at=first + DAY, video_id=one.id, title="A cut")
    about = {"video_id": other.id, "version_id": new_id(), "comment_id": new_id()}
    await kept(await happen(CommentCreated, crew, crew.editor, at=first + 2 * DAY, **about))
    return crew, gid(one), gid(other)


async def test_the_log_is_narrowed_by_person_kind_thing_and_time(make: Factory) -> None:
    crew, one, other = await told_of(make)
    client = crew.owner.client
    assert await types(client, crew) == ["comment.created", "video.deleted", "video.edited"]
    assert await types(client, crew, actorId=crew.editor.id) == ["comment.created", "video.edited"]
    assert await types(client, crew, types=["video.deleted"]) == ["video.deleted"]
    assert await types(client, crew, types=["video.deleted", "video.edited", "of.nothing"]) == [
        "video.deleted",
        "video.edited",
    ]
    assert await types(client, crew, types=[]) == ["comment.created", "video.deleted", "video.edited"]
    assert await types(client, crew, subjectId=one) == ["video.deleted", "video.edited"]
    assert await types(client, crew, subjectId=other) == ["comment.created"]
    assert await types(client, crew, subjectId=crew.id) == []
    assert await types(client, crew, since="2026-01-02T12:00:00Z") == ["comment.created", "video.deleted"]
    assert await types(client, crew, until="2026-01-02T12:00:00Z") == ["video.edited"]
    assert await types(client, crew, since="2026-01-02T13:00:00+01:00", until="2026-01-02T12:00:00.000001+00:00") == [
        "video.deleted"
    ]
    assert await types(client, crew, actorId=crew.editor.id, subjectId=one, types=["video.deleted"]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"actorId": encode_id("Team", new_id())},
        {"actorId": "nonsense"},
        {"subjectId": "nonsense"},
        {"types": ["' OR 1=1 --"]},
        {"types": ["video.\x00"]},
        {"types": ["video.edited"] * 51},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59.999999-12:00"},
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(make: Factory, wrong: dict[str, Any]) -> None:
    crew = await make.crew()
    answer = await crew.owner.client.run("AuditLog", teamId=crew.id, filter=wrong)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID"


async def test_a_moment_has_an_offset_wherever_it_is_said(make: Factory) -> None:
    crew, moment = await make.crew(), "2030-01-01T00:00:00"
    key = {"name": "A key", "scopes": ["READ"], "expiresAt": moment}
    for asked in (
        crew.owner.client.run("AuditLog", teamId=crew.id, filter={"since": moment}),
        crew.owner.client.run("CreateApiKey", input=key),
        crew.owner.client.run("MarkNotificationsRead", input={"until": moment}),
    ):
        answer = await asked
        assert answer.get("data") is None
        assert "It has no offset." in answer["errors"][0]["message"]


async def test_pages_go_on_where_the_one_before_ended_whatever_comes_meanwhile(make: Factory) -> None:
    crew, *_ = await told_of(make)
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)  # the same moment for all: the id decides
    for _ in range(5):
        await kept(await happen(VideoEdited, crew, crew.owner, at=at, video_id=new_id(), changed=[]))
    everything = [entry["id"] for entry in await log(crew.owner.client, crew, first=100)]
    seen: list[str] = []
    after = None
    while True:
        page = (await crew.owner.client.do("AuditLog", teamId=crew.id, first=3, after=after))["auditLog"]
        seen += [entry["id"] for entry in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        await kept(await happen(VideoEdited, crew, crew.owner, video_id=new_id(), changed=[]))
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == everything
    assert len(seen) == len(set(seen)) == 8


async def test_only_owners_and_admins_of_that_very_team_see_its_log(make: Factory) -> None:
    crew, *_ = await told_of(make)
    elsewhere = await make.crew()
    entry = gid(await AuditEntry.get(type="video.deleted", team_id=crew.team.id))
    for person in (crew.owner, crew.admin):
        assert len(await log(person.client, crew)) == 3
        assert (await person.client.do("AuditEntry", id=entry))["type"] == "video.deleted"
    for person in (crew.editor, crew.viewer):
        assert await log(person.client, crew) == []
        team = await person.client.ask("query($id: ID!) {team(id: $id) {auditLog {totalCount}}}", None, {"id": crew.id})
        assert team["data"]["team"]["auditLog"]["totalCount"] == 0
        assert await person.client.do("AuditEntry", id=entry) is None
        assert await person.client.do("AnyNode", id=entry) is None
    for client in (elsewhere.owner.client, make.client()):
        assert await client.do("AuditLog", teamId=crew.id) is None
        assert await client.do("AuditEntry", id=entry) is None
    await Member.filter(team_id=crew.team.id, user_id=crew.admin.user.id).update(role="viewer")
    assert await log(crew.admin.client, crew) == [], "today's role counts, not the one of then"


async def test_an_admin_of_two_teams_sees_in_each_log_its_own(make: Factory) -> None:
    one, other = await make.crew(), await make.crew()
    await Member.create(team_id=other.team.id, user_id=one.owner.user.id, role="viewer")
    await happen(VideoEdited, other, other.owner, video_id=new_id(), changed=[])
    await kept(await happen(VideoDeleted, one, one.owner, video_id=new_id(), title="T"))
    assert await types(one.owner.client, one) == ["video.deleted"]
    assert await log(one.owner.client, other) == []


async def test_who_has_left_is_still_in_the_log_without_a_name(make: Factory) -> None:
    crew = await make.crew()
    await happen(VideoEdited, crew, crew.editor, video_id=new_id(), changed=[])
    member = await Member.get(team_id=crew.team.id, user_id=crew.editor.user.id)
    await member.delete()
    about = {"member_id": member.id, "user_id": crew.editor.user.id, "role": "editor"}
    await kept(await happen(MemberRemoved, crew, crew.owner, **about))
    removed, edited = await log(crew.admin.client, crew)
    assert edited["actor"] is None
    assert removed["actor"]["id"] == crew.owner.id
    assert removed["subject"] == {"typename": "Member", "id": gid(member)}
    assert removed["related"] == [{"typename": "User", "id": crew.editor.id}]
    assert await crew.admin.client.do("AnyNode", id=removed["subject"]["id"]) is None
    assert await types(crew.admin.client, crew, subjectId=crew.editor.id) == ["member.removed"]
    assert await types(crew.admin.client, crew, actorId=crew.editor.id) == ["video.edited"]


async def test_what_somebody_did_to_their_account_they_alone_see(make: Factory) -> None:
    crew = await make.crew()
    event = {"user_id": crew.viewer.user.id, "session_id": new_id()}
    event_id = await happen(SessionEnded, None, crew.viewer, **event)
    await kept(await happen(VideoEdited, crew, crew.viewer, video_id=new_id(), changed=[]))
    own = (await crew.viewer.client.do("Activity"))["activity"]["nodes"]
    assert [entry["type"] for entry in own] == ["session.ended"], "what is done in a team is the team's"
    entry = encode_id("AuditEntry", event_id)
    assert (await crew.viewer.client.do("AuditEntry", id=entry))["type"] == "session.ended"
    theirs = "query($id: ID!) {node(id: $id) {... on User {name activity {totalCount nodes {id}}}}}"
    for person in (crew.owner, crew.admin):
        seen = (await person.client.ask(theirs, None, {"id": crew.viewer.id}))["data"]["node"]
        assert seen == {"name": "Viewer", "activity": {"totalCount": 0, "nodes": []}}
        assert await person.client.do("AuditEntry", id=entry) is None
        assert await types(person.client, crew) == ["video.edited"]
    assert await make.client().do("AuditEntry", id=entry) is None
    key = await make.key(crew.viewer)
    assert (await key.do("Activity"))["activity"]["nodes"] == []
    assert await key.do("AuditEntry", id=entry) is None


async def test_a_key_reads_the_log_of_a_team_as_its_person_does(make: Factory) -> None:
    crew = await make.crew()
    await kept(await happen(VideoEdited, crew, crew.viewer, video_id=new_id(), changed=[]))
    assert await types(await make.key(crew.owner), crew) == ["video.edited"]
    assert await types(await make.key(crew.viewer), crew) == []


def test_nothing_in_the_product_changes_an_entry_or_takes_one_away() -> None:
    """It is read, and kept by the relay's consumer: whatever else is done with the table is done nowhere."""
    used = {
        found
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if room != "local" and "migrations" not in file.parts
        for found in re.findall(r"models\.AuditEntry\.(\w+)|\bAuditEntry\.(\w+)|\b(audit_entries)\b", file.read_text())
    }
    assert {"".join(found) for found in used} == {"visible_to", "outside_of_teams", "matching", "keep", "audit_entries"}
    written = (ROOT / "models" / "audit.py").read_text()
    assert re.findall(r"\b(INSERT|UPDATE|DELETE|TRUNCATE)\b", written) == ["INSERT"]
    assert not re.search(r"\.(save|update|delete|create)\(", written)
