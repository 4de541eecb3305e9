"""Rows of mentions: of twenty comments one mentions whoever made the video."""

import asyncpg

from local.large.filling import Report, timed

_OF_MAKERS = """
WITH made AS (
    SELECT comments.*, videos.created_by_id AS maker_id, row_number() OVER (ORDER BY comments.id) AS number
    FROM comments JOIN videos ON videos.id = video_id
)
INSERT INTO mentions (id, created_at, team_id, created_by_id, comment_id, user_id, told_at)
SELECT md5('mentioned in ' || id)::uuid, created_at, team_id, created_by_id, id, maker_id, created_at
FROM made WHERE number % 20 = 0
"""


async def write(connection: asyncpg.Connection, report: Report) -> None:
    """Of the videos and comments that are in the database already."""
    with timed(report, "mentions"):
        await connection.execute(_OF_MAKERS)
