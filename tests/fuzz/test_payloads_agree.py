"""What mutations and events answer: the plan reads it as the plain path does, and a mutation writes once."""

import base64
from collections.abc import Callable
from random import Random
from typing import Any

from graphql import GraphQLField, get_named_type

from domain.activity import TOLD
from domain.comments import CommentHappening
from domain.permissions import Role
from domain.presence import PresenceActivity
from live.message import Message
from plan import decode_id
from tests.fuzz.cases import Case, Talk
from tests.fuzz.check import Check, require_sound
from tests.fuzz.documents import Document, Writer
from tests.fuzz.explore import DOCUMENTS, GIVEN_UP, first_fault
from tests.fuzz.stages import Stage, Twins, Visible
from tests.fuzz.tally import Tally
from tests.fuzz.values import Mood, Pools, Values
from tests.fuzz.world import NOW, TEXTS
from tests.pictures import png

pytestmark = GIVEN_UP
PAYLOADS = max(10, DOCUMENTS // 10)
LEAST_PLANNED = 0.8
VIEWERS = ("owner", "editor", "both", "viewer", "stranger", "anonymous")

Given = Callable[[Values, Pools], dict[str, Any]]


def some(values: Values, pools: Pools, kind: str) -> str:
    """The id of a row that the viewer mostly may see."""
    seen = pools.seen[kind]
    return values.one_of(seen if seen and not values.chance(8) else pools.ids[kind])


def by_id(kind: str) -> Given:
    return lambda values, pools: {"id": some(values, pools, kind)}


def created(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"teamId": some(values, pools, "Team"), "title": values.one_of(TEXTS), "tags": ["red"]}}


def edited(values: Values, pools: Pools) -> dict[str, Any]:
    change = values.one_of(({}, {"title": values.one_of(TEXTS)}, {"tags": []}, {"description": "é"}))
    return {"input": {"id": some(values, pools, "Video"), **change}}


def said(values: Values, pools: Pools) -> dict[str, Any]:
    answered = {"parentId": some(values, pools, "Comment")} if values.chance(3) else {"startMs": values.one_of((0, 1))}
    answered |= {"visibility": values.one_of(("OPEN", "TEAM", None))} if values.chance(2) else {}
    return {"input": {"versionId": some(values, pools, "Version"), "body": values.one_of(TEXTS), **answered}}


def completed(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"id": some(values, pools, "Upload"), "parts": [{"number": 1, "checksum": "0" * 32}]}}


def revoked(values: Values, pools: Pools) -> dict[str, Any]:
    """Seldom one's own: who has signed out asks no more."""
    return {"id": values.one_of([*pools.absent.values(), *pools.ids["Session"]])}


def always(**given: Any) -> Given:
    return lambda _values, _pools: given


def profile(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": values.one_of(({}, {"name": values.one_of(TEXTS)}, {"timeZone": "Asia/Tokyo"}, {"locale": "xx"}))}


IMAGE = base64.b64encode(png(3, 2)).decode()


def named(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"id": some(values, pools, "Team"), "name": values.one_of(TEXTS)}}


def raised(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"memberId": some(values, pools, "Member"), "role": values.one_of([role.name for role in Role])}}


def invited(values: Values, pools: Pools) -> dict[str, Any]:
    address = values.one_of(("new@example.com", "stranger@example.com", "editor@example.com"))
    role = values.one_of([role.name for role in Role])
    return {"input": {"teamId": some(values, pools, "Team"), "email": address, "role": role}}


def of_member(values: Values, pools: Pools) -> dict[str, Any]:
    return {"memberId": some(values, pools, "Member")}


def read(values: Values, pools: Pools) -> dict[str, Any]:
    which = {"ids": [some(values, pools, "Notification")]} if values.chance(2) else {"until": NOW.isoformat()}
    return {"input": which}


def hooked(values: Values, pools: Pools) -> dict[str, Any]:
    about = {"videoId": values.one_of((None, some(values, pools, "Video")))}
    change = values.one_of(({}, {"description": values.one_of(TEXTS)}, {"eventTypes": []}, {"inOrder": True}, about))
    return {"input": {"id": some(values, pools, "Webhook"), **change}}


def sampled(values: Values, pools: Pools) -> dict[str, Any]:
    kind = values.one_of(("video.created", "of.nothing"))
    return {"input": {"webhookId": some(values, pools, "Webhook"), "eventType": kind}}


def resumed(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"id": some(values, pools, "Webhook"), "discard": values.chance(2)}}


def reworded(values: Values, pools: Pools) -> dict[str, Any]:
    change = values.one_of(({}, {"body": values.one_of(TEXTS)}, {"drawing": None}, {"endMs": None}, {"endMs": 999}))
    return {"input": {"id": some(values, pools, "Comment"), **change}}


def reacted(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"commentId": some(values, pools, "Comment"), "kind": values.one_of(("HEART", "EYES"))}}


def shown(values: Values, pools: Pools) -> dict[str, Any]:
    return {"input": {"id": some(values, pools, "Comment"), "visibility": values.one_of(("OPEN", "TEAM"))}}


MUTATIONS: dict[str, Given] = {
    "addComment": said,
    "addReaction": reacted,
    "deleteComment": by_id("Comment"),
    "editComment": reworded,
    "removeCommentImage": by_id("Comment"),
    "removeReaction": reacted,
    "resolveComment": by_id("Comment"),
    "restoreComment": by_id("Comment"),
    "setCommentVisibility": shown,
    "unresolveComment": by_id("Comment"),
    "cancelAccountDeletion": always(),
    "cancelJob": by_id("Job"),
    "changePassword": always(input={"current": "not this one", "new": "but another one"}),
    "changeRole": raised,
    "createTeam": lambda values, _pools: {"input": {"name": values.one_of(TEXTS)}},
    "deleteTeam": by_id("Team"),
    "inviteMember": invited,
    "markNotificationsRead": read,
    "removeMember": of_member,
    "renameTeam": named,
    "resendInvitation": by_id("Invitation"),
    "restoreTeam": by_id("Team"),
    "revokeInvitation": by_id("Invitation"),
    "switchTeam": by_id("Team"),
    "transferOwnership": of_member,
    "completeUpload": completed,
    "createVideo": created,
    "deleteVideo": by_id("Video"),
    "discardUpload": by_id("Upload"),
    "editVideo": edited,
    "removeAvatar": always(),
    "requestAccountDeletion": always(password="not this one"),
    "restoreVersion": by_id("Version"),
    "restoreVideo": by_id("Video"),
    "revokeApiKey": by_id("ApiKey"),
    "revokeSession": revoked,
    "setAvatar": always(input={"image": IMAGE}),
    "updateProfile": profile,
    "pauseWebhook": by_id("Webhook"),
    "resendDelivery": by_id("WebhookDelivery"),
    "resumeWebhook": resumed,
    "sendTestEvent": sampled,
    "updateWebhook": hooked,
}
"""Those that answer a row of a declared type, and what they are given."""


def test_every_mutation_that_answers_a_row_is_tried(stage: Stage) -> None:
    fields = stage.engine.schema.mutation_type.fields
    answers = {name: fields[name].extensions["strawberry-definition"].answers for name in fields}
    assert MUTATIONS.keys() == {name for name, answer in answers.items() if hasattr(answer, "__plan_node__")}


async def test_what_mutations_answer(twins: Twins, pools: dict[str, Pools]) -> None:
    schema = twins.planned.engine.schema

    def draw(random: Random) -> Case:
        viewer, name = random.choice(VIEWERS[:3] * 3 + VIEWERS), random.choice(list(MUTATIONS))
        writer = Writer(random, schema, pools[viewer], Mood.FAIR)
        given = MUTATIONS[name](writer.values, pools[viewer])
        return Case(viewer, payload(writer, "mutation", name, schema.mutation_type.fields[name], given))

    async def check(case: Case) -> None:
        answers = await twins.answers(case.viewer, case.request)
        require_sound(case, answers, await twins.planned.visible_to(case.viewer), twins.planned.complaints)

    case = await first_fault(draw, check, times=PAYLOADS)
    if case is not None:
        await check(case)
    written = await twins.rows()
    assert written[0] == written[1]
    assert twins.planned.runs["planned"] >= LEAST_PLANNED * PAYLOADS


async def test_what_events_answer(stage: Stage, pools: dict[str, Pools], visible: Visible) -> None:
    schema = stage.engine.schema
    assert EVENTS.keys() == schema.subscription_type.fields.keys()

    def draw(random: Random) -> Talk:
        viewer, name = random.choice([who for who in stage.viewers if visible[who]["Job"]]), random.choice(list(EVENTS))
        writer = Writer(random, schema, pools[viewer], Mood.FAIR)
        given, root = EVENTS[name](writer.values, pools[viewer])
        document = payload(writer, "subscription", name, schema.subscription_type.fields[name], given)
        return (Case(viewer, document, root),)

    check = Check(stage, visible, Tally(schema, stage.runs))
    talk = await first_fault(draw, check, times=PAYLOADS)
    if talk is not None:
        await check(await check.simplest(talk))


def payload(writer: Writer, keyword: str, name: str, found: GraphQLField, given: dict[str, Any]) -> Document:
    """The one field with the arguments `given`, all by variables, and a drawn selection; a mutation at times twice."""
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    call = f"{name}({passed})" if given else name
    defined = [f"${argument}: {found.args[argument].type}" for argument in given]
    calls = [call if writer.values.chance(2) else f"done: {call}"]
    if keyword == "mutation" and writer.values.chance(4):
        calls.append(f"again: {call}")
    text = writer.payloads(f"{keyword} Q", calls, get_named_type(found.type), *defined)
    return Document("\n".join([text, *writer.fragments()]), None, {**writer.arguments.given, **given})


def _change(values: Values, pools: Pools) -> tuple[dict[str, Any], Message]:
    """An event of a video, with whatever it may be about; what the viewer may not see is among it."""
    nouns = {"video_id": "Video", "version_id": "Version", "comment_id": "Comment", "job_id": "Job"}
    about = {key: _raw(values, pools, kind) for key, kind in nouns.items() if not values.chance(4)}
    actor = None if values.chance(3) else _raw(values, pools, "User")
    body = {"type": "video.edited", "payload": about, "actor_id": actor, "created_at": NOW.isoformat()}
    return {"id": some(values, pools, "Video")}, Message(body, 1, "event")


def _remark(values: Values, pools: Pools) -> tuple[dict[str, Any], Message]:
    """Something that happened to a comment, which the viewer may see or not."""
    actor = None if values.chance(3) else _raw(values, pools, "User")
    kind = values.one_of([happening.value for happening in CommentHappening])
    body = {"type": kind, "payload": {"comment_id": _raw(values, pools, "Comment")}, "actor_id": actor}
    return {"videoId": some(values, pools, "Video")}, Message(body | {"created_at": NOW.isoformat()}, 1, "event")


def _progress(values: Values, pools: Pools) -> tuple[dict[str, Any], Message | None]:
    """Progress of a job that the viewer may see (nobody else gets this far), or where it stands."""
    told = {"state": "running", "step": values.one_of(("PROBE", None)), "percent": 7}
    return {"id": values.one_of(pools.seen["Job"])}, values.one_of((Message(told), None))


def _attempted(values: Values, pools: Pools) -> tuple[dict[str, Any], Message]:
    """An attempt at a delivery of a webhook, which the viewer may see or not."""
    body = {"type": "webhook.attempted", "attempt_id": _raw(values, pools, "WebhookAttempt")}
    return {"webhookId": some(values, pools, "Webhook")}, Message(body)


def _news(values: Values, pools: Pools) -> tuple[dict[str, Any], Message]:
    """Something is new, perhaps for somebody else, or was read."""
    about = {} if values.chance(4) else {"notification_id": _raw(values, pools, "Notification")}
    about["notified_id"] = _raw(values, pools, "User")
    body = {"type": "notification.raised", "payload": about, "actor_id": None, "created_at": NOW.isoformat()}
    return {}, Message(body, 1, "event")


def _room(values: Values, pools: Pools) -> tuple[dict[str, Any], Message]:
    """Who is in a room, perhaps by now nobody whom the viewer may see."""
    said = {"version": _raw(values, pools, "Version"), "ms": 7, "activity": PresenceActivity.TYPING.value}
    people = [[_raw(values, pools, "User"), values.one_of((said, None))] for _ in range(2)]
    return {"videoId": some(values, pools, "Video")}, Message({"count": 3, "people": people})


def _activity(values: Values, pools: Pools) -> tuple[dict[str, Any], Message]:
    """Something that happened in a team, and what it is about."""
    kind, told = values.one_of(sorted(TOLD.items()))
    noun = told.noun.title()
    body = {"type": kind, "payload": {f"{told.noun}_id": _raw(values, pools, noun)}, "created_at": NOW.isoformat()}
    body |= {"team_id": _raw(values, pools, "Team"), "actor_id": _raw(values, pools, "User")}
    return {"teamId": some(values, pools, "Team")}, Message(body, 1, "event")


def _raw(values: Values, pools: Pools, kind: str) -> str:
    return str(decode_id(some(values, pools, kind))[1])


EVENTS: dict[str, Callable[[Values, Pools], tuple[dict[str, Any], Message | None]]] = {
    "videoChanged": _change,
    "commentEvents": _remark,
    "jobProgress": _progress,
    "notifications": _news,
    "presence": _room,
    "teamActivity": _activity,
    "webhookDeliveries": _attempted,
}
"""The subscriptions, and what makes of each its arguments and an event."""
