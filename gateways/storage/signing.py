"""Links that carry their own permission: an HMAC over what they allow, and until when."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from domain.clock import Clock

_PURPOSE = b"video-creator/files/v1"


class BadSignature(Exception):
    """The link is forged, altered or expired."""


class Signer:
    """Signs a method, a key and parameters, with a key of its own derived from the product's secret."""

    def __init__(self, secret: str, clock: Clock) -> None:
        # One HMAC is HKDF-Expand (RFC 5869) of a single block: other uses of the secret cannot make a link valid.
        self._key = hmac.digest(secret.encode(), _PURPOSE + b"\x01", hashlib.sha256)
        self._clock = clock

    def sign(self, method: str, key: str, parameters: Mapping[str, str], *, expires_in: int) -> str:
        """Answer the query string, without its question mark, that allows `method` on `key` for so many seconds."""
        expires = int(self._clock().timestamp()) + expires_in
        signed = {**parameters, "expires": str(expires)}
        return urlencode({**signed, "signature": self._signature(method, key, signed)})

    def verify(self, method: str, key: str, query: Mapping[str, str]) -> dict[str, str]:
        """Answer the parameters that were signed. Raises `BadSignature`."""
        signed = dict(query)
        claimed = signed.pop("signature", "")
        # Compared as bytes, since compare_digest refuses text beyond ASCII.
        if not hmac.compare_digest(claimed.encode(), self._signature(method, key, signed).encode()):
            raise BadSignature("The link's signature does not fit.")
        if int(signed.pop("expires")) <= self._clock().timestamp():
            raise BadSignature("The link has expired.")
        return signed

    def _signature(self, method: str, key: str, parameters: Mapping[str, str]) -> str:
        text = "\n".join([method, key, urlencode(sorted(parameters.items()))])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
