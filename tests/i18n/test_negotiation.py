"""Which language a reader gets."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from i18n import LOCALES, negotiate

pieces = st.sampled_from(
    ["de", "en", "fr", "DE", "de-AT", "*", ";", "q", "=", ",", "0.5", "1", "0", " ", "-", "nan", "inf"]
)


@given(header=st.none() | st.text() | st.lists(pieces).map("".join), preferred=st.none() | st.text())
@example(header="de;q=nan", preferred=None)
@example(header="de;q=1e999,en", preferred="")
@example(header="-,de-,-de,*-*", preferred="-")
@example(header="de;q=;q=1;;", preferred="\ud800")
def test_whatever_is_asked_for_one_of_our_languages_is_given(header, preferred):
    assert negotiate(header, preferred=preferred) in LOCALES


@pytest.mark.parametrize(
    ("header", "given"),
    [
        (None, "en"), ("", "en"), ("de", "de"), ("DE", "de"), ("de-AT", "de"), ("De-at", "de"), ("de-Latn-CH", "de"),
        ("fr", "en"), ("*", "en"), ("fr, *", "en"), ("de, *;q=0.1", "de"),
        ("en, de", "en"), ("de, en", "de"), ("en;q=0.5, de", "de"), ("en;q=0.5, de;q=0.4", "en"),
        ("de;q=0", "en"), ("de; q=0.0, fr", "en"), ("fr, de;q=0.2", "de"), (" de ; q=0.9 , en ; q=0.8 ", "de"),
        ("de;q=high", "en"), ("de;level=1", "de"), ("fr-CH, fr;q=0.9, de-AT;q=0.8, en;q=0.7, *;q=0.5", "de"),
    ],
)  # fmt: skip
def test_the_header_is_read_by_weight(header, given):
    assert negotiate(header) == given


@pytest.mark.parametrize(
    ("preferred", "header", "given"),
    [("de", "en", "de"), ("de-CH", "en", "de"), ("fr", "de", "de"), ("", "de", "de"), ("fr", None, "en")],
)  # fmt: skip
def test_the_readers_own_wish_comes_first(preferred, header, given):
    assert negotiate(header, preferred=preferred) == given


def test_an_endless_header_is_not_read_to_its_end():
    assert negotiate("fr," * 1000 + "de") == "en"
