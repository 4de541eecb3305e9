"""Keys of one purpose each, derived from the operator's secret, and what is done with them: sealing, signing, hashing.

It lies here so that every room can use it: it is arithmetic, and reaches nothing outside.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES, _NONCE_BYTES, _MAC_BYTES = 32, 12, 32
_FORM = b"\x01"
"""Begins whatever is sealed: another way of sealing will begin with something else."""


class Unreadable(ValueError):
    """It was sealed with another key, or for something else, or it has been changed."""


class Keys:
    """The keys of an installation. Each `purpose` has its own: what is made for one is worth nothing for another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._key = lru_cache(maxsize=100)(self._derived)

    def seal(self, purpose: str, text: str, *, of: str) -> str:
        """`text`, unreadable (AES-256-GCM); `of` names its owner, for whom alone it can be opened again."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._key(purpose)).encrypt(nonce, text.encode(), _FORM + of.encode())
        return _written(_FORM + nonce + sealed)

    def open(self, purpose: str, sealed: str, *, of: str) -> str:
        """The inverse of `seal`; Unreadable where it is not."""
        raw = _read(sealed) or b""
        form, nonce, rest = raw[:1], raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
        try:
            if form != _FORM:
                raise Unreadable(purpose)
            return AESGCM(self._key(purpose)).decrypt(nonce, rest, _FORM + of.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unreadable(purpose) from error

    def sign(self, purpose: str, message: bytes) -> str:
        """`message` with its HMAC-SHA-256, URL-safe: readable by whoever has it, made by nobody else."""
        return _written(message + self._mac(purpose, message))

    def signed(self, purpose: str, token: str) -> bytes | None:
        """The message in `token`; None unless it was signed here for that purpose."""
        raw = _read(token) or b""
        message, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        return message if hmac.compare_digest(mac, self._mac(purpose, message)) else None

    def digest(self, purpose: str, text: str) -> bytes:
        """16 bytes in the place of `text`: which it was, nobody finds out by trying all there are."""
        return self._mac(purpose, text.encode(errors="surrogatepass"))[:16]

    def _mac(self, purpose: str, message: bytes) -> bytes:
        return hmac.digest(self._key(purpose), message, sha256)

    def _derived(self, purpose: str) -> bytes:
        """HKDF, RFC 5869. The secret is long and random, so that there is no need of a salt."""
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose.encode()).derive(self._secret)


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(text: str) -> bytes | None:
    """The bytes, or None for what `_written` would not have written: of each value there is one form."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if _written(raw) == text else None
