"""Passwords: Argon2id with OWASP's parameters, hashed in threads, at most two at once."""

import asyncio
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Invalid

SHORTEST, LONGEST = 10, 200
# 19 MiB, 2 passes, 1 lane: the OWASP Password Storage Cheat Sheet's second choice, about 20 ms here.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_GATE = asyncio.Semaphore(2)


async def hash_password(password: str, *, path: tuple[str, ...]) -> str:
    """The hash to store; Invalid for a password too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid("problem.password_length", path=path, least=SHORTEST, most=LONGEST)
    async with _GATE:
        return await asyncio.to_thread(_HASHER.hash, _bytes(password))


async def password_matches(password: str, stored: str | None) -> bool:
    """Whether `password` is the one behind `stored`. Takes as long when there is none: silence tells no address."""
    if len(password) > LONGEST:
        password, stored = "", None
    async with _GATE:
        return await asyncio.to_thread(_verify, password, stored) and stored is not None


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _decoy(), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")


@cache
def _decoy() -> str:
    return _HASHER.hash(b"nobody has this password")
