"""What an API key looks like, and how long it is good for."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import tokens
from domain.api_keys import ApiKeyState, expiry, is_sound, looks_like_key, new_key, shown_of, state_of
from domain.errors import Invalid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCANNERS_LOOK_FOR = re.compile(r"\bvc_[0-9A-Za-z]{46}\b")


def test_a_key_has_a_form_that_scanners_find():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert SCANNERS_LOOK_FOR.fullmatch(key)
        assert looks_like_key(key)
        assert is_sound(key)
        assert key.startswith(shown_of(key))
        assert len(shown_of(key)) == 11


def test_a_mistyped_key_is_told_from_a_sound_one():
    key = new_key()
    for place, letter in enumerate(key):
        assert not is_sound(key[:place] + ("a" if letter != "a" else "b") + key[place + 1 :])
        assert not is_sound(key[:place] + key[place + 1 :])
        swapped = key[:place] + key[place : place + 2][::-1] + key[place + 2 :]
        assert is_sound(swapped) is (swapped == key)
    assert not is_sound(f" {key}")
    assert not is_sound(f"{key}\n")


@given(st.text())
def test_whatever_is_sent_is_judged_without_a_fault(text):
    assert not is_sound(f"vc_{text}")
    assert not is_sound(f"vc_{text}".ljust(49, "ü"))


def test_no_other_token_looks_like_a_key(monkeypatch):
    drawn = iter(["vc_" + "x" * 40, "y" * 43])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(drawn))
    assert tokens.new_token() == "y" * 43


@pytest.mark.parametrize(
    ("at", "in_days", "until"),
    [
        (None, None, None),
        (None, 1, NOW + timedelta(days=1)),
        (None, 3650, NOW + timedelta(days=3650)),
        (NOW + timedelta(seconds=1), None, NOW + timedelta(seconds=1)),
    ],
)
def test_when_a_key_expires(at, in_days, until):
    assert expiry(NOW, at=at, in_days=in_days) == until


@pytest.mark.parametrize(
    ("at", "in_days", "path"),
    [
        (NOW, None, "expiresAt"),
        (NOW - timedelta(days=1), None, "expiresAt"),
        (NOW + timedelta(days=3651), None, "expiresAt"),
        (None, 0, "expiresInDays"),
        (None, -1, "expiresInDays"),
        (None, 3651, "expiresInDays"),
        (NOW + timedelta(days=1), 1, "expiresInDays"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(at, in_days, path):
    with pytest.raises(Invalid) as refused:
        expiry(NOW, at=at, in_days=in_days)
    assert refused.value.path == (path,)


def test_a_key_is_good_until_it_expires_or_is_revoked():
    later = NOW + timedelta(seconds=1)
    assert state_of(None, None, NOW) is ApiKeyState.ACTIVE
    assert state_of(None, later, NOW) is ApiKeyState.ACTIVE
    assert state_of(None, NOW, NOW) is ApiKeyState.EXPIRED
    assert state_of(NOW, NOW, NOW) is ApiKeyState.REVOKED
    assert state_of(NOW, None, NOW) is ApiKeyState.REVOKED
