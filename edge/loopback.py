"""Pages for whoever sits at this very machine."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]
_FORWARDING = ("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
_OWN_SITES = ("same-origin", "none")


def local_only(endpoint: Endpoint) -> Endpoint:
    """The endpoint for requests from this machine alone, and for others a page that does not exist.

    The line has to come from here, and the browser has to mean here: a name of somebody's own that leads to 127.0.0.1
    would let their page read the answer. What was forwarded comes from elsewhere, whatever it says of itself.
    """

    async def guarded(request: Request) -> Response:
        if not _is_from_here(request):
            raise HTTPException(404)
        return await endpoint(request)

    return guarded


def _is_from_here(request: Request) -> bool:
    names = request.headers.keys()
    forwarded = any(name.startswith("x-forwarded") or name in _FORWARDING for name in names)
    client = request.client.host if request.client else ""
    site = request.headers.get("sec-fetch-site", "none")
    return not forwarded and _is_loopback(client) and _means_here(request) and site in _OWN_SITES


def _means_here(request: Request) -> bool:
    hosts = request.headers.getlist("host")
    try:
        host = urlsplit(f"//{hosts[0]}").hostname if len(hosts) == 1 else None
    except ValueError:
        return False
    return host == "localhost" or _is_loopback(host or "")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
