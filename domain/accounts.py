"""What holds for accounts: where in the world somebody may be, and how an account ends."""

from datetime import timedelta
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from domain.errors import Invalid

DELETION_GRACE = timedelta(days=14)
"""How long an account waits before it goes: until then the person may think better of it."""
DELETED_NAME = "Deleted user"
"""Whoever has gone."""
_LONGEST_ZONE = 64


def address_of_deleted(user_id: UUID) -> str:
    """The address of an account that is gone: no mail server takes it (RFC 2606), and no two are the same."""
    return f"{user_id}@deleted.invalid"


def time_zone(value: str, *, path: tuple[str, ...]) -> str:
    """`value` if it is the name of a zone in IANA's database, such as `Europe/Berlin`; otherwise Invalid."""
    if len(value) > _LONGEST_ZONE or value not in _zones():
        raise Invalid("problem.time_zone", path=path)
    return value


@cache
def _zones() -> frozenset[str]:
    """Read from the disk, once. `Factory` and `localtime` are no places."""
    return frozenset(available_timezones() - {"Factory", "localtime"})
