"""What the local store tells programs that it refuses, described for docs/errors.md (by `local/guide.py`)."""

from enum import StrEnum


class FileCode(StrEnum):
    """Of the local store's answers at `/files`, in the form of RFC 9457 (`application/problem+json`).

    An S3-compatible store answers in its own form.
    """

    LINK_REFUSED = "LINK_REFUSED"
    """The link is none of ours, or its time is over.

    Remedy: ask for a fresh one: `uploadParts`, or the field that it came from.
    Again: with the fresh link.
    Where: 403.
    """
    NO_SUCH_FILE = "NO_SUCH_FILE"
    """There is no such file any more.

    Remedy: read again what it belonged to.
    Again: no.
    Where: 404.
    """
    NO_SUCH_UPLOAD = "NO_SUCH_UPLOAD"
    """The upload takes no more parts: it is complete, was discarded, or has expired.

    Remedy: start a new one.
    Again: no.
    Where: 404.
    """
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    """Files are read by GET, parts sent by PUT.

    Remedy: mend the client.
    Again: no.
    Where: 405.
    """
    PART_STALLED = "PART_STALLED"
    """Nothing came for too long.

    Remedy: send the part again.
    Again: at once.
    Where: 408.
    """
    PART_TOO_LONG = "PART_TOO_LONG"
    """The part is larger than was announced.

    Remedy: cut the file by the sizes of `missing`.
    Again: with the right bytes.
    Where: 413.
    """
    PART_TOO_SHORT = "PART_TOO_SHORT"
    """The part is smaller than was announced, or broke off.

    Remedy: cut the file by the sizes of `missing`; send the part again.
    Again: at once, with all of it.
    Where: 400.
    """
    CHECKSUM_DIFFERS = "CHECKSUM_DIFFERS"
    """`Content-MD5` is not that of what has come.

    Remedy: send the part again.
    Again: at once.
    Where: 400.
    """
    STORAGE_FULL = "STORAGE_FULL"
    """The disk is full.

    Remedy: tell the operator.
    Again: with growing pauses.
    Where: 507.
    """
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    """The store cannot be written to or read from.

    Remedy: try again.
    Again: after some seconds, with growing pauses.
    Where: 503.
    """
