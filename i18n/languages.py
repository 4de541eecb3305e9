"""What is told of each language: how its readers call it, and how much is said in it."""

from functools import cache
from math import floor
from typing import Literal, NamedTuple

from i18n.catalogs import DEFAULT, LOCALES, catalog, lacking
from i18n.directions import direction
from i18n.formatting import babel


class Language(NamedTuple):
    """A language that the product speaks. `completeness` is the share of messages that are translated, 0–1."""

    code: str
    name: str
    direction: Literal["ltr", "rtl"]
    completeness: float


@cache
def languages() -> tuple[Language, ...]:
    """All of them, English first."""
    return tuple(Language(each, _own_name(each), direction(each), _completeness(each)) for each in LOCALES)


def _own_name(locale: str) -> str:
    """As in a menu, with a capital. Where the script tells two apart, it is part of the name: 简体中文."""
    known = babel(locale)
    name = str(known.languages.get(f"{known.language}_{known.script}") or known.languages[known.language])
    return name[0].upper() + name[1:]


def _completeness(locale: str) -> float:
    """In thousandths, rounded down: 1 is all."""
    known = len(catalog(DEFAULT))
    return floor(1000 * (known - len(lacking(locale))) / known) / 1000
