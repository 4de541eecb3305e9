"""Identifiers: UUIDv7, so that rows made later sort later; outside they are opaque."""

from base64 import urlsafe_b64encode
from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then randomness."""
    return uuid7()


def new_label() -> str:
    """The same as text, for what no table holds: in a third of the time."""
    return str(uuid_utils.uuid7())


def global_id(kind: str, row_id: UUID) -> str:
    """The id by which the API knows a row of that type, for what leaves the house without it.

    URL-safe base64, without padding, of the type's name, a colon and the UUID's 16 bytes: as `plan.ids.encode_id`,
    which may know nothing of this room. A test compares the two.
    """
    return urlsafe_b64encode(kind.encode() + b":" + row_id.bytes).rstrip(b"=").decode()
