"""In which direction a language is written."""

from functools import cache
from typing import Literal

from babel import Locale


@cache
def direction(locale: str) -> Literal["ltr", "rtl"]:
    """`ltr` or `rtl`, as HTML's `dir` has it."""
    return "rtl" if Locale.parse(locale, sep="-").text_direction == "rtl" else "ltr"
