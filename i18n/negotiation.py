"""Which language a reader gets: the one of ours that comes closest to what they ask for (RFC 9110, section 12.5.4)."""

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import takewhile
from typing import NamedTuple

from babel.core import get_global

from i18n.catalogs import DEFAULT, LOCALES

MOST_CHARACTERS = 300
"""Of a header: what stands beyond is not looked at. Browsers send fifty."""
_ANY = "*"
_SCRIPT, _COUNTRY, _REGION = 4, 2, 3  # how long such a subtag is
_WRITTEN_AS = dict.fromkeys(("cdo", "gan", "hak", "hsn", "nan", "wuu", "yue"), "zh")
"""Languages of China whose readers read standard written Chinese: ISO 639-3 counts them to it."""


class _Tag(NamedTuple):
    """What a language tag says of language, script and territory; empty where it leaves that open."""

    language: str
    script: str
    territory: str


def negotiate(accept_language: str | None, *, preferred: str | None = None, among: tuple[str, ...] = LOCALES) -> str:
    """The reader's own preference, else what their Accept-Language asks for most, else English; one of `among`.

    Whatever the two may hold, this fails at nothing.
    """
    return closest(preferred, among) or wanted(accept_language, among) or DEFAULT


def wanted(accept_language: str | None, among: tuple[str, ...] = LOCALES) -> str | None:
    """Which of `among` an Accept-Language asks for most; None where it asks for none of them.

    Of equals the first, and what is named before what `*` stands for: all that is not named. What is named with a
    weight of zero is not given, whatever else the header says.
    """
    if not accept_language:
        return None
    ranges = [(None if tag == _ANY else _read(tag), weight) for tag, weight in _weighted(_cut(accept_language))]
    refused = {locale for tag, weight in ranges if tag and not weight for locale in _covered(tag, among)}
    named = [(weight, _closest(tag, among)) for tag, weight in ranges if tag]
    known = refused.union(locale for _, locale in named if locale)
    rest = next((locale for locale in among if locale not in known), None)
    offers = [*named, *((weight, rest) for tag, weight in ranges if not tag)]
    given = [(weight, locale) for weight, locale in offers if weight and locale and locale not in refused]
    return max(given, key=lambda offer: offer[0])[1] if given else None


@lru_cache(1000)
def closest(tag: str | None, among: tuple[str, ...] = LOCALES) -> str | None:
    """Which of `among` a reader of the BCP 47 tag reads best: of the same language, in their script if there is one."""
    return _closest(_read(tag or ""), among)


def _closest(asked: _Tag, among: tuple[str, ...]) -> str | None:
    same = {locale: full for locale, full in _whole(among).items() if full.language == asked.language}
    if len(same) <= 1:
        return next(iter(same), None)
    full = _full(asked)
    return max(same, key=lambda locale: (same[locale].script == full.script, same[locale].territory == full.territory))


def _covered(tag: _Tag, among: tuple[str, ...]) -> Iterator[str]:
    """What a language range names by all that it says: `zh` and `zh-Hans` cover zh-CN, `zh-TW` does not."""
    for locale, full in _whole(among).items():
        if full.language == tag.language and tag.script in ("", full.script) and tag.territory in ("", full.territory):
            yield locale


@cache
def _whole(among: tuple[str, ...]) -> dict[str, _Tag]:
    """Our locales, with all that there is to say of each."""
    return {locale: _full(_read(locale)) for locale in among}


def _cut(header: str) -> str:
    """As much of it as is looked at; not half a member, whose weight might be another one's."""
    return header if len(header) <= MOST_CHARACTERS else header[:MOST_CHARACTERS].rpartition(",")[0]


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """The tags of an Accept-Language with their weights; without those whose weight is none."""
    for member in header.split(","):
        tag, *parameters = (part.strip() for part in member.split(";"))
        weight = _weight(parameters)
        if tag and weight is not None:
            yield tag, weight


def _weight(parameters: list[str]) -> float | None:
    """From 0 to 1; None where it is no weight."""
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                return None
            return weight if 0 <= weight <= 1 else None
    return 1.0


def _read(tag: str) -> _Tag:
    first, *rest = tag.replace("_", "-").split("-")
    code = first.lower()
    parts = list(takewhile(lambda part: len(part) > 1, rest))  # what follows one letter is an extension
    script = next((part.title() for part in parts if len(part) == _SCRIPT and part.isalpha()), "")
    territory = next((part.upper() for part in parts if _is_territory(part)), "")
    language = get_global("language_aliases").get(code, code)  # `deu`, `cmn`
    return _Tag(_WRITTEN_AS.get(language, language), script, territory)


def _is_territory(part: str) -> bool:
    return (len(part) == _COUNTRY and part.isalpha()) or (len(part) == _REGION and part.isdigit())


def _full(tag: _Tag) -> _Tag:
    """With what the tag leaves open, as is likeliest by CLDR: Traditional in Taiwan, Brazil for Portuguese."""
    likely = get_global("likely_subtags")
    for said in ((tag.territory,), (tag.script,), ()):
        found = likely.get("_".join((tag.language, *said)))
        if found and all(said):
            filled = _read(found)
            return _Tag(tag.language, tag.script or filled.script, tag.territory or filled.territory)
    return tag
