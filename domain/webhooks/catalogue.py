"""The events that others can be told of: which of those that happen, since when in which shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from domain.events import EVENT_TYPES
from domain.webhooks.editions import FORMER, Former, Shape

OFFERED = (
    *("video.created", "video.edited", "video.published", "video.deleted", "video.restored"),
    *("version.created", "upload.started", "upload.completed", "upload.discarded"),
    *("comment.created", "comment.edited", "comment.deleted", "comment.restored"),
    *("comment.resolved", "comment.unresolved", "comment.reacted", "comment.visibility_changed"),
    *("job.queued", "job.started", "job.succeeded", "job.failed", "job.cancelled"),
    *("member.invited", "invitation.resent", "invitation.revoked", "invitation.declined"),
    *("member.joined", "member.role_changed", "member.removed", "member.left", "ownership.transferred"),
    *("team.renamed", "team.deletion_requested", "team.restored", "account.deleted"),
    *("webhook.created", "webhook.edited", "webhook.paused", "webhook.resumed", "webhook.secret_rotated"),
    *("webhook.tested", "webhook.resent", "webhook.deleted"),
    *("user.subscribed", "user.cancelled", "payment.succeeded", "payment.failed"),
)
"""What happens in a team."""
UNHEARD: dict[str, str] = {
    "team.created": "a team that is just being made has no webhooks yet",
    "team.deleted": "a team's webhooks go with it, and this is recorded once they have",
}
"""Type → why it can reach no webhook, though it happens in a team."""
_PERSONAL = "it is about a person's account, and in no team"
WITHHELD: dict[str, str] = {
    **dict.fromkeys(("account.created", "account.edited", "account.password_changed"), _PERSONAL),
    **dict.fromkeys(("account.email_change_requested", "account.email_confirmed", "account.email_changed"), _PERSONAL),
    **dict.fromkeys(("account.deletion_requested", "account.deletion_cancelled"), _PERSONAL),
    "account.deletion_postponed": _PERSONAL,
    **dict.fromkeys(("session.opened", "session.ended", "session.all_ended", "session.switched"), _PERSONAL),
    **dict.fromkeys(("sign_in.failed", "identity.linked", "identity.removed"), _PERSONAL),
    **dict.fromkeys(("two_factor.started", "two_factor.enabled", "two_factor.disabled"), _PERSONAL),
    **dict.fromkeys(("recovery_codes.renewed", "recovery_code.used"), _PERSONAL),
    **dict.fromkeys(("api_key.created", "api_key.revoked"), _PERSONAL),
    **dict.fromkeys(("notification.raised", "notification.read"), "it is for one person, and in no team"),
    **UNHEARD,
}
"""Type → why it is told to nobody outside."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of event as others are told of it."""

    event: Shape
    """Its shape today."""
    former: Sequence[Former] = ()
    """Its former ones, the oldest first."""

    @property
    def type(self) -> str:
        """What it is called: a noun, a dot, and what happened to it."""
        return self.event.type

    @property
    def description(self) -> str:
        """When it happens, in Markdown."""
        return described(self.event)

    @property
    def version(self) -> int:
        """The newest."""
        return self.event.version

    @property
    def recorded(self) -> bool:
        """Whether it happens by now: if not, it is offered so that receivers can be ready for it."""
        return self.event.recorded

    @property
    def shapes(self) -> dict[int, Shape]:
        """All versions that are told, the oldest first."""
        return {shape.version: shape for shape in (*(former.event for former in self.former), self.event)}

    def version_of(self, edition: int) -> int:
        """The version that an endpoint of that edition is told."""
        return next((each.event.version for each in self.former if edition <= each.until), self.version)

    def downgraded(self, payload: dict[str, Any], version: int) -> dict[str, Any]:
        """A payload of today's version, as that version has it."""
        for former in reversed(self.former):
            if former.event.version >= version:
                payload = former.downgrade(payload)
        return payload


EVENT_KINDS: Mapping[str, Kind] = {name: Kind(EVENT_TYPES[name], FORMER.get(name, ())) for name in OFFERED}
"""All that are offered, by their types, in the order in which they are shown."""


def version_of(type_: str, edition: int) -> int:
    """The version in which an endpoint of that edition is told events of a type; KeyError for what is not offered."""
    return EVENT_KINDS[type_].version_of(edition)


def described(event: Shape) -> str:
    """When an event happens: the first paragraph of what its class says of itself."""
    first, _, _ = cleandoc(event.__doc__ or "").partition("\n\n")
    return " ".join(first.split())
