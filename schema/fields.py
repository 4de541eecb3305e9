"""How mutations and subscriptions are declared: with their permission, their answer and their failures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, cast

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from domain.permissions import PERMISSIONS, Audience, takes_a_lasting_team
from models.database import DEADLOCK
from plan import batch, load_written
from resolvers.caller import Caller, Following, require_scope
from schema.problems import PROBLEMS, problem_of

P = ParamSpec("P")
R = TypeVar("R")
Topics = Callable[..., Awaitable[Following]]
"""Takes the context and the field's arguments, permits, and answers what to follow."""
Ended = Callable[..., Awaitable[bool]]
"""Takes the context and the field's arguments, and says whether nothing more will come."""


_AGAIN = 2
"""How often a mutation is tried again that was undone for another's sake."""
_ARGUMENTS = {"id": "Its global id.", "input": "What is asked for."}


class MutationField(StrawberryField):
    """A mutation: runs its use-case, then reads the payload through the plan, or tells the problem."""

    action: str
    answers: type

    @property
    def is_async(self) -> bool:
        """Always: a mutation writes."""
        return True

    async def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        """A member of the field's result union."""
        began = perf_counter()
        info.context.caller = replace(info.context.caller, action=self.action)
        try:
            require_scope(info.context.caller, self.action)
            outcome = await self._outcome(source, info, args, kwargs)
        except DomainError as error:
            return problem_of(error, info.context.caller.locale)
        finally:
            info.context.observe(info.field_name, perf_counter() - began)
        return await self._payload(outcome, info)

    async def _outcome(self, *given: Any) -> Any:
        """What the use-case answers. Where the database undid it, so that another can go on, it is run again."""
        for _ in range(_AGAIN):
            with suppress(DEADLOCK):
                return await super().get_result(*given)
        return await super().get_result(*given)

    async def _payload(self, outcome: Any, info: Any) -> Any:
        if not hasattr(self.answers, "__plan_node__"):
            return outcome
        info.context.forget()
        locale = info.context.caller.locale
        return await load_written(info, self.answers, outcome.id, lambda: problem_of(NotFound(), locale))


class SubscriptionField(StrawberryField):
    """A subscription: `topics` says what to follow, the function makes of each message what the client gets."""

    action: str
    topics: Topics
    state_first: bool
    ended: Ended | None


class QueryField(StrawberryField):
    """A root field of the query with a resolver of its own, for what cannot be declared."""

    action: str


def query(action: str, *, resolver: Callable[..., Any], description: str, init: Literal[False] = False) -> Any:
    """Declares a root field that `action` permits; the resolver answers null where it does not."""
    del init
    _require_rule(action)
    field = QueryField(base_resolver=_described(resolver), description=description)
    field.action = action
    return field


def mutation(
    action: str, *, answers: type, description: str, fails: Sequence[type[DomainError]] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declares a mutation that `action` permits. Its type is a union: `answers`, or one of its problems.

    The problems that follow from the permission are there by themselves; `fails` names the others. Where `answers` is a
    declared type, the function answers anything with the row's `id`, and the row is read for the viewer.
    """
    _require_rule(action)

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        field = MutationField(base_resolver=_described(function), description=description)
        field.action, field.answers = action, answers
        field.type_annotation = StrawberryAnnotation(_result(function.__name__, answers, action, fails))
        return cast("Callable[P, R]", field)

    return declare


def subscription(
    action: str, *, topics: Topics, description: str, state_first: bool = False, ended: Ended | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declares a subscription that `action` permits, on the topics that the use-case `topics` answers.

    The function makes the client's event of a message. With `state_first` it is also called at the beginning, with
    None, to tell the present state, and a client that returns begins there too. `ended` is asked after durable events.
    """
    _require_rule(action)

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        field = SubscriptionField(base_resolver=_described(function), description=description)
        field.action, field.topics, field.state_first, field.ended = action, topics, state_first, ended
        return cast("Callable[P, R]", field)

    return declare


def own(column: str, *, description: str, init: Literal[False] = False) -> Any:
    """A column of a person that only they themselves are told; null to everybody else."""
    del init

    async def by(context: Any, rows: Sequence[Any]) -> Sequence[Any]:
        return [row[column] if context.caller.viewer.is_person(row["id"]) else None for row in rows]

    return batch("id", column, by=by, description=description)


def for_caller(use_case: Callable[[Caller, Sequence[Any]], Awaitable[Sequence[Any]]]) -> Callable[..., Any]:
    """A use-case over many rows as the `by` of a batch field."""

    async def by(context: Any, rows: Sequence[Any]) -> Sequence[Any]:
        return await use_case(context.caller, rows)

    return by


def _require_rule(action: str) -> None:
    if action not in PERMISSIONS:
        raise TypeError(f"Nobody knows who may {action}: add a rule for it to PERMISSIONS in domain/permissions.py.")


def _described(function: Callable[..., Any]) -> StrawberryResolver[Any]:
    """The resolver, with words for the arguments that mean the same everywhere; others bring their own."""
    resolver: StrawberryResolver[Any] = StrawberryResolver(function)
    for argument in resolver.arguments:
        argument.description = argument.description or _ARGUMENTS.get(argument.python_name)
    return resolver


def _result(function: str, answers: type, action: str, fails: Sequence[type[DomainError]]) -> Any:
    name = "".join(part.capitalize() for part in function.split("_")) + "Result"
    problems = dict.fromkeys((*_problems_of(action), Invalid, *_in_a_team_that_goes(action), *fails))
    members = (answers, *(PROBLEMS[problem] for problem in problems))
    union = strawberry.union(name, description="What was asked for, or why it was not done.")
    return Annotated[Union[members], union]  # noqa: UP007 - a union of types that are only known now


def _in_a_team_that_goes(action: str) -> tuple[type[DomainError], ...]:
    belongs_to_a_team = not isinstance(PERMISSIONS[action].holders, Audience)
    return (Conflict,) if belongs_to_a_team and takes_a_lasting_team(action) else ()


def _problems_of(action: str) -> tuple[type[DomainError], ...]:
    holders = PERMISSIONS[action].holders
    if holders is Audience.ANYONE:
        return ()
    if holders is Audience.SIGNED_IN:
        return (Unauthenticated, Forbidden)
    return (Unauthenticated, Forbidden, NotFound)
