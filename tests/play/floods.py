"""What hostile clients send over websockets, as bytes, and how it ends."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KIB = 1024


def frame(kind: int, data: bytes = b"", *, last: bool = True) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", kind | last << 7, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", kind | last << 7, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", kind | last << 7, 0x80 | 127, size)
    return head + b"\0\0\0\0" + data


def message(**members: Any) -> bytes:
    return frame(TEXT, json.dumps(members).encode())


INIT = message(type="connection_init")


def subscribed(number: int, query: str = "{viewer {id}}") -> bytes:
    return message(id=str(number), type="subscribe", payload={"query": query})


def completed(number: int) -> bytes:
    return message(id=str(number), type="complete")


@dataclass(frozen=True)
class Flood:
    """What is sent at once, after the acknowledgement, and the code that it ends with."""

    data: bytes
    code: int

    @property
    def codes(self) -> set[int | None]:
        """Who is still sending may find the line broken before the code can be read."""
        return {self.code, None} if len(self.data) > 64 * KIB else {self.code}


FLOODING = 1008
FLOODS: Mapping[str, Flood] = {
    "pings of the websocket": Flood(frame(PING) * 40_000, FLOODING),
    "pongs of the websocket": Flood(frame(PONG) * 40_000, FLOODING),
    "a message without an end": Flood(frame(TEXT, last=False) + frame(CONTINUED, last=False) * 40_000, FLOODING),
    "a message byte by byte": Flood(
        frame(TEXT, b"{", last=False) + frame(CONTINUED, b" ", last=False) * 40_000, FLOODING
    ),
    "pings": Flood(message(type="ping") * 20_000, FLOODING),
    "pongs": Flood(message(type="pong") * 20_000, FLOODING),
    "queries": Flood(b"".join(map(subscribed, range(3_000))), FLOODING),
    "one operation, begun and ended": Flood((subscribed(1) + completed(1)) * 10_000, FLOODING),
    "operations, begun and ended": Flood(b"".join(subscribed(n) + completed(n) for n in range(10_000)), FLOODING),
    "what is over and over": Flood(completed(1) * 20_000, FLOODING),
    "a message of empty arrays": Flood(
        frame(TEXT, b'{"type":"ping","payload":{"x":[' + b"[]," * 340_000 + b"1]}}"), 4400
    ),
    "a message of deep arrays": Flood(frame(TEXT, b"[" * 1_000_000), 4400),
    "a message of two megabytes": Flood(frame(TEXT, b"x" * 2048 * KIB), 1009),
    "parts of two megabytes": Flood(
        frame(TEXT, b"x" * 64 * KIB, last=False) + frame(CONTINUED, b"x" * 64 * KIB, last=False) * 31, 1009
    ),
    "binary": Flood(frame(BINARY, b"{}"), 4400),
    "what is no text": Flood(frame(TEXT, b"\xff\xfe"), 1007),
    "a part of nothing": Flood(frame(CONTINUED, b"x"), 1002),
    "frames of no kind": Flood(frame(5, b"x"), 1002),
    "two beginnings": Flood(INIT, 4429),
}


def close_code(data: bytes) -> int | None:
    """The code of the close frame among a server's frames; None where there is none."""
    while len(data) >= 2:
        kind, size, begin = data[0] & 0xF, data[1] & 0x7F, 2
        if size == 126:
            size, begin = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127:
            size, begin = struct.unpack("!Q", data[2:10])[0], 10
        if kind == CLOSE:
            return int(struct.unpack("!H", data[begin : begin + 2])[0])
        data = data[begin + size :]
    return None
