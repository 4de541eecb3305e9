"""Sends deliveries, by aiohttp, and makes one Answer of whatever happens."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar
from yarl import URL

from domain.clock import Clock, utc_now
from domain.errors import Invalid
from domain.webhooks.addresses import target
from domain.webhooks.faults import Fault
from domain.webhooks.networks import is_public
from gateways.outbound.answers import EXCERPT_BYTES, excerpt, fault_of, fault_of_status, retry_after
from gateways.outbound.base import VERSION, Answer, Judge, Outgoing, Resolver, Rules, Sender
from gateways.outbound.connecting import AnswerTooLong, Connector
from gateways.outbound.notes import Notes, begin
from gateways.outbound.resolving import CheckedResolver, SystemResolver

log = structlog.stdlib.get_logger(__name__)

BODY_SECONDS = 1
"""How long an answer's body is waited for once its status has come: it decides nothing, and is for the log alone."""
_TRIES = 3
"""A kept connection may have been closed by the receiver just as something was sent over it: how many such are met."""
_URLS = 2_000
"""Of how many URLs it is remembered that they are good."""
_HEADERS = {
    "User-Agent": f"VideoCreator-Webhooks/{VERSION}",
    "Content-Type": "application/json; charset=utf-8",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


@asynccontextmanager
async def open_sender(
    rules: Rules, resolver: Resolver | None = None, *, allowed: Judge = is_public, clock: Clock = utc_now
) -> AsyncIterator[Sender]:
    """A sender, and its connections for as long as it is open.

    `resolver` answers for the system's, and `allowed` for what is public: both are for tests. Raises ValueError if
    `rules.ca_file` has no certificates that can be read.
    """
    system = SystemResolver(rules.connections)
    connector = Connector(CheckedResolver(resolver or system, allowed), _trust(rules.ca_file), rules.connections)
    session = ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers=_HEADERS,
        timeout=ClientTimeout(),
        auto_decompress=False,
        trust_env=False,
    )
    try:
        async with session:
            yield HttpSender(session, rules, clock)
    finally:
        system.close()


class HttpSender:
    """Sends by a session of aiohttp, which follows nothing, keeps nothing, and takes nothing from the environment."""

    def __init__(self, session: ClientSession, rules: Rules, clock: Clock) -> None:
        self._session = session
        self._rules = rules
        self._clock = clock
        self._free = asyncio.Semaphore(rules.connections)
        self._target = lru_cache(_URLS)(self._read)

    async def send(self, request: Outgoing) -> Answer:
        """See `Sender`."""
        async with self._free:
            return await self._sent(request)

    async def _sent(self, request: Outgoing) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        notes = Notes()
        try:
            response = await self._asked(request, notes, began + self._rules.seconds)
            body = await _body(response, began + self._rules.seconds)
        except Exception as error:  # noqa: BLE001 - whatever a receiver does is an answer
            return _failed(_fault(error), notes, _ms(loop.time() - began))
        return Answer(
            status=response.status,
            fault=fault_of_status(response.status),
            excerpt=excerpt(body),
            duration_ms=_ms(loop.time() - began),
            retry_after=retry_after(response.headers, self._clock()),
            address=notes.address,
        )

    async def _asked(self, request: Outgoing, notes: Notes, until: float) -> ClientResponse:
        """The answer as far as its headers. What was lost on a kept connection is sent anew: it may not have come."""
        url, notes.loopback = self._target(request.url)
        begin(notes)
        async with asyncio.timeout_at(until):
            for _ in range(_TRIES - 1):
                try:
                    return await self._post(url, request)
                except (ClientError, OSError) as error:
                    if not notes.rested or fault_of(error) is not Fault.CONNECTION_LOST:
                        raise
            return await self._post(url, request)

    async def _post(self, url: URL, request: Outgoing) -> ClientResponse:
        return await self._session.post(url, data=request.body, headers=request.headers, allow_redirects=False)

    def _read(self, url: str) -> tuple[URL, bool]:
        checked = target(url, ports=self._rules.ports, loopback=self._rules.loopback)
        return URL(checked.url, encoded=True), checked.loopback


async def _body(response: ClientResponse, until: float) -> bytes:
    """The beginning of the body. Its connection is kept only if all of it came, soon, and was not much."""
    kept = bytearray()
    try:
        if response.content.is_eof():
            return response.content.read_nowait(EXCERPT_BYTES)
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + BODY_SECONDS)):
            async for chunk in response.content.iter_any():
                kept += chunk[: EXCERPT_BYTES - len(kept)]
    except (TimeoutError, ClientError, OSError, AnswerTooLong):
        pass  # the status has come, and that is what counts
    finally:
        response.close()
    return bytes(kept)


def _fault(error: Exception) -> Fault:
    """Which fault an error is. What nobody has thought of is told to the operator, and is no reason to stop."""
    if isinstance(error, Invalid):
        return Fault.ADDRESS_REFUSED if error.message == "problem.url_private" else Fault.REQUEST_IMPOSSIBLE
    if isinstance(error, ClientError | OSError | AnswerTooLong):
        return fault_of(error)
    if isinstance(error, ValueError):  # aiohttp's, for a header with a line break in it
        return Fault.REQUEST_IMPOSSIBLE
    log.error("webhook.unexpected", exc_info=error)
    return Fault.ANSWER_MALFORMED


def _failed(fault: Fault, notes: Notes, duration_ms: int) -> Answer:
    address = None if fault is Fault.ADDRESS_REFUSED else notes.address
    return Answer(None, fault, "", duration_ms, None, address)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        trust = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"WEBHOOK_CA_FILE has no certificates that can be read: {error.strerror or error}.") from error
    trust.set_alpn_protocols(["http/1.1"])
    return trust
