"""When people are mailed what is new, in which words, and by what they end it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import _zones
from domain.ids import new_id
from domain.links import page_of_video
from domain.notifications import (
    QUIET,
    EmailNotifications,
    next_mail,
    quote,
    sentence,
    unsubscribe_token,
    unsubscribing,
)
from domain.sealing import Keys
from plan import encode_id

DAILY, IMMEDIATELY, NEVER = EmailNotifications.DAILY, EmailNotifications.IMMEDIATELY, EmailNotifications.NEVER
KEYS = Keys("a secret of more than 32 characters")
ZONES = st.sampled_from(sorted(_zones()))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def digest(now: str, zone: str, last: str | None = None) -> str:
    at = next_mail(DAILY, moment(now), last=moment(last) if last else None, zone=zone)
    assert at is not None
    return at.strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-11-28T23:00", "UTC", "2026-11-29T08:00"),
        ("2026-11-28T07:59", "UTC", "2026-11-28T08:00"),
        ("2026-11-28T08:00", "UTC", "2026-11-29T08:00"),
        ("2026-11-28T23:00", "Europe/Berlin", "2026-11-29T07:00"),
        ("2026-03-28T12:00", "Europe/Berlin", "2026-03-29T06:00"),  # that night the clocks go on
        ("2026-10-24T12:00", "Europe/Berlin", "2026-10-25T07:00"),  # and back
        ("2026-11-28T12:00", "America/St_Johns", "2026-11-29T11:30"),
        ("2026-11-28T12:00", "Asia/Kathmandu", "2026-11-29T02:15"),
        ("2026-11-28T12:00", "Pacific/Kiritimati", "2026-11-28T18:00"),
        ("2026-11-28T12:00", "Pacific/Niue", "2026-11-28T19:00"),
        ("2026-10-03T12:00", "Australia/Lord_Howe", "2026-10-03T21:00"),  # half an hour on
        ("2011-12-29T19:00", "Pacific/Apia", "2011-12-30T18:00"),  # which had no 30 December
        ("2026-11-28T12:00", "Of/Nowhere", "2026-11-29T08:00"),
    ],
)
def test_a_digest_comes_in_the_morning_of_its_reader(now: str, zone: str, due: str) -> None:
    assert digest(now, zone) == due


def test_no_day_has_two() -> None:
    # Workers that were off mailed yesterday's at a minute to eight.
    assert digest("2026-11-28T07:59", "UTC", last="2026-11-28T07:59") == "2026-11-29T08:00"
    assert digest("2026-11-28T15:00", "UTC", last="2026-11-27T08:00") == "2026-11-29T08:00"
    # Who has gone west has this morning once more.
    assert digest("2026-11-28T09:00", "America/Los_Angeles", last="2026-11-28T08:00") == "2026-11-29T16:00"


@given(MOMENTS, ZONES, st.none() | st.timedeltas(timedelta(), timedelta(days=400)))
def test_it_is_ahead_soon_and_on_a_day_of_its_own(now: datetime, zone: str, ago: timedelta | None) -> None:
    last, place = None if ago is None else now - ago, ZoneInfo(zone)
    at = next_mail(DAILY, now, last=last, zone=zone)
    assert at is not None
    assert now < at <= now + timedelta(days=3)
    if last is not None:
        assert at.astimezone(place).date() > last.astimezone(place).date()
    again = next_mail(DAILY, at, last=at, zone=zone)
    assert again is not None
    assert timedelta(hours=20) <= again - at <= timedelta(hours=49)


def test_at_once_but_no_two_soon_after_each_other_and_never() -> None:
    now = moment("2026-11-28T12:00")
    assert next_mail(IMMEDIATELY, now, last=None, zone="UTC") == now
    assert next_mail(IMMEDIATELY, now, last=now - QUIET, zone="UTC") == now
    assert next_mail(IMMEDIATELY, now, last=now - timedelta(minutes=1), zone="UTC") == now + timedelta(minutes=9)
    assert next_mail(NEVER, now, last=None, zone="UTC") is None


def test_a_quote_is_one_line_of_a_bounded_length() -> None:
    assert quote("  Too\n\n dark ") == "Too dark"
    assert quote("x" * 200) == "x" * 200
    assert quote("word " * 100) == ("word " * 40)[:199].rstrip() + "…"


def test_a_sentence_says_who_or_how_much() -> None:
    about = {"video": "A cut", "count": 3}
    assert sentence("comment", person="Ada", people=1, **about).key == "notification.comment"
    assert sentence("reply", person="Ada", people=3, **about) == (
        "notification.reply_others",
        {"person": "Ada", "others": 2, "video": "A cut"},
    )
    assert sentence("reply", person=None, people=3, **about) == ("notification.reply_unnamed", about)


def test_a_token_ends_the_mails_of_its_person_and_is_good_for_nothing_else() -> None:
    person = new_id()
    token = unsubscribe_token(KEYS, person)
    assert token == unsubscribe_token(KEYS, person)
    assert unsubscribing(KEYS, token) == person
    other = Keys("another secret of more than 32 characters")
    for wrong in (
        "",
        "x",
        token[:-1],
        f"{token}A",
        unsubscribe_token(other, person),
        KEYS.sign("device", person.bytes),
    ):
        assert unsubscribing(KEYS, wrong) is None
    assert unsubscribing(KEYS, KEYS.sign("unsubscribe", b"short")) is None
    assert KEYS.signed("device", token) is None


def test_a_link_names_the_video_as_the_api_does() -> None:
    video = new_id()
    assert page_of_video("https://app.example", video) == f"https://app.example/videos/{encode_id('Video', video)}"
