"""How often it may be tried again, as headers: the IETF's draft "RateLimit header fields for HTTP", and Retry-After."""

from collections.abc import Sequence
from itertools import groupby

from starlette.responses import Response

from domain.throttling import Standing
from gateways.throttling import Metered, Throttle

HEADERS = ("RateLimit-Policy", "RateLimit", "Retry-After")


def tell(response: Response, throttle: Throttle) -> None:
    """Says in the response which windows its tries have counted in, and of each policy how the fullest stands.

    The headers tell of one address or account only to whoever has just tried it, and the same of one that does not
    exist.
    """
    if not isinstance(throttle, Metered) or not throttle.standings:
        return
    say(response, list(throttle.standings.values()), throttle.retry_after)


def say(response: Response, standings: Sequence[Standing], retry_after: int | None) -> None:
    """Writes the headers for windows that have been counted in, those of a policy next to each other."""
    fullest = [min(windows, key=_room) for _, windows in groupby(standings, lambda standing: standing.policy)]
    response.headers["RateLimit-Policy"] = ", ".join(f'"{s.name}";q={s.quota};w={s.seconds}' for s in standings)
    response.headers["RateLimit"] = ", ".join(f'"{s.name}";r={s.remaining};t={s.resets_in}' for s in fullest)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)


def _room(standing: Standing) -> tuple[int, int]:
    """Of two that are as full, the one that stays so for longer."""
    return standing.remaining, -standing.resets_in
