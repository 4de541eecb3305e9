"""`python -m bench.webhooks.receiver PORT-FILE`: a receiver in a process of its own, which says when what has come.

It answers after 20 ms in the median, as receivers do: seldom at once, sometimes much later. What is sent to `/hang/…`
gets no answer. `GET /seen` answers when the first byte of each delivery was there, by the clock of `time.perf_counter`,
which all processes of a machine share.
"""

import asyncio
import random
import sys
import time
from pathlib import Path
from typing import cast

import orjson
import uvloop

MEDIAN_SECONDS = 0.02
_SPREAD = 0.4
_WELL = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection."""

    seen: list[tuple[str, str, float]] = []
    chance = random.Random(8)

    def __init__(self) -> None:
        self._came = bytearray()
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if not self._came:
            self._began = time.perf_counter()
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        if not found:
            return
        line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        if len(body) >= int(headers.get("content-length", 0)):
            self._came = bytearray()
            self._asked(line.split(" ")[1], headers)

    def _asked(self, path: str, headers: dict[str, str]) -> None:
        if path == "/seen":
            body = orjson.dumps(self.seen)
            self.seen.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            return
        self.seen.append((path, headers["webhook-id"], self._began))
        if not path.startswith("/hang/"):
            seconds = MEDIAN_SECONDS * self.chance.lognormvariate(0, _SPREAD)
            asyncio.get_running_loop().call_later(seconds, self._transport.write, _WELL)


async def listen(told: Path) -> None:
    """For ever; the port is written into a file."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0, backlog=1024)
    told.write_text(str(server.sockets[0].getsockname()[1]))  # noqa: ASYNC240 - nothing waits yet
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(listen(Path(sys.argv[1])))
