"""Network addresses, each in its one form."""

from functools import lru_cache
from ipaddress import ip_address


@lru_cache(maxsize=1000)
def network_address(text: str) -> str:
    """The address as it is usually written, an IPv4 one that came in IPv6's clothes as IPv4; empty for what is none.

    A proxy that we trust may hand on whatever a client has written in the place of an address.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
