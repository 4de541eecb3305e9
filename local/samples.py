"""A sample clip with picture and sound, made from nothing: for the demo team's library and for trying things out."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_RATE = 30
_SAMPLE_RATE = 48_000
_BEAT_SECONDS = 0.5
_NOTES_HZ = (220.0, 277.18, 329.63, 440.0, 329.63, 277.18, 246.94, 329.63)  # A major, rising and falling
_BALL_RADIUS = 0.07  # of the height
_WHITE = 235
_GRADIENT = "c0=0x14213d:c1=0x5f0f40:c2=0xe36414:c3=0x0f4c5c:n=4:speed=0.012:seed=7"
# Five rows of three dots each, by bits.
_GLYPHS = {
    **dict(zip("0123456789", (31599, 11415, 29671, 29647, 23497, 31183, 31215, 29330, 31727, 31695), strict=True)),
    ":": 1040,
    ".": 2,
}


def make_sample(path: Path, seconds: int = 10, width: int = 1280, height: int = 720) -> None:
    """Write an MP4 of `seconds` at 30 frames a second: a gradient, a ball on the beat, a clock, a melody."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        video = output.add_stream("libx264", rate=_RATE, options={"preset": "ultrafast", "crf": "20", "g": str(_RATE)})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = output.add_stream("aac", rate=_SAMPLE_RATE, layout="stereo")
        for number, frame in enumerate(_pictures(seconds, width, height)):
            output.mux(video.encode(frame))
            if number % _RATE == 0:
                output.mux(audio.encode(_second_of_sound(number // _RATE)))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))


def _pictures(seconds: int, width: int, height: int) -> Iterator[VideoFrame]:
    graph = Graph()
    gradient = graph.add("gradients", f"size={width}x{height}:rate={_RATE}:duration={seconds}:{_GRADIENT}")
    graph.link_nodes(gradient, graph.add("format", "yuv420p"), graph.add("buffersink")).configure()
    for number in range(seconds * _RATE):
        pixels = graph.vpull().to_ndarray().astype(np.uint8, copy=False)
        luma = pixels[:height]
        _draw_ball(luma, number / _RATE)
        _draw_clock(luma, number)
        frame = VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, _RATE)
        yield frame


def _draw_ball(luma: NDArray[np.uint8], time: float) -> None:
    height, width = luma.shape
    radius = int(height * _BALL_RADIUS)
    bounce = abs(math.sin(math.pi * time / (2 * _BEAT_SECONDS)))
    x = int(width * (0.5 + 0.35 * math.sin(time * 0.9)))
    y = int(height * (0.72 - 0.4 * bounce))
    rows, columns = np.ogrid[-radius:radius, -radius:radius]
    luma[y - radius : y + radius, x - radius : x + radius][rows**2 + columns**2 < radius**2] = _WHITE


def _draw_clock(luma: NDArray[np.uint8], number: int) -> None:
    seconds, frames = divmod(number, _RATE)
    dot = max(luma.shape[0] // 90, 1)
    left = 4 * dot
    for character in f"{seconds // 60:02}:{seconds % 60:02}.{frames:02}":
        bits = np.array([_GLYPHS[character] >> place & 1 for place in range(14, -1, -1)], dtype=bool).reshape(5, 3)
        glyph = bits.repeat(dot, axis=0).repeat(dot, axis=1)
        luma[-9 * dot : -4 * dot, left : left + 3 * dot][glyph] = _WHITE
        left += 4 * dot


def _second_of_sound(second: int) -> AudioFrame:
    """Pluck the notes of one second: a soft tone with an octave above it, fading."""
    time = np.arange(_SAMPLE_RATE) / _SAMPLE_RATE
    beat = ((second + time) / _BEAT_SECONDS).astype(int)
    pitch = np.array(_NOTES_HZ)[beat % len(_NOTES_HZ)]
    since = (second + time) % _BEAT_SECONDS
    envelope = np.exp(-6 * since) * np.minimum(since / 0.005, 1)
    wave = 0.2 * envelope * (np.sin(2 * np.pi * pitch * since) + 0.4 * np.sin(4 * np.pi * pitch * since))
    frame = AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = _SAMPLE_RATE, second * _SAMPLE_RATE, Fraction(1, _SAMPLE_RATE)
    return frame
