"""Teams and their members."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import models
from domain.permissions import Role
from domain.videos import VideoOrder
from plan import Connection, Node, column, count_of, node, to_many, to_one
from schema.audit import AuditFilter, matching
from schema.enums import Action
from schema.rights import rights
from schema.videos import VideoFilter

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.audit import AuditEntry
    from schema.videos import Video


@node(table=models.Team, visible=models.Team.visible_to)
class Team(Node):
    """A team owns everything: videos, versions, uploads. Whoever is not in it cannot tell that it exists."""

    viewer_can: list[Action] = rights("team", "video", "audit", team="id")
    name: str = column(description="The team's name.")
    created_at: datetime = column(description="When it was made.")
    members: Connection[Member] = to_many("team_id", order="created_at", description="Who is in it, the oldest first.")
    member_count: int = count_of("members", description="How many are in it.")
    videos: Connection[Video] = to_many(
        "team_id",
        order="-created_at",
        filters=VideoFilter,
        where=models.Video.matching,
        orders={VideoOrder.NEWEST: "-created_at", VideoOrder.OLDEST: "created_at"},
        description="The library, usually newest first. What is in the trash is left out unless asked for.",
    )
    audit_log: Connection[AuditEntry] = to_many(
        "team_id",
        order="-created_at",
        filters=AuditFilter,
        where=matching,
        description="What its people have done, the newest first; empty for who is neither an owner nor an admin.",
    )
    video_count: int = count_of("videos", description="How many videos are in the library, the trash left out.")


@node(table=models.Member, visible=models.Member.visible_to)
class Member(Node):
    """A person's place in a team."""

    viewer_can: list[Action] = rights("team")
    role: Role = column(description="What they may do.")
    user: User = to_one("user_id", description="Who it is.")
    team: Team = to_one("team_id", description="Where it is.")
    created_at: datetime = column(description="When they came in.")
