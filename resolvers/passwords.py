"""Passwords: Argon2id with OWASP's parameters, hashed in threads, at most two at once."""

import asyncio
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from domain.errors import Invalid, Throttled
from domain.proofs import salt_of
from gateways.threads import run_blocking
from resolvers.common_passwords import common_passwords

SHORTEST, LONGEST = 10, 200
LEAST_OF_ITS_OWN = 6
"""How many characters a password must have besides what is known of its owner."""
MOST_WAITING = 100
"""Hashes that may be waited for in one process: about as many as it makes in a second."""
# 1 lane. Of those that the OWASP Password Storage Cheat Sheet holds equal, one that takes a fifth less than 19 MiB with
# 2 passes (12.5 and 15.5 ms of CPU).
MEMORY_KIB, PASSES = 12 * 1024, 3
_KIND = "$argon2id$"
_TODAYS = f"{_KIND}v=19$m={MEMORY_KIB},t={PASSES},p=1$"
_HASH_BYTES = 32
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
        return await run_blocking(_hash, password)


async def password_matches(password: str, stored: str | None) -> bool:
    """Whether `password` is the one behind `stored`. Takes as long when there is none: silence tells no address."""
    if len(password) > LONGEST:
        password, stored = "", None
    async with _turn():
        return await run_blocking(_verify, password, stored)


async def rehashed(password: str, stored: str) -> str | None:
    """A new hash of a password that is known to match, where `stored` was made with other parameters than today's.

    It has the salt of the old one: what has been proven of the password stays so, and whoever makes it anew at the same
    time makes the same.
    """
    if stored.startswith(_TODAYS):
        return None
    async with _turn():
        return await run_blocking(_hash_again, password, stored)


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
    """Whether it is the password behind `stored`. What is no hash of ours has none, and takes as long to refuse."""
    decoy = _decoy()  # made by whoever comes first, whether it is needed or not
    tried = stored if stored and stored.startswith(_KIND) else decoy
    return _compare(tried, password) and tried is not decoy


def _compare(stored: str, password: str) -> bool:
    try:
        return argon2id.verify(stored.encode(), _bytes(password))  # in C, without the interpreter's lock
    except CryptoError:  # another password, or a hash that is malformed
        return False


def _hash(password: str) -> str:
    return argon2id.str(_bytes(password), opslimit=PASSES, memlimit=MEMORY_KIB * 1024).decode()


def _hash_again(password: str, stored: str) -> str:
    salt = b64decode(salt_of(stored) + "==")
    if len(salt) != argon2id.SALTBYTES:  # another library's: ours takes but one length
        return _hash(password)
    raw = argon2id.kdf(_HASH_BYTES, _bytes(password), salt, opslimit=PASSES, memlimit=MEMORY_KIB * 1024)
    return f"{_TODAYS}{salt_of(stored)}${b64encode(raw).rstrip(b'=').decode()}"


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")


@cache
def _decoy() -> str:
    return _hash("nobody has this password")
