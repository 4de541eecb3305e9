"""Which mails there are, and what a job is given to send one."""

from enum import StrEnum
from typing import Any
from uuid import UUID


class MailKind(StrEnum):
    """A mail by what it is about. Its words are in the catalogs, under `mail.<kind>`."""

    WELCOME = "welcome"
    KNOWN = "known"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - no password
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    EMAIL_CHANGE_OLD = "email_change_old"
    EMAIL_CHANGE_NEW = "email_change_new"
    EMAIL_CHANGED = "email_changed"
    EMAIL_TAKEN = "email_taken"
    DELETION_REQUESTED = "deletion_requested"
    DELETION_WAITS = "deletion_waits"
    ACCOUNT_DELETED = "account_deleted"
    API_KEY_CREATED = "api_key_created"
    IDENTITY_LINKED = "identity_linked"
    INVITATION = "invitation"
    TWO_FACTOR_ENABLED = "two_factor_enabled"
    TWO_FACTOR_DISABLED = "two_factor_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"
    TEAM_DELETION = "team_deletion"
    NEWS = "news"
    """What is new for somebody, as soon as it is."""
    DIGEST = "digest"
    """The same, of a day."""
    WEBHOOK_GONE = "webhook_gone"
    WEBHOOK_FAILING = "webhook_failing"
    WEBHOOK_KEY_ENDED = "webhook_key_ended"
    WEBHOOK_MAKER_GONE = "webhook_maker_gone"


def mail_payload(
    kind: MailKind,
    to: str,
    locale: str,
    *,
    user_id: UUID | None = None,
    link: str | None = None,
    unsubscribe: str | None = None,
    **values: str | int | list[str],
) -> dict[str, Any]:
    """The payload of a `JobKind.MAIL`, for mails that need no more than `values`, which fill the braces of its words.

    It is written in what its reader reads when it is sent: the person `user_id`, or whoever has the address `to` then;
    in `locale` where there is nobody.

    A link that lets somebody in is none of these: whoever reads the jobs could follow it. Such a link is made by a job
    of its own kind, while it sends the mail.
    """
    links = {"user_id": user_id and str(user_id), "link": link, "unsubscribe": unsubscribe}
    return {"kind": kind.value, "to": to, "locale": locale, "values": values} | {k: v for k, v in links.items() if v}
