"""Who pays for an operation, and what they are told of it: `extensions.cost`."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from graphql import GraphQLError
from starlette.responses import Response

from domain.errors import Throttled
from domain.throttling import Standing, network_of
from edge import quotas
from gateways.budgets import MINUTE, Balance, Budgets, Loan, Overspent
from i18n import translate
from plan.requests import Answer, RequestRefused
from resolvers.caller import Caller

_MOST_HOLDERS = 20_000
"""Tokens of which it is remembered who holds them."""


class BudgetSpent(RequestRefused):
    """The operation costs more than its payer has left in this minute."""

    def __init__(self, balance: Balance, locale: str) -> None:
        extensions = {"code": Throttled.code, "retryAfterSeconds": balance.resets_in}
        message = translate(locale, "problem.spent", retry_after_seconds=balance.resets_in)
        super().__init__([GraphQLError(message, extensions=extensions)], status=429)
        self.balance, self.locale = balance, locale

    def answer(self) -> Answer:
        """With what it would have cost."""
        return super().answer() | {"extensions": {"cost": shown(self.balance)}}

    def tell(self, response: Response) -> None:
        """Says in the headers when to come back."""
        left = self.balance
        quotas.say(response, [Standing("nodes", left.limit, MINUTE, left.remaining, left.resets_in)], left.resets_in)


@dataclass(slots=True)
class Bill:
    """What an operation costs: paid, or else lent by whoever is taken to hold the `token` until that is known."""

    paid: Balance
    loan: Loan | None = None
    token: str = ""


class Spending:
    """Takes from the budgets of those who ask: a person, each of their API keys, an address where it is nobody.

    Who holds a session's token is often known only when the operation has run. Until then who held it the last time
    lends what it costs, or, where it is new, the address. The address pays in the end for what was given up before it
    was known who that is, and for tokens that nobody holds any more.
    """

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._holders: dict[str, Hashable] = {}

    def pay(self, caller: Caller, nodes: int) -> Balance:
        """Lets the caller pay; BudgetSpent where they cannot."""
        return self._paid(_payer(caller), caller, nodes)

    def payer_of_events(self, caller: Caller) -> Hashable:
        """Who pays for the events of the caller's subscriptions.

        Out of a budget of its own, as large: what others do shall take nothing of what one asks for oneself.
        """
        return ("events", _payer(caller))

    def pay_event(self, payer: Hashable, nodes: int, locale: str) -> None:
        """Lets somebody pay for an event of a subscription; BudgetSpent where they cannot."""
        if not self._budgets.pay_now_and_then(payer, nodes):
            raise BudgetSpent(self._budgets.standing(payer, nodes), locale)

    def may_wait(self, hashed: str, caller: Caller, nodes: int) -> bool:
        """Whether an operation with the token of this hash may run before it is known who holds it."""
        return hashed in self._holders or self._budgets.affords(network_of(caller.address), nodes)

    def bill(self, caller: Caller, nodes: int, hashed: str | None) -> Bill:
        """The bill for an operation about to run; BudgetSpent where it cannot be paid.

        `hashed` is the hash of the token that it was asked with, where that is still to be looked up.
        """
        if hashed is None:
            return Bill(self.pay(caller, nodes))
        lender = self._holders.get(hashed) or _payer(caller)
        try:
            loan, paid = self._budgets.lend(lender, nodes)
        except Overspent as error:
            raise BudgetSpent(error.balance, caller.locale) from error
        return Bill(paid, loan, hashed)

    def settle(self, bill: Bill, caller: Caller, *, known: bool = True) -> dict[str, int]:
        """What the client is told of the bill, paid by whoever the caller has turned out to be.

        Where that is not `known`, since the answer needed nothing of the database, what was lent is paid.
        """
        payer, loan = _payer(caller), bill.loan
        if loan is not None and known and loan.payer != payer:
            bill.paid = self._budgets.charge(payer, loan.nodes)
            self._budgets.give_back(loan)
            self._remember(bill.token, payer if caller.viewer.signed_in else None)
        return shown(bill.paid)

    def _paid(self, payer: Hashable, caller: Caller, nodes: int) -> Balance:
        try:
            return self._budgets.pay(payer, nodes)
        except Overspent as error:
            raise BudgetSpent(error.balance, caller.locale) from error

    def _remember(self, token: str, holder: Hashable | None) -> None:
        if holder is None:
            self._holders.pop(token, None)
            return
        self._holders[token] = holder
        if len(self._holders) > _MOST_HOLDERS:
            del self._holders[next(iter(self._holders))]


def shown(balance: Balance) -> dict[str, int]:
    """`extensions.cost`; where there is no budget, only what it costs."""
    if not balance.limit:
        return {"nodes": balance.nodes}
    return {
        "nodes": balance.nodes,
        "limit": balance.limit,
        "remaining": balance.remaining,
        "resetsIn": balance.resets_in,
    }


def _payer(caller: Caller) -> Hashable:
    if caller.viewer.signed_in:
        return caller.api_key_id or caller.viewer.user_id
    return network_of(caller.address)
