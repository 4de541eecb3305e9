"""What the fields of events mean, with a value of each for examples: for all types that have it, or for one alone."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from domain.comments import CommentVisibility, ReactionKind
from domain.jobs import Queue
from domain.permissions import Role
from domain.webhooks.states import PauseReason


class Wording(NamedTuple):
    """What a field is, in a sentence. `values` are those that there are by now, where it is one of few."""

    description: str
    example: Any = None
    values: tuple[str, ...] = ()
    format: str | None = None
    """Of a text, in terms of JSON Schema."""


def _one_of(values: Iterable[str], description: str, example: str) -> Wording:
    return Wording(description, example, tuple(values))


EXAMPLE = "example"
"""In the place of the example of an id: a made-up one."""
_VISIBILITIES = [str(each.value) for each in CommentVisibility]
_ROLES = [str(role.value) for role in Role]

WORDING: dict[str, Wording] = {
    # Ids
    "comment_id": Wording("The comment.", EXAMPLE),
    "heir_id": Wording("Who owns the team from now on.", EXAMPLE),
    "invitation_id": Wording("The invitation.", EXAMPLE),
    "job_id": Wording("The job.", EXAMPLE),
    "member_id": Wording("The person's place in the team.", EXAMPLE),
    "parent_id": Wording("The comment that opened the thread, for an answer; null for what opens one."),
    "upload_id": Wording("The upload.", EXAMPLE),
    "user_id": Wording("Whom it is about.", EXAMPLE),
    "version_id": Wording("The version.", EXAMPLE),
    "video_id": Wording("The video.", EXAMPLE),
    "version.created.job_id": Wording("The job that made it of an upload; null for a restored one.", EXAMPLE),
    "upload.completed.job_id": Wording("The job that makes a version of it.", EXAMPLE),
    "ownership.transferred.member_id": Wording("The place in the team of who owned it until now.", EXAMPLE),
    "ownership.transferred.user_id": Wording("Who owned it until now.", EXAMPLE),
    # Videos, versions, uploads
    "title": Wording("The video's title.", "Northern Lights, cut 3"),
    "number": Wording("The version's number: 1, 2, 3 … of each video.", 3),
    "file_name": Wording("What the file is called where it came from.", "northern-lights.mp4"),
    "video.edited.changed": Wording("What of it: `title`, `description`, `tags`.", ["title"]),
    "platform": _one_of(("youtube", "instagram", "tiktok", "facebook", "x"), "Where.", "youtube"),
    "url": Wording("Where it can be seen there, if the platform says.", "https://www.youtube.com/watch?v=aqz-KE-bpKQ"),
    # Comments
    "comment.edited.changed": Wording("What of it: `body`, `range`, `drawing`, `image`.", ["body"]),
    "kind": _one_of((str(kind.value) for kind in ReactionKind), "The way of reacting.", "heart"),
    "visibility": _one_of(_VISIBILITIES, "For whom the thread is: one of the `team` is hidden from viewers.", "open"),
    "became": _one_of(_VISIBILITIES, "For whom the thread is from now on.", "team"),
    "added": Wording("Whether it was added; false if it was taken back.", example=True),
    # Jobs
    "queue": _one_of((str(queue.value) for queue in Queue), "For which workers.", "media"),
    "attempt": Wording("How often it has been tried, this time included.", 1),
    "code": Wording("Why, for programs: docs/errors.md has the codes.", "TRUNCATED"),
    "params": Wording("The figures of the reason, by names that depend on `code`; often none.", {}),
    # Teams and who is in them
    "name": Wording("What the team is called.", "Northlight Films"),
    "former_name": Wording("What it was called before.", "Northlight"),
    "days": Wording("How many days it waits.", 14),
    "role": _one_of(_ROLES, "What they are in the team.", "editor"),
    "former_role": _one_of(_ROLES, "What they were in the team before.", "viewer"),
    "ownership.transferred.former_role": _one_of(_ROLES, "What the new owner was in the team before.", "admin"),
    "is_new": Wording("Whether they had no account before.", example=True),
    # Webhooks
    "webhook_id": Wording("The webhook.", EXAMPLE),
    "webhook.edited.changed": Wording(
        "What of it: `url`, `description`, `event_types`, `video_id`, `in_order`, `headers`.", ["url"]
    ),
    "webhook.paused.reason": _one_of(PauseReason, "Why it is sent nothing any more.", "failing"),
    "others_ended": Wording(
        "Whether only the new one is good from now on; if not, each before is for 24 hours after it was replaced.",
        example=False,
    ),
    "sent": Wording("The type of the event that it was sent.", "video.created"),
    "count": Wording("How many deliveries were sent again.", 3),
    # Money
    "tier": _one_of(("free", "pro"), "What they pay for.", "pro"),
    "interval": _one_of(("month", "year"), "How often they pay.", "month"),
    "amount": Wording("In the currency's smallest unit: 1900 is 19 euros, or 1900 yen.", 1900),
    "currency": Wording("Three letters, as in ISO 4217.", "EUR"),
    "ends_at": Wording("Until when they have what they paid for.", "2026-02-15T09:30:00.000Z", format="date-time"),
    "reason": Wording("Why, in their words; null if they gave no reason.", "We only needed it for one film."),
    "reference": Wording("What whoever takes the payments calls this one.", "pay_8Qz3nWkE5m"),
    "payment.failed.code": Wording("Why, for programs, as whoever takes the payments says.", "card_declined"),
    "payment.failed.attempt": Wording("How often it has been tried by now.", 1),
}
"""By the field's name or, where it means something of its own, by the type's and the field's."""

_TYPES = {"heir": "User", "notified": "User", "actor": "User", "parent": "Comment", "chosen_team": "Team"}
"""What is named after its part in the event."""


def wording(type_: str, field: str) -> Wording:
    """What a field means in events of a type; KeyError where nobody has said."""
    return WORDING.get(f"{type_}.{field}") or WORDING[field]


def named_by(field: str) -> str | None:
    """The type, in the API, of what a field of an event is the id of: `api_key_id` → `ApiKey`. None if it is no id."""
    noun, is_id, _ = field.rpartition("_id")
    if not is_id or not field.endswith("_id"):
        return None
    return _TYPES.get(noun) or "".join(word.capitalize() for word in noun.split("_"))
