"""Objects in a folder on this machine, with the same upload in parts as S3, by signed links under `/files`."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4

from domain.uploads import Part
from gateways.storage.base import OnBytes, StorageFull, StorageUnavailable, UploadGone, content_disposition, valid_key
from gateways.storage.folder import Folder
from gateways.storage.incoming import receive
from gateways.storage.signing import Signer
from gateways.threads import run_blocking

P = ParamSpec("P")
T = TypeVar("T")

_CHECK_SECONDS = 2
# A limit on the size of files stops writing just like a full disk.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ChecksumDiffers(ValueError):
    """The bytes that came are not those that were sent."""


class LocalStorage:
    """`Storage` in a folder. Links begin with `public_url`, where `files.file_routes` must be mounted at `/files`."""

    def __init__(self, root: Path, *, public_url: str, signer: Signer, stall_seconds: float = 60) -> None:
        self._folder = Folder(root)
        self._base_url = public_url.rstrip("/") + "/files/"
        self._stall_seconds = stall_seconds
        self.signer = signer

    async def start_upload(self, key: str) -> str:
        """See `Storage`."""
        return await self._run(self._folder.start_upload, key)

    async def part_urls(self, key: str, upload_id: str, sizes: Mapping[int, int], *, expires_in: int) -> dict[int, str]:
        """See `Storage`."""
        return {
            number: self._url("PUT", key, expires_in, upload=upload_id, part=str(number), size=str(size))
            for number, size in sizes.items()
        }

    async def parts(self, key: str, upload_id: str) -> list[Part]:
        """See `Storage`."""
        return await self._run(self._folder.parts, key, upload_id)

    async def finish_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """See `Storage`."""
        await self._run(self._folder.finish_upload, key, upload_id, parts)

    async def abandon_upload(self, key: str, upload_id: str) -> None:
        """See `Storage`."""
        await self._run(self._folder.abandon_upload, key, upload_id)

    async def fetch(self, key: str, path: Path, on_bytes: OnBytes | None = None) -> None:
        """See `Storage`."""
        loop = asyncio.get_running_loop()

        def tell(arrived: int) -> None:
            if on_bytes:
                loop.call_soon_threadsafe(on_bytes, arrived)

        await self._run(self._folder.fetch, key, path, tell)

    async def store(self, path: Path, key: str, *, content_type: str) -> None:  # noqa: ARG002
        """See `Storage`. The content type is told by each link, not kept."""
        await self._run(self._folder.store, path, key)

    async def read_url(self, key: str, *, expires_in: int, content_type: str, file_name: str | None = None) -> str:
        """See `Storage`."""
        return self._url("GET", key, expires_in, type=content_type, disposition=content_disposition(file_name))

    async def size(self, key: str) -> int | None:
        """See `Storage`."""
        return await self._run(self._folder.size, key)

    async def delete_prefix(self, prefix: str) -> None:
        """See `Storage`."""
        await self._run(self._folder.delete_prefix, prefix)

    async def keys(self, prefix: str) -> list[str]:
        """See `Storage`."""
        return await self._run(self._folder.keys, prefix)

    async def check(self) -> None:
        """See `Storage`."""
        try:
            # Not `run_blocking`, which would wait for a disk that hangs.
            await asyncio.wait_for(asyncio.to_thread(self._folder.check), _CHECK_SECONDS)
        except OSError as error:  # TimeoutError is one.
            raise _as_storage_error(error) from error

    async def receive_part(
        self, key: str, upload_id: str, number: int, size: int, body: AsyncIterator[bytes], checksum: str | None
    ) -> str:
        """Take in the bytes of one part and answer its MD5 in hexadecimal, once they are safe on the disk.

        Nothing is left behind unless all `size` bytes have come and fit `checksum` (MD5, hexadecimal), if there is one.
        Raises `UploadGone`, `ChecksumDiffers`, `BodyTooLong`, `BodyTooShort`, `BodyStalled` and `StorageFull`.
        """
        folder = await self._run(self._folder.upload, key, upload_id)
        temporary = folder / f"{number:05}.{uuid4().hex}.tmp"
        try:
            received = await receive(body, temporary, size, stall_seconds=self._stall_seconds)
            if checksum not in (None, received):
                raise ChecksumDiffers
            await self._run(self._folder.keep_part, key, upload_id, temporary, number, received)
        except FileNotFoundError:
            raise UploadGone(upload_id) from None
        except OSError as error:
            raise _as_storage_error(error) from error
        finally:
            temporary.unlink(missing_ok=True)
        return received

    async def file(self, key: str) -> Path:
        """The object's own file, for reading. Raises `ObjectMissing`."""
        return await self._run(self._folder.file, key)

    def _url(self, method: str, key: str, expires_in: int, **parameters: str) -> str:
        query = self.signer.sign(method, valid_key(key), parameters, expires_in=expires_in)
        return f"{self._base_url}{key}?{query}"

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await run_blocking(call, *args, **kwargs)
        except FileExistsError:
            raise  # A caller's own file is in the way.
        except OSError as error:
            raise _as_storage_error(error) from error


def _as_storage_error(error: OSError) -> StorageUnavailable:
    if error.errno in _FULL:
        return StorageFull("The storage folder has no room left.")
    return StorageUnavailable(f"The storage folder cannot be used: {error.strerror or type(error).__name__}.")
