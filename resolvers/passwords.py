"""Passwords: Argon2id with OWASP's parameters, hashed in threads, at most two at once."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Invalid, Throttled
from gateways.threads import run_blocking
from resolvers.common_passwords import common_passwords

SHORTEST, LONGEST = 10, 200
LEAST_OF_ITS_OWN = 6
"""How many characters a password must have besides what is known of its owner."""
MOST_WAITING = 100
"""Hashes that may be waited for in one process: about as many as it makes in two seconds."""
# 12 MiB, 3 passes, 1 lane: of those that the OWASP Password Storage Cheat Sheet holds equal, one that takes a quarter
# less than 19 MiB with 2 passes (24 and 31 ms of CPU on a slow machine).
_HASHER = PasswordHasher(time_cost=3, memory_cost=12 * 1024, parallelism=1, type=Type.ID)
_GATE = asyncio.Semaphore(2)
_waiting = 0


async def hash_password(password: str, *, path: tuple[str, ...], person: Iterable[str] = ()) -> str:
    """The hash to store. `person` is what is known of its owner: their name, their address.

    Invalid for a password too short or too long, for one of the most common, and for one made of what `person` holds.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid("problem.password_length", path=path, least=SHORTEST, most=LONGEST)
    plain = _plain(password)
    if plain in await asyncio.to_thread(common_passwords, SHORTEST):
        raise Invalid("problem.password_common", path=path)
    if _is_made_of(plain, person):
        raise Invalid("problem.password_personal", path=path)
    async with _turn():
        return await run_blocking(_HASHER.hash, _bytes(password))


async def password_matches(password: str, stored: str | None) -> bool:
    """Whether `password` is the one behind `stored`. Takes as long when there is none: silence tells no address."""
    if len(password) > LONGEST:
        password, stored = "", None
    async with _turn():
        return await run_blocking(_verify, password, stored) and stored is not None


async def rehashed(password: str, stored: str) -> str | None:
    """A new hash of a password that is known to match, where `stored` was made with other parameters than today's."""
    if not _HASHER.check_needs_rehash(stored):
        return None
    async with _turn():
        return await run_blocking(_HASHER.hash, _bytes(password))


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """One of the two places at the hasher. Who would have to wait for long is sent away: Throttled."""
    global _waiting  # noqa: PLW0603 - one gate, and how many stand before it
    if _waiting >= MOST_WAITING:
        raise Throttled(retry_after_seconds=1)
    _waiting += 1
    try:
        async with _GATE:
            yield
    finally:
        _waiting -= 1


def _is_made_of(plain: str, person: Iterable[str]) -> bool:
    """Whether little is left of the password without the words that anybody knows of its owner."""
    words = set[str]()
    for known in map(_plain, person):
        words |= {known, known.partition("@")[0], *re.split(r"[\W_]+", known)}
    for word in sorted(words, key=len, reverse=True):  # else a short one inside of a longer would hide that
        if len(word) > 2:
            plain = plain.replace(word, "")
    return len(plain) < LEAST_OF_ITS_OWN


def _plain(text: str) -> str:
    """As it would be guessed: in whatever case and form its letters are written."""
    return unicodedata.normalize("NFKC", text).casefold()


def _verify(password: str, stored: str | None) -> bool:
    decoy = _decoy()  # made by whoever comes first, whether it is needed or not
    try:
        return _HASHER.verify(stored or decoy, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")


@cache
def _decoy() -> str:
    return _HASHER.hash(b"nobody has this password")
