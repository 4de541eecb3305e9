"""Which language a reader gets."""

from collections.abc import Sequence

from babel.core import negotiate_locale

from i18n.catalogs import DEFAULT, LOCALES


def negotiate(accept_language: str | None, *, preferred: str | None = None) -> str:
    """The first language that we have: the reader's own preference, then Accept-Language by weight, then English."""
    wanted = [*([preferred] if preferred else []), *_by_weight(accept_language or "")]
    found = negotiate_locale(wanted, LOCALES, sep="-") or DEFAULT
    return next(locale for locale in LOCALES if locale.lower() == found.lower())  # found is written as it was asked for


def _by_weight(header: str) -> Sequence[str]:
    """The language tags of an Accept-Language header (RFC 9110, section 12.5.4), the most wanted first."""
    weighted = [_weighed(item) for item in header[:500].split(",")]
    wanted = [(weight, tag) for weight, tag in weighted if tag and weight > 0]
    return [tag for _, tag in sorted(wanted, key=lambda pair: -pair[0])]


def _weighed(item: str) -> tuple[float, str]:
    tag, _, parameter = item.strip().partition(";")
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0, tag.strip()
    try:
        return float(value), tag.strip()
    except ValueError:
        return 0.0, tag.strip()
