"""Network addresses, each in its one form, and whether they are those of who asks."""

from functools import cache, lru_cache
from ipaddress import ip_address

import structlog
from starlette.types import Scope

from edge.headers import header

log = structlog.get_logger("edge.addresses")


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


def tell_of_proxy(scope: Scope) -> None:
    """Says once in the log that a request was refused for what its address had, which may be that of everybody.

    It came with an `X-Forwarded-For` that is not believed: from a proxy that the operator has not named, unless a
    client has written it.
    """
    written = header(scope, b"x-forwarded-for")
    if written and (scope.get("client") or ("",))[0] not in written:
        _say_once()


@cache
def _say_once() -> None:
    log.warning("proxy.unnamed", setting="FORWARDED_ALLOW_IPS")
