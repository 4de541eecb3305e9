"""Threads: for whom they are, which whatever hangs on them says itself."""

from collections.abc import Collection
from uuid import UUID

from domain.comments import CommentVisibility
from models.comments import Comment
from models.database import raw_connection
from models.notifications import Notification
from models.remarks import of_threads

_HOLD_UPLOADS = "SELECT job_id FROM uploads WHERE comment_id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
_HOLD_JOBS = "SELECT id FROM jobs WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
_HOLD_ANSWERS = "SELECT id FROM comments WHERE parent_id = $1 ORDER BY id FOR UPDATE"
_SHOW = """
WITH said AS (UPDATE comments SET visibility = $2 WHERE id = ANY($1)),
    edited AS (UPDATE comment_edits SET visibility = $2 WHERE comment_id = ANY($1)),
    sent AS (UPDATE uploads SET visibility = $2 WHERE comment_id = ANY($1) RETURNING job_id)
UPDATE jobs SET visibility = $2 WHERE id = ANY(ARRAY(SELECT job_id FROM sent WHERE job_id IS NOT NULL))
"""
_KEPT_BACK = """
SELECT id FROM comments WHERE id = ANY($1) AND visibility <> $2
UNION ALL SELECT id FROM uploads WHERE id = ANY($1) AND visibility <> $2
UNION ALL SELECT id FROM jobs WHERE id = ANY($1) AND visibility <> $2
"""


async def hold_images(thread_id: UUID) -> None:
    """Holds what was sent for images in a thread, and what is made of it: before the thread, as all others do."""
    comment_ids = await of_threads([thread_id])
    async with raw_connection() as connection:
        jobs = await connection.fetch(_HOLD_UPLOADS, comment_ids)
        await connection.execute(_HOLD_JOBS, [row["job_id"] for row in jobs if row["job_id"] is not None])


async def show(thread: Comment) -> None:
    """Has all that hangs on a thread, which must be held, be for whom the thread is, as does what is told of it."""
    async with raw_connection() as connection:
        answers = await connection.fetch(_HOLD_ANSWERS, thread.id)
        comment_ids = [thread.id, *(row["id"] for row in answers)]
        await connection.execute(_SHOW, comment_ids, thread.visibility.value)
    await Notification.follow_thread(thread, comment_ids)


async def kept_back(row_ids: Collection[UUID]) -> set[UUID]:
    """Those of these comments, uploads and jobs that are not for everybody in their team."""
    async with raw_connection() as connection:
        found = await connection.fetch(_KEPT_BACK, list(row_ids), CommentVisibility.OPEN.value)
    return {row["id"] for row in found}
