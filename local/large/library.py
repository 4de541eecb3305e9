"""Rows of videos, versions and comments."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from domain.videos import VideoStatus
from local.large.keys import Kind, generator
from local.large.shape import Shape
from local.large.tables import Table, columns, moments, picked, picked_or_none
from local.large.words import LANGUAGES, UNSPACED, Writer, lengths

_IN_TRASH = 0.03
_BATCH = 20_000
_DESCRIPTIONS = (40, 400)
"""Words of a description: the usual number and the most. Where words are not spaced, three times as many characters."""


def tables(library: Shape, now: datetime) -> list[Table]:
    """In an order in which each refers to earlier ones only. The trash was filled in the days before `now`."""
    return [_videos(library, now), _versions(library), _comments(library)]


def _videos(library: Shape, now: datetime) -> Table:
    videos, people, count = library.videos, library.people, library.sizes.videos
    statuses = (VideoStatus.READY if number else VideoStatus.DRAFT for number in videos.versions.tolist())
    places = zip(
        videos.ids,
        moments(videos.moments),
        picked(people.team_ids, videos.team),
        picked(people.user_ids, videos.user),
        statuses,
        videos.versions.tolist(),
        moments(videos.moments),
        _deletions(library, now),
        strict=True,
    )
    rows = ((*place, *text) for place, text in zip(places, _texts(count), strict=True))
    names = "id created_at team_id created_by_id status version_count updated_at deleted_at title description tags"
    return Table("videos", columns(names), rows, count)


def _texts(count: int) -> Iterator[tuple[str, str, list[str]]]:
    """Title, description and tags of each video."""
    random = generator(Kind.VIDEO)
    writer = Writer(random)
    languages = writer.languages(count)
    spread = [3 if LANGUAGES[language] in UNSPACED else 1 for language in languages]
    titles = writer.texts(languages, lengths(random, count, median=5, most=11))
    words = np.array(lengths(random, count, median=_DESCRIPTIONS[0], most=_DESCRIPTIONS[1])) * spread
    descriptions = writer.texts(languages, words.tolist())
    return zip(titles, descriptions, writer.tags(count), strict=True)


def _deletions(library: Shape, now: datetime) -> Iterator[datetime | None]:
    random = generator(Kind.VIDEO)
    drawn = random.random(library.sizes.videos)
    special = [library.special.video, *library.versions.video[[library.special.room, library.special.crowded]].tolist()]
    drawn[special] = 1
    return (now - timedelta(days=25) * (one / _IN_TRASH) if one < _IN_TRASH else None for one in drawn.tolist())


def _versions(library: Shape) -> Table:
    versions, videos, people = library.versions, library.videos, library.people
    places = zip(
        versions.ids,
        moments(versions.moments),
        picked(people.team_ids, videos.team[versions.video]),
        picked(people.user_ids, versions.user),
        picked(videos.ids, versions.video),
        picked_or_none(versions.ids, versions.restored_from),
        versions.number.tolist(),
        strict=True,
    )
    rows = ((*place, *file) for place, file in zip(places, _files(library), strict=True))
    names = "id created_at team_id created_by_id video_id restored_from_id number"
    return Table("versions", columns(f"{names} {_FILE}"), rows, library.sizes.versions)


_FILE = (
    "change_description file_name file_key proxy_key poster_key size sha256 container duration_ms width height rotation"
    " frame_rate_numerator frame_rate_denominator variable_frame_rate frame_count video_codec audio_codec"
    " audio_channels audio_sample_rate bit_rate"
)


def _files(library: Shape) -> Iterator[tuple[Any, ...]]:
    """What each version knows of its file. There are no such files in the store."""
    versions, videos, teams = library.versions, library.videos, library.people.team_ids
    for number, video, file, duration in zip(
        versions.number.tolist(),
        versions.video.tolist(),
        versions.file.tolist(),
        versions.durations.tolist(),
        strict=True,
    ):
        key = f"teams/{teams[videos.team[video]]}/videos/{videos.ids[video]}/versions/{versions.ids[file]}"
        yield (
            f"Fassung {number}" if number % 7 == 0 else "", f"cut-{number}.mp4",
            f"{key}/original", f"{key}/1/proxy.mp4", f"{key}/1/poster.jpg",
            duration * 1000, f"{file:064x}", "mp4", duration, 1920, 1080, 0, 25, 1, False, duration // 40,
            "h264", "aac", 2, 48_000, 8_000_000,
        )  # fmt: skip


def _comments(library: Shape) -> Table:
    comments, versions, videos, people = library.comments, library.versions, library.videos, library.people
    video = versions.video[comments.version]
    rows = zip(
        comments.ids,
        moments(comments.moments),
        picked(people.team_ids, videos.team[video]),
        picked(people.user_ids, comments.user),
        picked(videos.ids, video),
        picked(versions.ids, comments.version),
        picked_or_none(comments.ids, comments.parent),
        _bodies(len(video)),
        comments.start.tolist(),
        strict=True,
    )
    names = "id created_at team_id created_by_id video_id version_id parent_id body start_ms"
    return Table("comments", columns(names), rows, library.sizes.comments)


def _bodies(count: int) -> Iterator[str]:
    """What is said: some thousands at a time, since a million would not fit into a small machine's memory."""
    random = generator(Kind.COMMENT)
    writer = Writer(random)
    for begin in range(0, count, _BATCH):
        size = min(_BATCH, count - begin)
        yield from writer.texts(writer.languages(size), lengths(random, size, median=7, most=60))
