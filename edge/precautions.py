"""What every answer tells browsers, so that it can do no harm in one."""

from collections.abc import Iterable, Mapping

Precautions = Mapping[bytes, bytes]
_YEAR_SECONDS = 365 * 24 * 3600


def precautions(public_url: str) -> Precautions:
    """It is of the type that it says, its address is told to nobody, and where there is TLS nothing goes without.

    Of other names under ours HSTS says nothing: they are not ours to speak for.
    """
    told = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer"}
    if public_url.startswith("https:"):
        told[b"strict-transport-security"] = b"max-age=%d" % _YEAR_SECONDS
    return told


def lacking(headers: Iterable[tuple[bytes, bytes]], precautions: Precautions) -> Iterable[tuple[bytes, bytes]]:
    """Those of `precautions` that an answer with these headers does not take in its own way."""
    given = dict(headers)
    if precautions.keys().isdisjoint(given):  # as of all answers of operations
        return precautions.items()
    return [each for each in precautions.items() if each[0] not in given]
