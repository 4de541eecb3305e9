"""Domain errors as members of result unions, in the viewer's language."""

import strawberry

from domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    ProblemCode,
    SecondFactorRequired,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from i18n import translate
from schema import enums  # noqa: F401 - describes the codes before a type names them: an enum is made once


@strawberry.interface(description="Why a mutation did not do what was asked. Every failure of a result union is one.")
class Problem:
    """The shape that all failures share."""

    code: ProblemCode = strawberry.field(description="What kind of problem, for programs.")
    message: str = strawberry.field(description="What is wrong, for people, in the viewer's language.")
    path: list[str] | None = strawberry.field(
        default=None,
        description="The part of the arguments at fault, as it was sent, outermost name first (`input`, `title`; items"
        " of lists by their index). Null where none is.",
    )


def _member(error: type[DomainError]) -> type[Problem]:
    """A GraphQL type of the error's own name, described by its docstring, with the error's details as fields."""
    kinds = {name: kind for name, (kind, _) in error.details.items()}
    more = {name: strawberry.field(description=text) for name, (_, text) in error.details.items()}
    space = {"__annotations__": kinds, "__module__": __name__, **more}
    made = type(f"{error.__name__}Problem", (Problem,), space)
    return strawberry.type(made, name=error.__name__, description=(error.__doc__ or "").strip())


PROBLEMS: dict[type[DomainError], type[Problem]] = {
    error: _member(error)
    for error in (
        Unauthenticated,
        SecondFactorRequired,
        Forbidden,
        NotFound,
        Invalid,
        Conflict,
        Throttled,
        Unavailable,
    )
}


def problem_of(error: DomainError, locale: str, within: tuple[str, ...] = ()) -> Problem:
    """The union member that tells of `error`, also of one that a more special class was raised for.

    The error's path begins `within` the arguments.
    """
    kind = next(PROBLEMS[base] for base in type(error).__mro__ if base in PROBLEMS)
    message = translate(locale, error.message, **error.params)
    details = {name: error.params[name] for name in error.details}
    path = [*within, *error.path] if error.path else None
    return kind(code=error.code, message=message, path=path, **details)
