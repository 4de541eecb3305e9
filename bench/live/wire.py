"""The bytes of a graphql-transport-ws client: the handshake, frames and messages, by hand.

What a client sends has to be masked, with any key: with a key of zeros the message stands there as it is.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

OPERATION = (Path(__file__).parent / "operations/room.graphql").read_text()
"""What every contender is asked."""
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
ACKNOWLEDGED, NEXT, ERROR, COMPLETE = b"connection_ack", b"next", b"error", b"complete"
_FINAL, _MASKED, _NO_MASK = 0x80, 0x80, bytes(4)
_TYPE = re.compile(rb'"type":"([a-z_]+)"')
_EVENT_ID = re.compile(rb'"eventId":(\d+)')

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
SWITCHED, END_OF_HEAD = b"HTTP/1.1 101", b"\r\n\r\n"


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message as a client sends it."""
    size = len(payload)
    length = bytes([_MASKED | size]) if size < 126 else bytes([_MASKED | 126]) + size.to_bytes(2, "big")
    return bytes([_FINAL | opcode]) + length + _NO_MASK + payload


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames in what a server has sent, as (opcode, payload), and what is left over."""
    found, at, size = list[tuple[int, bytes]](), 0, len(data)
    while size - at >= 2:
        length, start = data[at + 1], at + 2
        if length == 126:
            start += 2
            length = int.from_bytes(data[at + 2 : start], "big")
        elif length == 127:
            start += 8
            length = int.from_bytes(data[at + 2 : start], "big")
        if start > size or start + length > size:
            break
        found.append((data[at] & 0x0F, data[start : start + length]))
        at = start + length
    return found, data[at:]


def init(token: str) -> bytes:
    """The first message, as a frame."""
    return _message({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})


def subscribe(video_id: str, after: int | None) -> bytes:
    """The subscription to the room of a video, by its global id, from an event's position on, as a frame."""
    extensions = {} if after is None else {"lastEventId": after}
    asked = {"query": OPERATION, "variables": {"videoId": video_id}, "extensions": extensions}
    return _message({"id": "1", "type": "subscribe", "payload": asked})


def type_of(message: bytes) -> bytes:
    """What kind of message it is."""
    found = _TYPE.search(message)
    return found[1] if found else b""


def event_of(message: bytes) -> int:
    """The `eventId` of a `next`; 0 where it has none. The extensions stand at its end or at its beginning."""
    found = _EVENT_ID.search(message, max(0, len(message) - 64)) or _EVENT_ID.search(message)
    return int(found[1]) if found else 0


def _message(message: Mapping[str, Any]) -> bytes:
    return frame(TEXT, orjson.dumps(message))


PONG_MESSAGE = _message({"type": "pong"})
