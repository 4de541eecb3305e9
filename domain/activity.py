"""What of all that happens in a team its members are told as it happens, and which of them are."""

from collections.abc import Collection
from typing import NamedTuple

from domain.permissions import Role, Scope, allows, covers


class Told(NamedTuple):
    """An event that members hear of who may do `action`; it is about a `noun`, whose id it has."""

    action: str
    noun: str


TOLD: dict[str, Told] = {
    **dict.fromkeys(("video.created", "video.edited", "video.deleted", "video.restored"), Told("video:view", "video")),
    "video.published": Told("video:view", "video"),
    "version.created": Told("video:view", "version"),
    **dict.fromkeys(("upload.started", "upload.completed", "upload.discarded"), Told("video:view", "upload")),
    **dict.fromkeys(("comment.created", "comment.edited", "comment.deleted"), Told("video:view", "comment")),
    **dict.fromkeys(("comment.restored", "comment.resolved", "comment.unresolved"), Told("video:view", "comment")),
    **dict.fromkeys(("comment.reacted", "comment.visibility_changed"), Told("video:view", "comment")),
    **dict.fromkeys(("job.failed", "job.cancelled"), Told("job:view", "job")),
    **dict.fromkeys(("member.joined", "member.role_changed"), Told("team:view", "member")),
    **dict.fromkeys(("member.removed", "member.left", "ownership.transferred"), Told("team:view", "member")),
    "account.deleted": Told("team:view", "user"),
    **dict.fromkeys(("team.created", "team.renamed"), Told("team:view", "team")),
    **dict.fromkeys(("team.deletion_requested", "team.restored"), Told("team:view", "team")),
    **dict.fromkeys(("member.invited", "invitation.resent"), Told("member:invite", "invitation")),
    **dict.fromkeys(("invitation.revoked", "invitation.declined"), Told("member:invite", "invitation")),
}
"""Type → to whom it is told."""

_ACCOUNT = "it is about an account, which is its person's business: `User.activity` has it"
_MACHINE = "it is how work goes on: `jobProgress` tells it, and `version.created` what comes of it"
_MONEY = "it is about money, which is no business of everybody's in the team"
_WEBHOOKS = "it is for who looks after webhooks, and the audit log tells it"
UNTOLD: dict[str, str] = {
    **dict.fromkeys(("account.created", "account.edited", "account.password_changed"), _ACCOUNT),
    **dict.fromkeys(("account.email_change_requested", "account.email_confirmed", "account.email_changed"), _ACCOUNT),
    **dict.fromkeys(("account.deletion_requested", "account.deletion_cancelled"), _ACCOUNT),
    "account.deletion_postponed": _ACCOUNT,
    **dict.fromkeys(("session.opened", "session.ended", "session.all_ended", "session.switched"), _ACCOUNT),
    **dict.fromkeys(("sign_in.failed", "identity.linked", "identity.removed"), _ACCOUNT),
    **dict.fromkeys(("two_factor.started", "two_factor.enabled", "two_factor.disabled"), _ACCOUNT),
    **dict.fromkeys(("recovery_codes.renewed", "recovery_code.used"), _ACCOUNT),
    **dict.fromkeys(("api_key.created", "api_key.revoked"), _ACCOUNT),
    **dict.fromkeys(("notification.raised", "notification.read"), "it is for one person: `notifications` tells it"),
    **dict.fromkeys(("job.queued", "job.started", "job.succeeded"), _MACHINE),
    **dict.fromkeys(("user.subscribed", "user.cancelled", "payment.succeeded", "payment.failed"), _MONEY),
    **dict.fromkeys(("webhook.created", "webhook.edited", "webhook.paused", "webhook.resumed"), _WEBHOOKS),
    **dict.fromkeys(("webhook.secret_rotated", "webhook.tested", "webhook.resent", "webhook.deleted"), _WEBHOOKS),
    "team.deleted": "nobody is left to hear of it: every subscription in the team has ended",
}
"""Type → why no member is told."""


def heard(role: Role, scopes: Collection[Scope] | None, types: Collection[str] = ()) -> frozenset[str]:
    """The types that a member with `role`, or a key of theirs with these scopes, is told; of `types`, if there are any.

    None for `scopes` is somebody who has signed in.
    """
    asked = TOLD.keys() & types if types else TOLD.keys()
    return frozenset(each for each in asked if allows(role, TOLD[each].action) and covers(scopes, TOLD[each].action))
