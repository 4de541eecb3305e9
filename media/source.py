"""Opening a stranger's file: only containers of real media, only from the file itself, only streams we can decode."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from domain.media import Limits, Refusal, RefusedMedia
from media.sniff import refuse_pixels

# Containers that carry their own media. What follows references (HLS, DASH, concat, SDP, image sequences) is left out;
# what can only hold sound is in, so that the answer to it is "no video" and not "not media".
_FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,dv,ivf,mp3,wav,flac,aac,aiff,ac3,eac3,amr"
_MAX_STREAMS = 64


@dataclass(frozen=True, slots=True)
class Source:
    """An open file and the streams of it that count. `audio` is None where there is no sound."""

    container: InputContainer
    video: VideoStream
    audio: AudioStream | None

    def packets(self, *streams: Stream) -> "Iterator[Packet[Stream]]":
        """Read the packets of `streams` in the file's order, then an empty one for each, which flushes its decoder.

        A place where the file cannot be read further ends the packets, as its end would. Streams that turn up on the
        way are not read.
        """
        reader = self.container.demux(streams)
        while True:
            try:
                packet = next(reader, None)
            except av.error.MemoryError:
                raise
            except av.FFmpegError:
                break
            except IndexError:  # PyAV, at the end, when streams have turned up that the file did not begin with
                break
            if packet is None:
                return
            yield packet
        for stream in streams:
            end: Packet[Stream] = Packet()
            end.stream = stream
            yield end


def decode(packet: "Packet[Stream]") -> list[VideoFrame | AudioFrame] | None:
    """Decode one packet; None where its decoder fails, which it does under many names. Raises MemoryError."""
    try:
        return [frame for frame in packet.decode() if isinstance(frame, (VideoFrame, AudioFrame))]
    except av.error.EOFError:
        return []  # flushed twice
    except av.error.MemoryError:
        raise
    except av.FFmpegError:
        return None


@contextmanager
def open_source(path: Path, limits: Limits) -> Iterator[Source]:
    """Open `path` for reading; its decoders are bounded in pixels and threads.

    Raises RefusedMedia with NOT_MEDIA, NO_VIDEO, UNKNOWN_CODEC, TOO_MANY_PIXELS or TOO_MANY_STREAMS.
    """
    options = {
        "format_whitelist": _FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(limits.max_pixels),
    }
    try:
        container = av.open(str(path), options=options, metadata_errors="replace")
    except av.error.MemoryError:
        raise
    except av.FFmpegError as error:
        raise RefusedMedia(Refusal.NOT_MEDIA) from error
    with container:
        if len(container.streams) > _MAX_STREAMS:
            raise RefusedMedia(Refusal.TOO_MANY_STREAMS, streams=len(container.streams), limit=_MAX_STREAMS)
        source = Source(container, _choose_video(container), _choose_audio(container))
        refuse_pixels(source.video.width, source.video.height, limits.max_pixels)
        for stream in (source.video, source.audio):
            if stream is not None:
                _bound(stream, limits)
        yield source


def _choose_video(container: InputContainer) -> VideoStream:
    """Take the best moving picture; the cover of a song is not one."""
    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        raise RefusedMedia(Refusal.NO_VIDEO)
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in moving else moving[0]
    _require_decoder(stream)
    return stream


def _choose_audio(container: InputContainer) -> AudioStream | None:
    """Take the best sound that can be decoded; sound that nobody can decode is refused, not silently lost."""
    sounds = container.streams.audio
    if not sounds:
        return None
    best = container.streams.best("audio")
    if isinstance(best, AudioStream) and _has_decoder(best):
        return best
    decodable = [stream for stream in sounds if _has_decoder(stream)]
    if not decodable:
        _require_decoder(sounds[0])
    return decodable[0]


def _has_decoder(stream: Stream) -> bool:
    # PyAV gives a stream without a decoder no codec context, whatever its type stub says.
    return bool(stream.codec_context)


def _require_decoder(stream: Stream) -> None:
    if not _has_decoder(stream):
        raise RefusedMedia(Refusal.UNKNOWN_CODEC, codec=stream.type)


def _bound(stream: VideoStream | AudioStream, limits: Limits) -> None:
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels)} if stream.type == "video" else {}
    stream.codec_context.thread_count = limits.threads
