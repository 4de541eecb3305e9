"""Makers of small clips, good and bad, for every test that needs a real file.

Pictures show four corners of different brightness, so that a wrong turn or mirroring is seen:
top left 235, top right 170, bottom left 105, bottom right 40 (luma), as displayed before any rotation.
"""

import struct
import zlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, RATE, SECONDS = 320, 180, 30, 2
SAMPLE_RATE = 44_100
CORNERS = (235, 170, 105, 40)


def picture(number=0, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p"):
    """One frame: four corners, and a bar that moves with the frame's number."""
    luma = np.empty((height, width), np.uint8)
    middle, centre = height // 2, width // 2
    luma[:middle, :centre], luma[:middle, centre:] = CORNERS[:2]
    luma[middle:, :centre], luma[middle:, centre:] = CORNERS[2:]
    luma[middle - 4 : middle + 4, : (number * 7) % width + 1] = 16
    return _from_luma(luma, pix_fmt)


def _from_luma(luma, pix_fmt):
    """Fill the planes directly: a conversion would shift the very values that tests look for."""
    height, width = luma.shape
    frame = av.VideoFrame(width, height, pix_fmt)
    wide = frame.format.components[0].bits > 8
    for index, plane in enumerate(frame.planes):
        samples = luma if index == 0 else np.full((plane.height, plane.width), 128, np.uint8)
        rows = samples.astype("<u2") << 2 if wide else samples
        padded = np.zeros((plane.height, plane.line_size // rows.itemsize), rows.dtype)
        padded[:, : plane.width] = rows
        plane.update(padded.tobytes())
    return frame


def luma_of(frame):
    """The brightness of each pixel of an 8-bit frame, as it is stored."""
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def black(width=WIDTH, height=HEIGHT):
    """One frame of nothing."""
    return _from_luma(np.full((height, width), 16, np.uint8), "yuv420p")


def make_clip(
    path: Path,
    *,
    codec="libx264",
    audio="aac",
    width=WIDTH,
    height=HEIGHT,
    rate=Fraction(RATE),
    seconds=SECONDS,
    times: Iterable[Fraction] | None = None,
    pix_fmt="yuv420p",
    rotation=0,
    options: dict[str, str] | None = None,
    movflags: str | None = None,
    muxing: dict[str, str] | None = None,
    sound_starts=Fraction(0),
    picture_starts=Fraction(0),
    channels="stereo",
    aspect: Fraction | None = None,
    colours: tuple[int, int, int] | None = None,
):
    """Write a clip; `times` gives each frame its moment in seconds (variable frame rate), `rotation` is clockwise."""
    with av.open(str(path), "w", options=muxing or ({"movflags": movflags} if movflags else {})) as output:
        quick = {
            "libx264": {"preset": "ultrafast"},
            "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
        }
        video = output.add_stream(codec, rate=rate, options=quick.get(codec, {}) | (options or {}))
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.codec_context.thread_count = 2
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if colours:
            context = video.codec_context
            context.colorspace, context.color_primaries, context.color_trc = colours
        if codec == "libx265":
            video.codec_context.codec_tag = "hvc1"
        sound = (
            output.add_stream(audio, rate=48_000 if audio == "libopus" else SAMPLE_RATE, layout=channels)
            if audio
            else None
        )
        if rotation:
            video.set_display_rotation(-rotation)
        moments = list(times) if times is not None else [n / rate for n in range(round(seconds * rate))]
        if times is not None:
            video.codec_context.time_base = Fraction(1, 90_000)
        tick = video.codec_context.time_base or 1 / rate
        for number, moment in enumerate(moments):
            frame = picture(number, width, height, pix_fmt)
            frame.pts, frame.time_base = round((moment + picture_starts) / tick), tick
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if sound:
            for frame in _tone(seconds, sound.rate, sound_starts, channels):
                output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return path


def _tone(seconds, rate, starts, channels):
    samples = round(seconds * rate)
    wave = (0.3 * np.sin(2 * np.pi * 440 * np.arange(samples) / rate)).astype(np.float32)
    count = {"mono": 1, "stereo": 2, "5.1": 6}[channels]
    for begin in range(0, samples, 1024):
        block = wave[begin : begin + 1024]
        frame = av.AudioFrame.from_ndarray(np.stack([block] * count), format="fltp", layout=channels)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = begin + round(starts * rate)
        yield frame


def mp4(folder: Path, **changes):
    """H.264 and AAC at 30000/1001 frames a second."""
    return make_clip(folder / "clip.mp4", **{"rate": Fraction(30000, 1001)} | changes)


def phone_mov(folder: Path, rotation=90):
    """As a phone held upright records it: stored lying, with a display matrix."""
    return make_clip(folder / "phone.mov", rotation=rotation)


def webm(folder: Path):
    """VP9 and Opus."""
    options = {"deadline": "realtime", "cpu-used": "8"}
    return make_clip(folder / "clip.webm", codec="libvpx-vp9", audio="libopus", options=options)


def hevc(folder: Path):
    """H.265 and AAC."""
    return make_clip(folder / "hevc.mp4", codec="libx265")


def silent(folder: Path):
    """No sound at all."""
    return make_clip(folder / "silent.mp4", audio=None)


VARIABLE_TIMES = tuple(Fraction(n, 30) for n in range(30)) + tuple(1 + Fraction(n, 10) for n in range(10))


def variable(folder: Path):
    """One second at 30, one at 10 frames a second."""
    return make_clip(folder / "variable.mp4", times=VARIABLE_TIMES)


def screen(folder: Path, name="screen.mkv", **changes):
    """As screens are recorded: a picture where something changed, 10 to 500 ms after the last."""
    waits = np.random.default_rng(7).integers(10, 500, 40)
    times = [Fraction(int(ms), 1000) for ms in np.cumsum(waits) - waits[0]]
    return make_clip(folder / name, **{"times": times, "audio": None} | changes)


def phone_clock(folder: Path, strays=135):
    """Thirty frames a second by a clock that strays by up to so many 1/90,000 s from each frame to the next."""
    steps = 3000 + np.random.default_rng(3).integers(-strays, strays, 90)
    times = [Fraction(int(ticks), 90_000) for ticks in np.cumsum(steps) - steps[0]]
    return make_clip(folder / "phone.mp4", times=times, audio=None)


def cut(folder: Path, seconds=Fraction(1, 2), **changes):
    """An MP4 whose edit list leaves out its first `seconds`, B-frames and all: their packets are there still."""
    whole = make_clip(folder / "whole.mp4", **{"options": REORDERED, "audio": None, "times": VARIABLE_TIMES} | changes)
    path = folder / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                ticks = round(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - ticks, packet.dts - ticks, stream
                output.mux(packet)
    return path


def claiming(folder: Path, frames: int):
    """An MP4 whose index claims to have so many frames, of a byte each."""
    path = silent(folder)
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(b"stts") + 12, frames)
    struct.pack_into(">I", data, data.index(b"stsc") + 16, frames)
    struct.pack_into(">II", data, data.index(b"stsz") + 8, 1, frames)
    path.write_bytes(data)
    return path


REORDERED = {"preset": "veryfast", "bf": "3", "b-adapt": "0", "g": "250"}
"""For libx264: B-frames throughout, and one key frame for all of a short clip."""


def joined(*parts: Path):
    """The files, one after the other, as one."""
    path = parts[0].with_name("joined" + parts[0].suffix)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def mpegts(folder: Path, name="clip.ts", *, pid=256, **changes):
    """MPEG-TS whose streams have the identifiers from `pid` on, with one key frame a file."""
    muxing = {"mpegts_start_pid": str(pid), "mpegts_pmt_start_pid": str(pid + 4000)}
    return make_clip(folder / name, **{"options": REORDERED, "muxing": muxing} | changes)


def ten_bit(folder: Path, transfer=1):
    """10 bits a sample; `transfer` 16 makes it HDR10's PQ in BT.2020."""
    colours = (9, 9, transfer) if transfer != 1 else (1, 1, 1)
    return make_clip(
        folder / "ten.mp4", codec="libx265", pix_fmt="yuv420p10le", seconds=Fraction(1, 2), colours=colours
    )


def sound_only(folder: Path):
    """An M4A without a picture."""
    path = folder / "song.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        for frame in _tone(1, SAMPLE_RATE, Fraction(0), "stereo"):
            output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    return path


def song_with_cover(folder: Path):
    """An MP3 with the picture of its sleeve."""
    path = folder / "song.mp3"
    with av.open(str(path), "w") as output:
        sound = output.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="stereo")
        cover = output.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "gray"
        cover.disposition = av.stream.Disposition.attached_pic
        output.mux(cover.encode(picture(0, 64, 64, "gray")))
        for frame in _tone(1, SAMPLE_RATE, Fraction(0), "stereo"):
            output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    return path


def empty(folder: Path):
    """Zero bytes."""
    path = folder / "empty.mp4"
    path.touch()
    return path


def text(folder: Path):
    """A letter that calls itself a video."""
    path = folder / "letter.mp4"
    path.write_text("Dear editor,\nplease find the cut attached.\n" * 40)
    return path


def playlist(folder: Path, target: str):
    """An HLS playlist of one segment at `target`, a path or an address."""
    path = folder / "playlist.mp4"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n")
    return path


def half(folder: Path, *, index_first):
    """The first half of an MP4 whose index (moov) stood first, or last and so is missing."""
    whole = mp4(folder, movflags="+faststart" if index_first else None)
    path = folder / "half.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def huge_png(folder: Path, side=12_000):
    """A valid PNG of side × side pixels in a few kilobytes: one grey plane, compressed as it is made."""
    path = folder / "huge.png"
    packer = zlib.compressobj(9)
    row = bytes(1 + side)
    data = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b""))
    return path


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def box_kinds(path: Path):
    """Name an MP4's outermost boxes in their order."""
    data, position, kinds = path.read_bytes(), 0, []
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        kinds.append(kind.decode())
        position += length or len(data)
    return kinds
