"""Enums of the domain as GraphQL enums, each value described."""

from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from domain.errors import ProblemCode
from domain.jobs import JobKind, JobState
from domain.media import IngestStep
from domain.permissions import Role
from domain.videos import VideoStatus
from models.uploads import UploadState

E = TypeVar("E", bound=type[Enum])


def describe(enum: E, description: str, **values: str) -> None:
    """Makes `enum` a GraphQL enum; every member must be described by its name."""
    strawberry.enum(enum, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]


describe(
    ProblemCode,
    "The kinds of problem; a client may switch on these.",
    UNAUTHENTICATED="Nobody is signed in, or the session has ended: sign in and try again.",
    FORBIDDEN="The viewer's role in the team does not allow it.",
    NOT_FOUND="It does not exist, or the viewer may not know that it does.",
    INVALID="An input value breaks a rule; `path` says which.",
    CONFLICT="The thing is in a state that does not allow this now.",
    UNAVAILABLE="A service that this needs is down; the same request may succeed later.",
)
describe(
    Role,
    "What a member may do in a team.",
    OWNER="Everything.",
    ADMIN="The team, and everything an editor may.",
    EDITOR="Create, edit and delete.",
    VIEWER="View and comment.",
)
describe(
    VideoStatus,
    "How far a video has come.",
    DRAFT="It has no version yet.",
    READY="It has at least one version.",
)
describe(
    UploadState,
    "Where an upload stands.",
    OPEN="It takes parts.",
    COMPLETED="All parts are there; a job makes a version of them.",
    DISCARDED="It was given up, or has expired.",
)
describe(
    JobKind,
    "What a job does.",
    INGEST="Makes a version of an upload.",
    SIGN_IN_MAIL="Mails a sign-in link.",
    DISCARD_UPLOAD="Throws away what an upload left behind.",
    PURGE_VIDEO="Removes a video that has been in the trash for too long.",
)
describe(
    JobState,
    "Where a job stands.",
    QUEUED="It waits for a worker.",
    RUNNING="A worker is at it.",
    SUCCEEDED="It did what it was for.",
    FAILED="It ended without its result; `failure` says why.",
    CANCELLED="Somebody ended it.",
)
describe(
    IngestStep,
    "The steps of making a version of an upload, in their order.",
    DOWNLOAD="Fetching the file from storage.",
    VERIFY="Computing and comparing its SHA-256.",
    PROBE="Reading what it is.",
    POSTER="Making the still picture.",
    PROXY="Making the rendition that every browser plays.",
    STORE="Putting the results into storage.",
)
