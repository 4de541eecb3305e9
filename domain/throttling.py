"""How often something may be tried before one has to wait."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

MINUTE, HOUR, DAY = 60, 3600, 86400
NEIGHBOURHOOD = 64
"""Bits of an IPv6 address that tell one line from another: the rest a customer chooses freely."""


@dataclass(frozen=True, slots=True)
class Policy:
    """So many tries in so many seconds, in several windows at once: whoever goes on waits longer each time.

    A try counts in every window, and only where none of them is full: who is refused does not wait longer for asking
    again. With `by_network` keys are network addresses, of which those of one line are one.
    """

    name: str
    windows: tuple[tuple[int, int], ...]
    by_network: bool = False

    def key_of(self, given: str) -> str:
        """What the tries of `given` are counted under."""
        return network_of(given) if self.by_network else given


Try = tuple[Policy, str]
"""One try: by which policy, and of what."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one window of a policy stands after a try: of `quota` in `seconds`, `remaining` until it `resets_in`."""

    policy: str
    quota: int
    seconds: int
    remaining: int
    resets_in: int

    @property
    def name(self) -> str:
        """What it is called: unlike any other window's."""
        return f"{self.policy}-{self.seconds}"

    def eased(self) -> "Standing":
        """The same with one try fewer."""
        return replace(self, remaining=self.remaining + 1)


def used_up(standings: Iterable[Standing]) -> bool:
    """Whether the next try will be refused."""
    return any(standing.remaining == 0 for standing in standings)


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """The address, or for IPv6 the network of one line that it belongs to; what is none of either as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), NEIGHBOURHOOD), strict=False))
    return str(parsed)


PASSWORD_OF_ACCOUNT = Policy("password-account", ((5, MINUTE), (10, 15 * MINUTE), (20, HOUR), (50, DAY)))
"""Wrong passwords for one account, from wherever."""
PASSWORD_FROM_ADDRESS = Policy("password-address", ((20, MINUTE), (60, 15 * MINUTE), (200, DAY)), by_network=True)
"""Wrong passwords from one network address, for whatever accounts."""
PASSWORD_BY_DEVICE = Policy("password-device", ((5, MINUTE), (20, DAY), (100, 180 * DAY)))
"""Wrong passwords from a device that has signed in to the account before. The last window is a device token's life."""
CODE_OF_ACCOUNT = Policy("code-account", ((5, 5 * MINUTE), (10, HOUR), (20, DAY)))
"""Wrong codes of a second factor for one account. Three of a million are right at a time."""
CODE_FROM_ADDRESS = Policy("code-address", ((20, 5 * MINUTE), (100, DAY)), by_network=True)
"""The same from one network address, for whatever accounts."""
CODE_BY_DEVICE = Policy("code-device", ((5, 5 * MINUTE), (20, DAY), (100, 180 * DAY)))
"""The same from a device that has signed in to the account before."""
CODE_OF_CHALLENGE = Policy("code-challenge", ((5, 5 * MINUTE),))
"""Wrong codes for one right password. The window is a challenge's life."""
MAIL_TO_ADDRESS = Policy("mail-recipient", ((3, 15 * MINUTE), (10, DAY)))
"""Mails that anybody can have sent to one address: sign-ups, resets, changes of address, invitations."""
MAIL_FROM_ADDRESS = Policy("mail-address", ((10, 15 * MINUTE), (50, DAY)), by_network=True)
"""The same, asked for from one network address."""
SIGN_IN_ELSEWHERE = Policy("elsewhere-address", ((20, MINUTE), (200, DAY)), by_network=True)
"""Steps of signing in elsewhere, from one network address, that lead to nobody: each may have us ask the provider."""
MAIL_OF_PERSON = Policy("mail-person", ((30, HOUR), (200, DAY)))
"""Mails that one signed-in person has sent to others, such as invitations."""
KEY_OF_PERSON = Policy("key-person", ((10, 15 * MINUTE), (50, DAY)))
"""API keys that one person makes: of each they are told by mail."""


def comments_of_person(a_minute: int) -> Policy:
    """Comments that one person makes: of each everybody is told who watches, or has a part in its thread."""
    return Policy("comment-person", ((a_minute, MINUTE), (10 * a_minute, HOUR)))


EDIT_OF_PERSON = Policy("edit-person", ((30, MINUTE), (500, HOUR)))
"""Comments that one person changes: what each has said is kept."""
CHANGE_OF_PERSON = Policy("change-person", ((60, MINUTE), (1000, HOUR)))
"""Comments that one person deletes and brings back, and threads that they resolve and open again: the same."""
REACTION_OF_PERSON = Policy("reaction-person", ((60, MINUTE), (1000, HOUR)))
"""Reactions that one person gives and takes back: everybody who watches is told of each."""
"""Comments in which one person says something behind an @: each may tell, and mail, twenty people."""
IMAGE_OF_PERSON = Policy("image-person", ((20, MINUTE), (200, DAY)))
"""Images that one person begins to attach to comments: each is a job, and room in the storage."""
AVATAR_OF_PERSON = Policy("avatar-person", ((10, MINUTE), (100, DAY)))
"""Pictures that one person has made of what they send: each is a job, with a file in its row."""
DELIVERY_OF_PERSON = Policy("delivery-person", ((30, MINUTE), (500, HOUR)))
"""Deliveries that one person has sent for a test, or again."""
HOOK_OF_PERSON = Policy("hook-person", ((60, MINUTE), (1000, HOUR)))
"""Webhooks that one person makes, or that their programs ask for: each is recorded, also where it is there already."""
