"""Which language a reader gets."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from i18n import LOCALES, closest, negotiate, wanted

NINE = ("en", "es", "fr", "de", "pt", "ja", "ko", "zh-CN", "hi")
pieces = st.sampled_from(
    ["de", "en", "fr", "DE", "de-AT", "zh-Hant", "*", ";", "q", "=", ",", "0.5", "1", "0", " ", "-", "nan", "inf"]
)


@given(header=st.none() | st.text() | st.lists(pieces).map("".join), preferred=st.none() | st.text())
@example(header="de;q=nan", preferred=None)
@example(header="de;q=1e999,en", preferred="")
@example(header="-,de-,-de,*-*", preferred="-")
@example(header="de;q=;q=1;;", preferred="\ud800")
@example(header="*;q=0, en;q=0", preferred="*")
def test_whatever_is_asked_for_one_of_our_languages_is_given(header, preferred):
    assert negotiate(header, preferred=preferred) in LOCALES
    assert negotiate(header, preferred=preferred, among=NINE) in NINE


@pytest.mark.parametrize(
    ("tag", "given"),
    [
        ("de", "de"), ("DE", "de"), ("de-AT", "de"), ("de_CH", "de"), ("de-Latn-CH-1996", "de"), ("deu", "de"),
        ("en-GB", "en"), ("en-001", "en"), ("es-419", "es"), ("es-MX", "es"), ("fr-CA", "fr"), ("hi-IN", "hi"),
        ("hi-Latn", "hi"), ("ja-JP-u-ca-japanese", "ja"), ("ko-KR", "ko"), ("pt-BR", "pt"), ("pt-PT", "pt"),
        ("zh", "zh-CN"), ("zh-Hans", "zh-CN"), ("zh-SG", "zh-CN"), ("ZH-HANS-CN", "zh-CN"), ("zh_cn", "zh-CN"),
        ("zh-Hant", "zh-CN"), ("zh-TW", "zh-CN"), ("zh-Hant-HK", "zh-CN"), ("cmn", "zh-CN"), ("zh-cmn-Hans", "zh-CN"),
        ("yue-HK", "zh-CN"), ("zh-min-nan", "zh-CN"),
        ("it", None), ("nb", None), ("x-de", None), ("i-default", None), ("", None), (None, None), ("*", None),
        ("d", None), ("german", None), ("de\u0301", None),
    ],
)  # fmt: skip
def test_the_language_that_a_reader_of_a_tag_reads_best(tag, given):
    assert closest(tag, NINE) == given


@pytest.mark.parametrize(
    ("tag", "given"),
    [("zh-HK", "zh-TW"), ("zh-Hant", "zh-TW"), ("zh-SG", "zh-CN"), ("zh", "zh-CN"), ("pt-PT", "pt-PT"), ("pt", "pt"),
     ("pt-AO", "pt")],
)  # fmt: skip
def test_of_two_of_a_language_it_is_the_one_in_the_readers_script_then_of_their_country(tag, given):
    assert closest(tag, ("pt", "pt-PT", "zh-CN", "zh-TW")) == given


@pytest.mark.parametrize(
    ("header", "given"),
    [
        (None, None), ("", None), ("de", "de"), ("De-at", "de"), ("it", None), ("it, nl;q=0.5", None),
        ("en, de", "en"), ("de, en", "de"), ("en;q=0.5, de", "de"), ("en;q=0.5, de;q=0.4", "en"),
        ("it, de;q=0.2", "de"), (" de ; q=0.9 , en ; q=0.8 ", "de"), ("en;Q=.5,de;Q=.6", "de"),
        ("fr-CH, fr;q=0.9, de-AT;q=0.8, en;q=0.7, *;q=0.5", "fr"), ("it-CH, it;q=0.9, de-AT;q=0.8, en;q=0.7", "de"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", "zh-CN"), ("pt-BR,pt;q=0.9,en;q=0.8", "pt"), ("ja-JP", "ja"),
        ("ko;q=0.001", "ko"), ("de;q=0.333333, fr;q=0.33334", "fr"), ("de;level=1", "de"),
        ("de;level=1;q=0.1,fr", "fr"),
    ],
)  # fmt: skip
def test_the_header_is_read_by_weight(header, given):
    assert wanted(header, NINE) == given


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("*", "en"), ("*;q=0.1", "en"), ("it, *", "en"), ("de, *;q=0.1", "de"), ("*, de", "de"), ("en-US,*", "en"),
        ("en;q=0.5, *", "es"), ("en;q=0, *", "es"), ("en;q=0, es-MX;q=0.1, *;q=0.5", "fr"), ("de;q=0.5, *", "en"),
        ("*;q=0", None), ("de, *;q=0", "de"), ("it, *;q=0", None), ("*-*", None),
    ],
)  # fmt: skip
def test_a_star_is_whatever_is_not_named(header, given):
    assert wanted(header, NINE) == given


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("de;q=0", None), ("de; q=0.0, it", None), ("de;q=0, fr;q=0.1", "fr"), ("de;q=0.000, de-AT", None),
        ("de-AT;q=0, de;q=0.5", "de"), ("de-DE;q=0, de", None), ("pt-PT;q=0, pt", "pt"),
        ("zh-TW, zh-CN;q=0, en;q=0.5", "en"), ("zh-TW, zh-Hans;q=0, en;q=0.5", "en"), ("zh-TW;q=0, zh", "zh-CN"),
    ],
)  # fmt: skip
def test_what_has_no_weight_is_not_given(header, given):
    assert wanted(header, NINE) == given


@pytest.mark.parametrize("weight", ["high", "", "nan", "inf", "-1", "2", "1.001", "1e999", "0x1", "0,5"])
def test_what_has_a_weight_that_is_none_says_nothing(weight):
    assert wanted(f"de;q={weight}, fr;q=0.1", NINE) == "fr"


@pytest.mark.parametrize(
    ("preferred", "header", "given"),
    [("de", "en", "de"), ("de-CH", "en", "de"), ("zh-Hans", "de", "zh-CN"), ("it", "de", "de"), ("", "de", "de"),
     ("it", None, "en"), ("de", "de;q=0, en", "de"), (None, "en;q=0", "en"), (None, "it", "en")],
)  # fmt: skip
def test_the_readers_own_wish_comes_first_and_english_last(preferred, header, given):
    assert negotiate(header, preferred=preferred, among=NINE) == given


def test_an_endless_header_is_not_read_to_its_end_nor_half_of_a_weight():
    assert wanted("it," * 1000 + "de", NINE) is None
    assert wanted("it," * 97 + "fr;q=0.5", NINE) == "fr"
    assert wanted("it," * 98 + "fr;q=0.5", NINE) is None, "of `fr;q=0` it is not known that it ends there"
    assert wanted("de;q=0.1," + "it," * 95 + "fr;q=0.5", NINE) == "de"
