"""What an endpoint's URL may be. It is read as strictly as it is written: what could be read in two ways is refused."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple, NoReturn
from urllib.parse import SplitResult, quote, urlsplit

import idna

from domain.errors import Invalid
from domain.webhooks.networks import Address, is_public

DEFAULT_PORTS = frozenset({443, 8443})
MOST = 2_048
"""Characters of a URL, as it is sent."""

_USUAL = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""What the last part of a host has to look like, for it to be an address of IPv4, by the URL standard of WHATWG."""
_KEPT = "/?%:@!$&'()*+,;=~-._[]|^`{}\"<>"
"""What of a path and a query stays as it is: all of ASCII that can be seen, but for what ends them or was refused."""
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "test", "invalid", "onion", "alt")
"""Names that lead nowhere outside (RFC 6761, 6762, 7686, 8375, 9476; .internal by ICANN)."""


class Target(NamedTuple):
    """A URL that has been checked: as it is sent, and whether it is this machine's own."""

    url: str
    host: str
    loopback: bool


def check_url(
    url: str, *, ports: frozenset[int] = DEFAULT_PORTS, loopback: bool = False, path: tuple[str, ...] = ()
) -> str:
    """The URL as it is stored and sent; Invalid (at `path`) for one that nothing may be sent to.

    It is https, at one of the `ports`; with `loopback`, this machine's own names and addresses are good as well, at any
    port, by plain http, too. Whether a name leads to public addresses is seen when something is sent.
    """
    return target(url, ports=ports, loopback=loopback, path=path).url


def place_of(url: str) -> tuple[str, str]:
    """Where a checked URL leads, as far as anybody answers for it: its scheme, and its host with its port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def target(url: str, *, ports: frozenset[int], loopback: bool, path: tuple[str, ...] = ()) -> Target:
    """As `check_url`, and what else is known of it then."""
    parts = _parts(url, path)
    host = _host(parts, path)
    address = _address(host, path)
    ours = loopback and _is_ours(host, address)
    if not ours:
        _require_public(host, address, path)
    _require_scheme(parts, path, plain=ours)
    port = _port(parts, path, None if ours else ports)
    shown = f"[{address}]" if isinstance(address, IPv6Address) else host
    place = shown if port == _USUAL[parts.scheme] else f"{shown}:{port}"
    return Target(_bounded(f"{parts.scheme}://{place}{_rest(parts)}", path), host, ours)


def _parts(url: str, path: tuple[str, ...]) -> SplitResult:
    """The URL in its parts. `urlsplit` forgives much, and leaves out what it forgives: that is refused before."""
    _bounded(url, path)
    if not all(character.isprintable() and not character.isspace() for character in url) or "\\" in url:
        _refuse("problem.url_characters", path)
    if "#" in url:
        _refuse("problem.url_fragment", path)
    try:
        parts = urlsplit(url)
    except ValueError:
        _refuse("problem.url_host", path)
    if parts.scheme not in _USUAL:
        _refuse("problem.url_https", path)
    if "@" in parts.netloc:
        _refuse("problem.url_user", path)
    return parts


def _host(parts: SplitResult, path: tuple[str, ...]) -> str:
    """The host in ASCII and lower case, without the brackets of IPv6 and without a dot at its end."""
    given, bracketed = parts.hostname or "", parts.netloc.startswith("[")
    if not given or "%" in given:  # a zone of IPv6, which is this machine's own, or a host in disguise
        _refuse("problem.url_host", path)
    if bracketed != (":" in given):  # [v1.something] is of a kind that nobody has made yet
        _refuse("problem.url_host", path)
    if bracketed:
        return given
    host = _ascii(given.lower(), path)
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, host.split("."))):
        _refuse("problem.url_host", path)
    return host


def _ascii(host: str, path: tuple[str, ...]) -> str:
    """The form of a name for DNS (IDNA 2008, with UTS 46): beyond ASCII there are other digits and dots, too."""
    try:
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode().lower()
        elif "xn--" in host:
            idna.decode(host)
    except (idna.IDNAError, UnicodeError):
        _refuse("problem.url_host", path)
    return host.removesuffix(".")


def _address(host: str, path: tuple[str, ...]) -> Address | None:
    """The address that a host is, in its usual form; None for a name."""
    try:
        if ":" in host:
            return IPv6Address(host)
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            return IPv4Address(host)
    except AddressValueError:  # 0x7f.1, 2130706433, 0177.0.0.1 …
        _refuse("problem.url_host", path)
    return None


def _is_ours(host: str, address: Address | None) -> bool:
    """Whether it is this machine by what it is called, without asking anybody."""
    return address.is_loopback if address is not None else _is_within(host, "localhost")


def _require_public(host: str, address: Address | None, path: tuple[str, ...]) -> None:
    if address is None:
        public = "." in host and not any(_is_within(host, name) for name in _LOCAL_NAMES)
    else:
        public = is_public(address)
    if not public:
        _refuse("problem.url_private", path)


def _is_within(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")


def _require_scheme(parts: SplitResult, path: tuple[str, ...], *, plain: bool) -> None:
    if parts.scheme != "https" and not plain:
        _refuse("problem.url_https", path)


def _port(parts: SplitResult, path: tuple[str, ...], allowed: frozenset[int] | None) -> int:
    try:
        port = _USUAL[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0 or (allowed is not None and port not in allowed):
        raise Invalid("problem.url_port", path=path, ports=sorted(map(str, allowed or ())))
    return port


def _rest(parts: SplitResult) -> str:
    """Path and query, in ASCII."""
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path or '/'}{query}", safe=_KEPT)


def _bounded(url: str, path: tuple[str, ...]) -> str:
    if len(url) > MOST:
        raise Invalid("problem.text_long", path=path, most=MOST)
    return url


def _refuse(key: str, path: tuple[str, ...]) -> NoReturn:
    raise Invalid(key, path=path)
