"""The one timer of all sockets: everybody has their turn once in a round, however late each turn comes."""

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from live import wheel as module
from live.wheel import LATE, SPOKES, Wheel


class LateLoop:
    """An event loop that is always busy: it calls everything so many seconds after its time."""

    def __init__(self, late: float) -> None:
        self.now = 0.0
        self._late = late
        self._waiting: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, then: Callable[[], None]) -> Any:
        return self.call_at(self.now + seconds, then)

    def call_at(self, when: float, then: Callable[[], None]) -> Any:
        entry = (when, then)
        self._waiting.append(entry)
        return SimpleNamespace(cancel=lambda: self._waiting.remove(entry))

    def run(self, until: float) -> None:
        while self._waiting and self.now < until:
            when, then = self._waiting.pop(0)
            self.now = max(self.now, when + self._late)
            then()


@pytest.mark.parametrize("late", [0.0, 0.01, 0.4])
def test_a_round_takes_as_long_as_it_may_though_every_turn_comes_late(
    monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    loop, turns = LateLoop(late), list[float]()
    monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: loop)
    wheel = Wheel[str](20, lambda _rider: turns.append(loop.now))
    wheel.board("a")
    loop.run(until=20 * 10 + 1)
    assert len(turns) == 10
    assert all(abs(moment - 20 * number) <= late + 20 / SPOKES for number, moment in enumerate(turns, 1))


def test_after_a_standstill_nobody_has_two_turns_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, turns = LateLoop(0.0), list[float]()
    monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: loop)
    wheel = Wheel[str](20, lambda _rider: turns.append(loop.now))
    wheel.board("a")
    loop.run(until=10)
    loop.now += 100
    loop.run(until=200)
    assert all(later - earlier >= 20 - (LATE + 2) * 20 / SPOKES for earlier, later in pairwise(turns))
    assert len(turns) == 5


def test_it_stands_still_while_nobody_rides_and_turns_again_at_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, turns = LateLoop(0.0), list[float]()
    monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: loop)
    wheel = Wheel[str](20, lambda _rider: turns.append(loop.now))
    wheel.leave("a", wheel.board("a"))
    loop.run(until=1)
    loop.now = 1000.0
    wheel.board("b")
    loop.run(until=1021)
    assert turns == [pytest.approx(1020, abs=20 / SPOKES)]
