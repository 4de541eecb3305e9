"""API keys: what one looks like, and how long it is good for.

`vc_`, eight characters to recognise it by, 32 that are secret, and six of a checksum: scanners for leaked secrets find
it by its form, and one that was mistyped or cut off is refused without a look at the database.
"""

import secrets
import string
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

from domain.errors import Invalid

START = "vc_"
MOST_KEYS = 50
"""Usable ones of one person."""
LONGEST_DAYS = 3650
_DIGITS = string.digits + string.ascii_letters
_PREFIX, _SECRET, _CHECKSUM = 8, 32, 6  # 32 of 62 characters are 190 bits; 62⁶ is more than 2³²
_LENGTH = len(START) + _PREFIX + _SECRET + _CHECKSUM


class ApiKeyState(StrEnum):
    """Whether a key is good for anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


def new_key() -> str:
    """A fresh key of 49 characters."""
    body = START + "".join(secrets.choice(_DIGITS) for _ in range(_PREFIX + _SECRET))
    return body + _checksum(body)


def shown_of(key: str) -> str:
    """The beginning of a key, by which its owner recognises it; it is no secret."""
    return key[: len(START) + _PREFIX]


def looks_like_key(token: str) -> bool:
    """Whether a token is meant as an API key; no other token of ours begins like one."""
    return token.startswith(START)


def is_sound(key: str) -> bool:
    """Whether a key is one that we could have made: it has the length, and its checksum is right."""
    return len(key) == _LENGTH and key.isascii() and key[-_CHECKSUM:] == _checksum(key[:-_CHECKSUM])


def state_of(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> ApiKeyState:
    """What a key is at the moment `now`."""
    if revoked_at is not None:
        return ApiKeyState.REVOKED
    return ApiKeyState.EXPIRED if expires_at is not None and expires_at <= now else ApiKeyState.ACTIVE


def expiry(now: datetime, *, at: datetime | None, in_days: int | None) -> datetime | None:
    """When a new key expires: at a moment to come, in 1–3650 days, or (neither given) never. Invalid otherwise."""
    if at is not None and in_days is not None:
        raise Invalid("problem.key_expiry_twice", path=("expiresInDays",))
    if in_days is not None and not 1 <= in_days <= LONGEST_DAYS:
        raise Invalid("problem.key_days", path=("expiresInDays",), most=LONGEST_DAYS)
    if at is not None and not now < at <= now + timedelta(days=LONGEST_DAYS):
        raise Invalid("problem.key_expiry", path=("expiresAt",), most=LONGEST_DAYS)
    return now + timedelta(days=in_days) if in_days is not None else at


def _checksum(body: str) -> str:
    """CRC-32 of the text before it, to the base 62."""
    rest, digits = crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
