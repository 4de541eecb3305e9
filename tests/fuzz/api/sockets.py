"""What clients say over websockets: operations, and messages that are hardly ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import OperationType
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from live.protocol import SUBPROTOCOL, CloseCode
from tests.fuzz.api import garbled
from tests.fuzz.api.documents import SCHEMA, Asked
from tests.fuzz.api.shape import Shape
from tests.fuzz.api.tally import RAN, REFUSED, outcome
from tests.fuzz.api.typed import fault_of, faults_in

PATIENCE, SILENCE = 20, 0.3
SAID = frozenset({"connection_ack", "next", "error", "complete", "ping", "pong"})
FENCE = {"fence": "all that was said before has been read"}
TYPES = (
    "connection_init",
    "subscribe",
    "complete",
    "ping",
    "pong",
    "next",
    "connection_ack",
    "",
    "Subscribe",
    "start",
    "stop",
)
LAST = (0, 0, "1", -1, 2**63, 1.5, "x", [], True)
RESUMED: tuple[dict[str, Any], ...] = (*({"lastEventId": last} for last in LAST), {})


@dataclass(frozen=True)
class Talk:
    """Messages that one client sends, one after the other, whatever is answered.

    Who is `patient` waits for an answer to the first.
    """

    subprotocols: tuple[str, ...]
    messages: tuple[str | bytes, ...]
    patient: bool

    def __str__(self) -> str:
        return "\n".join([f"{self.subprotocols}", *(f"{message!r:.3000}" for message in self.messages)])


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    """Most begin as they should."""
    kinds = draw(st.sampled_from([(SUBPROTOCOL,)] * 12 + [(SUBPROTOCOL, "x"), ("graphql-ws",), ()]))
    said = draw(st.lists(messages(), min_size=1, max_size=6))
    if draw(st.integers(0, 9)) == 9:
        return Talk(kinds, tuple(said), patient=False)
    return Talk(kinds, (json.dumps({"type": "connection_init"}), *said), patient=draw(st.integers(0, 9)) < 9)


@st.composite
def messages(draw: st.DrawFn) -> str | bytes:
    """Of a client: most of the protocol's form, with anything in it, since one that is not is the last."""
    formed = draw(st.integers(0, 11)) > 0
    text = draw(_formed() if formed else _unformed())
    return text.decode(errors="replace") if formed or draw(st.integers(0, 5)) > 0 else text


@cache
def _formed() -> st.SearchStrategy[bytes]:
    ids = st.sampled_from(["1", "2", "3", "\x00", "\ud800", "i" * 256])
    subscribe = {"type": st.just("subscribe"), "id": ids, "payload": garbled.formed_requests()}
    others = {"type": st.sampled_from(["ping", "pong"])}
    payload = {"payload": st.dictionaries(garbled.ANY_TEXT, garbled.ANY_JSON, max_size=3) | st.none()}
    complete = st.fixed_dictionaries({"type": st.just("complete"), "id": ids})
    ping = st.fixed_dictionaries(others, optional=payload)
    return (st.fixed_dictionaries(subscribe) | complete | ping).map(garbled.as_json)


@cache
def _unformed() -> st.SearchStrategy[bytes]:
    ids = st.sampled_from(["1", "", "i" * 257]) | garbled.ANY_JSON
    shown = st.fixed_dictionaries({}, optional={"authorization": garbled.ANY_JSON})
    members = {"id": ids, "payload": garbled.requests() | shown | garbled.ANY_JSON}
    types = st.sampled_from(TYPES) | garbled.ANY_JSON
    known = st.fixed_dictionaries({"type": types}, optional=members).map(garbled.as_json)
    return known | garbled.edited(known, garbled.BITS) | garbled.bodies()


async def listened(url: str, talk: Talk) -> tuple[str, list[str]]:
    """How it ended: `open`, or by a code; and what is not typed of what came back, in words."""
    faults = list[str]()
    first, *rest = [*talk.messages, json.dumps({"type": "ping", "payload": FENCE})]
    async with _connected(url, *talk.subprotocols) as socket:
        waiting = talk.patient
        sending = asyncio.create_task(_say(socket, [first] if waiting else [first, *rest]))
        async for message in _heard(socket, faults):
            faults += _faults_of(message)
            if message.get("payload") == FENCE:
                break
            if waiting:
                waiting = False
                await sending
                sending = asyncio.create_task(_say(socket, rest))
        await sending
        return f"closed {socket.close_code}" if socket.close_code else "open", faults


async def answered(url: str, asked: Asked, token: str | None, extensions: dict[str, Any]) -> tuple[str, int, list[str]]:
    """What came of an operation, how far it has come (see `tally.outcome`), and what is not typed, in words.

    Its first message tells; a subscription may have nothing to tell: `silence`.
    """
    faults = list[str]()
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"} if token else {}}
    payload = {"query": asked.text, "variables": asked.variables, "extensions": extensions}
    async with _connected(url, SUBPROTOCOL) as socket:
        await _say(socket, [json.dumps(init)])
        patience = asyncio.timeout(None)
        try:
            async with patience:
                async for message in _heard(socket, faults):
                    faults += _faults_of(message)
                    if message["type"] == "connection_ack":
                        await _say(socket, [json.dumps({"type": "subscribe", "id": "1", "payload": payload})])
                        if asked.root[0] is OperationType.SUBSCRIPTION:
                            patience.reschedule(asyncio.get_running_loop().time() + SILENCE)
                    elif "id" in message:
                        if message["type"] == "next":
                            faults += Shape(SCHEMA, asked.text).faults(message["payload"].get("data"))
                        if faults:
                            return "fault", REFUSED, faults
                        answer = message["payload"] if message["type"] == "next" else {"errors": message["payload"]}
                        return *outcome(answer), faults
        except TimeoutError:
            return "silence", RAN, faults
        return f"closed {socket.close_code}", REFUSED, faults


def _faults_of(message: Any) -> Iterator[str]:
    if not isinstance(message, dict) or message.get("type") not in SAID:
        yield f"no message of the protocol: {message!r:.300}"
        return
    payload = message.get("payload")
    if message["type"] == "next":
        if isinstance(payload, dict) and "resync" in (payload.get("extensions") or {}):
            return
        yield from faults_in(payload, ran=True)
    if message["type"] == "error":
        yield from [] if isinstance(payload, list) and payload else [f"an error without errors: {payload!r:.300}"]
        for error in payload or ():
            yield from fault_of(error, {})


@asynccontextmanager
async def _connected(url: str, *subprotocols: str) -> AsyncIterator[ClientConnection]:
    address = url.replace("http", "ws", 1) + "/graphql"
    socket = await connect(
        address, subprotocols=[*subprotocols] or None, compression=None, proxy=None, ping_interval=None
    )
    try:
        yield socket
    finally:
        await socket.close()


async def _say(socket: ClientConnection, said: Sequence[str | bytes]) -> None:
    try:
        for message in said:
            await socket.send(message)
    except ConnectionClosed:
        pass  # whoever listens finds out why


async def _heard(socket: ClientConnection, faults: list[str]) -> AsyncIterator[dict[str, Any]]:
    """Message by message, until the socket ends; by a code that is documented."""
    try:
        while True:
            async with asyncio.timeout(PATIENCE):
                message = await socket.recv()
            yield json.loads(message)
    except ConnectionClosed:
        if socket.close_code not in {*CloseCode}:
            faults.append(f"the socket ended with {socket.close_code} {socket.close_reason}")
