"""Signatures of deliveries, by Standard Webhooks (https://www.standardwebhooks.com), symmetric: `v1`.

Beside them goes the older form that people know from GitHub, `X-Webhook-Signature: sha256=…`. It has another key, so
that what it says of a body can never pass for the other one, which speaks of a time, too.
"""

import hmac
import secrets as random
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"
_KEY_BYTES = 32
_LEAST_BYTES, _MOST_BYTES = 24, 64
"""What Standard Webhooks has keys be."""


def new_secret() -> str:
    """A secret that nobody has: `whsec_` and 32 random bytes in base64."""
    return PREFIX + b64encode(random.token_bytes(_KEY_BYTES)).decode()


def signed_headers(
    secrets: Sequence[str], *, message_id: str, at: datetime, body: bytes, event_type: str
) -> dict[str, str]:
    """The headers of one delivery, signed by each of the `secrets`, of which the newest comes first.

    `webhook-signature` holds, for each secret, `v1,` and the base64 of HMAC-SHA256 over `<id>.<seconds>.<body>`; the
    key is what comes out of the base64 behind `whsec_`. `X-Webhook-Signature` is `sha256=` and the hexadecimal
    HMAC-SHA256 over the body alone, by the newest secret; the key is its text as it was shown, `whsec_` included.

    Raises ValueError where there is no secret, or one is none of ours.
    """
    if not secrets:
        raise ValueError("Nothing is sent unsigned.")
    timestamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_standard(_key(secret), content) for secret in secrets),
        "X-Webhook-Signature": f"sha256={hmac.digest(secrets[0].encode('ascii'), body, sha256).hex()}",
        "X-Webhook-Event": event_type,
        "X-Webhook-ID": message_id,
    }


def _standard(key: bytes, content: bytes) -> str:
    return f"v1,{b64encode(hmac.digest(key, content, sha256)).decode()}"


def _key(secret: str) -> bytes:
    """The bytes behind `whsec_`. Of a secret that is none, no part is repeated."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        key = b""
    if not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError("A secret of webhooks is whsec_ and 24 to 64 bytes in base64.")
    return key
