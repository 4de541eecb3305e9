"""The life of a job: queued → running → succeeded | failed | cancelled, and back to queued when a worker is lost."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class JobKind(StrEnum):
    """What a job does."""

    INGEST = "ingest"
    SIGN_IN_MAIL = "sign_in_mail"
    LINK_MAIL = "link_mail"
    MAIL = "mail"
    DISCARD_UPLOAD = "discard_upload"
    PURGE_VIDEO = "purge_video"
    AVATAR = "avatar"
    IMAGE = "image"
    DELETE_ACCOUNT = "delete_account"
    DISCARD_FILES = "discard_files"
    PURGE_TEAM = "purge_team"
    NOTIFICATION_MAIL = "notification_mail"


class JobFault(StrEnum):
    """Why a job of any kind can fail; beside these there are the reasons of its kind (`domain.media.Refusal`).

    Under each stands what its owner can do: see `local/guide.py`.
    """

    INTERNAL = "INTERNAL"
    """Try again once; then tell the operator the job's id."""
    WORKER_LOST = "WORKER_LOST"
    """Try again later."""
    UPLOAD_LOST = "UPLOAD_LOST"
    """Upload the file again."""
    MAIL_REFUSED = "MAIL_REFUSED"
    """Mend the address."""


class Queue(StrEnum):
    """Which workers a job is for: `media` runs child processes that decode, `io` waits for other services."""

    MEDIA = "media"
    IO = "io"


QUEUE_OF: dict[JobKind, Queue] = {
    JobKind.INGEST: Queue.MEDIA,
    JobKind.SIGN_IN_MAIL: Queue.IO,
    JobKind.LINK_MAIL: Queue.IO,
    JobKind.MAIL: Queue.IO,
    JobKind.DISCARD_UPLOAD: Queue.IO,
    JobKind.PURGE_VIDEO: Queue.IO,
    JobKind.AVATAR: Queue.MEDIA,
    JobKind.IMAGE: Queue.MEDIA,
    JobKind.DELETE_ACCOUNT: Queue.IO,
    JobKind.DISCARD_FILES: Queue.IO,
    JobKind.PURGE_TEAM: Queue.IO,
    JobKind.NOTIFICATION_MAIL: Queue.IO,
}
