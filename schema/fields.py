"""How mutations and subscriptions are declared: with their permission, their answer and their failures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from time import perf_counter
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, cast

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from domain.permissions import PERMISSIONS, Audience, takes_a_lasting_team
from live.message import Message
from models.database import DEADLOCK
from models.idempotency import Kept
from plan import Depends, batch, load_written
from resolvers.caller import Caller, Following, require_scope
from schema.problems import PROBLEMS, problem_of

P = ParamSpec("P")
R = TypeVar("R")
Topics = Callable[..., Awaitable[Following]]
"""Takes the context and the field's arguments, permits, and answers what to follow."""
State = Callable[..., Awaitable[Message]]
"""Takes the context and the field's arguments, and answers the present state as a message that tells of it."""
Ended = Callable[..., Awaitable[bool]]
"""Takes the context and the field's arguments, and says whether nothing more will come."""
Attending = Callable[..., AbstractContextManager[None]]
"""Takes the context and the field's arguments, and answers what is open as long as the subscription runs."""


_AGAIN = 2
"""How often a mutation is tried again that was undone for another's sake."""
_ARGUMENTS = {"id": "Its global id.", "input": "What is asked for."}
SECRET = {"secret": True}
"""`metadata` of what a payload tells this once: it is kept nowhere, so nothing that answers it takes a key."""


class MutationField(StrawberryField):
    """A mutation: runs its use-case, then reads the payload through the plan, or tells the problem."""

    action: str
    answers: type
    keyless: str | None
    """Why it takes no idempotency key; None where it does."""

    @property
    def _within(self) -> tuple[str, ...]:
        """The argument in which the paths of problems begin: `input`, which stands alone where there is one."""
        return ("input",) if any(argument.python_name == "input" for argument in self.arguments) else ()

    @property
    def is_async(self) -> bool:
        """Always: a mutation writes."""
        return True

    async def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        """A member of the field's result union."""
        began, context = perf_counter(), info.context
        context.caller = context.caller._replace(action=self.action)
        try:
            require_scope(context.caller, self.action)
            outcome = await self._outcome(context, partial(super().get_result, source, info, args, kwargs))
        except DomainError as error:
            return problem_of(error, context.caller.locale, self._within)
        finally:
            context.observe(info.field_name, perf_counter() - began)
        return await self._payload(outcome, info)

    async def _outcome(self, context: Any, use_case: Callable[[], Awaitable[Any]]) -> Any:
        """What the use-case answers. Where the database undid it, so that another can go on, it is run again."""
        if context.once is not None:
            use_case = partial(context.once.done, context.caller, self.answers.__name__, use_case, self._told)
        for _ in range(_AGAIN):
            with suppress(DEADLOCK):
                return await use_case()
        return await use_case()

    async def _payload(self, outcome: Any, info: Any) -> Any:
        if not _is_node(self.answers):
            return self.answers(**outcome.values or {}) if isinstance(outcome, Kept) else outcome
        context = info.context
        context.forget()
        locale = context.caller.locale
        return await load_written(info, self.answers, outcome.id, lambda: problem_of(NotFound(), locale))

    def _told(self, outcome: Any) -> tuple[Any, Any]:
        """The id of the answer where it is a row, else its values, which are plain."""
        if _is_node(self.answers):
            return outcome.id, None
        return None, {field.python_name: getattr(outcome, field.python_name) for field in _fields(self.answers)}


class SubscriptionField(StrawberryField):
    """A subscription: `topics` says what to follow, the function makes of each message what the client gets."""

    action: str
    topics: Topics
    state_first: bool
    state: State | None
    ended: Ended | None
    attending: Attending | None
    only: frozenset[str] | None
    depends: Depends

    def wants(self, message: Message) -> bool:
        """Whether it tells of this message."""
        return self.only is None or message.body["type"] in self.only


class QueryField(StrawberryField):
    """A root field of the query with a resolver of its own, for what cannot be declared."""

    action: str
    public: bool


def query(
    action: str,
    *,
    resolver: Callable[..., Any],
    description: str,
    public: bool = False,
    init: Literal[False] = False,
) -> Any:
    """Declares a root field that `action` permits; the resolver answers null where it does not.

    What is `public` is the same for everybody, signed in or not, in every language: caches may keep it.
    """
    del init
    _require_rule(action)
    field = QueryField(base_resolver=_described(resolver), description=description)
    field.action, field.public = action, public
    return field


def mutation(
    action: str,
    *,
    answers: type,
    description: str,
    fails: Sequence[type[DomainError]] = (),
    keyless: str | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declares a mutation that `action` permits. Its type is a union: `answers`, or one of its problems.

    The problems that follow from the permission are there by themselves; `fails` names the others. Where `answers` is a
    declared type, the function answers anything with the row's `id`, and the row is read for the viewer.

    `keyless` says why it takes no `Idempotency-Key`, where that does not follow from who may do it or what it answers.
    """
    _require_rule(action)
    why = keyless or _keyless(action, answers)
    told = f"{description} Takes no `Idempotency-Key`." if why else description
    found_again = (NotFound,) if why is None and _is_node(answers) else ()

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        field = MutationField(base_resolver=_described(function), description=told)
        field.action, field.answers, field.keyless = action, answers, why
        field.type_annotation = StrawberryAnnotation(
            _result(function.__name__, answers, action, (*found_again, *fails))
        )
        return cast("Callable[P, R]", field)

    return declare


def subscription(
    action: str,
    *,
    topics: Topics,
    description: str,
    state_first: bool = False,
    state: State | None = None,
    ended: Ended | None = None,
    attending: Attending | None = None,
    only: Iterable[str] | None = None,
    depends: Depends = Depends.PERSON,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declares a subscription that `action` permits, on the topics that the use-case `topics` answers.

    The function makes the client's event of a message. With `state_first` it is also called at the beginning, to
    tell the present state, and a client that returns begins there too: with what `state` answers, or with None.
    `ended` is asked after durable events. With `attending`, others see by what it opens that the client is there:
    who vanishes is then noticed soon. With `only`, events of other types on these topics are passed over. `depends`
    says on whom the client's event depends, what is selected below it aside: subscribers for whom nothing can
    differ share each execution.
    """
    _require_rule(action)

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        field = SubscriptionField(base_resolver=_described(function), description=description)
        field.action, field.topics, field.state_first, field.ended = action, topics, state_first, ended
        field.state, field.attending, field.depends = state, attending, depends
        field.only = None if only is None else frozenset(only)
        return cast("Callable[P, R]", field)

    return declare


def own(
    column: str, *, description: str, of: Callable[[Any], Any] = lambda value: value, init: Literal[False] = False
) -> Any:
    """A column of a person that only they themselves are told, as `of` makes it; null to everybody else."""
    del init

    async def by(context: Any, rows: Sequence[Any]) -> Sequence[Any]:
        return [of(row[column]) if context.caller.viewer.is_person(row["id"]) else None for row in rows]

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


def _keyless(action: str, answers: type) -> str | None:
    if PERMISSIONS[action].holders is Audience.ANYONE:
        return "it is for anybody, and a key is somebody's"
    if not _is_node(answers) and any(field.metadata.get("secret") for field in _fields(answers)):
        return "it answers a secret, which is kept nowhere"
    return None


def _is_node(answers: type) -> bool:
    return hasattr(answers, "__plan_node__")


def _fields(answers: Any) -> list[StrawberryField]:
    fields: list[StrawberryField] = answers.__strawberry_definition__.fields
    return fields


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
