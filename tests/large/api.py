"""The questions of the API: every root field and connection, the library's filter, and those of the use-cases."""

from dataclasses import replace
from typing import Any

import pytest

import models
from domain.clock import utc_now
from domain.comments import CommentVisibility
from domain.errors import Conflict
from domain.jobs import JobKind, JobState
from domain.links import LinkKind
from domain.permissions import Scope
from domain.viewers import Viewer
from local.large.people import token
from local.large.shape import BIG
from models import AuditEntry, Comment, Job, MailedLink, Mention, Session, User
from models.database import raw_connection
from models.events import newest_position, since
from models.seen import Seen
from models.succession import lonely_after, orphaned_by
from plan import encode_id
from resolvers import accounts, addresses, api_keys, comments, videos
from tests.large.cases import Run, World, case, undone

BY_TEAM, BY_STATUS = "idx_videos_team_created", "idx_videos_team_status_created"
SEARCH, SHORT = "idx_videos_search", "idx_videos_search_short"
COMMENTS, THREADS, ANSWERS = "idx_comments_video_created", "idx_comments_version_start", "idx_comments_parent_created"

DOCUMENTS = {
    "viewer": """query { identityProviders { key } locales { code } webhookEventTypes { type }
        messages(locale: "de", namespace: "time") { url }
        viewer {
        name memberships { totalCount nodes { role team { name } } } apiKeys { nodes { name state } }
        identities { nodes { provider } }
    } }""",
    "two-factor": "query { twoFactor { enabled recoveryCodesLeft } }",
    "sessions": """query { session { device } viewer {
        sessions { totalCount pageInfo { hasNextPage } nodes { seenAt team { name } } }
        } }""",
    "team": """query($id: ID!) { team(id: $id) {
        memberCount videoCount members(first: 50) { nodes { user { name } } }
        invitations(first: 50, filter: {state: PENDING}) { totalCount nodes { email state invitedBy { name } } }
        } }""",
    "invitation": "query($token: String!) { invitation(token: $token) { teamName role } }",
    "library": """query($id: ID!, $first: Int, $last: Int, $before: String, $after: String, $filter: VideoFilter) {
        team(id: $id) { videos(first: $first, last: $last, before: $before, after: $after, filter: $filter) {
            pageInfo { hasNextPage endCursor }
            nodes { title tags createdBy { name } latestVersion { number } durationMs commentCount jobCount }
        } } }""",
    "filtered": """query($id: ID!, $filter: VideoFilter) { team(id: $id) { videos(first: 50, filter: $filter) {
        totalCount pageInfo { hasNextPage } nodes { title }
        } } }""",
    "video": """query($id: ID!) { video(id: $id) {
        title team { name } createdBy { name } durationMs latestVersion { number } commentCount jobCount
        versions(first: 50) { totalCount nodes { number createdBy { name } restoredFrom { number } } }
        jobs(first: 20) { nodes { state createdBy { name } } }
        comments(first: 50) { totalCount nodes { body author { name } version { number } } }
        } }""",
    "room": """query($id: ID!, $after: String) { version(id: $id) { number video { title } threadCount
        comments(first: 100, after: $after) { pageInfo { endCursor } nodes { body author { name } replyCount
            replies(first: 40) { nodes { body author { name } } }
        } } } }""",
    "mentions": """query($id: ID!) { video(id: $id) { comments(filter: {mentioningMe: true}) { totalCount nodes {
        body mentions { name start length } } } } }""",
    "mentionable": """query($id: ID!) { mentionable(videoId: $id, prefix: "p", first: 100) {
        handle user { name } } }""",
    "comment": """query($id: ID!) { comment(id: $id) {
        body image { url } imageUpload { state } parent { id }
        edits { nodes { body } } replies { nodes { body video { title } } }
        } }""",
    "upload": "query($id: ID!) { upload(id: $id) { state video { title } createdBy { name } job { state } } }",
    "upload's parts": "query($id: ID!) { uploadParts(id: $id) { upload { state } } }",
    "job": "query($id: ID!) { job(id: $id) { state video { title } createdBy { name } } }",
    "notifications": """query { viewer { unreadNotificationCount
        notifications(first: 50) { pageInfo { hasNextPage } nodes { text video { title } comment { body } } }
        unreadNotifications(first: 50) { totalCount nodes { id } }
        } }""",
    "audit log": """query($id: ID!, $first: Int, $last: Int, $after: String, $filter: AuditFilter) {
        team(id: $id) { auditLog(first: $first, last: $last, after: $after, filter: $filter) {
            pageInfo { endCursor } nodes { type at actor { name } team { name } subject { id } related { id } details }
        } } }""",
    "activity": "query { viewer { activity(first: 50) { totalCount nodes { type at address device } } } }",
    "audit entry": "query($id: ID!) { auditEntry(id: $id) { type requestId } }",
    "webhooks": """query($id: ID!, $after: String) { team(id: $id) {
        webhooks(first: 50, after: $after, filter: {state: ACTIVE}) { totalCount nodes {
            url createdBy { name } figures { deliveredCount pendingCount medianMs } } } } }""",
    "webhook": """query($id: ID!, $filter: WebhookDeliveryFilter) { webhook(id: $id) { url
        deliveries(first: 50, filter: $filter) { totalCount nodes { eventType state video { title } } } } }""",
    "delivery": """query($id: ID!) { webhookDelivery(id: $id) { body webhook { url }
        attempts(first: 20) { nodes { number status } } } }""",
    "node": "query($id: ID!) { node(id: $id) { id ... on Version { number } } }",
}
NEEDLES = {
    SEARCH: (
        "Noxgrium",
        "veröffentlichung",
        "STRAẞE ",
        "монтаж zenpika",
        "インタビュー",
        "브랜드",
        "发布教程",
        "समीक्षा gri",
    ),
    SHORT: ("東", "の", "海空", "的", "视频", "한", "팀을", "ß", "q", "xq", "c#", "-", "b-r", "मसा", "ÿ"),
}
"""What is sought, by the index that must find it."""


@case("viewer", "uid_members_user_id_600b22", "idx_api_keys_user_created", "idx_identities_user")
async def _viewer(world: World) -> None:
    assert (await world.asker.data(DOCUMENTS["viewer"]))["viewer"]


@case("sessions", "idx_sessions_user", "sessions_pkey")
async def _sessions(world: World) -> None:
    asker = replace(world.asker, caller=world.asker.caller._replace(viewer=await _signed_in(world)))
    assert (await asker.data(DOCUMENTS["sessions"]))["viewer"]["sessions"]["totalCount"] == 1


@case("notifications", "idx_notifications_user_latest")
async def _notifications(world: World) -> None:
    viewer = (await world.asker.data(DOCUMENTS["notifications"]))["viewer"]
    assert len(viewer["notifications"]["nodes"]) > viewer["unreadNotificationCount"] > 0


@case("team", "idx_members_team", "idx_invitations_team_created")
async def _team(world: World) -> None:
    assert (await world.ask(DOCUMENTS["team"], "Team", world.places.big_team_id))["members"]["nodes"]


@case("the link of an invitation", "mailed_links_token_hash_key")
async def _invitation(world: World) -> None:
    assert (await world.asker.data(DOCUMENTS["invitation"], token="no such link"))["invitation"] is None


@case("library", BY_TEAM, COMMENTS)
async def _library(world: World) -> None:
    document, team = DOCUMENTS["library"], world.places.big_team_id
    page = await world.ask(document, "Team", team, first=50)
    assert len(page["videos"]["nodes"]) == 50
    for way in ({"first": 50, "after": page["videos"]["pageInfo"]["endCursor"]}, {"last": 50}):
        assert len((await world.ask(document, "Team", team, **way))["videos"]["nodes"]) == 50


def _filtered(**given: Any) -> Run:
    async def run(world: World) -> None:
        for team in (world.places.big_team_id, world.places.team_id):
            await world.ask(DOCUMENTS["filtered"], "Team", team, filter=given)

    return run


case("library, drafts", BY_STATUS)(_filtered(status="DRAFT"))
case("library, trash")(_filtered(deleted=True))
case("library, one tag")(_filtered(tags=["product"]))
case("library, several tags", "idx_videos_tags")(_filtered(tags=["product", "podcast", "edición"]))
for _index, _needles in NEEDLES.items():
    for _needle in _needles:
        case(f"library, {_needle}", _index)(_filtered(text=_needle))
case("library, a word that is everywhere")(_filtered(text="the"))


@case("video", "idx_jobs_video", COMMENTS)
async def _video(world: World) -> None:
    assert (await world.ask(DOCUMENTS["video"], "Video", world.places.video_id))["versions"]["nodes"]


@case("review room", THREADS, ANSWERS)
async def _room(world: World) -> None:
    room = await world.ask(DOCUMENTS["room"], "Version", world.places.room_version_id)
    assert len(room["comments"]["nodes"]) == room["threadCount"] == 100
    assert sum(thread["replyCount"] for thread in room["comments"]["nodes"]) == 100


@case("crowded version", THREADS)
async def _crowd(world: World) -> None:
    crowd = await world.ask(DOCUMENTS["room"], "Version", world.places.crowded_version_id)
    after = crowd["comments"]["pageInfo"]["endCursor"]
    crowd = await world.ask(DOCUMENTS["room"], "Version", world.places.crowded_version_id, after=after)
    assert len(crowd["comments"]["nodes"]) == 100


@case("mentions of oneself", "idx_mentions_user", COMMENTS)
async def _mentions(world: World) -> None:
    mention = await Mention.filter(user_id=world.places.owner_id).order_by("comment_id").first()
    assert mention is not None
    video_id = (await Comment.get(id=mention.comment_id)).video_id
    found = await world.ask(DOCUMENTS["mentions"], "Video", video_id)
    assert len(found["comments"]["nodes"]) == min(20, found["comments"]["totalCount"]) > 0


@case("who may be mentioned", "idx_members_team", COMMENTS)
async def _mentionable(world: World) -> None:
    assert await world.ask(DOCUMENTS["mentionable"], "Video", world.places.video_id)


@case("comment", "idx_uploads_comment_created")
async def _comment(world: World) -> None:
    found = world.library.comments
    answered = next(place for place in found.parent[found.version == world.library.special.room].tolist() if place >= 0)
    assert (await world.ask(DOCUMENTS["comment"], "Comment", found.ids[answered]))["replies"]["nodes"]


@case("upload")
async def _upload(world: World) -> None:
    upload = world.work.upload_ids[world.job(JobState.SUCCEEDED)]
    assert (await world.ask(DOCUMENTS["upload"], "Upload", upload))["job"]
    assert (await world.asker.data(DOCUMENTS["upload's parts"], id=encode_id("Upload", upload)))["uploadParts"] is None


@case("job")
async def _job(world: World) -> None:
    assert await world.ask(DOCUMENTS["job"], "Job", world.work.ids[world.job(JobState.SUCCEEDED)])


@case("audit log", "idx_audit_entries_team_created")
async def _audit_log(world: World) -> None:
    document, team = DOCUMENTS["audit log"], world.places.big_team_id
    page = await world.ask(document, "Team", team, first=100)
    assert len(page["auditLog"]["nodes"]) == 100
    middle = {"since": "2025-04-01T00:00:00Z", "until": "2025-06-01T00:00:00Z"}
    for way in ({"after": page["auditLog"]["pageInfo"]["endCursor"]}, {"last": 20}, {"filter": middle}):
        assert (await world.ask(document, "Team", team, **way))["auditLog"]["nodes"]


def _logged(**given: Any) -> Run:
    async def run(world: World) -> None:
        named = {name: value(world) if callable(value) else value for name, value in given.items()}
        found = await world.ask(DOCUMENTS["audit log"], "Team", world.places.big_team_id, filter=named)
        assert found["auditLog"]["nodes"] or given["types"] == ["member.removed"]

    return run


def _owner(world: World) -> str:
    return encode_id("User", world.places.owner_id)


def _a_video_of_the_big_team(world: World) -> str:
    videos = world.library.videos
    return encode_id("Video", videos.ids[int((videos.team == BIG).argmax())])


case("audit log, one person", "idx_audit_entries_team_actor_created")(_logged(actorId=_owner))
case("audit log, what never happened", "idx_audit_entries_team_type_created")(_logged(types=["member.removed"]))
case("audit log, several kinds")(_logged(types=["video.created", "version.created"]))
case("audit log, one thing", "idx_audit_entries_subjects")(_logged(subjectId=_a_video_of_the_big_team))


@case("activity", "idx_audit_entries_own")
async def _activity(world: World) -> None:
    assert (await world.asker.data(DOCUMENTS["activity"]))["viewer"]["activity"]["nodes"]


@case("audit entry", "audit_entries_pkey")
async def _audit_entry(world: World) -> None:
    page = await world.ask(DOCUMENTS["audit log"], "Team", world.places.team_id, first=1)
    assert page["auditLog"]["nodes"]
    entry = await AuditEntry.filter(team_id=world.places.team_id).order_by("-created_at", "-id").first()
    assert entry is not None
    assert (await world.ask(DOCUMENTS["audit entry"], "AuditEntry", entry.id))["type"]


@case("webhooks", "idx_webhooks_team_created", "idx_webhook_attempts_succeeded", "webhook_lanes_pkey")
async def _webhooks(world: World) -> None:
    (hook,) = (await world.ask(DOCUMENTS["webhooks"], "Team", world.places.big_team_id))["webhooks"]["nodes"]
    assert hook["figures"]["medianMs"] == 20


@case("a webhook's log", "webhooks_pkey", "idx_webhook_deliveries_webhook_created")
async def _log(world: World) -> None:
    hook = await models.Webhook.get(team_id=world.places.big_team_id)
    assert (await world.ask(DOCUMENTS["webhook"], "Webhook", hook.id))["deliveries"]["nodes"]


@case("what a webhook was not sent", "idx_webhook_deliveries_failed")
async def _failed(world: World) -> None:
    hook = await models.Webhook.get(team_id=world.places.big_team_id)
    found = await world.ask(DOCUMENTS["webhook"], "Webhook", hook.id, filter={"state": "FAILED"})
    assert found["deliveries"]["nodes"]


@case("a delivery", "webhook_deliveries_pkey", "webhook_bodies_pkey")
async def _delivery(world: World) -> None:
    delivery = await models.WebhookDelivery.filter(team_id=world.places.big_team_id).order_by("id").first()
    assert delivery is not None
    assert (await world.ask(DOCUMENTS["delivery"], "WebhookDelivery", delivery.id))["attempts"]["nodes"]


@case("node")
async def _node(world: World) -> None:
    assert (await world.ask(DOCUMENTS["node"], "Version", world.places.room_version_id))["number"]


@case("what a subscriber has missed", "idx_events_subjects", "events_position_key")
async def _missed(world: World) -> None:
    newest = await newest_position()
    assert await since([f"video:{world.places.video_id}"], 0, 500)
    assert await since([f"team:{world.places.big_team_id}"], newest - 1000, 500)
    assert not await since([f"video:{world.places.video_id}", "job:none"], newest, 500)


@case("session", "sessions_token_hash_key", "sessions_pkey")
async def _session(world: World) -> None:
    viewer = await _signed_in(world)
    assert viewer.user_id == world.places.owner_id
    assert not await accounts.lost_sessions({viewer.session_id}, utc_now())
    async with undone():
        await accounts.has_written(viewer)
        seen = Seen("sessions", "seen_at")
        seen.note(viewer.session_id, utc_now())
        await seen.flush()


async def _signed_in(world: World) -> Viewer:
    viewer, *_ = await accounts.viewer_of(world.asker.fetch, token(0), utc_now())
    return viewer


@case("a person's sessions, links and jobs", "idx_mailed_links_user", "idx_jobs_own")
async def _own(world: World) -> None:
    owner, now = world.places.owner_id, utc_now()
    async with undone():
        assert not await Job.withdraw(JobKind.AVATAR, owner, now)
        await User.hold(owner)
        assert await Session.end_all(owner, now) == 1
        await MailedLink.take_back(owner, *LinkKind, now=now)


@case("both links of a change of address", "mailed_links_token_hash_key", "idx_mailed_links_subject")
async def _address(world: World) -> None:
    with pytest.raises(Conflict):
        await addresses.confirm_change(world.asker.caller, token="link 7")
    assert not await MailedLink.filter(subject_id=world.places.owner_id)


@case("whose team somebody leaves behind", "idx_members_team")
async def _succession(world: World) -> None:
    async with undone():
        assert await orphaned_by(world.places.owner_id)
        await lonely_after(world.places.owner_id)


@case("API key", "api_keys_token_hash_key", "api_keys_pkey", "idx_api_keys_user_created")
async def _api_key(world: World) -> None:
    caller = world.asker.caller
    async with undone():
        made = await api_keys.create(caller, name="Export", scopes=[Scope.READ])
        async with raw_connection() as connection:
            holder = await api_keys.holder_of(lambda text, values: connection.fetch(text, *values), made.key, utc_now())
        assert holder.viewer.user_id == world.places.owner_id
        assert not await api_keys.lost({made.row.id}, utc_now())
        await models.ApiKey.has_written(made.row.id)
        await api_keys.revoke(caller, key_id=made.row.id)
        seen = Seen("api_keys", "used_at")
        seen.note(made.row.id, utc_now())
        await seen.flush()


@case("signing in", "users_email_key")
async def _sign_in(world: World) -> None:
    with pytest.raises(accounts.Unauthenticated):
        await accounts.sign_in(world.asker.caller, email="person7@large.example", password="not this one")


@case("two-factor", "two_factors_user_id_key", "idx_recovery_codes_user")
async def _two_factor(world: World) -> None:
    assert (await world.asker.data(DOCUMENTS["two-factor"]))["twoFactor"]


@case("the link of a sign-up", "sign_ups_token_hash_key", "idx_sign_ups_email")
async def _link(world: World) -> None:
    caller = world.asker.caller
    with pytest.raises(Conflict, match=r"problem\.account_exists"):  # every address there has an account
        await accounts.confirm_sign_up(caller, token="link 7", password="not one of them")


@case("writing")
async def _write(world: World) -> None:
    caller, places = world.asker.caller, world.places
    async with undone():
        said = await comments.add(caller, version_id=places.room_version_id, body="Lovely, @Ada.")
        await comments.add(caller, version_id=places.room_version_id, body="So it is.", parent_id=said.id)
        await comments.set_visibility(caller, comment_id=said.id, visibility=CommentVisibility.TEAM)
        await videos.create(caller, team_id=places.team_id, title="New")
        await videos.edit(caller, video_id=places.video_id, description="Edited")
        await videos.delete(caller, video_id=places.video_id)
