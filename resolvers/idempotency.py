"""Doing something once, however often it is asked for under one key."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from asyncpg import Record

from domain.errors import DomainError
from domain.idempotency import KeyReused
from models.database import one_transaction
from models.idempotency import IdempotencyKey, Kept, Taken, beside
from models.lines import Fetch
from resolvers.caller import Caller

R = TypeVar("R")


@dataclass(slots=True)
class Once:
    """One request of a person under a key of theirs; `request` is a digest of all that makes it another one."""

    key: str
    request: bytes
    before: Kept | None = None
    """What was done when this was asked before."""
    replayed: bool = False
    reused: bool = False
    """The key came with another request before."""

    def looking(self, fetch: Fetch, now: datetime) -> Fetch:
        """A `fetch` for finding out who asks, that looks what they have done under the key on the same trip."""

        async def fetching(text: str, values: Sequence[Any]) -> list[Record]:
            rows, self.before = await beside(fetch, text, values, self.key, now)
            return rows

        return fetching

    async def done(
        self, caller: Caller, kind: str, use_case: Callable[[], Awaitable[R]], told: Callable[[R], tuple[Any, Any]]
    ) -> R | Kept:
        """What the use-case answers, of a type that is called `kind`; or what it has answered before, without a run.

        `told` says what is to be kept of an answer: its id or its values. That is committed together with whatever the
        use-case writes, in one transaction. What it refuses, or fails at, is not kept.

        Somebody who asks the same at the same moment may be first. Then all of this one is undone; or it has been
        refused only since the other is through. Either way the other's answer is its own. Raises KeyReused.
        """
        if not caller.viewer.signed_in:
            return await use_case()  # which says so: a key is somebody's
        if self.before is not None:
            return self._again(self.before, kind)
        now = caller.now()  # one for both looks: what is too young to be written over must be found
        try:
            async with one_transaction():
                outcome = await use_case()
                kept = Kept(self.request, kind, *told(outcome))
                await IdempotencyKey.keep(caller.viewer.user_id, self.key, kept, now)
        except (Taken, DomainError):
            first = await IdempotencyKey.kept_under(caller.viewer.user_id, self.key, now)
            if first is None:
                raise
            return self._again(first, kind)
        return outcome

    def _again(self, kept: Kept, kind: str) -> Kept:
        if (kept.request, kept.type) != (self.request, kind):
            self.reused = True
            raise KeyReused
        self.replayed = True
        return kept
