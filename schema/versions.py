"""Versions: immutable renditions of a video."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

import models
from domain.comments import ThreadState
from domain.errors import Conflict
from plan import Connection, Depends, Node, batch, column, computed, count_of, list_of, node, to_many, to_one
from plan.scalars import SafeInt
from resolvers import versions
from schema.context import Info
from schema.enums import Action
from schema.fields import for_caller, mutation
from schema.ids import uuid_of
from schema.rights import rights
from schema.threads import CommentFilter, opening

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.comments import Comment
    from schema.videos import Video


@strawberry.type(description="An exact fraction.")
class Rational:
    """Frame rates, exactly."""

    numerator: int = strawberry.field(description="Above the line.")
    denominator: int = strawberry.field(description="Below the line; never 0.")


def _rational(numerator: int, denominator: int) -> Rational:
    return Rational(numerator=numerator, denominator=denominator)


def _frames_known(variable: bool, table_id: UUID | None) -> bool:  # noqa: FBT001 - columns
    return table_id is not None or not variable


@node(table=models.Version, visible=models.Version.visible_to)
class Version(Node):
    """One rendition of a video. It never changes."""

    viewer_can: list[Action] = rights("version", "comment")
    number: int = column(description="1, 2, 3 … within its video, without gaps.")
    video: Video = to_one("video_id", description="The video it is a version of.")
    created_by: User | None = to_one("created_by_id", description="Who made it; null if you share no team any more.")
    created_at: datetime = column(description="When it came to be.")
    change_description: str = column(
        description="What has changed, in the maker's words; may be empty.", characters=1000
    )
    restored_from: Version | None = to_one(
        "restored_from_id", description="The version it was restored from, if it was."
    )

    restorations: list[Version] = list_of(
        "restored_from_id", order="number", most=20, description="The first versions that were restored from it."
    )

    file_name: str = column(description="The name that the file came with.")
    size: SafeInt = column(description="The file's size in bytes.")
    sha256: str = column(description="The file's SHA-256 in hexadecimal.")
    container: str = column(description="The file's container format.")
    duration_ms: int = column(description="Length in milliseconds.")
    width: int = column(description="Width in pixels as shown, after rotation.")
    height: int = column(description="Height in pixels as shown, after rotation.")
    rotation: int = column(description="By how many degrees clockwise the stored picture is turned to be upright.")
    frame_rate: Rational = computed(
        "frame_rate_numerator",
        "frame_rate_denominator",
        by=_rational,
        description="Frames per second: exact where the rate is constant, the average where it varies.",
    )
    variable_frame_rate: bool = column(description="Whether the time between frames varies.")
    frame_count: SafeInt = column(description="How many frames it has.")
    frames_known: bool = computed(
        "variable_frame_rate",
        "frame_table_id",
        by=_frames_known,
        description="Whether it is known which frame is on screen when, so that comments have frames and can be put at "
        "them. False only for uploads of a variable rate from before that was kept.",
    )
    video_codec: str = column(description="The codec of the picture.")
    audio_codec: str | None = column(description="The codec of the sound; null without sound.")
    audio_channels: int | None = column(description="1 for mono, 2 for stereo …; null without sound.")
    audio_sample_rate: int | None = column(description="Samples of the sound per second; null without sound.")
    bit_rate: SafeInt = column(description="Bits per second, of the whole file.")

    original_url: str = batch(
        "file_key",
        "file_name",
        by=for_caller(versions.original_urls),
        depends=Depends.NOTHING,
        description="Downloads the file as it came. Signed, expires; takes range requests.",
    )
    proxy_url: str = batch(
        "proxy_key",
        by=for_caller(versions.proxy_urls),
        depends=Depends.NOTHING,
        description="Plays an H.264/AAC rendition in any browser. Signed, expires; takes range requests.",
    )
    poster_url: str = batch(
        "poster_key",
        by=for_caller(versions.poster_urls),
        depends=Depends.NOTHING,
        description="A still picture, JPEG. Signed, expires.",
    )

    comments: Connection[Comment] = to_many(
        "version_id",
        order="start_ms",
        filters=CommentFilter,
        where=opening,
        description="The comments that open a thread, by the moment they are about.",
    )
    thread_count: int = count_of("comments", description="How many threads it has: comments without the answers.")
    open_thread_count: int = count_of("comments", state=ThreadState.OPEN, description="How many of them are open.")
    resolved_thread_count: int = count_of(
        "comments", state=ThreadState.RESOLVED, description="How many of them are resolved."
    )


@strawberry.type
class VersionMutations:
    """The mutations of versions."""

    @mutation(
        "version:create",
        answers=Version,
        fails=(Conflict,),
        description="Makes an older version the newest again, as a new version; no bytes are copied, nothing is lost.",
    )
    async def restore_version(
        self,
        info: Info,
        id: strawberry.ID,
        change_description: Annotated[
            str | None, strawberry.argument(description="Why, for the history; at most 1,000 characters.")
        ] = None,
    ) -> models.Version:
        return await versions.restore(
            info.context.caller, version_id=uuid_of(Version, id, "id"), change_description=change_description
        )
