"""What a file is by its first bytes and its outermost boxes, before any decoder sees it."""

import struct
from pathlib import Path

from domain.media import Refusal, RefusedMedia

_HEAD_BYTES = 4096
_TEXT_PLAYLISTS = (b"#extm3u", b"ffconcat version", b"v=0", b"[playlist]", b"[reference]", b"rtsptext")
_XML_PLAYLISTS = (b"<mpd", b"<smoothstreamingmedia", b"<smil", b"<asx", b"<playlist")
_PNG = b"\x89PNG\r\n\x1a\n"
_PICTURES = (
    _PNG,
    b"\xff\xd8\xff",
    b"GIF8",
    b"II*\x00",
    b"MM\x00*",
    b"8BPS",
    b"\x00\x00\x00\x0cJXL ",
    b"\x00\x00\x00\x0cjP  ",
)
_PICTURE_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"})
_MEDIA_BOXES = frozenset({b"mdat", b"moov", b"moof"})
_OPENING_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})


def inspect(path: Path, max_pixels: int) -> bytes:
    """Refuse what is plainly not a whole video; answer the file's first bytes.

    Raises RefusedMedia with EMPTY, PLAYLIST, PICTURE, TOO_MANY_PIXELS or TRUNCATED.
    """
    size = path.stat().st_size
    if size == 0:
        raise RefusedMedia(Refusal.EMPTY)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if _is_playlist(head):
        raise RefusedMedia(Refusal.PLAYLIST)
    _refuse_picture(head, max_pixels)
    if head[4:8] in _OPENING_BOXES:
        _refuse_missing_boxes(path, size)
    return head


def _is_playlist(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith(_TEXT_PLAYLISTS) or (text.startswith(b"<") and any(mark in text for mark in _XML_PLAYLISTS))


def _refuse_picture(head: bytes, max_pixels: int) -> None:
    if head.startswith(_PNG) and head[12:16] == b"IHDR" and len(head) >= 24:  # where IHDR's size ends
        width, height = struct.unpack_from(">II", head, 16)
        refuse_pixels(width, height, max_pixels)
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    is_bitmap = head[:2] == b"BM" and head[6:10] == bytes(4)
    is_heif = head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS
    if head.startswith(_PICTURES) or is_webp or is_bitmap or is_heif:
        raise RefusedMedia(Refusal.PICTURE)


def refuse_pixels(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of more than `max_pixels`. Raises RefusedMedia with TOO_MANY_PIXELS."""
    if width * height > max_pixels:
        raise RefusedMedia(Refusal.TOO_MANY_PIXELS, width=width, height=height, limit=max_pixels)


def _refuse_missing_boxes(path: Path, size: int) -> None:
    """Refuse an MP4 or MOV without its index, or with a box that promises more bytes than the file has.

    A decoder would play such a file up to where it breaks off and report no error. Junk behind the last box is no harm.
    """
    indexed = False
    with path.open("rb") as file:
        position = 0
        while header := _box_header(file.read(16)):
            kind, length = header
            indexed = indexed or kind in {b"moov", b"moof"}
            if kind in _MEDIA_BOXES and length and position + length > size:
                raise RefusedMedia(Refusal.TRUNCATED)
            if not length:
                break
            position += length
            file.seek(position)
    if not indexed:
        raise RefusedMedia(Refusal.TRUNCATED)


def _box_header(data: bytes) -> tuple[bytes, int] | None:
    """Read a box's type and length; a length of 0 means "to the end of the file". None where no box begins."""
    if len(data) < 8:  # a header is a length and a type of four bytes each
        return None
    length, kind = struct.unpack_from(">I4s", data)
    if length == 1 and len(data) == 16:  # the long form: eight more bytes of length
        (length,) = struct.unpack_from(">Q", data, 8)
    return (kind, length) if length == 0 or length >= 8 else None
