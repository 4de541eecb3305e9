"""Why a delivery may not arrive."""

from enum import StrEnum


class Fault(StrEnum):
    """Why an attempt at a delivery failed. Under each stands what its receiver can do."""

    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    """Have the name of the host lead to public addresses alone."""
    NAME_UNKNOWN = "NAME_UNKNOWN"
    """Look whether the host's name is right, and its DNS answers."""
    CONNECTION_REFUSED = "CONNECTION_REFUSED"
    """Look whether the receiver runs, and listens at this port."""
    UNREACHABLE = "UNREACHABLE"
    """Look whether the host can be reached from outside."""
    CONNECTION_LOST = "CONNECTION_LOST"
    """Look in the receiver's log why it hung up before it answered."""
    CERTIFICATE_REFUSED = "CERTIFICATE_REFUSED"
    """Have a certificate for this name that has not expired, from an authority that browsers trust, with its chain."""
    TLS_FAILED = "TLS_FAILED"
    """Look whether this port speaks TLS 1.2 or newer."""
    TIMEOUT = "TIMEOUT"
    """Answer first, and work afterwards."""
    ANSWER_MALFORMED = "ANSWER_MALFORMED"
    """Look whether this port speaks HTTP/1.1."""
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    """Answer with fewer and smaller headers."""
    REDIRECTED = "REDIRECTED"
    """Change the endpoint's URL to where it leads."""
    GONE = "GONE"
    """Nothing, if it is meant: who answers 410 wants no more."""
    BAD_STATUS = "BAD_STATUS"
    """Look in the receiver's log what it answered, and why; success is 2xx."""
    REQUEST_IMPOSSIBLE = "REQUEST_IMPOSSIBLE"
    """Mend the endpoint's URL or its own headers: they cannot be sent as they are."""
    SECRET_UNREADABLE = "SECRET_UNREADABLE"  # noqa: S105 - no secret
    """Rotate the webhook's secret and set its headers anew: the installation's own key has changed."""
