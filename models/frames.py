"""When each frame of a version is on screen, where no rate says it: tables apart, which ordinary reads never load."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from domain.frame_tables import Listed
from models.base import TeamRow, owned_by
from models.videos import Video

_READ = "SELECT id, packed FROM frame_tables WHERE id = ANY($1::uuid[])"


class FrameTable(TeamRow):
    """The frames of one file. It never changes, and versions that share a file share it."""

    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    packed = fields.BinaryField()
    """As `domain.frame_tables.packed` makes it."""

    class Meta:
        table = "frame_tables"
        indexes = [
            Index(fields=["team_id"], name="idx_frame_tables_team"),
            Index(fields=["video_id"], name="idx_frame_tables_video"),
        ]

    @staticmethod
    async def read(
        fetch: Callable[[str, Sequence[Any]], Awaitable[Sequence[Any]]], table_ids: Collection[UUID]
    ) -> Mapping[UUID, Listed]:
        """The frames by these tables: at most one statement, for those not used lately.

        Whoever asks must have seen a version that has the table.
        """
        found = {table_id: listed for table_id in table_ids if (listed := _LATELY.find(table_id)) is not None}
        if missing := [table_id for table_id in table_ids if table_id not in found]:
            for row in await fetch(_READ, [missing]):
                found[row["id"]] = _LATELY.put(row["id"], Listed(row["packed"]))
        return found


class Lately:
    """The tables that were used last, as many as have `most` bytes together: a process keeps no more of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[UUID, Listed] = OrderedDict()
        self.bytes = 0

    def find(self, table_id: UUID) -> Listed | None:
        """The table, if it is kept."""
        if table_id in self._kept:
            self._kept.move_to_end(table_id)
        return self._kept.get(table_id)

    def put(self, table_id: UUID, listed: Listed) -> Listed:
        """Keeps a table, and answers it."""
        if table_id not in self._kept:
            self._kept[table_id] = listed
            self.bytes += listed.bytes
        while self.bytes > self._most:
            self.bytes -= self._kept.popitem(last=False)[1].bytes
        return listed


_LATELY = Lately(32 << 20)
"""A hundred tables of four hours at 60 frames a second, or thousands of usual ones."""
