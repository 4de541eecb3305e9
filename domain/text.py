"""Text that people type: trimmed, bounded, never silently cut."""

import re
import unicodedata
from collections.abc import Iterable

from domain.errors import Invalid

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The dot-atom form of RFC 5321, with a domain of two labels or more: what mail servers take without a question.
# Only ASCII, and before it is put into lower case: the Kelvin sign would become a k, and the mail go to somebody else.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+", re.ASCII | re.IGNORECASE)


def one_line(value: str, *, path: tuple[str, ...], most: int) -> str:
    """`value` trimmed, in NFC, on one line, of 1 to `most` characters; otherwise Invalid."""
    text = " ".join(_clean(value, path).split())
    if not text:
        raise Invalid("problem.text_missing", path=path)
    return _bounded(text, path, most)


def many_lines(value: str, *, path: tuple[str, ...], most: int) -> str:
    """`value` trimmed, in NFC, of at most `most` characters, line breaks kept; otherwise Invalid."""
    return _bounded(_clean(value, path).strip(), path, most)


def searchable(value: str) -> str:
    """`value` as it would have been stored on one line: trimmed, in NFC."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def email_address(value: str, *, path: tuple[str, ...]) -> str:
    """`value` as the address that we compare and store (lower case), or Invalid."""
    address = value.strip()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Invalid("problem.email", path=path)
    return address.lower()


def tags(values: Iterable[str], *, path: tuple[str, ...], most: int = 30) -> list[str]:
    """`values` trimmed, in lower case, without repeats, in the order given: at most `most` of 50 characters."""
    cleaned = [one_line(value.lower(), path=(*path, str(index)), most=50) for index, value in enumerate(values)]
    unique = list(dict.fromkeys(cleaned))
    if len(unique) > most:
        raise Invalid("problem.too_many", path=path, most=most)
    return unique


def _clean(value: str, path: tuple[str, ...]) -> str:
    if _CONTROL.search(value):
        raise Invalid("problem.text_control", path=path)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # a lone surrogate: valid in JSON, in no database
        raise Invalid("problem.text_control", path=path) from error
    return unicodedata.normalize("NFC", value)


def _bounded(text: str, path: tuple[str, ...], most: int) -> str:
    if len(text) > most:
        raise Invalid("problem.text_long", path=path, most=most)
    return text
