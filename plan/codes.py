"""What programs are told of a request that failed, described for docs/errors.md (by `local/guide.py`)."""

from enum import StrEnum


class RequestCode(StrEnum):
    """Of requests that never ran, or did not run to their end."""

    BAD_REQUEST = "BAD_REQUEST"
    """It is no GraphQL request, or its document does not parse or validate, or a variable is not of its type.

    Remedy: mend the request: the message says what is wrong, `locations` where in the document.
    Again: no, it would end the same way.
    Where: HTTP 400 (under plain `application/json` 200); 405, 406, 408, 413, 414 and 415 for what is wrong with the
        request itself; a socket's `error`.
    """
    TOO_COSTLY = "TOO_COSTLY"
    """One document or operation asks for more than one may: the message says of what, and by how much.

    Remedy: ask for smaller pages, or in several requests: [limits.md](limits.md).
    Again: no, it would end the same way.
    Where: HTTP 400 (under plain `application/json` 200); a socket's `error`.
    """
    INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
    """The schema is asked about itself, and does not answer here.

    Remedy: read [`schema.graphql`](../schema.graphql).
    Again: no.
    Where: as `TOO_COSTLY`.
    """
    INVALID = "INVALID"
    """An argument of a query that no row could be found by: a cursor or an id that is none of ours, too large a page.

    Remedy: mend the argument of the field that `path` names.
    Again: no.
    Where: HTTP 200, beside `data`.
    """
    TIMEOUT = "TIMEOUT"
    """It took longer than ten seconds, and was given up, down to the database. A mutation is `UNAVAILABLE` then, and
    undone.

    Remedy: ask for less: smaller pages, fewer fields.
    Again: once, after some seconds; then ask for less.
    Where: HTTP 200 with `data: null`; a socket's `next`.
    """
    INTERNAL = "INTERNAL"
    """A fault of ours. The log has all of it, under the `requestId` that is told.

    Remedy: tell the operator the `requestId`.
    Again: once; a mutation under its idempotency key, or after looking whether it was done.
    Where: HTTP 200 beside `data` when it was one field, 500 when it was the whole request; a socket's `next`.
    """
