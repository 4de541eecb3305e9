"""`python -m i18n.checking`, in `make check`: whether every language says everything, rightly.

What a program can see of a translation: that it is there, that nobody has yet to look at it, that it has the same
values in its braces and all forms of a plural, that it uses the glossary's words, and nothing that the clients'
libraries would take for markup of theirs (see `i18n.bundles`).
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from string import Formatter
from typing import Any

from babel.messages.catalog import Message

from i18n.bundles import COUNT
from i18n.catalogs import CATEGORIES, DEFAULT, FOLDER, LOCALES, categories, category
from i18n.merging import merged, strings, translated
from i18n.source import Source, sources

GLOSSARY = FOLDER.parent / "glossary"
"""In English what each term means, and by which words it is found; in other languages the words to say it with."""
_SPECIAL = re.compile(r"['<>#|$\\]|\{\{|\}\}")
"""Quotes and markup of ICU's messages, FormatJS's tags, i18next's nesting and context."""
_SAME = "alike"
"""In a glossary, the keys whose English is right in the language, too."""
_NOT_WORDS = re.compile(r"\{\w+\}|Video Creator")
"""Values, and the product's name."""
_NAME = re.compile(r"[a-z_]+")
_ALIKE = re.compile(r"(?:\{\w+\}|\W|\d)*")
"""What may be the same in every language: no letters but those of values."""


def main() -> None:
    """The command: says what is wrong, and exits with 1 if anything is."""
    wrong = [*_stale(), *_terms(), *faults()]
    sys.stdout.writelines(f"{fault}\n" for fault in wrong)
    if wrong:
        sys.exit(f"{len(wrong)} faults in the catalogs. `make messages` brings new English into every language.")


def faults() -> Iterator[str]:
    """What is wrong with the English, and with every translation."""
    english = sources()
    for source in english:
        yield from (f"en {source.key}: {fault}" for fault in _faults_of_source(source))
    yield from (f"en {key}: i18next takes it for a form of a plural" for key in ambiguous(english))
    for locale in LOCALES[1:]:
        known = translated(locale)
        for source in english:
            found = faults_of(locale, source, known.get(source.key))
            yield from (f"{locale} {source.key}: {fault}" for fault in found)


def faults_of(locale: str, source: Source, message: Message | None) -> Iterator[str]:
    """What is wrong with one translation; its number of forms and the English it is of are as they should be."""
    if message is None or not all(strings(message)):
        yield "is missing"
        return
    if message.fuzzy:
        yield "is fuzzy: its English has changed"
    for number, text in enumerate(strings(message)):
        if wrong := list(_faults_of_text(text)):
            yield from wrong
            continue
        ours, theirs = braces(text), braces(source.text)
        if not theirs - _left_out(locale, source, number) <= ours <= theirs:
            yield f"has {sorted(ours)} in braces, not {sorted(theirs)}: {text}"
    if not _may_be_alike(locale, source) and set(strings(message)) == set(source.texts):
        yield "is still English"
    yield from (f"does not say “{term}” as the glossary does" for term in _not_said(locale, source, strings(message)))


def ambiguous(english: list[Source]) -> Iterator[str]:
    """Keys that a form of a plural has in bundles: `left_one` beside a plural `left`."""
    plurals = {source.key for source in english if source.by is not None}
    for source in english:
        stem, _, form = source.key.rpartition("_")
        if stem in plurals and form in CATEGORIES:
            yield source.key


def braces(text: str) -> set[str]:
    """The names of the values in a text. Raises ValueError for braces that are not closed."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _terms() -> Iterator[str]:
    for locale in LOCALES[1:]:
        if known := (glossary(DEFAULT).keys() ^ glossary(locale).keys()) - {_SAME}:
            yield f"{locale}: its glossary and the English one have not the same terms: {', '.join(sorted(known))}"


def _stale() -> Iterator[str]:
    for name, text in merged().items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            yield f"{name}: is not as `make messages` writes it"


def _faults_of_source(source: Source) -> Iterator[str]:
    for text in source.texts:
        yield from _faults_of_text(text)
    values = braces(source.text)
    if source.by is not None and (source.by not in values or braces(source.texts[0]) - values):
        yield f"is counted by {source.by}, which must be in its braces"
    if source.by not in (None, COUNT) and COUNT in values:
        yield f"is counted by {source.by} and has {COUNT}, too, by which i18next counts"
    if any(not _NAME.fullmatch(name) for name in values):
        yield "has names in its braces that are none"


def _faults_of_text(text: str) -> Iterator[str]:
    if text != text.strip():
        yield f"begins or ends with a blank: {text!r}"
    if special := _SPECIAL.search(text):
        yield f"has {special[0]!r}, which clients' libraries take for something else: {text}"
    try:
        values = list(Formatter().parse(text))
    except ValueError:
        yield f"has braces that are not closed: {text}"
        return
    if any(name is not None and (form or turned) for _, name, form, turned in values):
        yield f"takes a value apart: {text}"


def _left_out(locale: str, source: Source, form: int) -> set[str]:
    """The number where a form stands for 1 alone, not for 0 as well: it can say it in a word."""
    stands_for_one = source.by is not None and categories(locale)[form] == "one" != category(locale, 0)
    return {str(source.by)} if stands_for_one else set()


def _may_be_alike(locale: str, source: Source) -> bool:
    return any(_ALIKE.fullmatch(text) for text in source.texts) or source.key in glossary(locale).get(_SAME, ())


def _not_said(locale: str, source: Source, said: Iterable[str]) -> Iterator[str]:
    """The terms that the English has and the translation lacks."""
    words = glossary(locale)
    for term, about in glossary(DEFAULT).items():
        ours = [word.casefold() for word in words.get(term, ())]
        if ours and _has_word(source.text, tuple(about["match"])):
            yield from (term for text in said if not any(word in text.casefold() for word in ours))


@cache
def _has_word(text: str, words: tuple[str, ...]) -> bool:
    said = _NOT_WORDS.sub(" ", text)
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", said, re.IGNORECASE) for word in words)


@cache
def glossary(locale: str) -> dict[str, Any]:
    """The terms of a language."""
    return tomllib.loads((GLOSSARY / f"{locale}.toml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
