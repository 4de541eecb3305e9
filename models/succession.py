"""What becomes of teams when somebody goes."""

from uuid import UUID

from models.database import raw_connection
from models.teams import Team

# Those who own a team together and go at once take turns here, and with whoever changes who is in it.
_HOLD = """
SELECT t.id FROM teams t JOIN members m ON m.team_id = t.id WHERE m.user_id = $1 ORDER BY t.id FOR UPDATE OF t
"""
_ORPHANS = """
SELECT m.team_id FROM members m WHERE m.user_id = $1 AND m.role = 'owner'
AND EXISTS (SELECT FROM members o WHERE o.team_id = m.team_id AND o.user_id <> $1)
AND NOT EXISTS (
    SELECT FROM members o JOIN users u ON u.id = o.user_id
    WHERE o.team_id = m.team_id AND o.user_id <> $1 AND o.role = 'owner' AND u.deletion_at IS NULL
)
"""
_ALONE = """
SELECT m.team_id FROM members m WHERE m.user_id = $1
AND NOT EXISTS (SELECT FROM members o WHERE o.team_id = m.team_id AND o.user_id <> $1)
"""


async def orphaned_by(user_id: UUID) -> list[Team]:
    """The teams with other members that nobody would own if this person went; one who is going anyway does not count.

    Who owns the person's teams cannot change before the transaction ends.
    """
    async with raw_connection() as connection:
        await connection.fetch(_HOLD, user_id)
    return await _teams(_ORPHANS, user_id)


async def lonely_after(user_id: UUID) -> list[Team]:
    """The teams in which there is nobody but this person."""
    return await _teams(_ALONE, user_id)


async def _teams(text: str, user_id: UUID) -> list[Team]:
    async with raw_connection() as connection:
        found = [row["team_id"] for row in await connection.fetch(text, user_id)]
    return await Team.filter(id__in=found).order_by("name", "id") if found else []
