"""What of a webhook is kept sealed, each for a purpose of its own (see `domain.sealing`), for its webhook alone."""

SECRET = "webhook-secret"  # noqa: S105 - no secret, but what one is for
HEADERS = "webhook-headers"
