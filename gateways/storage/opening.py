"""From `STORAGE_URL` to a store."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from starlette.routing import BaseRoute

from domain.clock import Clock
from gateways.storage.addresses import s3_address
from gateways.storage.base import Storage
from gateways.storage.files import file_routes
from gateways.storage.local import LocalStorage
from gateways.storage.signing import Signer


@asynccontextmanager
async def open_storage(url: str, *, public_url: str, secret: str, clock: Clock) -> AsyncIterator[Storage]:
    """The store that `url` names, until the end of the context.

    `s3://bucket?endpoint=…&region=…&public_endpoint=…`, with `key:secret@` before the bucket or with the credentials
    that AWS's own variables name, or `file:/absolute/folder`. Links to a local store begin with `public_url` and are
    signed with a key derived from `secret`. Raises ValueError for any other URL.
    """
    if urlsplit(url).scheme == "s3":
        from gateways.storage.s3 import open_s3  # takes a third of a second: AWS's libraries

        async with open_s3(s3_address(url)) as storage:
            yield storage
    else:
        yield _local_storage(url, public_url, secret, clock)


def storage_routes(
    url: str, *, public_url: str, secret: str, clock: Clock, allowed_origins: Sequence[str] = ()
) -> list[BaseRoute]:
    """What the API must serve for this store: `/files` for a local one, nothing for a bucket."""
    if urlsplit(url).scheme == "s3":
        return []
    return [file_routes(_local_storage(url, public_url, secret, clock), allowed_origins=allowed_origins)]


def _local_storage(url: str, public_url: str, secret: str, clock: Clock) -> LocalStorage:
    address = urlsplit(url)
    if address.scheme != "file" or address.netloc or not address.path.startswith("/"):
        raise ValueError("STORAGE_URL is neither s3://bucket nor file:/absolute/folder.")
    return LocalStorage(Path(unquote(address.path)), public_url=public_url, signer=Signer(secret, clock))
