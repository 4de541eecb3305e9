"""Text that people type: trimmed, bounded, never silently cut."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

from domain.errors import Invalid

MARKS = 30
"""Accents, vowel signs and other marks that may follow each other, as in the Stream-Safe Text Format of UAX #15.

No language writes so many. To put n of them in order takes time in proportion to n²: seven seconds for 100,000.
"""
_COMPOSED = 4
"""Characters of which one is made at most when text is composed (NFC), as of a Greek letter with three marks."""
_SOUGHT = 50_000
"""Characters that are looked for: more than any text has, even before it is composed."""
_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The dot-atom form of RFC 5321, with a domain of two labels or more: what mail servers take without a question.
# Only ASCII, and before it is put into lower case: the Kelvin sign would become a k, and the mail go to somebody else.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+", re.ASCII | re.IGNORECASE)


def one_line(value: str, *, path: tuple[str, ...], most: int) -> str:
    """`value` trimmed, in NFC, on one line, of 1 to `most` characters; otherwise Invalid."""
    _require_storable(value, path)
    text = _composed(" ".join(value.split()), path, most)
    if is_blank(text):
        raise Invalid("problem.text_missing", path=path)
    return text


def many_lines(value: str, *, path: tuple[str, ...], most: int) -> str:
    """`value` trimmed, in NFC, of at most `most` characters, line breaks kept; otherwise Invalid."""
    _require_storable(value, path)
    return _composed(value.strip(), path, most)


def is_blank(text: str) -> bool:
    """Whether nothing of it is seen: it has spaces at most, and signs that only say how others are shown."""
    return all(unicodedata.category(character) in _UNSEEN for character in text)


def searchable(value: str) -> str:
    """`value` as it would have been stored on one line: trimmed, in NFC. What is never stored may be left as it is."""
    text = " ".join(value[:_SOUGHT].split())
    return text if _is_piled_up(text) else unicodedata.normalize("NFC", text)


def email_address(value: str, *, path: tuple[str, ...]) -> str:
    """`value` as the address that we compare and store (lower case), or Invalid."""
    address = value.strip()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Invalid("problem.email", path=path)
    return address.lower()


def address_at(text: str, position: int) -> str | None:
    """The longest e-mail address that begins there, as it is written; None where none does."""
    found = _EMAIL.match(text, position)
    return found[0] if found else None


def tags(values: Iterable[str], *, path: tuple[str, ...], most: int = 30) -> list[str]:
    """`values` trimmed, in lower case, without repeats, in the order given: at most `most` of 50 characters."""
    cleaned = [one_line(value.lower(), path=(*path, str(index)), most=50) for index, value in enumerate(values)]
    unique = list(dict.fromkeys(cleaned))
    if len(unique) > most:
        raise Invalid("problem.too_many", path=path, most=most)
    return unique


def _require_storable(value: str, path: tuple[str, ...]) -> None:
    if _CONTROL.search(value):
        raise Invalid("problem.text_control", path=path)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # a lone surrogate: valid in JSON, in no database
        raise Invalid("problem.text_control", path=path) from error


def _composed(text: str, path: tuple[str, ...], most: int) -> str:
    """`text` in NFC. How much there is, is looked at first: composing is what takes time."""
    if len(text) > _COMPOSED * most:
        raise Invalid("problem.text_long", path=path, most=most)
    if _is_piled_up(text):
        raise Invalid("problem.text_marks", path=path)
    return _bounded(unicodedata.normalize("NFC", text), path, most)


def _is_piled_up(text: str) -> bool:
    """Whether more than `MARKS` marks follow each other. What is put in order when text is composed are all marks."""
    if text.isascii():
        return False
    return any(is_mark and sum(1 for _ in run) > MARKS for is_mark, run in groupby(text, _is_mark))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _bounded(text: str, path: tuple[str, ...], most: int) -> str:
    if len(text) > most:
        raise Invalid("problem.text_long", path=path, most=most)
    return text
