"""Rows of jobs and uploads: one of each for every version that was not restored, and a few that came to nothing."""

import json
import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from asyncpg.pgproto.pgproto import UUID

from domain.jobs import JobFault, JobKind, JobState, Queue
from domain.uploads import UploadState
from local.large.keys import LASTING, Kind, Numbers, ids, moment
from local.large.shape import Shape
from local.large.tables import Table, columns, moments, picked

QUEUE_MS = 10_000
"""How long each job waited."""
_UPLOAD_MS, _WORK_MS = 120_000, 50_000
_PART = 16 * 1024**2
STATES = (JobState.SUCCEEDED, JobState.FAILED, JobState.QUEUED, JobState.RUNNING)


class Work:
    """The jobs in order: for each the version it was for, and its state as a place in `STATES`.

    Each has an upload. Behind these there are uploads that nobody has completed yet.
    """

    def __init__(self, library: Shape) -> None:
        made = np.flatnonzero(library.versions.restored_from < 0)
        groups = (made, made[::100], made[-30:], made[-10:])
        version, state = np.concatenate(groups), np.repeat(np.arange(len(STATES)), list(map(len, groups)))
        order = np.argsort(library.versions.moments[version], kind="stable")
        self.version, self.state = version[order], state[order]
        self.moments = library.versions.moments[self.version] - QUEUE_MS - _WORK_MS
        self.ids: list[UUID] = ids(Kind.JOB, self.moments)
        self.uploaded = np.concatenate((self.version, made[::1000]))
        self.upload_moments = library.versions.moments[self.uploaded] - QUEUE_MS - _WORK_MS - _UPLOAD_MS
        self.upload_ids: list[UUID] = ids(Kind.UPLOAD, self.upload_moments)


@lru_cache(maxsize=1)
def work(library: Shape) -> Work:
    """The jobs and uploads of the library."""
    return Work(library)


def tables(library: Shape) -> list[Table]:
    """Jobs, and then the uploads that refer to them."""
    return [_jobs(library, work(library)), _uploads(library, work(library))]


def _owners(library: Shape, version: Numbers) -> tuple[Iterator[UUID], Iterator[UUID], Iterator[UUID]]:
    """Team, person and video of each version."""
    versions, videos, people = library.versions, library.videos, library.people
    video = versions.video[version]
    return (
        picked(people.team_ids, videos.team[video]),
        picked(people.user_ids, versions.user[version]),
        picked(videos.ids, video),
    )


def _jobs(library: Shape, done: Work) -> Table:
    owned = zip(done.ids, moments(done.moments), *_owners(library, done.version), strict=True)
    payloads = (json.dumps({"upload_id": str(upload)}) for upload in done.upload_ids)
    courses = map(_course, done.state.tolist(), done.moments.tolist())
    rows = (
        (*owner, JobKind.INGEST, Queue.MEDIA, payload, 1, 0, "{}", *course)
        for owner, payload, course in zip(owned, payloads, courses, strict=False)
    )
    names = (
        "id created_at team_id created_by_id video_id kind queue payload attempt failures failure_params"
        " state available_at started_at ended_at lease_token lease_until percent failure_code"
    )
    return Table("jobs", columns(names), rows, len(done.ids))


def _course(state: int, asked: int) -> tuple[Any, ...]:
    """How a job went: state, available, started, ended, lease's token and end, percent, code of failure."""
    began, ended = moment(asked + QUEUE_MS), moment(asked + QUEUE_MS + _WORK_MS)
    match STATES[state]:
        case JobState.SUCCEEDED:
            return JobState.SUCCEEDED, moment(asked), began, ended, None, None, 100, None
        case JobState.FAILED:
            return JobState.FAILED, moment(asked), began, ended, None, None, 40, JobFault.UPLOAD_LOST
        case JobState.QUEUED:
            return JobState.QUEUED, LASTING, None, None, None, None, 0, None
        case running:
            return running, moment(asked), began, None, uuid.UUID(int=asked), LASTING, 40, None


def _uploads(library: Shape, done: Work) -> Table:
    owned = zip(done.upload_ids, moments(done.upload_moments), *_owners(library, done.uploaded), strict=True)
    jobs = [*done.ids, *[None] * (len(done.uploaded) - len(done.ids))]
    versions = _versions_to_be(library, done)
    rows = (
        (*owner, job, version, UploadState.COMPLETED if job else UploadState.OPEN, "cut.mp4", "", _PART, _PART, "{}",
         f"uploads/{owner[0]}", "none", LASTING)
        for owner, job, version in zip(owned, jobs, versions, strict=True)
    )  # fmt: skip
    names = (
        "id created_at team_id created_by_id video_id job_id version_id state file_name change_description size"
        " part_size checksums storage_key storage_upload_id expires_at"
    )
    return Table("uploads", columns(names), rows, len(done.uploaded))


def _versions_to_be(library: Shape, done: Work) -> Iterator[UUID]:
    """The version that each upload has become, or would."""
    for place, version in enumerate(done.uploaded.tolist()):
        became = place < len(done.state) and STATES[done.state[place]] is JobState.SUCCEEDED
        yield library.versions.ids[version] if became else done.upload_ids[place]
