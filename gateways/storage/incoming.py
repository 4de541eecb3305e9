"""One part on its way in: hashed and written in large batches, beside the event loop, in a bounded buffer."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from gateways.threads import run_blocking

_BATCH_BYTES = 1024**2


class BodyTooLong(ValueError):
    """More bytes came than were announced."""


class BodyTooShort(ValueError):
    """The body ended before all bytes had come."""


class BodyStalled(Exception):
    """Nothing came for too long."""


async def receive(body: AsyncIterator[bytes], path: Path, size: int, *, stall_seconds: float) -> str:
    """Write a body of exactly `size` bytes to the new file `path`, durably, and answer its MD5 in hexadecimal.

    Holds a little over 1 MiB of it at a time. Raises `BodyTooLong`, `BodyTooShort`, `BodyStalled`, OSError and what
    `body` raises; the caller deletes the file then.
    """
    received = 0
    batch = bytearray()
    writer = _Writer(path)
    try:
        while (chunk := await _next(body, stall_seconds)) is not None:
            received += len(chunk)
            if received > size:
                raise BodyTooLong
            batch += chunk
            if len(batch) >= _BATCH_BYTES:
                await run_blocking(writer.write, batch)
                batch.clear()
        if received < size:
            raise BodyTooShort
        return await run_blocking(writer.finish, batch)
    finally:
        writer.close()


async def _next(body: AsyncIterator[bytes], stall_seconds: float) -> bytes | None:
    try:
        async with asyncio.timeout(stall_seconds):
            return await anext(body, None)
    except TimeoutError:
        raise BodyStalled from None


class _Writer:
    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._hash = hashlib.md5(usedforsecurity=False)

    def write(self, batch: bytearray) -> None:
        self._hash.update(batch)
        view = memoryview(batch)
        while view:  # An unbuffered file may take less than it is given.
            view = view[self._file.write(view) :]

    def finish(self, batch: bytearray) -> str:
        self.write(batch)
        os.fsync(self._file.fileno())
        return self._hash.hexdigest()

    def close(self) -> None:
        self._file.close()
