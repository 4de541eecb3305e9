"""Teams and their members."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from domain.errors import Conflict, Throttled
from domain.permissions import Role
from domain.videos import VideoOrder
from plan import Connection, Node, column, count_of, node, to_many, to_one
from resolvers import teams
from schema.audit import AuditFilter, matching
from schema.context import Info
from schema.enums import Action
from schema.fields import mutation
from schema.ids import uuid_of
from schema.invitations import InvitationFilter
from schema.rights import rights
from schema.videos import VideoFilter
from schema.webhooks import WebhookFilter

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.audit import AuditEntry
    from schema.invitations import Invitation
    from schema.videos import Video
    from schema.webhooks import Webhook


@node(table=models.Team, visible=models.Team.visible_to)
class Team(Node):
    """A team owns everything: videos, versions, uploads. Whoever is not in it cannot tell that it exists."""

    viewer_can: list[Action] = rights("team", "member", "video", "audit", "webhook", team="id")
    name: str = column(description="The team's name.")
    created_at: datetime = column(description="When it was made.")
    deletion_at: datetime | None = column(
        description="When it goes, with all that it has; null if nobody has asked for that. Until then it can be "
        "looked at and restored, and nothing in it changes."
    )
    members: Connection[Member] = to_many("team_id", order="created_at", description="Who is in it, the oldest first.")
    member_count: int = count_of("members", description="How many are in it.")
    invitations: Connection[Invitation] = to_many(
        "team_id",
        order="-created_at",
        filters=InvitationFilter,
        where=models.Invitation.matching,
        description="Who was asked to join, newest first. Empty for who may not invite.",
    )
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
    webhooks: Connection[Webhook] = to_many(
        "team_id",
        order="-created_at",
        filters=WebhookFilter,
        where=models.Webhook.matching,
        description="Where what happens in it is sent, newest first; empty for who is neither an owner nor an admin.",
    )
    video_count: int = count_of("videos", description="How many videos are in the library, the trash left out.")


@node(table=models.Member, visible=models.Member.visible_to)
class Member(Node):
    """A person's place in a team."""

    viewer_can: list[Action] = rights("member")
    role: Role = column(description="What they may do.")
    user: User = to_one("user_id", description="Who it is.")
    team: Team = to_one("team_id", description="Where it is.")
    created_at: datetime = column(description="When they came in.")


@strawberry.input(description="A new team.")
class CreateTeamInput:
    """Input of `createTeam`."""

    name: str = strawberry.field(description="1–100 characters on one line.")


@strawberry.input(description="A team's new name.")
class RenameTeamInput:
    """Input of `renameTeam`."""

    id: strawberry.ID = strawberry.field(description="Which team.")
    name: str = strawberry.field(description="1–100 characters on one line.")


@strawberry.input(description="What a member shall be.")
class ChangeRoleInput:
    """Input of `changeRole`."""

    member_id: strawberry.ID = strawberry.field(description="Which member.")
    role: Role = strawberry.field(description="At most your own.")


@strawberry.type(description="You are no longer in the team.")
class TeamLeft:
    """Payload of `leaveTeam`."""

    left: bool = strawberry.field(description="Always true.")


_MemberId = Annotated[strawberry.ID, strawberry.argument(description="Which member.")]


@strawberry.type
class TeamMutations:
    """The mutations of teams and their members."""

    @mutation("team:create", answers=Team, description="Makes a team, which you own.")
    async def create_team(self, info: Info, input: CreateTeamInput) -> models.Team:
        return await teams.create(info.context.caller, name=input.name)

    @mutation("team:rename", answers=Team, description="Gives a team another name.")
    async def rename_team(self, info: Info, input: RenameTeamInput) -> models.Team:
        return await teams.rename(info.context.caller, team_id=uuid_of(Team, input.id, "id"), name=input.name)

    @mutation(
        "team:switch",
        answers=Team,
        keyless="it is about the session that asks",
        description="Notes that the session that asks works in this team from now on.",
    )
    async def switch_team(self, info: Info, id: strawberry.ID) -> models.Team:
        return await teams.switch(info.context.caller, team_id=uuid_of(Team, id, "id"))

    @mutation(
        "member:change_role",
        answers=Member,
        description="Gives a member another role. Nobody gives a role above their own, or reaches who is above them.",
    )
    async def change_role(self, info: Info, input: ChangeRoleInput) -> models.Member:
        member_id = uuid_of(Member, input.member_id, "memberId")
        return await teams.change_role(info.context.caller, member_id=member_id, role=input.role)

    @mutation(
        "member:remove", answers=Team, description="Removes another member from their team, and answers the team."
    )
    async def remove_member(self, info: Info, member_id: _MemberId) -> models.Team:
        return await teams.remove(info.context.caller, member_id=uuid_of(Member, member_id, "memberId"))

    @mutation("team:leave", answers=TeamLeft, description="Leaves a team. Its last owner cannot.")
    async def leave_team(self, info: Info, id: strawberry.ID) -> TeamLeft:
        await teams.leave(info.context.caller, team_id=uuid_of(Team, id, "id"))
        return TeamLeft(left=True)

    @mutation(
        "team:transfer",
        answers=Team,
        description="Makes another member an owner in your place; you become an admin. Answers the team.",
    )
    async def transfer_ownership(self, info: Info, member_id: _MemberId) -> models.Team:
        return await teams.transfer(info.context.caller, member_id=uuid_of(Member, member_id, "memberId"))

    @mutation(
        "team:delete",
        answers=Team,
        fails=(Throttled,),
        description="Has a team deleted in 14 days, with all that it has. Until then it can be looked at and restored, "
        "and nothing in it changes.",
    )
    async def delete_team(self, info: Info, id: strawberry.ID) -> models.Team:
        return await teams.delete(info.context.caller, team_id=uuid_of(Team, id, "id"))

    @mutation(
        "team:restore",
        answers=Team,
        fails=(Conflict,),
        description="Takes back a team's deletion, as long as it waits.",
    )
    async def restore_team(self, info: Info, id: strawberry.ID) -> models.Team:
        return await teams.restore(info.context.caller, team_id=uuid_of(Team, id, "id"))
