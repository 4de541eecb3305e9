"""What a still picture is by its first bytes: enough to refuse one before anything decodes it."""

import binascii
import struct
from base64 import b64decode
from enum import StrEnum
from uuid import UUID

from domain.errors import Invalid
from domain.quantities import Bytes

MOST_BYTES = 256 * 1024
MOST_PIXELS = 4096 * 4096
MOST_IMAGE_BYTES = 10 * 1024 * 1024
"""Of a file that becomes the image of a comment."""
MOST_IMAGE_PIXELS = 40_000_000
"""Of the same."""
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG behind which its size stands (SOF, ITU-T T.81, table B.1)."""


class PictureKind(StrEnum):
    """The kinds that are taken in; each is called as its decoder."""

    PNG = "png"
    JPEG = "mjpeg"
    WEBP = "webp"


def avatar_key(user_id: UUID, job_id: UUID, attempt: int) -> str:
    """Where the picture that an attempt of a job makes of a person is stored."""
    return f"users/{user_id}/avatars/{job_id}/{attempt}/avatar.webp"


def image_key(folder: str, attempt: int) -> str:
    """Where the image is stored that an attempt of a job makes for a comment, of what was sent into `folder`."""
    return f"{folder}{attempt}/image.webp"


def image_folder(key: str) -> str:
    """The prefix of everything that was stored with a comment's image."""
    return "/".join(key.split("/")[:-2]) + "/"


def avatar_folder(key: str) -> str:
    """The prefix of everything that was stored with an avatar."""
    return key.rpartition("/")[0] + "/"


def kind_of(data: bytes) -> PictureKind | None:
    """By its signature; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return PictureKind.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return PictureKind.JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return PictureKind.WEBP
    return None


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, as the header says; None where none can be read."""
    kind = kind_of(data)
    try:
        if kind is PictureKind.PNG:
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        return {PictureKind.JPEG: _size_of_jpeg, PictureKind.WEBP: _size_of_webp}[kind](data) if kind else None
    except (struct.error, IndexError):
        return None


def picture(encoded: str, *, path: tuple[str, ...]) -> bytes:
    """The PNG, JPEG or WebP in a Base64 text.

    Invalid for what is none, and for one of more than 256 KiB or 4096 × 4096 pixels.
    """
    if len(encoded) > MOST_BYTES * 4 // 3 + 4:
        raise Invalid("problem.picture_bytes", path=path, most=Bytes(MOST_BYTES))
    try:
        data = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("problem.base64", path=path) from error
    if len(data) > MOST_BYTES:
        raise Invalid("problem.picture_bytes", path=path, most=Bytes(MOST_BYTES))
    size = size_of(data)
    if size is None or 0 in size:
        raise Invalid("problem.picture_kind", path=path)
    if size[0] * size[1] > MOST_PIXELS:
        raise Invalid("problem.picture_pixels", path=path, width=size[0], height=size[1])
    return data


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    """From segment to segment, each of which says how long it is."""
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        if marker == 0xFF:  # a fill byte
            position += 1
        else:
            position += 2 + max(2, struct.unpack_from(">H", data, position + 2)[0])
    return None


def _size_of_webp(data: bytes) -> tuple[int, int] | None:
    """Of the first chunk (RFC 9649): lossy, lossless or extended."""
    chunk = data[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None
