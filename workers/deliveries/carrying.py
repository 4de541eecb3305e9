"""One attempt at a delivery: what is sent, and what its answer means."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson
from asyncpg import Record

from domain.sealing import Keys, Unreadable
from domain.webhooks.faults import Fault
from domain.webhooks.replaced import still_good
from domain.webhooks.retries import pause_after
from domain.webhooks.sealed import HEADERS, SECRET
from domain.webhooks.signatures import signed_headers
from domain.webhooks.states import AttemptState, DeliveryState
from gateways.outbound import Answer, Outgoing, Sender
from models.lanes import Outcome

_OPENED = 4096
"""Secrets and headers that are kept open: those of so many webhooks."""


class Carrier:
    """Sends deliveries as their webhooks want it."""

    def __init__(self, sender: Sender, keys: Keys) -> None:
        self._sender = sender
        self._keys = keys
        self._opened = lru_cache(_OPENED)(self._open)

    async def carry(self, begun: Record, now: datetime) -> Answer:
        """Makes the attempt that has begun."""
        body = begun["body"].encode()
        try:
            headers = self._own_headers(begun) | self._signature(begun, body, now)
        except Unreadable:
            return Answer(None, Fault.SECRET_UNREADABLE, "", 0, None, None)
        return await self._sender.send(Outgoing(begun["url"], body, headers))

    def _own_headers(self, begun: Record) -> dict[str, str]:
        if begun["sealed_headers"] is None:
            return {}
        headers: dict[str, str] = orjson.loads(self._opened(HEADERS, begun["sealed_headers"], begun["webhook_id"]))
        return headers

    def _signature(self, begun: Record, body: bytes, now: datetime) -> dict[str, str]:
        message_id, event_type = str(begun["event_id"]), begun["event_type"]
        secrets = [*self._secrets(begun, now)]
        signed = signed_headers(secrets, message_id=message_id, at=now, body=body, event_type=event_type)
        return {**signed, "X-Webhook-Attempt": str(begun["attempt_count"])}

    def _secrets(self, begun: Record, now: datetime) -> Iterator[str]:
        """The newest, and those before it that are good yet. What of these cannot be opened any more signs nothing."""
        yield self._opened(SECRET, begun["sealed_secret"], begun["webhook_id"])
        for each in still_good(orjson.loads(begun["older_secrets"]), now):
            with suppress(Unreadable):
                yield self._opened(SECRET, each["sealed"], begun["webhook_id"])

    def _open(self, purpose: str, sealed: str, webhook_id: UUID) -> str:
        return self._keys.open(purpose, sealed, of=str(webhook_id))


def outcome_of(begun: Record, answer: Answer, now: datetime, chance: Callable[[], float]) -> Outcome:
    """What the answer means for the delivery."""
    state, due_at = _next(begun, answer, now, chance)
    return Outcome(
        attempt_id=begun["attempt_id"],
        delivery_id=begun["delivery_id"],
        webhook_id=begun["webhook_id"],
        attempt_state=AttemptState.FAILED if answer.fault else AttemptState.SUCCEEDED,
        status=answer.status,
        fault=answer.fault,
        excerpt=answer.excerpt,
        duration_ms=answer.duration_ms,
        state=state,
        due_at=due_at,
    )


def _next(
    begun: Record, answer: Answer, now: datetime, chance: Callable[[], float]
) -> tuple[DeliveryState, datetime | None]:
    if answer.fault is None:
        return DeliveryState.DELIVERED, None
    pause = None if answer.fault is Fault.GONE else pause_after(begun["tries"], asked=answer.retry_after, chance=chance)
    return (DeliveryState.FAILED, None) if pause is None else (DeliveryState.PENDING, now + pause)
