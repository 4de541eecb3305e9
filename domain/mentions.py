"""Who is mentioned in a text: an @ and a name, or an @ and an e-mail address, of those who may be mentioned there.

A name is found in any script, in any case, in wide letters as in narrow ones. Japanese and Chinese put no spaces
between words, and Korean none before its particles: so it is the longest name that counts, and what goes on behind it
in these scripts is no part of it. The full name means its bearer; the first words of it do where nobody else's name
begins so. What may mean several people means nobody. Nothing is looked for in code, in links, and inside of a word or
an address.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from domain.errors import Invalid
from domain.markdown import WHOLE
from domain.text import address_at

MOST = 20
"""Mentions that a text may have."""
_PLACE = re.compile(rf"{WHOLE}|(?P<at>[@＠])", re.IGNORECASE)
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""A letter of a script that writes words without spaces between them, or particles without one before."""
_JOINERS = "\u200c\u200d"


class Person(NamedTuple):
    """Somebody who may be mentioned."""

    user_id: UUID
    name: str
    email: str


class Mention(NamedTuple):
    """That somebody is mentioned: from the @ at `start` on, `length` characters (code points)."""

    start: int
    length: int
    user_id: UUID


@dataclass(slots=True)
class Sought:
    """What a text may mention, before it is known who there is: enough to ask for these people alone."""

    initials: set[str] = field(default_factory=set)
    """With which their names begin, decomposed (NFKD), in either case."""
    addresses: set[str] = field(default_factory=set)

    @property
    def is_anything(self) -> bool:
        """Whether it can mention anybody."""
        return bool(self.initials or self.addresses)


def sought(text: str) -> Sought:
    """What stands behind each @ that can begin a mention."""
    found, position = Sought(), 0
    while (at := _next_at(text, position)) is not None:
        address = address_at(text, at + 1)
        position = at + 1 + len(address or "")
        if address is not None:
            found.addresses.add(address.lower())
        elif at + 1 < len(text) and not text[at + 1].isspace():
            found.initials |= _initials(text[at + 1])
    return found


def mentions_in(
    text: str, people: Sequence[Person], *, before: Mapping[str, UUID] | None = None, path: tuple[str, ...] = ("body",)
) -> list[Mention]:
    """Who of these people is mentioned in `text`, and where, in order; Invalid (at `path`) for more than 20 mentions.

    `before` has what the text said of people (`@` and all) before it was edited: it means the same people still, by
    whatever name they go now.
    """
    before = before or {}
    names, found, position = _Names(text, people, before), list[Mention](), 0
    addresses = {person.email: person.user_id for person in people}
    addresses |= {said[1:].lower(): user_id for said, user_id in before.items()}
    while (at := _next_at(text, position)) is not None:
        address = address_at(text, at + 1)
        end, user_id = names.at(at + 1) if address is None else (at + 1 + len(address), addresses.get(address.lower()))
        position = end
        if user_id is not None and not _goes_on(text, end):
            found.append(Mention(at, end - at, user_id))
    if len(found) > MOST:
        raise Invalid("problem.mentions", path=path, most=MOST)
    return found


def handle(person: Person, *, is_namesake: bool) -> str:
    """What to write behind an @ to mention just this person: the name or, where that would not do, the address."""
    written = f"@{person.name}"
    alone = [(each.start, each.length) for each in mentions_in(written, [person])]
    return person.email if is_namesake or alone != [(0, len(written))] else person.name


def handles(text: str, mentions: Sequence[Mention]) -> dict[str, UUID]:
    """What a text says of those whom it mentions: see `mentions_in`."""
    return {text[each.start : each.start + each.length]: each.user_id for each in mentions}


def kept(mentions: Sequence[Mention]) -> list[Any] | None:
    """What a row keeps of mentions, for JSON; None for none."""
    return [[each.start, each.length, str(each.user_id)] for each in mentions] or None


def placed(kept: Sequence[Any] | None) -> list[Mention]:
    """The mentions that a row has kept."""
    return [Mention(start, length, UUID(user_id)) for start, length, user_id in kept or ()]


def is_unspaced(text: str) -> bool:
    """Whether a text begins in a script that puts no spaces between words."""
    return bool(_UNSPACED.match(text))


def utf16(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The same mentions with their places counted in UTF-16 code units, as JavaScript, Java and Swift count."""
    return [
        Mention(_units(text[: each.start]), _units(text[each.start : each.start + each.length]), each.user_id)
        for each in mentions
    ]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _next_at(text: str, position: int) -> int | None:
    """The next @ that stands neither in code, nor in a link, nor behind a word."""
    while (place := _PLACE.search(text, position)) is not None:
        position = place.end()
        if place["at"] and not _goes_before(text, place.start()):
            return place.start()
    return None


def _goes_before(text: str, at: int) -> bool:
    """Whether the @ there stands within a word or an address."""
    return _is_spaced_letter(text[max(0, at - 2) : at].removesuffix("_")[-1:])


def _goes_on(text: str, end: int) -> bool:
    """Whether what ends there goes on as a word, a hyphened name or an address, so that it is another one."""
    last, following = text[end - 1 : end], text[end : end + 1]
    if following in ("-", "_"):
        return _is_spaced_letter(text[end + 1 : end + 2])
    if unicodedata.category(following or " ")[0] == "M" or following in ("@", "＠", *_JOINERS):
        return True
    return _is_spaced_letter(following) and not _UNSPACED.match(last)


def _is_spaced_letter(character: str) -> bool:
    return character.isalnum() and not _UNSPACED.match(character)


class _Names:
    """The names that people go by, to be found in one text."""

    def __init__(self, text: str, people: Sequence[Person], before: Mapping[str, UUID]) -> None:
        self._forms = _forms(people) | {_folded(said[1:]): {user_id} for said, user_id in before.items()}
        self._sorted = sorted(self._forms)
        self._longest = max(map(len, self._forms), default=0)
        self._text = text
        pieces = [_letter(character) for character in text]
        self._folded = "".join(pieces)
        self._starts = _starts(pieces)
        self._origins = {start: index for index, start in enumerate(self._starts)}

    def at(self, index: int) -> tuple[int, UUID | None]:
        """Where the longest name ends that begins at `index`, and who that is; None where it is not one person."""
        begin = self._starts[index]
        for form in self._beginning(self._folded[begin : begin + self._longest]):
            meant, end = self._forms[form], self._origins.get(begin + len(form))
            if end is not None and not _goes_on(self._text, end):
                return end, next(iter(meant)) if len(meant) == 1 else None
        return index, None

    def _beginning(self, said: str) -> Iterator[str]:
        """The forms that `said` begins with, the longest first; however many there are, most are never looked at.

        The last that sorts before `said` is the longest of them, or shares with it all that any of them can have.
        """
        while said and (place := bisect_right(self._sorted, said)):
            form = self._sorted[place - 1]
            if said.startswith(form):
                yield form
                said = form[:-1]
            else:
                said = said[: _shared(form, said)]


def _shared(one: str, other: str) -> int:
    """With how many of the same characters both begin, where neither is the beginning of the other."""
    return next(place for place, (this, that) in enumerate(zip(one, other, strict=False)) if this != that)


def _starts(pieces: Sequence[str]) -> list[int]:
    """Where each piece begins when they stand together; and where the last one ends."""
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    return starts


def _forms(people: Sequence[Person]) -> dict[str, set[UUID]]:
    """Who is meant by what: a full name goes before the beginning of another one."""
    full, short = defaultdict[str, set[UUID]](set), defaultdict[str, set[UUID]](set)
    for person in people:
        words = _folded(person.name).split()
        for form in _full(words, person.name):
            full[form].add(person.user_id)
        for count in range(1, len(words)):
            short[" ".join(words[:count])].add(person.user_id)
    return {**short, **full}


def _full(words: Sequence[str], name: str) -> Iterator[str]:
    yield " ".join(words)
    if len(words) > 1 and all(map(_UNSPACED.match, name.split())):
        yield "".join(words)


def _folded(text: str) -> str:
    """What is equal for what reads the same, letter by letter: at once, marks of one letter might change places."""
    return "".join(map(_letter, text))


@lru_cache(maxsize=10_000)
def _letter(character: str) -> str:
    if character.isspace() and character != "\n":
        return " "
    return _decomposed(_decomposed(character).casefold())


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


@lru_cache(maxsize=10_000)
def _initials(character: str) -> frozenset[str]:
    """How names may begin that are meant by a word which begins so."""
    cases = (character, character.lower(), character.upper(), character.title())
    return frozenset(_decomposed(each)[:1] for each in cases)
