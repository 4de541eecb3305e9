from datetime import UTC, datetime, timedelta

import pytest

from domain.maintenance import SOON, USUALLY, Notice, length

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ahead", "seconds"),
    [(timedelta(minutes=10), 600), (timedelta(seconds=7.2), 8), (timedelta(seconds=2), SOON), (timedelta(-1), SOON)],
)
def test_who_is_refused_is_told_when_it_is_likely_to_be_over(ahead: timedelta, seconds: int) -> None:
    assert Notice(until=NOW + ahead).retry_after(NOW) == seconds


def test_where_nobody_has_said_when_there_is_a_usual_wait() -> None:
    assert Notice("Soon.").retry_after(NOW) == USUALLY


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400), ("0s", 0)])
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert length(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "10 m", "5w", "999999s", "٣m"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="say 30s"):
        length(text)
