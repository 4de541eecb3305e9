"""Signed tokens that say something of an account, without a row: valid for a while, and until its password changes."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from struct import Struct
from uuid import UUID

from domain.ids import new_id
from domain.sealing import Keys

_PARTS = Struct(">16s16sQ16s")
_LONGEST = 200
"""Characters of a token that are looked at."""


class ProofKind(StrEnum):
    """What a proof says."""

    DEVICE = "device"
    """Somebody has signed in to the account with it, all the way."""
    PASSWORD = "password"  # noqa: S105 - no password
    """Somebody has just given the account's password; the second factor is to follow."""


GOOD_FOR: dict[ProofKind, timedelta] = {
    ProofKind.DEVICE: timedelta(days=180),
    ProofKind.PASSWORD: timedelta(minutes=5),
}
"""How long each counts."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token says. `id` is the token's own, for counting what is done with it."""

    id: UUID
    user_id: UUID
    expires_at: datetime
    password: bytes
    """A fingerprint of the password that the account had: of the salt of its hash."""

    def is_of(self, keys: Keys, user_id: UUID, password_hash: str | None) -> bool:
        """Whether it is about this account with this password."""
        return self.user_id == user_id and hmac.compare_digest(self.password, _fingerprint(keys, password_hash))


def prove(kind: ProofKind, keys: Keys, user_id: UUID, password_hash: str | None, now: datetime) -> str:
    """A new token of that kind about an account."""
    ends = int((now + GOOD_FOR[kind]).timestamp())
    password = _fingerprint(keys, password_hash)
    return keys.sign(f"proof {kind}", _PARTS.pack(new_id().bytes, user_id.bytes, ends, password))


def proof_in(kind: ProofKind, keys: Keys, token: str | None, now: datetime) -> Proof | None:
    """What `token` says; None for what is forged, of another kind, or over."""
    message = keys.signed(f"proof {kind}", token) if token and len(token) <= _LONGEST else None
    if message is None:
        return None
    own, user, ends, password = _PARTS.unpack(message)
    proof = Proof(UUID(bytes=own), UUID(bytes=user), datetime.fromtimestamp(ends, UTC), password)
    return proof if proof.expires_at > now else None


def salt_of(password_hash: str) -> str:
    """What stays of a hash (`$kind$version$parameters$salt$hash`) when its password is hashed again.

    Each password that is chosen has its own. Of what has another form, all stays.
    """
    parts = password_hash.split("$")
    return parts[4] if len(parts) == 6 else password_hash


def _fingerprint(keys: Keys, password_hash: str | None) -> bytes:
    return keys.digest("password", salt_of(password_hash or ""))
