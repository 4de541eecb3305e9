"""What can go wrong by the rules of the product, as values that `schema/` turns into typed results."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

_NOTHING: Mapping[str, tuple[type, str]] = MappingProxyType({})


class ProblemCode(StrEnum):
    """The kinds of problem. A client may switch on these; the message is for people."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    THROTTLED = "THROTTLED"
    UNAVAILABLE = "UNAVAILABLE"


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
