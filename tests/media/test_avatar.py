"""A small square of the middle of whatever was sent."""

from dataclasses import replace

import pytest

from domain.media import Limits, Refusal, RefusedMedia
from domain.pictures import PictureKind, size_of
from media import runner
from media.avatar import SIDE, draw_avatar
from tests.pictures import decoded, encoded, png, png_claiming

LIMITS = Limits(max_pixels=10**7, max_seconds=1, threads=1, memory_bytes=2 << 30, wall_seconds=30)
KINDS = [
    ("png", "rgb24"),
    ("png", "rgba"),
    ("png", "gray"),
    ("mjpeg", "yuvj420p"),
    ("libwebp", "yuv420p"),
    ("libwebp", "bgra"),
]


def drawn(folder, data: bytes) -> bytes:
    (folder / "source").write_bytes(data)
    draw_avatar(folder / "source", folder / "avatar.webp", LIMITS)
    return (folder / "avatar.webp").read_bytes()


@pytest.mark.parametrize(("codec", "pixel_format"), KINDS)
@pytest.mark.parametrize("size", [(1, 1), (33, 700), (700, 33), (400, 300)])
def test_every_kind_and_shape_becomes_a_square(tmp_path, codec, pixel_format, size) -> None:
    picture = encoded(codec, pixel_format, *size)
    assert size_of(picture) == size
    made = drawn(tmp_path, picture)
    assert size_of(made) == (SIDE, SIDE)
    assert len(made) < 64 * 1024


def test_it_is_the_middle_that_is_shown(tmp_path) -> None:
    """The left half is black, the right one white: so it is in the middle, too."""
    frame = decoded(drawn(tmp_path, encoded("png", "rgb24", 1000, 200)), "webp", "gray")
    row = bytes(frame.planes[0])[frame.planes[0].line_size * 128 :][:SIDE]
    assert row[16] < 40 < 215 < row[SIDE - 16]


def test_what_is_transparent_stays_so(tmp_path) -> None:
    shown = decoded(drawn(tmp_path, encoded("png", "rgba", 8, 8, alpha=0)), "webp")
    assert set(bytes(shown.planes[0])[3::4]) == {0}


def test_a_photograph_that_says_how_it_was_held_is_turned(tmp_path) -> None:
    """EXIF's orientation 6: a quarter turn clockwise. What was on the left is then at the top."""
    photo = encoded("mjpeg", "yuvj420p", 320, 320)
    tag = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    segment = b"Exif\x00\x00" + tag
    turned = photo[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + photo[2:]
    assert size_of(turned) == (320, 320)
    frame = decoded(drawn(tmp_path, turned), "webp", "gray")
    column = bytes(frame.planes[0])[128 :: frame.planes[0].line_size]
    assert column[16] < 40 < 215 < column[SIDE - 16]


@pytest.mark.parametrize(
    "data",
    [
        png_claiming(64, 64, b"not zlib"),
        png(64, 64)[:45],
        b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x10\x00\x10",
        encoded("libwebp", "yuv420p", 64, 64)[:40],
        b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(30),
    ],
)
def test_what_cannot_be_decoded_is_damaged(tmp_path, data) -> None:
    with pytest.raises(RefusedMedia) as refused:
        drawn(tmp_path, data)
    assert refused.value.code is Refusal.DAMAGED


def test_what_is_no_picture_or_too_large_reaches_no_decoder(tmp_path) -> None:
    for data, code in ((b"<svg/>", Refusal.NOT_MEDIA), (png_claiming(9000, 9000, b""), Refusal.TOO_MANY_PIXELS)):
        with pytest.raises(RefusedMedia) as refused:
            drawn(tmp_path, data)
        assert refused.value.code is code


async def test_a_child_draws_it(tmp_path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "source").write_bytes(encoded("png", "rgba", 640, 480))
    made = await runner.draw_avatar(tmp_path / "source", work, LIMITS)
    assert size_of(made.read_bytes()) == (SIDE, SIDE)
    (tmp_path / "source").write_bytes(png_claiming(64, 64, b"not zlib"))
    with pytest.raises(RefusedMedia) as refused:
        await runner.draw_avatar(tmp_path / "source", work, LIMITS)
    assert refused.value.code is Refusal.DAMAGED


async def test_a_child_that_takes_too_long_is_ended(tmp_path) -> None:
    (tmp_path / "source").write_bytes(png(8, 8))
    with pytest.raises(RefusedMedia) as refused:
        await runner.draw_avatar(tmp_path / "source", tmp_path, replace(LIMITS, wall_seconds=0))
    assert refused.value.code is Refusal.TOO_COSTLY


def test_the_decoders_are_called_as_the_kinds() -> None:
    assert {kind.value for kind in PictureKind} == {"png", "mjpeg", "webp"}
