"""The secrets of a webhook: each is good for a day after another has taken its place, and there are not too many."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Conflict
from domain.webhooks.replaced import GOOD_FOR, MOST_SECRETS, Replaced, good_until, still_good, with_one_more

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def test_each_is_good_for_a_day_of_its_own() -> None:
    replaced: list[Replaced] = []
    for hour in range(3):
        replaced = with_one_more(replaced, f"sealed {hour}", NOW + timedelta(hours=hour))
    good = {
        hours: [each["sealed"] for each in still_good(replaced, NOW + timedelta(hours=hours))] for hours in (23, 24, 25)
    }
    assert good == {
        23: ["sealed 2", "sealed 1", "sealed 0"],
        24: ["sealed 2", "sealed 1"],
        25: ["sealed 2"],
    }


def test_until_the_last_of_them_ends_they_are_good_though_clocks_differ() -> None:
    """Else what is good longer would be taken for what there is no more, and never be dropped."""
    later = with_one_more([], "by a clock that is ahead", NOW + timedelta(seconds=2))
    replaced = with_one_more(later, "by another", NOW)
    assert good_until(replaced) == NOW + timedelta(seconds=2) + GOOD_FOR
    assert good_until([]) is None


def test_there_is_room_again_when_the_first_has_ended() -> None:
    replaced: list[Replaced] = []
    for number in range(MOST_SECRETS - 1):
        replaced = with_one_more(replaced, str(number), NOW)
    with pytest.raises(Conflict):
        with_one_more(replaced, "another", NOW + GOOD_FOR - timedelta(seconds=1))
    assert [each["sealed"] for each in with_one_more(replaced, "another", NOW + GOOD_FOR)] == ["another"]


def test_one_an_hour_is_never_too_many() -> None:
    replaced: list[Replaced] = []
    for hour in range(100):
        replaced = with_one_more(replaced, str(hour), NOW + timedelta(hours=hour))
    assert len(replaced) == 24
