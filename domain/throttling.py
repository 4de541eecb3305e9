"""How often something may be tried before one has to wait."""

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Policy:
    """So many tries in so many seconds, in several windows at once: whoever goes on waits longer each time."""

    name: str
    windows: tuple[tuple[int, int], ...]


PASSWORD_OF_ACCOUNT = Policy("password-account", ((5, MINUTE), (10, 15 * MINUTE), (20, HOUR), (50, DAY)))
"""Wrong passwords for one account, from wherever."""
PASSWORD_FROM_ADDRESS = Policy("password-address", ((20, MINUTE), (60, 15 * MINUTE), (200, DAY)))
"""Wrong passwords from one network address, for whatever accounts."""
MAIL_TO_ADDRESS = Policy("mail-recipient", ((3, 15 * MINUTE), (10, DAY)))
"""Mails that anybody can have sent to one address: sign-ups, resets, changes of address, invitations."""
MAIL_FROM_ADDRESS = Policy("mail-address", ((10, 15 * MINUTE), (50, DAY)))
"""The same, asked for from one network address."""
MAIL_OF_PERSON = Policy("mail-person", ((30, HOUR), (200, DAY)))
"""Mails that one signed-in person has sent to others, such as invitations."""
