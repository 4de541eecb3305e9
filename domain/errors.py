"""What can go wrong by the rules of the product, as values that `schema/` turns into typed results."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

_NOTHING: Mapping[str, tuple[type, str]] = MappingProxyType({})


class ProblemCode(StrEnum):
    """The kinds of problem. A client may switch on these; the message is for people."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    """Nobody is signed in, or the session has ended.

    Remedy: sign in.
    Again: after signing in.
    Where: mutations in a team or about an account; a subscription's `error`.
    """
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    """The password is right, and two-factor is on.

    Remedy: ask for the code, and send it with the `challenge` to `signInWithCode`, within five minutes.
    Again: not this: go on with the code.
    Where: `signIn`.
    """
    FORBIDDEN = "FORBIDDEN"
    """The viewer's role in the team does not allow it, or their API key is not good for it.

    Remedy: do not offer it: `viewerCan` says in advance what is allowed ([permissions.md](permissions.md)).
    Again: no, unless the role or the key has changed.
    Where: mutations; queries and subscriptions with an API key that is not good for reading.
    """
    NOT_FOUND = "NOT_FOUND"
    """It does not exist, or the viewer may not know that it does: the two are never told apart.

    Remedy: take it out of what is shown.
    Again: no.
    Where: mutations; a subscription's `error`, also when the right to it is lost. Queries answer null.
    """
    INVALID = "INVALID"
    """An input value breaks a rule; `path` says which, from the argument on, as it was sent: `["input", "title"]`.

    Remedy: show the `message` beside the field that `path` names.
    Again: with another value.
    Where: mutations; a `lastEventId` that is none.
    """
    CONFLICT = "CONFLICT"
    """The thing is in a state that does not allow this now: somebody else was first, or the link has been used.

    Remedy: read it again, then decide.
    Again: not before its state has changed.
    Where: mutations.
    """
    THROTTLED = "THROTTLED"
    """It was tried too often, the budget of nodes for this minute is spent, or there was too much to read.

    Remedy: wait; ask for less ([limits.md](limits.md)).
    Again: after `retryAfterSeconds`.
    Where: mutations that guess, mail or make much; of a budget: HTTP 429 with `Retry-After`, a socket's `error`.
    """
    UNAVAILABLE = "UNAVAILABLE"
    """A service that this needs is away, or has no time: the database, the storage, a provider to sign in with.

    Remedy: try again; a mutation under its idempotency key, or after looking whether it was done: its last word may
        have been lost.
    Again: after some seconds (`Retry-After`, where it is there), with growing pauses.
    Where: mutations that need a service; otherwise HTTP 503 with `Retry-After` where nothing could be read, 200 beside
        `data` where something could, a socket's `next` or `error`.
    """


class DomainError(Exception):
    """A refusal that a client can act upon.

    `message` is a key of the catalogs in `i18n/`, `params` fill its braces, and `path` names the part of the input that
    is at fault, outermost first.
    """

    code: ClassVar[ProblemCode]
    details: ClassVar[Mapping[str, tuple[type, str]]] = _NOTHING
    """Those of `params` that clients are told by themselves, beside the message: name → type and description."""

    def __init__(self, message: str, *, path: tuple[str, ...] = (), **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.params = params


class Unauthenticated(DomainError):
    """Nobody is signed in, or the session has ended."""

    code = ProblemCode.UNAUTHENTICATED

    def __init__(self, message: str = "problem.unauthenticated", **params: Any) -> None:
        super().__init__(message, **params)


class SecondFactorRequired(DomainError):
    """The password is right, and two-factor is on: `signInWithCode` takes the code."""

    code = ProblemCode.SECOND_FACTOR_REQUIRED
    details = {"challenge": (str, "Goes with the code to `signInWithCode`, within five minutes.")}

    def __init__(self, message: str = "problem.second_factor", **params: Any) -> None:
        super().__init__(message, **params)


class Forbidden(DomainError):
    """The viewer may see it, but their role may not do this to it."""

    code = ProblemCode.FORBIDDEN

    def __init__(self, message: str = "problem.forbidden", **params: Any) -> None:
        super().__init__(message, **params)


class NotFound(DomainError):
    """It does not exist, or the viewer may not know that it does: the two are never told apart."""

    code = ProblemCode.NOT_FOUND

    def __init__(self, message: str = "problem.not_found", **params: Any) -> None:
        super().__init__(message, **params)


class Invalid(DomainError):
    """An input value breaks a rule; `path` says which."""

    code = ProblemCode.INVALID


class Conflict(DomainError):
    """The thing is in a state that does not allow this now."""

    code = ProblemCode.CONFLICT


class Throttled(DomainError):
    """It was tried too often: the same request may be made again after a while, and no sooner."""

    code = ProblemCode.THROTTLED
    details = {"retry_after_seconds": (int, "After how many seconds it may be tried again.")}

    def __init__(self, message: str = "problem.throttled", **params: Any) -> None:
        super().__init__(message, **params)


class Unavailable(DomainError):
    """A service that the answer depends on is down; the same request may succeed later."""

    code = ProblemCode.UNAVAILABLE

    def __init__(self, message: str = "problem.unavailable", **params: Any) -> None:
        super().__init__(message, **params)
