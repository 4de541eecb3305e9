"""The messages that clients show, by namespace, in JSON that FormatJS and i18next both read.

Keys are flat. Under each lies its text as ICU writes messages, for FormatJS: `{name}`, and of a plural
`{days, plural, one {{days, number} day} other {…}}`. i18next counts by nothing but `count`, and finds each form of a
plural under the key and a category, `left_one`: `{count, number} day`. It takes ICU's braces for its own if it is told
`interpolation: { prefix: "{", suffix: "}" }`. What the two would misread, `i18n.checking` keeps out of the texts.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import orjson

from i18n.catalogs import DEFAULT, LOCALES, Message, catalog, categories
from i18n.negotiation import negotiate
from i18n.pseudo import PSEUDO, pretended

OURS = frozenset({"mail", "page"})
"""Namespaces of what we say by ourselves, of which clients need nothing."""
COUNT = "count"
"""What i18next counts by."""
_VERSION_DIGITS = 12
_LONGEST_TAG = 35
"""Characters of a language tag that are looked at; RFC 5646 (section 4.4.1) asks for no more."""


class Bundle(NamedTuple):
    """The messages of a namespace in one language; the `version` changes with any of them."""

    locale: str
    namespace: str
    texts: Mapping[str, str]
    body: bytes
    """The texts as JSON."""
    version: str

    @property
    def path(self) -> str:
        """Where it lies, for as long as it is the same."""
        return f"/i18n/{self.locale}/{self.namespace}.{self.version}.json"


@cache
def namespaces() -> tuple[str, ...]:
    """Those that clients can load."""
    return tuple(sorted({key.partition(".")[0] for key in catalog(DEFAULT)} - OURS))


def nearest(locale: str) -> str:
    """The language of ours that is closest to the one asked for, or English; the pseudo-locale for who spells it so."""
    return PSEUDO if locale == PSEUDO else negotiate(None, preferred=locale[:_LONGEST_TAG])


def bundle(locale: str, namespace: str) -> Bundle | None:
    """The messages of a namespace; None for a language or a namespace that is not there."""
    there = (locale in LOCALES or locale == PSEUDO) and namespace in namespaces()
    return _bundle(locale, namespace) if there else None


@cache
def _bundle(locale: str, namespace: str) -> Bundle:
    texts = dict(sorted(_texts(locale, f"{namespace}.")))
    body = orjson.dumps(texts)
    return Bundle(locale, namespace, texts, body, sha256(body).hexdigest()[:_VERSION_DIGITS])


def _texts(locale: str, prefix: str) -> Iterator[tuple[str, str]]:
    language = DEFAULT if locale == PSEUDO else locale
    for key, said in catalog(language).items():
        if key.startswith(prefix):
            yield from _written(language, key.removeprefix(prefix), pretended(said) if locale == PSEUDO else said)


def _written(language: str, key: str, said: Message) -> Iterator[tuple[str, str]]:
    """A plural has all the forms of its bundle's language, also where it is still in English, which has fewer."""
    if isinstance(said, str):
        yield key, said
        return
    known = said.forms
    forms = {category: known.get(category, known["other"]) for category in categories(language)}
    value, ours, theirs = f"{{{said.by}}}", f"{{{said.by}, number}}", f"{{{COUNT}, number}}"
    icu = (f"{category} {{{text.replace(value, ours)}}}" for category, text in forms.items())
    yield key, f"{{{said.by}, plural, {' '.join(icu)}}}"
    yield from ((f"{key}_{category}", text.replace(value, theirs)) for category, text in forms.items())
