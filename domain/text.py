"""Text that people type: trimmed, bounded, never silently cut."""

import re
import unicodedata
from collections.abc import Iterable

from domain.errors import Invalid

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EMAIL = re.compile(r"[^@\s<>\"',;:\\()\[\]]{1,64}@[^@\s<>\"',;:\\()\[\]]+\.[^@\s<>\"',;:\\()\[\]]{2,}")


def one_line(value: str, *, path: tuple[str, ...], most: int) -> str:
    """`value` trimmed, in NFC, on one line, of 1 to `most` characters; otherwise Invalid."""
    text = " ".join(_clean(value, path).split())
    if not text:
        raise Invalid("problem.text_missing", path=path)
    return _bounded(text, path, most)


def many_lines(value: str, *, path: tuple[str, ...], most: int) -> str:
    """`value` trimmed, in NFC, of at most `most` characters, line breaks kept; otherwise Invalid."""
    return _bounded(_clean(value, path).strip(), path, most)


def email_address(value: str, *, path: tuple[str, ...]) -> str:
    """`value` as the address that we compare and store (lower case), or Invalid."""
    address = _clean(value, path).strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Invalid("problem.email", path=path)
    return address


def tags(values: Iterable[str], *, path: tuple[str, ...], most: int = 30) -> list[str]:
    """`values` trimmed, in lower case, without repeats, in the order given: at most `most` of 50 characters."""
    cleaned = [one_line(value, path=(*path, str(index)), most=50).lower() for index, value in enumerate(values)]
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
