"""What moments of versions are called: the frame that is on screen, and its time code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

import models
from domain.frames import Frames
from domain.moments import Moments
from plan import Depends, Row, batch, node_of
from schema.context import Context
from schema.versions import Version

Called = Callable[[Moments, int], Any]
"""What a moment of a version is called."""


def place(called: Called, moment: str, description: str) -> Any:
    """What the moment in the column `moment` is called. The versions of all comments are read at once."""

    async def by(context: Context, rows: Sequence[Any]) -> list[Any]:
        known = await _moments(context, {row["version_id"] for row in rows if row[moment] is not None})
        places = ((known.get(row["version_id"]), row[moment]) for row in rows)
        return [None if of is None or ms is None else called(of, ms) for of, ms in places]

    return batch("version_id", moment, by=by, reads=True, depends=Depends.ROLE, description=description)


async def _moments(context: Context, version_ids: Collection[UUID]) -> dict[UUID, Moments]:
    """Those of the versions that the viewer may see."""
    versions = context.reader.ones(node_of(Version))
    for coming in versions.ask(version_ids):
        await coming
    found = [version for version in versions.sound(version_ids) if version is not None]
    table_ids = {version["frame_table_id"] for version in found} - {None}
    tables = await models.FrameTable.read(context.reader.fetch, table_ids)
    return {version["id"]: _moments_of(version, tables.get(version["frame_table_id"])) for version in found}


def _moments_of(version: Row, listed: Frames | None) -> Moments:
    rate = Fraction(version["frame_rate_numerator"], version["frame_rate_denominator"])
    return Moments.of(rate, version["frame_count"], variable=version["variable_frame_rate"], listed=listed)
