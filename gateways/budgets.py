"""What each viewer may still have in this minute: counted here, and by Redis for all API processes together.

To ask Redis before each operation would take longer than to answer a small one. So each process counts for itself,
tells Redis every `TELL_SECONDS` what it has given, and is told what the others have. In between they may give as much
too much as each of them gives in that time. While Redis is away, each process goes on by itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, NoReturn

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.sealing import Keys

log = structlog.stdlib.get_logger(__name__)

MINUTE = 60
TELL_SECONDS = 0.2
ANSWER_SECONDS = 0.5
"""How long Redis may take; after that it is taken to be away."""
AWAY_SECONDS = 2
"""How long it is then left alone."""
MOST_KEPT = 50_000
"""Payers that a process remembers: beyond that it forgets those that came first, of which Redis knows."""
_PARTS = 50
_AT_ONCE = 500
"""Payers in one command."""

_TELL = """
local told = {}
for i, key in ipairs(KEYS) do
  told[i] = redis.call('INCRBY', key, ARGV[i])
  if told[i] == tonumber(ARGV[i]) then redis.call('EXPIRE', key, 120) end
end
return told
"""


class Balance(NamedTuple):
    """What was taken for an operation, and how the payer stands: of `limit` in a minute, which ends in `resets_in`."""

    nodes: int
    limit: int
    remaining: int
    resets_in: int


class Overspent(Exception):
    """There is not as much left in this minute: nothing was taken."""

    def __init__(self, balance: Balance) -> None:
        super().__init__(balance)
        self.balance = balance


@dataclass(slots=True)
class _Account:
    spent: int = 0
    """By all processes, as far as is known here."""
    untold: int = 0
    """How much of it Redis does not know."""


class Loan(NamedTuple):
    """What one payer has paid until it is known who has to."""

    payer: Hashable
    nodes: int
    account: _Account
    """As of its minute: in the next one nothing is left to be given back."""


class Budgets:
    """A budget of `limit` nodes for each payer in each minute of the clock; without end where that is 0."""

    def __init__(self, redis: Redis, keys: Keys, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._tell = redis.register_script(_TELL)
        self._keys = keys
        self._limit = limit
        self._clock = clock
        self._minute = 0
        self._accounts: dict[Hashable, _Account] = {}
        self._untold: dict[Hashable, _Account] = {}
        self._away = False

    def __len__(self) -> int:
        return len(self._accounts)

    def pay(self, payer: Hashable, nodes: int) -> Balance:
        """Takes `nodes` from the payer's budget; Overspent where there are not as many left."""
        if not self._limit:
            return Balance(nodes, 0, 0, 0)
        account = self._account(payer)
        if account.spent + nodes > self._limit:
            raise Overspent(self._balance(nodes, account))
        return self._charged(payer, account, nodes)

    def pay_now_and_then(self, payer: Hashable, nodes: int) -> bool:
        """As `pay`, for what comes often and is little: whether there are as many left.

        Redis is told only when they have come to a fiftieth of the limit: each process may give as much too much.
        """
        if not self._limit:
            return True
        account = self._account(payer)
        if account.spent + nodes > self._limit:
            return False
        account.spent += nodes
        account.untold += nodes
        if account.untold * _PARTS >= self._limit:
            self._untold[payer] = account
        return True

    def standing(self, payer: Hashable, nodes: int) -> Balance:
        """How the payer stands who is asked for `nodes`."""
        return self._balance(nodes, self._account(payer))

    def charge(self, payer: Hashable, nodes: int) -> Balance:
        """Takes `nodes`, left or not: what they stand for has been given."""
        if not self._limit:
            return Balance(nodes, 0, 0, 0)
        return self._charged(payer, self._account(payer), nodes)

    def lend(self, payer: Hashable, nodes: int) -> tuple[Loan, Balance]:
        """Takes `nodes` as `pay` does, to be given back when somebody else has paid."""
        account = self._account(payer)
        return Loan(payer, nodes, account), self.pay(payer, nodes)

    def give_back(self, loan: Loan) -> None:
        """Undoes it."""
        if self._limit and self._account(loan.payer) is loan.account:
            self._charged(loan.payer, loan.account, -loan.nodes)

    def affords(self, payer: Hashable, nodes: int) -> bool:
        """Whether `pay` would take as much."""
        return not self._limit or self._account(payer).spent + nodes <= self._limit

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Tells Redis all the while that this is open."""
        telling = asyncio.create_task(self._keep_telling(), name="budgets")
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.wait({telling})

    async def tell(self) -> bool:
        """Tells Redis what was given since the last time; whether it was there. What it was not told stays."""
        untold, self._untold, minute = [*self._untold.items()], {}, self._minute
        for begin in range(0, len(untold), _AT_ONCE):
            some = untold[begin : begin + _AT_ONCE]
            amounts = [account.untold for _, account in some]
            totals = await self._totals([self._name(payer, minute) for payer, _ in some], amounts)
            if totals is None:
                self._remember(untold[begin:])
                return False
            for (_, account), amount, total in zip(some, amounts, totals, strict=True):
                account.untold -= amount
                account.spent = total + account.untold
        return True

    def _remember(self, untold: Sequence[tuple[Hashable, _Account]]) -> None:
        """For the next time, unless it is forgotten, or another minute has come."""
        kept = {payer: account for payer, account in untold if self._accounts.get(payer) is account}
        self._untold = kept | self._untold

    async def _keep_telling(self) -> NoReturn:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            if not await self.tell():
                await asyncio.sleep(AWAY_SECONDS)

    async def _totals(self, names: Sequence[str], amounts: Sequence[int]) -> list[int] | None:
        """What all processes have given each of them, with these amounts; None where Redis does not answer."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                totals: list[int] = await self._tell(names, amounts)
        except (RedisError, OSError) as error:
            if not self._away:
                log.warning("budgets.alone", error=repr(error))
            self._away = True
            return None
        if self._away:
            log.info("budgets.together")
        self._away = False
        return totals

    def _name(self, payer: Hashable, minute: int) -> str:
        """Redis is told no addresses: under the hash of one nobody finds it again."""
        return f"budget:{minute}:{self._keys.digest('budget', str(payer)).hex()}"

    def _account(self, payer: Hashable) -> _Account:
        minute = int(self._clock() // MINUTE)
        if minute != self._minute:
            self._minute, self._accounts, self._untold = minute, {}, {}
        account = self._accounts.get(payer)
        if account is None:
            account = self._untold.get(payer) or _Account()
            self._accounts[payer] = account
            if len(self._accounts) > MOST_KEPT:
                del self._accounts[next(iter(self._accounts))]
        return account

    def _charged(self, payer: Hashable, account: _Account, nodes: int) -> Balance:
        account.spent += nodes
        account.untold += nodes
        self._untold[payer] = account
        return self._balance(nodes, account)

    def _balance(self, nodes: int, account: _Account) -> Balance:
        left = ceil(MINUTE - self._clock() % MINUTE)
        return Balance(nodes, self._limit, max(0, self._limit - account.spent), left)
