"""Rows of notifications: who made a video is told of the latest comment on it, and has read nine of ten."""

import asyncpg

from local.large.filling import Report, timed

_OF_COMMENTS = """
INSERT INTO notifications (
    id, created_at, user_id, kind, about_id, team_id, video_id, comment_id, people, count, latest_at, position,
    mailed_position, read_at
)
SELECT md5('notified of ' || videos.id)::uuid, latest.created_at, videos.created_by_id, 'comment', videos.id,
    videos.team_id, videos.id, latest.id, ARRAY[latest.created_by_id::text], 1, latest.created_at, 1, 1,
    CASE WHEN row_number() OVER (ORDER BY videos.id) % 10 > 0 THEN now() END
FROM videos JOIN (
    SELECT DISTINCT ON (video_id) id, video_id, created_at, created_by_id FROM comments
    ORDER BY video_id, created_at DESC, id DESC
) AS latest ON latest.video_id = videos.id
"""


async def write(connection: asyncpg.Connection, report: Report) -> None:
    """Of the videos and comments that are in the database already, which have no indexes yet: each is read once."""
    with timed(report, "notifications"):
        await connection.execute(_OF_COMMENTS)
