"""The messages of a language by their keys, read from gettext's files in `i18n/locales/`.

Babel writes these files (see `i18n.merging`), and could read whatever gettext allows, in many times as long: all
languages are here in less than 50 ms because they are read in the one form in which they are written.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from babel import Locale
from babel.plural import PluralRule

LOCALES = ("en", "es", "fr", "de", "pt", "ja", "ko", "zh-CN", "hi")
DEFAULT = LOCALES[0]
FOLDER = Path(__file__).parent / "locales"
TEMPLATE = FOLDER / "messages.pot"
CATEGORIES = ("zero", "one", "two", "few", "many", "other")
"""CLDR's, in the order in which gettext numbers those that a language has."""
COUNTED_BY = "counted by "
"""A comment of a plural: the name of the parameter follows."""

_ESCAPED = re.compile(r"\\(.)")
_CHARACTERS = {"n": "\n", "t": "\t", "r": "\r"}


class Plural(NamedTuple):
    """A message with a text for each of its language's categories of numbers, chosen by the parameter `by`."""

    by: str
    locale: str
    texts: tuple[str, ...]

    def of(self, number: float) -> str:
        """The text for so many."""
        return self.texts[_place(self.locale, number)]

    @property
    def forms(self) -> Mapping[str, str]:
        """The texts by their categories."""
        return dict(zip(categories(self.locale), self.texts, strict=True))


Message = str | Plural


@cache
def catalog(locale: str) -> Mapping[str, Message]:
    """Every message of one of `LOCALES` by its key: in English what it lacks, nothing at all for other languages."""
    if locale not in LOCALES:
        return {}
    if locale == DEFAULT:
        return dict(_english())
    return {**catalog(DEFAULT), **_translations(locale)}


def lacking(locale: str) -> set[str]:
    """The keys of what a language does not say yet."""
    return set() if locale == DEFAULT else catalog(DEFAULT).keys() - _translations(locale).keys()


def message(locale: str, key: str) -> Message:
    """The message of `key` in `locale`, or in English; KeyError if there is none."""
    return catalog(locale).get(key) or catalog(DEFAULT)[key]


def knows(key: str) -> bool:
    """Whether there is a message of that key."""
    return key in catalog(DEFAULT)


@lru_cache(maxsize=2000)
def _place(locale: str, number: float) -> int:
    return categories(locale).index(category(locale, number))


def category(locale: str, number: float) -> str:
    """CLDR's category of a number in a language: "one", "other" …"""
    return _rule(locale)(number)


@cache
def categories(locale: str) -> tuple[str, ...]:
    """Those that a language tells apart, as gettext numbers them."""
    known = _rule(locale).tags | {"other"}
    return tuple(each for each in CATEGORIES if each in known)


@cache
def _rule(locale: str) -> PluralRule:
    """Kept, because to read the language's code takes longer than to find a message and its form."""
    return Locale.parse(locale, sep="-").plural_form


def forms_of(said: Message) -> tuple[str, ...]:
    """The text of each form of a message."""
    return (said,) if isinstance(said, str) else said.texts


def braces(key: str) -> set[str]:
    """The names of the values that a message needs."""
    return {name for text in forms_of(message(DEFAULT, key)) for _, name, _, _ in Formatter().parse(text) if name}


def _english() -> Iterator[tuple[str, Message]]:
    for comments, key, english, _ in _entries(TEMPLATE):
        one, _, more = english.partition("\nmsgid_plural ")
        if more:
            by = comments.partition(COUNTED_BY)[2].partition("\n")[0]
            yield key, Plural(by, DEFAULT, (_plain(one), _plain(more)))
        else:
            yield key, _plain(one)


@cache
def _translations(locale: str) -> Mapping[str, Message]:
    return dict(_translated(locale, FOLDER / f"{locale}.po"))


def _translated(locale: str, file: Path) -> Iterator[tuple[str, Message]]:
    """What is not translated, or only perhaps, is not among it."""
    english = catalog(DEFAULT)
    for comments, key, _, said in _entries(file):
        if key not in english or said.endswith(' ""') or "#, fuzzy" in comments:
            continue
        if said[0] == "[":
            texts = tuple(_plain(each.partition(" ")[2]) for each in said.split("\nmsgstr"))
            source = english[key]
            assert isinstance(source, Plural)  # `i18n.merging` has seen to it
            if all(texts):
                yield key, Plural(source.by, locale, texts)
        else:
            yield key, _plain(said[1:])


def _entries(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """Of each message the comments, the key, the English, and what is said in its place, in the file's quotes."""
    for entry in file.read_text(encoding="utf-8").rstrip().split("\n\n")[1:]:
        comments, _, rest = entry.partition('msgctxt "')
        key, _, rest = rest.partition('"\nmsgid ')
        english, _, said = rest.partition("\nmsgstr")
        yield comments, key, english, said


def _plain(quoted: str) -> str:
    """A text as it stands in the file, its lines joined, without quotes and backslashes."""
    text = "".join(line[1:-1] for line in quoted.split("\n")) if "\n" in quoted else quoted[1:-1]
    return _ESCAPED.sub(lambda one: _CHARACTERS.get(one[1], one[1]), text) if "\\" in text else text
