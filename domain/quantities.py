"""Quantities that people read in the form of their language: a message says what it is, `i18n/` how it is written."""

from typing import NamedTuple


class Bytes(int):
    """So many bytes, as of a file."""


class Milliseconds(int):
    """So many milliseconds, as of a video."""


class Ordinal(int):
    """A number that names one of several, or a pixel of many, and is written without separators."""


class Money(NamedTuple):
    """An amount in the minor unit of a currency (ISO 4217): `Money(1999, "EUR")` is € 19.99."""

    minor: int
    currency: str
