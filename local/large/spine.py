"""Rows of events: what was recorded while the library came about. Of the comments only the newest are told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import orjson

from domain.events import CommentCreated, Event, JobQueued, JobStarted, JobSucceeded, VersionCreated, VideoCreated
from domain.events.comments import OPEN
from domain.jobs import JobState, Queue
from local.large.keys import Kind, Numbers, ids, moment
from local.large.shape import Shape
from local.large.tables import Table, columns
from local.large.work import QUEUE_MS, STATES, work

UNPOSITIONED = 20
"""Events that wait for the relay: the newest."""

Told: TypeAlias = tuple[int, UUID | None, dict[str, str | None], dict[str, Any]]
"""The place of the video, who did it, what it is about (noun → id, in the order of the event's fields), what else."""


@dataclass(frozen=True, slots=True)
class Story:
    """Events of one type: when each happened, which row it is of, and what is told of a row."""

    event: type[Event]
    moments: Numbers
    places: Numbers
    tell: Callable[[int], Told]


def table(library: Shape, *, begin: int) -> Table:
    """The events; the first has the position `begin`, the last ones have none yet."""
    names = "id created_at position type version team_id actor_id subjects payload recorded_at"
    return Table("events", columns(names), _rows(library, begin), library.sizes.events)


def _rows(library: Shape, begin: int) -> Iterator[tuple[Any, ...]]:
    stories = _Stories(library).all(library.sizes.events)
    moments = np.concatenate([story.moments for story in stories])
    story_of = np.repeat(np.arange(len(stories)), [len(story.places) for story in stories])
    places = np.concatenate([story.places for story in stories])
    order = np.argsort(moments, kind="stable")
    moments, story_of, places = moments[order], story_of[order].tolist(), places[order].tolist()
    teams, team_of = list(map(str, library.people.team_ids)), library.videos.team.tolist()
    positions = [*range(begin, begin + len(order) - UNPOSITIONED), *[None] * UNPOSITIONED]
    heads = zip(ids(Kind.EVENT, moments), map(moment, moments.tolist()), positions, strict=True)
    for (event_id, at, position), which, place in zip(heads, story_of, places, strict=True):
        event = stories[which].event
        video, actor, about, more = stories[which].tell(place)
        team = teams[team_of[video]]
        subjects = [f"team:{team}", *(f"{noun}:{row}" for noun, row in about.items() if row)]
        payload = orjson.dumps({**{f"{noun}_id": row for noun, row in about.items()}, **more}).decode()
        yield event_id, at, position, event.type, event.version, team, actor, subjects, payload, at


class _Stories:
    """What is told of each kind of row."""

    def __init__(self, library: Shape) -> None:
        self._library, self._work = library, work(library)
        self._users: list[UUID] = library.people.user_ids
        self._videos = list(map(str, library.videos.ids))
        self._versions = list(map(str, library.versions.ids))
        self._jobs = list(map(str, self._work.ids))
        self._video_of = library.versions.video.tolist()
        self._job_of = dict(self._jobs_of_versions())

    def all(self, count: int) -> list[Story]:
        """So many events in all."""
        videos, versions, done = self._library.videos, self._library.versions, self._work
        ended = np.flatnonzero(done.state == STATES.index(JobState.SUCCEEDED))
        of_versions = versions.moments[done.version[ended]]
        stories = [
            Story(VideoCreated, videos.moments, np.arange(len(videos.moments)), self._video),
            Story(JobQueued, done.moments[ended], ended, self._queued),
            Story(JobStarted, done.moments[ended] + QUEUE_MS, ended, self._started),
            Story(VersionCreated, versions.moments, np.arange(len(versions.moments)), self._version),
            Story(JobSucceeded, of_versions, ended, self._succeeded),
        ]
        comments = self._library.comments.moments
        newest = np.arange(len(comments))[-(count - sum(len(story.places) for story in stories)) :]
        return [*stories, Story(CommentCreated, comments[newest], newest, self._comment)]

    def _jobs_of_versions(self) -> Iterator[tuple[int, str]]:
        for version, state, job in zip(self._work.version.tolist(), self._work.state.tolist(), self._jobs, strict=True):
            if STATES[state] is JobState.SUCCEEDED:
                yield version, job

    def _video(self, place: int) -> Told:
        maker = self._users[self._library.videos.user[place]]
        return place, maker, {"video": self._videos[place]}, {"title": f"Video {place}"}

    def _version(self, place: int) -> Told:
        versions, video = self._library.versions, self._video_of[place]
        about = {"video": self._videos[video], "version": self._versions[place], "job": self._job_of.get(place)}
        return video, self._users[versions.user[place]], about, {"number": int(versions.number[place])}

    def _queued(self, place: int) -> Told:
        video, job = self._job(place)
        return video, None, {"job": job}, {"queue": Queue.MEDIA, "attempt": 1}

    def _started(self, place: int) -> Told:
        video, job = self._job(place)
        return video, None, {"job": job}, {"attempt": 1}

    def _succeeded(self, place: int) -> Told:
        video, job = self._job(place)
        return video, None, {"job": job, "video": self._videos[video]}, {"visibility": OPEN}

    def _job(self, place: int) -> tuple[int, str]:
        return self._video_of[self._work.version[place]], self._jobs[place]

    def _comment(self, place: int) -> Told:
        comments = self._library.comments
        version, parent = int(comments.version[place]), int(comments.parent[place])
        video = self._video_of[version]
        about = {
            "video": self._videos[video],
            "version": self._versions[version],
            "comment": str(comments.ids[place]),
            "parent": str(comments.ids[parent]) if parent >= 0 else None,
        }
        return video, self._users[comments.user[place]], about, {"visibility": OPEN}
