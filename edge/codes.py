"""What programs are told when the edge refuses, described for docs/errors.md (by `local/guide.py`)."""

from enum import IntEnum, StrEnum


class EdgeCode(StrEnum):
    """Of requests that are sound, and not answered here or now."""

    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """Nobody has sent a document of this hash.

    Remedy: send its text along with the hash.
    Again: at once, with the text.
    Where: HTTP 200, where clients of automatic persisted queries look for it; a socket's `error`.
    """
    QUERY_NOT_IN_SAFELIST = "QUERY_NOT_IN_SAFELIST"
    """Only registered documents are answered here, and this text is none.

    Remedy: have the operator register it: [limits.md](limits.md).
    Again: no.
    Where: HTTP 400 (under plain `application/json` too); a socket's `error`.
    """
    PERSISTED_QUERY_NOT_IN_LIST = "PERSISTED_QUERY_NOT_IN_LIST"
    """Only registered documents are answered here, and none has this hash.

    Remedy: have the operator register it: [limits.md](limits.md).
    Again: no.
    Where: as `QUERY_NOT_IN_SAFELIST`.
    """
    IDEMPOTENCY_KEY_INVALID = "IDEMPOTENCY_KEY_INVALID"
    """The key is no key: it is not 1 to 255 visible characters of ASCII, or header and `extensions` have two.

    Remedy: mend the client.
    Again: with a key that is one.
    Where: mutations: HTTP 400; a socket's `error`.
    """
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    """The key came with another operation or other variables before.

    Remedy: take a new key for each change.
    Again: with a new key.
    Where: mutations: HTTP 422; a socket's `error`.
    """
    IDEMPOTENCY_KEY_REFUSED = "IDEMPOTENCY_KEY_REFUSED"
    """The mutation takes no key (the message says why), or several are asked for at once.

    Remedy: ask without a key, or for one mutation alone.
    Again: without a key.
    Where: mutations: HTTP 400; a socket's `error`.
    """
    MAINTENANCE = "MAINTENANCE"
    """Nothing can be changed for a while, because the operator is at work. Queries and subscriptions go on.

    Remedy: tell people the `message`; keep what they have written.
    Again: after `retryAfterSeconds`.
    Where: mutations: HTTP 503 with `Retry-After`, a socket's `error`. Our pages say it in words, with a 503.
    """


class AddressCode(StrEnum):
    """Of answers to what is no request to an endpoint of ours. Each has the name of its HTTP status."""

    BAD_REQUEST = "BAD_REQUEST"
    """It is no sound HTTP.

    Remedy: mend the client.
    Again: no.
    Where: 400, and the connection is closed.
    """
    NOT_FOUND = "NOT_FOUND"
    """There is nothing at this address.

    Remedy: mend the address.
    Again: no.
    Where: 404.
    """
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    """Not by this method.

    Remedy: use one that the header `Allow` names.
    Again: no.
    Where: 405.
    """
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    """The request did not come in within half a minute (and a second more for each 4 KiB).

    Remedy: send it faster.
    Again: yes.
    Where: 408, and the connection is closed.
    """
    REQUEST_ENTITY_TOO_LARGE = "REQUEST_ENTITY_TOO_LARGE"
    """The form is too large for the page.

    Remedy: send less.
    Again: no.
    Where: 413.
    """
    REQUEST_HEADER_FIELDS_TOO_LARGE = "REQUEST_HEADER_FIELDS_TOO_LARGE"
    """The head of the request is larger than 64 KiB.

    Remedy: send fewer or shorter headers.
    Again: no.
    Where: 431, and the connection is closed.
    """


class RefusingStatus(IntEnum):
    """The statuses of HTTP by which something is refused."""

    BAD_REQUEST = 400
    """What was sent cannot be understood, is not sound, or costs too much."""
    UNAUTHORIZED = 401
    """A REST hook was asked for without an API key that is valid."""
    FORBIDDEN = 403
    """A page of ours was asked for by another site, a link to a file is not one of ours, or is over, or the API key of
    a REST hook, or its person, may not do this."""
    NOT_FOUND = 404
    """There is nothing at this address, or no such REST hook, team, video or type of event."""
    METHOD_NOT_ALLOWED = 405
    """Not by this method: mutations are sent by POST."""
    NOT_ACCEPTABLE = 406
    """`Accept` takes neither of the two media types of answers."""
    REQUEST_TIMEOUT = 408
    """The request did not come in in time, or broke off."""
    CONFLICT = 409
    """A page of ours says why what the link is for was not done; a REST hook, that there are as many as may
    be, or as many secrets of it."""
    REQUEST_ENTITY_TOO_LARGE = 413
    """The body is larger than 1 MiB, or a form, a REST hook's or a part of a file than it may be."""
    URI_TOO_LONG = 414
    """The address of a GET is longer than 16 KiB: send a POST."""
    UNSUPPORTED_MEDIA_TYPE = 415
    """The body is not JSON in UTF-8, or compressed."""
    UNPROCESSABLE_ENTITY = 422
    """An idempotency key came with another request before, or a REST hook's `path` breaks a rule."""
    TOO_MANY_REQUESTS = 429
    """The budget of the minute is spent, or a page of ours was tried too often: wait for `Retry-After`."""
    REQUEST_HEADER_FIELDS_TOO_LARGE = 431
    """The head of the request is larger than 64 KiB."""
    INTERNAL_SERVER_ERROR = 500
    """A fault of ours."""
    SERVICE_UNAVAILABLE = 503
    """A service that this needs is away, or nothing can be changed for a while: wait for `Retry-After`."""
    INSUFFICIENT_STORAGE = 507
    """The disk of the local store is full."""
