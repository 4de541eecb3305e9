"""What is sealed opens for its owner alone, and what is signed was signed here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sealing import Keys, Unreadable

KEYS = Keys("one secret of the operator's, long enough")
OTHERS = Keys("another secret of the operator's, as long")


@settings(deadline=None)
@given(text=st.text(max_size=300))
def test_what_is_sealed_is_opened(text):
    sealed = KEYS.seal("purpose", text, of="ada")
    assert KEYS.open("purpose", sealed, of="ada") == text
    assert not text or text not in sealed or len(text) < 4


def test_the_same_is_sealed_otherwise_each_time():
    assert len({KEYS.seal("purpose", "text", of="ada") for _ in range(100)}) == 100


def test_nobody_else_opens_it():
    sealed = KEYS.seal("purpose", "text", of="ada")
    for keys, purpose, owner in ((OTHERS, "purpose", "ada"), (KEYS, "other", "ada"), (KEYS, "purpose", "eve")):
        with pytest.raises(Unreadable):
            keys.open(purpose, sealed, of=owner)


def test_what_was_changed_is_not_opened():
    sealed = KEYS.seal("purpose", "text", of="ada")
    for at in range(len(sealed)):
        with pytest.raises(Unreadable):
            KEYS.open("purpose", sealed[:at] + ("B" if sealed[at] == "A" else "A") + sealed[at + 1 :], of="ada")
    for rubbish in ("", "A", sealed[:-4], sealed + "AAAA", "é", sealed + "=", "\ud800", "AQ"):
        with pytest.raises(Unreadable):
            KEYS.open("purpose", rubbish, of="ada")


@settings(deadline=None)
@given(message=st.binary(max_size=100))
def test_what_is_signed_is_known_again(message):
    token = KEYS.sign("purpose", message)
    assert KEYS.signed("purpose", token) == message
    assert KEYS.signed("other", token) is None
    assert OTHERS.signed("purpose", token) is None


def test_a_token_has_one_form():
    token = KEYS.sign("purpose", b"message")
    for at in range(len(token)):
        assert KEYS.signed("purpose", token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :]) is None
    for rubbish in ("", "A", token + "=", token + "\n", " " + token, token[:-1], token * 2, "é", "\ud800"):
        assert KEYS.signed("purpose", rubbish) is None


@settings(deadline=None)
@given(text=st.text())
def test_a_digest_tells_nothing_to_who_has_no_key(text):
    assert KEYS.digest("purpose", text) == KEYS.digest("purpose", text)
    assert len({KEYS.digest("purpose", text), KEYS.digest("other", text), OTHERS.digest("purpose", text)}) == 3
