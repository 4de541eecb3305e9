"""The HTTP side of the local store: signed PUT of parts, signed GET of objects, mounted at `/files`."""

import base64
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.uploads import MOST_PART_BYTES
from gateways.storage.base import ObjectMissing, StorageFull, StorageUnavailable, UploadGone, valid_key
from gateways.storage.codes import FileCode
from gateways.storage.incoming import BodyStalled, BodyTooLong, BodyTooShort
from gateways.storage.local import ChecksumDiffers, LocalStorage
from gateways.storage.signing import BadSignature

# What users upload must never run as a page of ours, whatever type it claims to be.
_HEADERS = {
    "Cache-Control": "private",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
}

_RANGE = re.compile(r"\s*([0-9]{0,18})-([0-9]{0,18})\s*")

# The first that fits counts: `StorageFull` is a `StorageUnavailable`.
_PROBLEMS: Mapping[type[Exception], tuple[HTTPStatus, FileCode]] = {
    BadSignature: (HTTPStatus.FORBIDDEN, FileCode.LINK_REFUSED),
    ObjectMissing: (HTTPStatus.NOT_FOUND, FileCode.NO_SUCH_FILE),
    UploadGone: (HTTPStatus.NOT_FOUND, FileCode.NO_SUCH_UPLOAD),
    BodyTooLong: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, FileCode.PART_TOO_LONG),
    BodyTooShort: (HTTPStatus.BAD_REQUEST, FileCode.PART_TOO_SHORT),
    BodyStalled: (HTTPStatus.REQUEST_TIMEOUT, FileCode.PART_STALLED),
    ChecksumDiffers: (HTTPStatus.BAD_REQUEST, FileCode.CHECKSUM_DIFFERS),
    StorageFull: (HTTPStatus.INSUFFICIENT_STORAGE, FileCode.STORAGE_FULL),
    StorageUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, FileCode.STORAGE_UNAVAILABLE),
}
_OF_ROUTER = {405: FileCode.METHOD_NOT_ALLOWED, 413: FileCode.PART_TOO_LONG}
"""What the router refuses by itself."""


def file_routes(store: LocalStorage, *, allowed_origins: Sequence[str]) -> Mount:
    """The routes of `store` at `/files`; web pages of `allowed_origins` may use them too.

    Sets its own limit on bodies, in place of a smaller one of the application.
    """
    cors = Middleware(
        CORSMiddleware,
        allow_origins=allowed_origins,
        allow_methods=["GET", "HEAD", "PUT"],
        allow_headers=["Content-MD5", "Content-Type", "If-Range", "Range"],
        expose_headers=["Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "ETag"],
    )
    endpoint = _Endpoint(store)
    routes = [
        Route("/{key:path}", endpoint.put, methods=["PUT"]),
        Route("/{key:path}", endpoint.get, methods=["GET"]),
    ]
    return Mount("/files", routes=routes, middleware=[cors, Middleware(_Harmless)], max_body_size=MOST_PART_BYTES)


class _Harmless:
    """ASGI middleware: every answer carries `_HEADERS`, also the refusals of the router."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except HTTPException as error:
            code = _OF_ROUTER.get(error.status_code, FileCode.NO_SUCH_FILE)
            await _answer(HTTPStatus(error.status_code), code, error.headers)(scope, receive, sending)


class _ObjectResponse(FileResponse):
    """An object or ranges of it; a `Range` that is none of bytes as RFC 9110 has them is ignored."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get("Range", "")
        if not _asks_for_bytes(asked):
            scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"range"]}
        await super().__call__(scope, receive, send)


def _asks_for_bytes(header: str) -> bool:
    unit, _, ranges = header.partition("=")
    return unit.strip().lower() == "bytes" and all(map(_is_range, ranges.split(",")))


def _is_range(text: str) -> bool:
    match = _RANGE.fullmatch(text)
    if match is None:
        return False
    first, last = match.groups()
    return int(first) <= int(last) if first and last else bool(first or last)


class _Endpoint:
    def __init__(self, store: LocalStorage) -> None:
        self._store = store

    async def put(self, request: Request) -> Response:
        try:
            key, link = self._permitted("PUT", request)
            size = int(link["size"])
            _check_length(request, size)
            checksum = await self._store.receive_part(
                key, link["upload"], int(link["part"]), size, request.stream(), _content_md5(request)
            )
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # Nobody reads it.
        except tuple(_PROBLEMS) as error:
            return _problem(error)
        return Response(headers={"ETag": f'"{checksum}"'})

    async def get(self, request: Request) -> Response:
        try:
            key, link = self._permitted("GET", request)
            path = await self._store.file(key)
        except tuple(_PROBLEMS) as error:
            return _problem(error)
        headers = {"Content-Disposition": link["disposition"]}
        return _ObjectResponse(path, headers=headers, media_type=link["type"])

    def _permitted(self, method: str, request: Request) -> tuple[str, dict[str, str]]:
        try:
            key = valid_key(request.path_params["key"])
        except ValueError:
            raise BadSignature("No link of ours has such a key.") from None
        return key, self._store.signer.verify(method, key, dict(request.query_params))


def _check_length(request: Request, size: int) -> None:
    declared = request.headers.get("Content-Length")
    if declared is None:
        return
    if int(declared) > size:
        raise BodyTooLong
    if int(declared) < size:
        raise BodyTooShort


def _content_md5(request: Request) -> str | None:
    header = request.headers.get("Content-MD5")
    if header is None:
        return None
    try:
        return base64.b64decode(header, validate=True).hex()
    except ValueError:  # not base64, or not even ASCII
        raise ChecksumDiffers from None


def _problem(error: Exception) -> Response:
    """An answer in the form of RFC 9457, with a `code` for programs."""
    status, code = next(problem for kind, problem in _PROBLEMS.items() if isinstance(error, kind))
    return _answer(status, code)


def _answer(status: HTTPStatus, code: FileCode, headers: Mapping[str, str] | None = None) -> Response:
    content = {"type": "about:blank", "title": status.phrase, "status": status, "code": code}
    return JSONResponse(content, status, headers, media_type="application/problem+json")
