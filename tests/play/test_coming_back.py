"""A process that ends sends its sockets' clients to others, not all at the same moment."""

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import pytest
from websockets.exceptions import ConnectionClosed

from edge.frames import SPREAD_SECONDS
from tests.api.test_sockets import ACK, Socket, opened
from tests.own import own_studio

SOCKETS = 30


async def ending(socket: Socket) -> tuple[int | None, float]:
    """The code, and when it came."""
    with pytest.raises(ConnectionClosed) as closed:
        await socket.told()
    return closed.value.rcvd and closed.value.rcvd.code, monotonic()


async def test_clients_are_told_to_come_back_one_by_one() -> None:
    async with own_studio("api") as (studio, _), AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opened(studio)) for _ in range(SOCKETS)]
        for socket in sockets:
            assert await socket.init() == ACK
        ends = asyncio.gather(*map(ending, sockets))
        await asyncio.to_thread(studio.stop, "api")
        codes, moments = zip(*await ends, strict=True)
        assert set(codes) == {1012}
        assert max(moments) - min(moments) > SPREAD_SECONDS / 4
        assert "Traceback" not in studio.log("api")
