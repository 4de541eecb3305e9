"""What no log shall hold, taken out of whatever is about to be written: addresses, tokens, the values of statements.

Who writes a line sees to it, by names of fields (`gateways.logs`). This is the net below: what errors say of
themselves, and what libraries write, nobody has looked at before.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from types import TracebackType

HIDDEN = "[hidden]"
ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

_OF_NAME = r"""^\s<>"'(),;=\[\]{}|:/@"""
"""What stands before an @: anything but these."""
_NET: list[tuple[str, re.Pattern[str], str]] = [
    # Of a mailbox, or of a server with who signs in there, and by which password.
    (
        "@",
        re.compile(rf"""(?<![{_OF_NAME}])[{_OF_NAME}]++(?::[^\s<>"'@/]{{0,200}}+)?@[\w.-]{{1,255}}"""),
        HIDDEN,
    ),
    ("earer", re.compile(r"(?i:(bearer\s+))[\w.~+/=-]{8,}"), rf"\1{HIDDEN}"),
    ("vc_", re.compile(r"\bvc_\w{20,}"), HIDDEN),
    ("eyJ", re.compile(r"\beyJ[\w-]{8,}+\.[\w.-]+"), HIDDEN),
    # Signatures and codes.
    (
        "?",
        re.compile(r"""(?<![^\s?"'<>])((?>[^\s?"'<>]*?https?://)[^\s?"'<>]++)\?[^\s"'<>)]+"""),
        rf"\1?{HIDDEN}",
    ),
    # What PostgreSQL, asyncpg and pydantic say of the values that they refuse.
    ("DETAIL", re.compile(r"(DETAIL:\s+).*"), rf"\1{HIDDEN}"),
    ("argument $", re.compile(r"(query argument \$\d++[^:\n]{0,100}: ).*"), rf"\1{HIDDEN}"),
    ("invalid input", re.compile(r'(invalid input (?:syntax|value) for [^:\n]{1,100}: )".*"'), rf"\1{HIDDEN}"),
    ("out of range", re.compile(r'(out of range: )".*"'), rf"\1{HIDDEN}"),
    ("out of range", re.compile(r'^(?>(.*?value )(?=")).*"(?= is out of range)', re.MULTILINE), rf"\1{HIDDEN}"),
    ("input_value=", re.compile(r"(input_value=)(?:.*(?=, input_type=)|.*)"), rf"\1{HIDDEN}"),
]
"""What is looked for only where a text has a certain part, the pattern, and what takes its place.

Each looks at no part of a text again and again, so that a long one costs no more than its length: it begins where its
like ends, is bounded, or goes to the end of a line.
"""
_TOKEN, _TOKEN_LENGTH = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])"), 43
_LONGEST = 32 * 1024
"""Characters of a text that are written: half from its beginning, half from its end."""


def clean(text: str) -> str:
    """The text without what no log shall hold."""
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]}[… {len(text) - _LONGEST} characters …]{text[-half:]}"
    for mark, pattern, instead in _NET:
        if mark in text:
            text = pattern.sub(instead, text)
    return _TOKEN.sub(HIDDEN, text) if len(text) >= _TOKEN_LENGTH else text


def told(exc_info: ExcInfo) -> str:
    """An exception with its traceback and its causes, as a log may have it."""
    error = exc_info[1]
    text = "".join(traceback.format_exception(error)).rstrip("\n") if error is not None else ""
    for said in sorted(set(_said(error, set())), key=len, reverse=True):
        text = text.replace(said, HIDDEN)
    return clean(text)


def _said(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    """What a database tells of the rows at fault, line by line, by all of the exceptions that led to this one."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    for name in ("detail", "where", "internal_query"):
        value = getattr(error, name, None)
        if isinstance(value, str):
            yield from (line for line in value.splitlines() if len(line) > 2)
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        if isinstance(other, BaseException):
            yield from _said(other, seen)
