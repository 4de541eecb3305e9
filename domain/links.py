"""Links in mails, which prove that whoever follows them can read the address they went to."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from domain.ids import global_id


class LinkKind(StrEnum):
    """What a link is for; the mail that carries it is called the same."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 - no password
    EMAIL_CHANGE_OLD = "email_change_old"
    EMAIL_CHANGE_NEW = "email_change_new"
    INVITATION = "invitation"


GOOD_FOR: dict[LinkKind, timedelta] = {
    LinkKind.PASSWORD_RESET: timedelta(hours=1),
    LinkKind.EMAIL_CHANGE_OLD: timedelta(hours=24),
    LinkKind.EMAIL_CHANGE_NEW: timedelta(hours=24),
    LinkKind.INVITATION: timedelta(days=7),
}
"""How long each may be followed."""

PATHS: dict[LinkKind, str] = {
    LinkKind.PASSWORD_RESET: "/reset-password",
    LinkKind.EMAIL_CHANGE_OLD: "/confirm-email",
    LinkKind.EMAIL_CHANGE_NEW: "/confirm-email",
    LinkKind.INVITATION: "/invitation",
}
"""The page that each leads to; `?token=` is added."""


def page_of_video(app_url: str, video_id: UUID) -> str:
    """Where an app shows the video: `/videos/` and the id by which the API knows it."""
    return f"{app_url}/videos/{global_id('Video', video_id)}"
