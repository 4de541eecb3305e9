"""From a body that may break off to a file that is whole."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

from aiohttp import ClientError as ConnectionFault
from botocore.exceptions import BotoCoreError

from gateways.storage.base import OnBytes, StorageUnavailable
from gateways.threads import run_blocking

OpenAt = Callable[[int, str | None], Awaitable[Any]]
"""Answers botocore's get_object from a byte on, given that the object still has this ETag."""

_CHUNK_BYTES = 1024**2
_MOST_BREAKS = 10
_PAUSE_SECONDS = 0.1


async def download(open_at: OpenAt, path: Path, on_bytes: OnBytes) -> None:
    """Write the whole object to the new file `path`, going on from where a transfer broke off, ten times at most.

    Leaves no file behind when it fails. Raises `StorageUnavailable` and what `open_at` raises.
    """
    with path.open("xb", buffering=0) as file:
        try:
            await _fill(file, open_at, on_bytes)
        except BaseException:
            await run_blocking(path.unlink)
            raise


async def _fill(file: IO[bytes], open_at: OpenAt, on_bytes: OnBytes) -> None:
    etag = None
    for _ in range(_MOST_BREAKS):
        answer = await open_at(file.tell(), etag)
        size, etag = file.tell() + int(answer["ContentLength"]), answer["ETag"]
        try:
            await _drain(answer["Body"], file, on_bytes)
        except (BotoCoreError, ConnectionFault):
            await asyncio.sleep(_PAUSE_SECONDS)
        if file.tell() == size:
            return
    raise StorageUnavailable(f"A download broke off {_MOST_BREAKS} times.")


async def _drain(body: Any, file: IO[bytes], on_bytes: OnBytes) -> None:
    async with body:
        while chunk := await body.read(_CHUNK_BYTES):
            await run_blocking(file.write, chunk)
            on_bytes(file.tell())
