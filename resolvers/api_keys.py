"""API keys: making them, ending them, and finding out who shows one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import api_keys
from domain.api_keys import MOST_KEYS, ApiKeyState
from domain.errors import Conflict, Invalid
from domain.events import ApiKeyCreated, ApiKeyRevoked
from domain.mails import MailKind
from domain.permissions import Scope
from domain.text import one_line
from domain.throttling import KEY_OF_PERSON
from domain.tokens import token_hash
from domain.viewers import Viewer
from models import ApiKey, User
from models.database import transaction
from models.lines import Fetch
from resolvers.caller import Caller, Holder, hold_asker, require_somebody, tell
from resolvers.notices import notify


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh key. `key` is told this once; we keep its hash."""

    key: str
    row: ApiKey


async def create(
    caller: Caller,
    *,
    name: str,
    scopes: Sequence[Scope],
    expires_at: datetime | None = None,
    expires_in_days: int | None = None,
) -> Made:
    """A new key for whoever asks; Conflict for one who has as many as one may have, Throttled who makes too many."""
    now = caller.now()
    named = one_line(name, path=("name",), most=100)
    until = api_keys.expiry(now, at=expires_at, in_days=expires_in_days)
    if not scopes:
        raise Invalid("problem.key_scopes", path=("scopes",))
    await caller.throttle.hit(KEY_OF_PERSON, str(require_somebody(caller)))
    key = api_keys.new_key()
    async with transaction():
        user = await _require_room(caller)
        row = await ApiKey.create(
            user_id=user.id,
            name=named,
            prefix=api_keys.shown_of(key),
            token_hash=token_hash(key),
            scopes=[scope.value for scope in Scope if scope in scopes],
            created_at=now,
            expires_at=until,
        )
        await _tell(caller, ApiKeyCreated, row)
        await notify(user, MailKind.API_KEY_CREATED, now, label=named)
    return Made(key, row)


async def revoke(caller: Caller, *, key_id: UUID) -> ApiKey:
    """Ends a key of whoever asks: from the commit on it is nobody's."""
    require_somebody(caller)
    async with transaction():
        row = await ApiKey.lock(key_id, caller.viewer)
        row.revoke(caller.now())
        await row.save(update_fields=["revoked_at"])
        await _tell(caller, ApiKeyRevoked, row)
    return row


async def end_all(caller: Caller, user_id: UUID) -> None:
    """Ends all keys of a person that are good for something; each is told by itself. Hold the person first."""
    now = caller.now()
    for row in await ApiKey.filter(ApiKey.usable(now), user_id=user_id).order_by("id").select_for_update():
        row.revoke(now)
        await row.save(update_fields=["revoked_at"])
        await _tell(caller, ApiKeyRevoked, row)


async def states(caller: Caller, rows: Sequence[Mapping[str, Any]]) -> list[ApiKeyState]:
    """What each of the keys is at this moment."""
    return [api_keys.state_of(row["revoked_at"], row["expires_at"], caller.now()) for row in rows]


async def holder_of(fetch: Fetch, key: str, now: datetime) -> Holder:
    """Who shows this key: nobody where it is mistyped, unknown, expired or revoked."""
    found = await ApiKey.current(fetch, token_hash(key), now) if api_keys.is_sound(key) else None
    if found is None:
        return Holder()
    scopes = frozenset(map(Scope, found["scopes"]))
    return Holder(
        viewer=Viewer(found["user_id"]),
        written=found["written_lsn"],
        expires_at=found["expires_at"],
        scopes=scopes,
        api_key_id=found["id"],
        locale=found["locale"],
    )


async def lost(key_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of the keys that are no longer usable, or are gone altogether."""
    if not key_ids:
        return set()
    usable = ApiKey.filter(ApiKey.usable(now), id__in=list(key_ids))
    return set(key_ids) - {row.id for row in await usable.only("id")}


async def _require_room(caller: Caller) -> User:
    # Held, so that two at once cannot both be the last for which there was room.
    user = await hold_asker(caller)
    if await ApiKey.filter(ApiKey.usable(caller.now()), user_id=user.id).count() >= MOST_KEYS:
        raise Conflict("problem.key_count", most=MOST_KEYS)
    return user


async def _tell(caller: Caller, event: type[ApiKeyCreated] | type[ApiKeyRevoked], row: ApiKey) -> None:
    await tell(
        caller, event, None, by=row.user_id, user_id=row.user_id, api_key_id=row.id, name=row.name, scopes=row.scopes
    )
