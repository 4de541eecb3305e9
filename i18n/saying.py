"""Saying something in a language: a message, with values in its braces."""

from collections.abc import Mapping
from typing import Any

from i18n.catalogs import Plural, message
from i18n.formatting import written


def translate(locale: str, key: str, **params: Any) -> str:
    """The message of `key` in `locale`, or in English, its {braces} filled with what is given.

    Values are written as the language writes them, by their type: see `i18n.formatting.written`. A plural needs the
    number that it is counted by. Raises KeyError for a key that no catalog has, and for a value that is missing.
    """
    said = message(locale, key)
    text = said.of(params[said.by]) if isinstance(said, Plural) else said
    return text.format_map(_Written(locale, params)) if "{" in text else text


class _Written(dict[str, str]):
    """The values as they are written, each when the text asks for it."""

    def __init__(self, locale: str, params: Mapping[str, Any]) -> None:
        self._locale, self._params = locale, params

    def __missing__(self, name: str) -> str:
        return written(self._locale, self._params[name])
