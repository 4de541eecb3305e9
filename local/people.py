"""The people of the demo team, and the passwords that only this installation knows."""

import base64
import hashlib
import hmac

from domain.permissions import Role

TEAM = "Demo team"
PEOPLE = {
    Role.OWNER: ("Olivia Owner", "owner@demo.example"),
    Role.EDITOR: ("Eddie Editor", "editor@demo.example"),
    Role.VIEWER: ("Vera Viewer", "viewer@demo.example"),
}
"""Role → name and address."""


def password_of(email: str, secret: str) -> str:
    """The demo password of an address: derived from the installation's secret, so that no two have the same."""
    digest = hmac.digest(secret.encode(), f"demo password of {email}".encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:16]
