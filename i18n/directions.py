"""In which direction a language is written, and text of anybody's within it."""

import unicodedata
from functools import cache
from typing import Literal

from babel import Locale

Direction = Literal["ltr", "rtl"]

_KEPT = {"\u200c", "\u200d"}
"""Joiners, which emoji and several scripts are written with."""
_ISOLATE, _END = "\u2068", "\u2069"
_OTHER: dict[Direction, frozenset[str]] = {"ltr": frozenset({"R", "AL", "AN"}), "rtl": frozenset({"L"})}


@cache
def direction(locale: str) -> Direction:
    """`ltr` or `rtl`, as HTML's `dir` has it."""
    return "rtl" if Locale.parse(locale, sep="-").text_direction == "rtl" else "ltr"


def isolated(text: str, turn: Direction) -> str:
    """What somebody has written, as it may stand in a sentence that is written in the direction `turn`.

    It is on one line, and cannot reorder its neighbours: nothing in it turns the direction unseen, and what is written
    the other way stands by itself.
    """
    shown = seen(" ".join(text.splitlines()))
    if turn == "ltr" and shown.isascii():
        return shown
    turned = any(unicodedata.bidirectional(character) in _OTHER[turn] for character in shown)
    return f"{_ISOLATE}{shown}{_END}" if turned else shown


def seen(text: str) -> str:
    """`text` without what is not seen, such as the signs that turn the direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character in text if _is_seen(character))


def _is_seen(character: str) -> bool:
    # Cc: control, Cf: format (turning the direction among them), Cs: halves, Zl and Zp: separators.
    return character in _KEPT or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
