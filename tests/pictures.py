"""Still pictures, made by hand and by the encoders that are at hand anyway."""

import struct
import zlib
from fractions import Fraction

import numpy as np
from av.codec.context import CodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray


def png(width: int, height: int, colour: bytes = b"\xff\x80\x00") -> bytes:
    """A PNG of one colour."""
    return png_claiming(width, height, zlib.compress((b"\x00" + colour * width) * height, 9))


def png_claiming(width: int, height: int, packed: bytes) -> bytes:
    """A PNG whose header says this size, whatever its pixels are."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def encoded(codec: str, pixel_format: str, width: int, height: int, alpha: int = 255) -> bytes:
    """A picture, left half black and right half white, by one of the encoders."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, width // 2 :, :3] = 255
    pixels[..., 3] = alpha
    return encoded_pixels(codec, pixel_format, pixels)


def encoded_pixels(codec: str, pixel_format: str, pixels: NDArray[np.uint8]) -> bytes:
    """The picture of these pixels, RGBA, by one of the encoders."""
    height, width, _ = pixels.shape
    frame = VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=pixel_format)
    encoder = CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixel_format
    encoder.time_base, frame.pts = Fraction(1, 25), 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def photograph(pixels: NDArray[np.uint8], orientation: int, said: bytes = b"") -> bytes:
    """A JPEG whose EXIF has an orientation (1–8), and `said` as what it shows (ImageDescription), at least 5 bytes."""
    jpeg, entries = encoded_pixels("mjpeg", "yuvj444p", pixels), 2 if said else 1
    described = struct.pack(">HHII", 0x010E, 2, len(said) + 1, 8 + 2 + 12 * entries + 4) if said else b""
    turned = struct.pack(">HHIHxx", 0x0112, 3, 1, orientation)
    tags = b"MM\0*" + struct.pack(">IH", 8, entries) + described + turned + bytes(4) + said + b"\0"
    segment = b"Exif\0\0" + tags
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def decoded(data: bytes, codec: str, pixel_format: str = "rgba") -> VideoFrame:
    """The picture in a file."""
    from av.packet import Packet

    decoder = CodecContext.create(codec, "r")
    (frame,) = [*decoder.decode(Packet(data)), *decoder.decode(None)]
    return frame.reformat(format=pixel_format)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
