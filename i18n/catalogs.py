"""Messages by key and language, from TOML files: `not_found` under `[problem]` is the key `problem.not_found`."""

import tomllib
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

LOCALES = ("en", "de")
DEFAULT = LOCALES[0]
_FOLDER = Path(__file__).parent / "messages"


def translate(locale: str, key: str, **params: Any) -> str:
    """The message of `key` in `locale`, or in English, its {braces} filled; a key that no catalog has is a KeyError."""
    text = catalog(locale).get(key) or catalog(DEFAULT)[key]
    return text.format_map(params)


def knows(key: str) -> bool:
    """Whether there is a message of that key."""
    return key in catalog(DEFAULT)


def missing(locale: str) -> list[str]:
    """The keys whose message `locale` lacks, or says with other braces than English does."""
    ours = catalog(locale)
    return [
        key for key, text in catalog(DEFAULT).items() if _braces(ours.get(key, "")) != _braces(text) or key not in ours
    ]


@cache
def catalog(locale: str) -> dict[str, str]:
    """Every message of one language, by its dotted key."""
    if locale not in LOCALES:
        return {}
    return _flat(tomllib.loads((_FOLDER / f"{locale}.toml").read_text(encoding="utf-8")))


def _flat(section: dict[str, Any], prefix: str = "") -> dict[str, str]:
    messages: dict[str, str] = {}
    for name, value in section.items():
        messages |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value.strip()}
    return messages


def _braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
