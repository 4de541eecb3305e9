"""Secrets that are shown once: only their hash is kept."""

import hashlib
import secrets
from datetime import timedelta

from domain.api_keys import looks_like_key

SIGN_IN_LINK = timedelta(hours=24)
"""How long the link of a sign-up mail is good for."""


def new_token() -> str:
    """256 bits of randomness, URL-safe, 43 characters; never one that looks like an API key."""
    while looks_like_key(token := secrets.token_urlsafe(32)):
        pass
    return token


def token_hash(token: str) -> str:
    """SHA-256 of the token in hex: enough, since a token is random and not chosen by a person."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
