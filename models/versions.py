"""Versions: immutable renditions of a video, v1, v2, v3 …"""

from fractions import Fraction
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from domain.frame_tables import Listed
from domain.ids import new_id
from domain.moments import Moments
from models.base import TeamRow, owned_by
from models.database import raw_connection
from models.frames import FrameTable
from models.indexes import PartialIndex
from models.videos import Video

FILE_FIELDS = (
    "file_name", "file_key", "proxy_key", "poster_key", "size", "sha256", "container", "duration_ms", "width", "height",
    "rotation", "frame_rate_numerator", "frame_rate_denominator", "variable_frame_rate", "frame_count", "video_codec",
    "audio_codec", "audio_channels", "audio_sample_rate", "bit_rate", "frame_table_id",
)  # fmt: skip
"""What a version knows of its file: the same for a version and for whatever is restored from it."""


class Version(TeamRow):
    """One version."""

    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    restored_from: fields.ForeignKeyNullableRelation["Version"] = fields.ForeignKeyField(
        "models.Version", related_name=False, null=True, db_index=False, on_delete=fields.SET_NULL
    )
    restored_from_id: UUID | None
    number = fields.IntField()
    change_description = fields.TextField(default="")

    file_name = fields.CharField(255)
    file_key = fields.CharField(500)
    proxy_key = fields.CharField(500)
    poster_key = fields.CharField(500)
    size = fields.BigIntField()
    sha256 = fields.CharField(64)
    container = fields.CharField(50)
    duration_ms = fields.BigIntField()
    width = fields.IntField()
    height = fields.IntField()
    rotation = fields.IntField()
    frame_rate_numerator = fields.IntField()
    frame_rate_denominator = fields.IntField()
    variable_frame_rate = fields.BooleanField()
    frame_count = fields.BigIntField()
    video_codec = fields.CharField(50)
    audio_codec = fields.CharField(50, null=True)
    audio_channels = fields.IntField(null=True)
    audio_sample_rate = fields.IntField(null=True)
    bit_rate = fields.BigIntField()
    frame_table: fields.ForeignKeyNullableRelation[FrameTable] = fields.ForeignKeyField(
        "models.FrameTable", related_name=False, null=True, db_index=False, on_delete=fields.RESTRICT
    )
    frame_table_id: UUID | None

    class Meta:
        table = "versions"
        unique_together = (("video_id", "number"),)
        indexes = [
            Index(fields=["team_id"], name="idx_versions_team"),
            Index(fields=["restored_from_id"], name="idx_versions_restored_from"),
            PartialIndex(
                fields=["frame_table_id"], name="idx_versions_frame_table", where="frame_table_id IS NOT NULL"
            ),
        ]

    async def moments(self) -> Moments:
        """What its moments are called as frames and time codes."""
        rate = Fraction(self.frame_rate_numerator, self.frame_rate_denominator)
        return Moments.of(rate, self.frame_count, variable=self.variable_frame_rate, listed=await self._listed())

    async def _listed(self) -> Listed | None:
        if self.frame_table_id is None:
            return None
        async with raw_connection() as connection:
            tables = await FrameTable.read(lambda text, values: connection.fetch(text, *values), [self.frame_table_id])
        return tables[self.frame_table_id]

    def restored(self, *, number: int, by: UUID, change_description: str) -> "Version":
        """A new version with this one's file: the keys are shared, no byte is copied."""
        shared: dict[str, Any] = {name: getattr(self, name) for name in FILE_FIELDS}
        return Version(
            id=new_id(),
            team_id=self.team_id,
            video_id=self.video_id,
            created_by_id=by,
            restored_from_id=self.id,
            number=number,
            change_description=change_description,
            **shared,
        )
