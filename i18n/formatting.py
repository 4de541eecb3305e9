"""Numbers, moments, durations, sizes, money and lists as a language writes them (CLDR, by Babel)."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from babel import Locale, dates, lists, numbers

from domain.quantities import Bytes, Milliseconds, Money, Ordinal
from i18n.catalogs import category
from i18n.directions import direction, isolated

_SIZES = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
_CLOCK = (("hour", 3600), ("minute", 60), ("second", 1))
_GROUPED_FROM_FIVE = {"es"}
"""Languages that write four digits without a separator (CLDR's `minimumGroupingDigits`, which Babel does not know)."""
_LONG_AGO = timedelta(days=7)
_FULL = 3
"""Digits of a size that say something."""


@cache
def babel(locale: str) -> Locale:
    """The language as Babel knows it."""
    return Locale.parse(locale, sep="-")


def written(locale: str, value: Any) -> str:
    """A value as the language writes it, by its type; a text is what it is, but on one line and isolated.

    TypeError for what has no written form.
    """
    for kind in type(value).__mro__:
        if (way := _WAYS.get(kind)) is not None:
            return way(locale, value)
    raise TypeError(f"{type(value).__name__} is written in no language")


@lru_cache(maxsize=2000)
def number(locale: str, value: float | Decimal) -> str:
    """`1,234.5` or `1.234,5`."""
    return numbers.format_decimal(value, locale=babel(locale), group_separator=_is_grouped(locale, value))


def _is_grouped(locale: str, value: float | Decimal) -> bool:
    return locale not in _GROUPED_FROM_FIVE or abs(float(value)) >= 10_000


def percent(locale: str, share: float) -> str:
    """`12.5%` for 0.125; one decimal, if any."""
    return numbers.format_percent(round(share, 3), locale=babel(locale), decimal_quantization=False)


def money(locale: str, amount: Money) -> str:
    """`€19.99` or `19,99 €`, with as many decimals as the currency has."""
    places = numbers.get_currency_precision(amount.currency)
    value = Decimal(amount.minor).scaleb(-places)
    grouped = _is_grouped(locale, value)
    return numbers.format_currency(value, amount.currency, locale=babel(locale), group_separator=grouped)


def size(locale: str, count: int) -> str:
    """`12.5 MB`: three digits that count, in thousands as disks have them, not in 1,024s; `999 bytes`."""
    power = min((len(str(abs(count))) - 1) // _FULL, len(_SIZES) - 1)
    amount = count / 1000**power
    amount = round(amount, max(0, _FULL - len(str(int(abs(amount))))))
    if amount >= 1000 and power < len(_SIZES) - 1:
        amount, power = amount / 1000, power + 1
    amount = int(amount) if amount == int(amount) else amount
    return _unit(locale, amount, f"digital-{_SIZES[power]}", "short" if power else "long")


def duration(locale: str, length: timedelta) -> str:
    """`1 hr, 2 min, 5 sec`; of what is shorter than ten seconds also the tenths."""
    seconds = abs(length.total_seconds())
    if seconds < 10:
        seconds = round(seconds, 1)
        return _unit(locale, int(seconds) if seconds == int(seconds) else seconds, "duration-second")
    rest, parts = round(seconds), []
    for unit, each in _CLOCK:
        count, rest = divmod(rest, each)
        if count:
            parts.append(_unit(locale, count, f"duration-{unit}"))
    return lists.format_list(parts, _unit_list(locale), locale=babel(locale))


@cache
def _unit_list(locale: str) -> Any:
    """How the language strings units together; not every one has a form for short ones."""
    known = babel(locale).list_patterns
    return next(
        style for style in ("unit-short", "unit", "standard-short", "standard") if "start" in known.get(style, ())
    )


def _unit(locale: str, count: float, unit: str, length: str = "short") -> str:
    """By CLDR's pattern of that length; Babel itself takes a long one where a category has no short one."""
    known = babel(locale)._data["unit_patterns"][unit]  # noqa: SLF001 - nothing else gives the patterns
    patterns = {**known["short"], **known[length]}  # Hindi has no long one of its own for many bytes
    return str(patterns.get(category(locale, count), patterns["other"])).format(number(locale, count))


def day(locale: str, when: date) -> str:
    """`November 28, 2026`."""
    return dates.format_date(when, "long", locale=babel(locale))


def moment(locale: str, when: datetime) -> str:
    """`Nov 28, 2026, 11:05 PM`, in the moment's own time zone."""
    told = dates.format_date(when, "medium", locale=babel(locale))
    clock = dates.format_time(when, _clock(locale), tzinfo=when.tzinfo, locale=babel(locale))
    return str(babel(locale).datetime_formats["medium"]).replace("{1}", told).replace("{0}", clock)


@cache
def _clock(locale: str) -> str:
    """The short pattern, with the halves of the day in full, as ICU writes them: Babel takes Korean's for AM and PM."""
    return re.sub(r"\ba\b", "aaaa", babel(locale).time_formats["short"].pattern)


def relative(locale: str, when: datetime, now: datetime) -> str:
    """`3 hours ago` or `in 2 days`; the day, where that is more than a week away. In the moment's own time zone."""
    if abs(when - now) > _LONG_AGO:
        return day(locale, when.date())
    return dates.format_timedelta(when - now, add_direction=True, locale=babel(locale))


def listed(locale: str, items: Iterable[Any]) -> str:
    """`a, b, and c`."""
    return lists.format_list([written(locale, each) for each in items], locale=babel(locale))


_WAYS: dict[type, Callable[[str, Any], str]] = {
    str: lambda locale, text: isolated(str(text), direction(locale)),
    Ordinal: lambda _, which: str(int(which)),
    Bytes: size,
    Milliseconds: lambda locale, length: duration(locale, timedelta(milliseconds=length)),
    int: number,
    float: number,
    Decimal: number,
    Money: money,
    datetime: moment,
    date: day,
    timedelta: duration,
    list: listed,
    tuple: listed,
}
"""How values of each type are written; of what is derived from one of them, as that."""
