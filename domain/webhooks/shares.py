"""Who gets the next requests, where there are not enough for all."""

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
Team = TypeVar("Team", bound=Hashable)


def shared(
    slots: int, wanted: Mapping[Team, Sequence[tuple[T, int]]], bounds: Mapping[Team, int] | None = None
) -> dict[T, int]:
    """How many of `slots` each gets: one a turn, first the teams in turn, and in each team its endpoints in turn.

    `wanted` has of each team its endpoints and how many each would take, `bounds` how many its team may get at most.
    Whoever gets none is left out.
    """
    turns = deque(
        (slots if bounds is None else bounds[team], deque((name, most) for name, most in endpoints if most > 0))
        for team, endpoints in wanted.items()
    )
    given: dict[T, int] = {}
    while slots > 0 and turns:
        left, endpoints = turns.popleft()
        if not endpoints or left <= 0:
            continue
        name, most = endpoints.popleft()
        given[name] = given.get(name, 0) + 1
        slots -= 1
        if most > 1:
            endpoints.append((name, most - 1))
        turns.append((left - 1, endpoints))
    return given
