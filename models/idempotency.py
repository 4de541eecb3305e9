"""What was done under idempotency keys: kept in the transaction that did it, so that it is never done again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.idempotency import KEPT
from domain.ids import new_id
from domain.viewers import AnyViewer
from models.base import Row
from models.database import in_a_transaction, raw_connection, transaction
from models.lines import Fetch

_COLUMNS = "kept.request AS kept_request, kept.answer_type, kept.answer_id, kept.answer"
_FOUND = f"SELECT {_COLUMNS} FROM idempotency_keys kept WHERE user_id = $1 AND key = $2 AND created_at > $3"  # noqa: S608
# Who keeps the same key at the moment is waited for. What is older than we promise is as good as gone.
_KEEP = """
INSERT INTO idempotency_keys AS kept (id, created_at, user_id, key, request, answer_type, answer_id, answer)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (user_id, key) DO UPDATE SET
    id = excluded.id, created_at = excluded.created_at, request = excluded.request,
    answer_type = excluded.answer_type, answer_id = excluded.answer_id, answer = excluded.answer
WHERE kept.created_at <= $9
RETURNING id
"""
_FORGET = """
DELETE FROM idempotency_keys WHERE id = ANY(ARRAY(
    SELECT id FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2
))
"""


class Taken(Exception):
    """Somebody else has kept the key meanwhile: this transaction must not commit."""


class Kept(NamedTuple):
    """What was asked under a key, as a digest, and what was answered: a row by its `id`, anything else by `values`."""

    request: bytes
    type: str
    id: UUID | None = None
    values: dict[str, Any] | None = None


class IdempotencyKey(Row):
    """A person's key and what was done under it. One that has been refused, or has failed, is not here."""

    user_id = fields.UUIDField()
    key = fields.CharField(255)
    request = fields.BinaryField()
    answer_type = fields.CharField(100)
    answer_id = fields.UUIDField(null=True)
    answer: fields.JSONField[dict[str, Any] | None] = fields.JSONField(null=True)

    class Meta:
        table = "idempotency_keys"
        unique_together = (("user_id", "key"),)
        indexes = [Index(fields=["created_at"], name="idx_idempotency_keys_created_at")]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        """Nobody: it is reached by its key alone."""
        del viewer
        return Q(id__isnull=True)

    @staticmethod
    async def kept_under(user_id: UUID, key: str, now: datetime) -> Kept | None:
        """What the person has kept under `key`."""
        async with raw_connection() as connection:
            return _kept(await connection.fetchrow(_FOUND, user_id, key, now - KEPT))

    @staticmethod
    async def keep(user_id: UUID, key: str, kept: Kept, now: datetime) -> None:
        """Keeps it with whatever else the running transaction writes, or in one of its own; Taken if that came late."""
        if not in_a_transaction():
            async with transaction():
                return await IdempotencyKey.keep(user_id, key, kept, now)
        answer = None if kept.values is None else orjson.dumps(kept.values).decode()
        about = (kept.request, kept.type, kept.id, answer)
        async with raw_connection() as connection:
            if await connection.fetchval(_KEEP, new_id(), now, user_id, key, *about, now - KEPT) is None:
                raise Taken
        return None

    @staticmethod
    async def forget(before: datetime, most: int) -> int:
        """Deletes keys from before that moment, the oldest first; how many."""
        async with raw_connection() as connection:
            return int((await connection.execute(_FORGET, before, most)).rpartition(" ")[2])


async def beside(
    fetch: Fetch, text: str, values: Sequence[Any], key: str, now: datetime
) -> tuple[list[Record], Kept | None]:
    """The rows of a statement that finds out who asks (`user_id`), and what they have kept under `key`: one trip."""
    last = len(values)
    joined = f"""
SELECT holder.*, {_COLUMNS} FROM ({text}) holder LEFT JOIN idempotency_keys kept
    ON kept.user_id = holder.user_id AND kept.key = ${last + 1} AND kept.created_at > ${last + 2}
"""  # noqa: S608 - all ours
    rows = await fetch(joined, [*values, key, now - KEPT])
    return rows, _kept(rows[0]) if rows else None


def _kept(found: Record | None) -> Kept | None:
    if found is None or found["kept_request"] is None:
        return None
    values = found["answer"]
    return Kept(found["kept_request"], found["answer_type"], found["answer_id"], values and orjson.loads(values))
