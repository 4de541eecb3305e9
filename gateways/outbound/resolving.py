"""From a host's name to addresses that may be sent to: one that may not refuses them all."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from gateways.outbound.base import Judge, Resolver
from gateways.outbound.notes import noted

MOST_ADDRESSES = 8
"""Of one name; whoever has more is reached at the first ones. Each is tried when those before it do not answer."""
_LEAST_THREADS = 64
"""The system waits long for a DNS server that is silent, longer than an attempt lasts."""


class AddressRefused(OSError):
    """It leads to where nothing may be sent."""


class CheckedResolver(AbstractResolver):
    """What aiohttp asks before it connects. It asks for each connection anew, and connects to what is answered here."""

    def __init__(self, lookup: Resolver, allowed: Judge) -> None:
        self._lookup = lookup
        self._allowed = allowed

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - aiohttp's; we ask for all
    ) -> list[ResolveResult]:
        """The addresses of a name. AddressRefused if any of them is not good, OSError if there is none."""
        addresses = list(dict.fromkeys(await self._lookup(host, port)))
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        for address in addresses:
            self.require(address)
        noted().address = addresses[0]
        return [_result(host, address, port) for address in addresses[:MOST_ADDRESSES]]

    def socket(self, info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        """A socket for a connection that is about to be made: the last look at where it goes."""
        family, kind, protocol, _, place = info
        self.require(str(place[0]))
        return socket.socket(family, kind, protocol)

    def require(self, address: str) -> None:
        """AddressRefused if nothing may be sent there: this machine's own is good for whoever means it by its name."""
        try:
            found = ip_address(address)
        except ValueError as error:
            raise AddressRefused(address) from error
        if not (found.is_loopback if noted().loopback else self._allowed(found)):
            raise AddressRefused(address)

    async def close(self) -> None:
        """Nothing is kept."""


class SystemResolver:
    """Asks as the system does, in threads of its own, so that silent DNS servers keep nobody else from a thread.

    Whoever asks for a name that is being asked for waits for the same answer; nothing is kept. There are two threads
    for each of the `attempts` that are made at the same time, its own and that of the one before, so that names whose
    servers are silent on purpose keep none from any other. They are started as they are wanted.
    """

    def __init__(self, attempts: int) -> None:
        self._threads = ThreadPoolExecutor(max(_LEAST_THREADS, 2 * attempts), thread_name_prefix="webhook-names")
        self._asked: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a name."""
        key = host, port
        if (asked := self._asked.get(key)) is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _looked_up, host, port)
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._end(key, done))
        return await asyncio.shield(asked)

    def close(self) -> None:
        """Asks for nothing more, and waits for no answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _end(self, key: tuple[str, int], done: "asyncio.Future[Sequence[str]]") -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone; the loop would complain that nobody heard of it


def _looked_up(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=socket.IPPROTO_TCP, flags=flags)
