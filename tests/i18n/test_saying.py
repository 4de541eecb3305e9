"""Values in messages, as each language writes them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from domain.quantities import Bytes, Milliseconds, Money, Ordinal
from i18n import LOCALES, translate
from i18n.catalogs import categories, category
from i18n.formatting import percent, relative, size, written

NOW = datetime(2026, 11, 28, 22, 5, tzinfo=UTC)
THIN, FIXED = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("locale", "value", "said"),
    [
        ("en", 1234567, "1,234,567"), ("de", 1234567, "1.234.567"), ("hi", 1234567, "12,34,567"),
        ("fr", 1234567, f"1{THIN}234{THIN}567"),
        ("es", 1234, "1234"), ("es", 12345, "12.345"), ("en", Decimal("1.5"), "1.5"), ("de", 1.5, "1,5"),
        ("de", Ordinal(12345), "12345"),
        ("en", Bytes(262_144), "262 kB"), ("fr", Bytes(12_500_000), f"12,5{THIN}Mo"),
        ("ja", Bytes(2 * 10**12), "2 TB"),
        ("en", Bytes(999_950), "1 MB"), ("de", Bytes(10**18), "1.000.000 TB"), ("zh-CN", Bytes(0), "0字节"),
        ("en", Bytes(1), "1 byte"), ("en", Bytes(999), "999 bytes"), ("hi", Bytes(999), "999 बाइट"),
        ("en", Milliseconds(3_725_400), "1 hr, 2 min, 5 sec"), ("ko", Milliseconds(61_000), "1분 1초"),
        ("de", Milliseconds(1_250), "1,2 Sek."), ("es", timedelta(hours=1, seconds=1), "1 h y 1 s"),
        ("en", Money(1999, "EUR"), "€19.99"), ("de", Money(1999, "EUR"), f"19,99{FIXED}€"),
        ("ja", Money(1999, "JPY"), "￥1,999"),
        ("es", Money(123_456, "EUR"), f"1234,56{FIXED}€"), ("es", Money(1_234_567, "EUR"), f"12.345,67{FIXED}€"),
        ("pt", Money(199900, "BRL"), f"R${FIXED}1.999,00"), ("en", Money(-5, "USD"), "-$0.05"),
        ("en", date(2026, 11, 28), "November 28, 2026"), ("ja", date(2026, 11, 28), "2026年11月28日"),
        ("ko", NOW.astimezone(ZoneInfo("Asia/Seoul")), "2026. 11. 29. 오전 7:05"),
        ("de", NOW.astimezone(ZoneInfo("Europe/Berlin")), "28.11.2026, 23:05"),
        ("en", ["a", "b", "c"], "a, b, and c"), ("es", ("a", "b"), "a y b"), ("ja", ["a", "b"], "a、b"),
        ("de", [1000], "1.000"),
        ("hi", [], ""), ("fr", "{as} it is", "{as} it is"), ("ko", "👩\u200d🚀 é", "👩\u200d🚀 é"),
        ("en", "ab\u202egpj.exe", "abgpj.exe"), ("ja", "a\u2028b\r\nc\0\u200b", "a b c"),
        ("de", "שלום\u2069!", "\u2068שלום!\u2069"), ("en", "١٢", "\u2068١٢\u2069"),
        ("es", ["שלום", "b"], "\u2068שלום\u2069 y b"), ("ar", "Ada", "\u2068Ada\u2069"), ("ar", "سلام", "سلام"),
    ],
)  # fmt: skip
def test_values_are_written_as_the_language_writes_them(locale, value, said):
    assert written(locale, value) == said


def test_what_has_no_written_form_is_a_fault_of_ours():
    with pytest.raises(TypeError, match="object"):
        written("en", object())


def test_shares_and_moments_beside_now():
    assert percent("de", 0.12345) == f"12,3{FIXED}%"
    assert relative("en", NOW - timedelta(hours=3), NOW) == "3 hours ago"
    assert relative("ja", NOW + timedelta(days=2), NOW) == "2 日後"
    assert relative("de", NOW - timedelta(days=8), NOW) == "20. November 2026"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_size_has_at_most_three_digits_that_count(locale):
    for power in range(15):
        for digits in (1, 9, 99, 999, 9999, 12345):
            assert len([one for one in size(locale, digits * 10**power) if one.isdigit()]) <= 3 or power > 10


def test_a_plural_is_said_by_the_categories_of_its_language():
    def said(locale: str, seconds: int) -> str:
        return translate(locale, "problem.throttled", retry_after_seconds=seconds)

    assert said("en", 1).endswith("in 1 second.")
    assert said("en", 0).endswith("in 0 seconds.")
    assert said("en", 1000).endswith("in 1,000 seconds.")
    assert category("fr", 0) == category("fr", 1) == "one"
    assert category("es", 2_000_000) == "many"
    assert categories("pt") == ("one", "many", "other")
    assert categories("ja") == ("other",)


def test_a_value_that_is_missing_is_a_fault_of_ours():
    with pytest.raises(KeyError):
        translate("en", "problem.throttled")
    with pytest.raises(KeyError):
        translate("en", "failure.UNKNOWN_CODEC")
