"""Which network addresses are public: those that are no special ones by IANA's registries.

It is a list of our own, since what Python takes for global has changed from one version to the next.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

SPECIAL_V4 = (
    "0.0.0.0/8",  # this network (RFC 791), unspecified
    "10.0.0.0/8",  # private (RFC 1918)
    "100.64.0.0/10",  # shared by carriers (RFC 6598); metadata of some clouds
    "127.0.0.0/8",  # loopback (RFC 1122)
    "168.63.129.16/32",  # not in the registry: Azure's own services, as every machine there reaches them
    "169.254.0.0/16",  # link-local (RFC 3927); metadata of most clouds
    "172.16.0.0/12",  # private (RFC 1918)
    "192.0.0.0/24",  # protocol assignments (RFC 6890): DS-Lite, dummy, PCP, TURN, NAT64 discovery; metadata of Oracle's
    "192.0.2.0/24",  # documentation (RFC 5737)
    "192.31.196.0/24",  # AS112 (RFC 7535)
    "192.52.193.0/24",  # AMT (RFC 7450)
    "192.88.99.0/24",  # relays of 6to4 and 6a44 (RFC 7526, RFC 6751)
    "192.168.0.0/16",  # private (RFC 1918)
    "192.175.48.0/24",  # AS112 (RFC 7534)
    "198.18.0.0/15",  # benchmarking (RFC 2544)
    "198.51.100.0/24",  # documentation (RFC 5737)
    "203.0.113.0/24",  # documentation (RFC 5737)
    "224.0.0.0/4",  # multicast (RFC 5771)
    "240.0.0.0/4",  # reserved (RFC 1112), limited broadcast (RFC 8190)
)
UNICAST_V6 = "2000::/3"
"""All that is given out (RFC 4291): outside are unspecified, loopback, mapped, translated, local, multicast ones …"""
SPECIAL_V6 = (
    "2001::/23",  # protocol assignments (RFC 2928): Teredo, benchmarking, AMT, AS112, ORCHID, drones …
    "2001:db8::/32",  # documentation (RFC 3849)
    "2002::/16",  # 6to4 (RFC 3056)
    "2620:4f:8000::/48",  # AS112 (RFC 7534)
    "3ffe::/16",  # 6bone, given back (RFC 3701)
    "3fff::/20",  # documentation (RFC 9637)
)
TRANSLATED = "64:ff9b::/96"
"""NAT64 (RFC 6052): where a network has IPv6 alone, every host of IPv4 is under it, and is judged as what it is."""
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""How the second half of an ISATAP address begins (RFC 5214), in whatever network."""

_LOW_32 = 0xFFFF_FFFF


def is_public(address: Address | str) -> bool:
    """Whether the address is one of the public internet; never, if anything is special about it.

    An IPv6 address that has an IPv4 address in it (mapped, compatible, 6to4, Teredo, ISATAP, NAT64 for local use) is
    not public, whatever is in it. That of the well-known NAT64 is, if the IPv4 address is. Raises ValueError for a text
    that is no address.
    """
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return not _is_among(int(found), _SPECIAL_V4)
    if found.scope_id is not None:
        return False
    if found in _TRANSLATED:
        return is_public(IPv4Address(int(found) & _LOW_32))
    return found in _UNICAST_V6 and not _is_among(int(found), _SPECIAL_V6) and not _is_isatap(found)


def _is_isatap(address: IPv6Address) -> bool:
    return (int(address) >> 32) & _LOW_32 in _ISATAP


def _ranges(networks: Iterable[IPv4Network | IPv6Network]) -> tuple[tuple[int, int], ...]:
    return tuple((int(network.network_address), int(network.broadcast_address)) for network in networks)


def _is_among(number: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= number <= last for first, last in ranges)


_SPECIAL_V4 = _ranges(map(IPv4Network, SPECIAL_V4))
_SPECIAL_V6 = _ranges(map(IPv6Network, SPECIAL_V6))
_UNICAST_V6 = IPv6Network(UNICAST_V6)
_TRANSLATED = IPv6Network(TRANSLATED)
