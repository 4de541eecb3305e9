"""The whole of a picture that was sent for a comment: upright, not larger than a screen, and nothing but its pixels."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.media import Limits, Refusal, RefusedMedia
from domain.pictures import size_of
from media import runner
from media.image import LONGEST_SIDE, draw_image
from tests.pictures import decoded, encoded, photograph, png_claiming

LIMITS = Limits(max_pixels=4 * 10**7, max_seconds=1, threads=1, memory_bytes=2 << 30, wall_seconds=30)
UPRIGHT = np.array([[0, 80, 160], [240, 200, 40]], np.uint8)
"""Six fields, each of its own grey."""


def drawn(folder, data: bytes) -> bytes:
    (folder / "source").write_bytes(data)
    draw_image(folder / "source", folder / "image.webp", LIMITS)
    return (folder / "image.webp").read_bytes()


def stored(orientation: int) -> NDArray[np.uint8]:
    """How a camera stores `UPRIGHT` that was held so: the other way round of EXIF 2.32, table 6."""
    quarter = np.rot90(UPRIGHT)
    ways = {1: UPRIGHT, 2: UPRIGHT[:, ::-1], 3: UPRIGHT[::-1, ::-1], 4: UPRIGHT[::-1], 5: UPRIGHT.T,
            6: quarter, 7: UPRIGHT[::-1, ::-1].T, 8: np.rot90(UPRIGHT, -1)}  # fmt: skip
    return ways[orientation]


def enlarged(greys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each grey as a field of 32 × 32 pixels, RGBA."""
    pixels = np.repeat(np.kron(greys, np.ones((32, 32), np.uint8))[:, :, None], 4, axis=2)
    pixels[..., 3] = 255
    return pixels


def fields(data: bytes) -> NDArray[np.uint8]:
    """The greys in the middle of each field."""
    return decoded(data, "webp", "gray").to_ndarray()[16::32, 16::32]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stands_upright_however_it_was_held(tmp_path, orientation) -> None:
    made = drawn(tmp_path, photograph(enlarged(stored(orientation)), orientation))
    assert size_of(made) == (96, 64)
    assert np.abs(fields(made).astype(int) - UPRIGHT).max() < 12, fields(made)


def test_nothing_of_the_file_is_left_but_its_pixels(tmp_path) -> None:
    sent = photograph(enlarged(UPRIGHT), 1, said=b"48.8583 N 2.2945 E, by Ada")
    comment = b"\xff\xfe\x00\x0cAda's home"
    made = drawn(tmp_path, sent[:2] + comment + sent[2:])
    for said in (b"48.85", b"Ada", b"Exif", b"EXIF", b"XMP", b"ICCP"):
        assert said not in made
    assert decoded(made, "webp").width == 96


def test_no_side_is_longer_than_a_screens(tmp_path) -> None:
    for size, expected in (((5120, 10), (LONGEST_SIDE, 5)), ((1, 5120), (1, LONGEST_SIDE)), ((7, 3), (7, 3))):
        assert size_of(drawn(tmp_path, encoded("png", "rgb24", *size))) == expected


def test_how_many_pixels_it_may_have(tmp_path) -> None:
    (tmp_path / "source").write_bytes(png_claiming(100, 101, b""))
    with pytest.raises(RefusedMedia) as refused:
        draw_image(tmp_path / "source", tmp_path / "image.webp", replace(LIMITS, max_pixels=10_000))
    assert refused.value.code is Refusal.TOO_MANY_PIXELS


async def test_a_child_turns_a_photograph_too(tmp_path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "source").write_bytes(photograph(enlarged(stored(7)), 7))
    made = (await runner.draw_image(tmp_path / "source", work, LIMITS)).read_bytes()
    assert np.abs(fields(made).astype(int) - UPRIGHT).max() < 12
