"""Objects in a bucket of S3 or of a store that speaks its language."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as ConnectionFault
from botocore.exceptions import BotoCoreError, ClientError

from domain.uploads import MIB, Part, part_size, part_sizes
from gateways.storage.addresses import S3Address
from gateways.storage.base import (
    ObjectMissing,
    OnBytes,
    PartsRefused,
    StorageUnavailable,
    UploadGone,
    content_disposition,
    valid_key,
    valid_prefix,
)
from gateways.storage.download import download
from gateways.threads import run_blocking

_CALL_SECONDS = 15
_CHECK_SECONDS = 2
_LIST_SECONDS = 60
_STORE_SECONDS = 120
# A store joins the parts of a large object before it answers.
_FINISH_SECONDS = 120
_STORE_PART_BYTES = 16 * MIB
_PARALLEL = 4
_SIGNATURES_A_TURN = 32
_NO_UPLOAD = ("NoSuchUpload",)
_NO_OBJECT = ("NoSuchKey", "404")
_NOT_THESE_PARTS = ("InvalidPart", "InvalidPartOrder", "EntityTooSmall")
_NOTHING: Mapping[str, Exception] = MappingProxyType({})


@asynccontextmanager
async def open_s3(address: S3Address) -> AsyncIterator["S3Storage"]:
    """An `S3Storage` with its connections, closed at the end."""
    session = aioboto3.Session(
        aws_access_key_id=address.access_key,
        aws_secret_access_key=address.secret_key,
        region_name=address.region,
    )
    public = address.public_endpoint or address.endpoint
    async with (
        session.client("s3", endpoint_url=address.endpoint, config=_config(address.endpoint)) as client,
        session.client("s3", endpoint_url=public, config=_config(public)) as signing_client,
    ):
        yield S3Storage(client, signing_client, address.bucket)


def _config(endpoint: str | None) -> Any:
    return AioConfig(
        signature_version="s3v4",
        # Stores of one's own rarely have a host name for each bucket.
        s3={"addressing_style": "path" if endpoint else "auto"},
        # Many of them do not know the checksums that botocore adds by default.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=3,
        read_timeout=_CALL_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=32,
    )


class S3Storage:
    """`Storage` in the bucket `bucket`. `signing_client` makes the links, with the address that browsers know."""

    def __init__(self, client: Any, signing_client: Any, bucket: str) -> None:
        self._client = client
        self._signing_client = signing_client
        self._bucket = bucket

    async def start_upload(self, key: str) -> str:
        """See `Storage`."""
        return await self._start(key)

    async def part_urls(self, key: str, upload_id: str, sizes: Mapping[int, int], *, expires_in: int) -> dict[int, str]:
        """See `Storage`. The length is among the signed headers, so that the store refuses any other."""
        urls = {}
        for turn, (number, size) in enumerate(sizes.items()):
            if turn % _SIGNATURES_A_TURN == 0:
                await asyncio.sleep(0)  # A signature takes 0.2 ms, and there may be 10,000: let others have a turn.
            part = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
            urls[number] = await self._sign("upload_part", key, part, expires_in)
        return urls

    async def parts(self, key: str, upload_id: str) -> list[Part]:
        """See `Storage`."""
        gone = dict.fromkeys(_NO_UPLOAD, UploadGone(upload_id))
        arrived = await self._list("list_parts", "Parts", {**self._at(key), "UploadId": upload_id}, gone)
        return [Part(part["PartNumber"], part["Size"], part["ETag"].strip('"')) for part in arrived]

    async def finish_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """See `Storage`."""
        if not parts:
            raise PartsRefused("An object has at least one part.")
        try:
            await self._complete(key, upload_id, parts)
        except UploadGone:
            if await self.size(key) != sum(part.size for part in parts):
                raise

    async def abandon_upload(self, key: str, upload_id: str) -> None:
        """See `Storage`."""
        gone = dict.fromkeys(_NO_UPLOAD, UploadGone(upload_id))
        with suppress(UploadGone):
            async with _answered(_CALL_SECONDS, gone):
                await self._client.abort_multipart_upload(**self._at(key), UploadId=upload_id)

    async def fetch(self, key: str, path: Path, on_bytes: OnBytes | None = None) -> None:
        """See `Storage`. A transfer that breaks off goes on from where it was."""
        missing = dict.fromkeys(_NO_OBJECT, ObjectMissing(key))

        async def open_at(start: int, etag: str | None) -> Any:
            rest = {"Range": f"bytes={start}-", "IfMatch": etag} if etag else {}
            async with _answered(_CALL_SECONDS, missing):
                return await self._client.get_object(**self._at(key), **rest)

        await download(open_at, path, on_bytes or (lambda _: None))

    async def store(self, path: Path, key: str, *, content_type: str) -> None:
        """See `Storage`. In one request if it is small, else in parts, four at a time."""
        status = await run_blocking(path.stat)
        if status.st_size > _STORE_PART_BYTES:
            await self._store_in_parts(path, status.st_size, key, content_type)
            return
        body = await run_blocking(path.read_bytes)
        async with _answered(_STORE_SECONDS):
            await self._client.put_object(**self._at(key), Body=body, ContentType=content_type)

    async def read_url(self, key: str, *, expires_in: int, content_type: str, file_name: str | None = None) -> str:
        """See `Storage`."""
        told = {
            "ResponseContentType": content_type,
            "ResponseContentDisposition": content_disposition(file_name),
            "ResponseCacheControl": "private",
        }
        return await self._sign("get_object", key, told, expires_in)

    async def size(self, key: str) -> int | None:
        """See `Storage`."""
        try:
            async with _answered(_CALL_SECONDS, dict.fromkeys(_NO_OBJECT, ObjectMissing(key))):
                answer = await self._client.head_object(**self._at(key))
        except ObjectMissing:
            return None
        return int(answer["ContentLength"])

    async def delete_prefix(self, prefix: str) -> None:
        """See `Storage`."""
        # One by one: a DeleteObjects request needs a checksum that not every store knows.
        await _in_parallel(partial(self._delete, key) for key in await self.keys(prefix))

    async def keys(self, prefix: str) -> list[str]:
        """See `Storage`."""
        below = {"Bucket": self._bucket, "Prefix": valid_prefix(prefix)}
        return sorted(item["Key"] for item in await self._list("list_objects_v2", "Contents", below))

    async def check(self) -> None:
        """See `Storage`."""
        async with _answered(_CHECK_SECONDS):
            await self._client.head_bucket(Bucket=self._bucket)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": valid_key(key)}

    async def _sign(self, call: str, key: str, parameters: Mapping[str, Any], expires_in: int) -> str:
        # Needs the network only where credentials come from a service that renews them.
        async with _answered(_CALL_SECONDS):
            url = await self._signing_client.generate_presigned_url(
                call, Params={**self._at(key), **parameters}, ExpiresIn=expires_in
            )
        return str(url)

    async def _list(
        self, call: str, field: str, where: Mapping[str, str], refusals: Mapping[str, Exception] = _NOTHING
    ) -> list[dict[str, Any]]:
        pages = self._client.get_paginator(call).paginate(**where)
        async with _answered(_LIST_SECONDS, refusals):
            return [item async for page in pages for item in page.get(field, [])]

    async def _start(self, key: str, **headers: str) -> str:
        async with _answered(_CALL_SECONDS):
            answer = await self._client.create_multipart_upload(**self._at(key), **headers)
        return str(answer["UploadId"])

    async def _complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        refusals = {
            **dict.fromkeys(_NO_UPLOAD, UploadGone(upload_id)),
            **dict.fromkeys(_NOT_THESE_PARTS, PartsRefused("A part has not arrived, or not like this.")),
        }
        in_order = sorted(parts, key=lambda part: part.number)
        listed = [{"PartNumber": part.number, "ETag": f'"{part.checksum}"'} for part in in_order]
        async with _answered(_FINISH_SECONDS, refusals):
            await self._client.complete_multipart_upload(
                **self._at(key), UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    async def _delete(self, key: str) -> None:
        async with _answered(_CALL_SECONDS):
            await self._client.delete_object(**self._at(key))

    async def _store_in_parts(self, path: Path, size: int, key: str, content_type: str) -> None:
        # Not aioboto3's `upload_file`: it reads up to a thousand parts ahead of the network, and stops halfway
        # when cancelled.
        piece = part_size(size, _STORE_PART_BYTES)
        upload_id = await self._start(key, ContentType=content_type)
        parts: list[Part] = []

        async def send(number: int, length: int) -> None:
            body = await run_blocking(_read, path, (number - 1) * piece, length)
            async with _answered(_STORE_SECONDS):
                answer = await self._client.upload_part(
                    **self._at(key), UploadId=upload_id, PartNumber=number, Body=body
                )
            parts.append(Part(number, length, answer["ETag"].strip('"')))

        try:
            await _in_parallel(
                partial(send, number, length) for number, length in enumerate(part_sizes(size, piece), 1)
            )
            await self._complete(key, upload_id, parts)
        except BaseException:
            await self.abandon_upload(key, upload_id)
            raise


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


async def _in_parallel(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Make the calls, a few at a time; the first failure ends the others and is raised as it is."""
    gate = asyncio.Semaphore(_PARALLEL)

    async def pass_gate(call: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await call()

    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(pass_gate(call))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


@asynccontextmanager
async def _answered(seconds: float, refusals: Mapping[str, Exception] = _NOTHING) -> AsyncIterator[None]:
    """Hold the calls within to a deadline and raise what `refusals` names for an S3 error code.

    Anything else that goes wrong is `StorageUnavailable`.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "?")
        raise refusals.get(code, StorageUnavailable(f"The bucket answers {code}.")) from error
    except TimeoutError as error:
        raise StorageUnavailable(f"The bucket does not answer within {seconds} s.") from error
    except (BotoCoreError, ConnectionFault) as error:
        raise StorageUnavailable(f"The bucket cannot be asked: {type(error).__name__}.") from error
