"""The tide: what has just been numbered is known to all who follow, as far as nothing is missing in it."""

import asyncio

import pytest

from models import EventRecord
from workers.tide import KEPT, Tide


def events(first: int, last: int) -> list[EventRecord]:
    return [EventRecord(position=position) for position in range(first, last + 1)]


def positions(found):
    return None if found is None else [event.position for event in found]


@pytest.fixture
def tide(models: None) -> Tide:
    tide = Tide()
    tide.rise(7)
    tide.rise(10, events(8, 10))
    return tide


@pytest.mark.parametrize(
    ("position", "limit", "known"),
    [(10, 5, []), (9, 5, [10]), (7, 5, [8, 9, 10]), (7, 2, [8, 9]), (6, 5, None), (0, 5, None)],
)
def test_what_lies_behind_a_position_is_known_or_it_is_said_that_it_is_not(tide, position, limit, known):
    assert positions(tide.behind(position, limit)) == known


def test_more_follows_on_what_is_known(tide):
    tide.rise(12, events(11, 12))
    assert positions(tide.behind(7, 9)) == [8, 9, 10, 11, 12]


def test_after_more_than_was_told_of_nothing_before_it_is_known(tide):
    tide.rise(900)
    assert tide.behind(9, 5) is None
    tide.rise(901, events(901, 901))
    assert positions(tide.behind(900, 5)) == [901]
    assert tide.behind(899, 5) is None


def test_what_does_not_join_on_is_not_taken_for_the_next(tide):
    tide.rise(20, events(19, 20))
    assert tide.behind(18, 5) is None
    assert tide.position == 20


def test_it_does_not_fall(tide):
    tide.rise(9, events(9, 9))
    assert tide.position == 10
    assert positions(tide.behind(9, 5)) == [10]


def test_no_more_is_kept_than_who_is_a_page_behind_needs(tide):
    for position in range(11, 3 * KEPT, 10):
        tide.rise(position + 9, events(position, position + 9))
    assert KEPT <= len(tide._latest) <= KEPT + 10
    assert positions(tide.behind(tide.position - KEPT, 1)) == [tide.position - KEPT + 1]


async def test_who_waits_hears_of_more(tide):
    waiting = asyncio.create_task(tide.above(10))
    await asyncio.sleep(0)
    assert not waiting.done()
    tide.rise(11)
    await waiting
