"""The roots of the graph, and the schema itself."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import ANONYMOUS, ScopeViewer, Viewer
from plan import Node, any_by_id, by_id, link, reference
from schema import enums  # noqa: F401 - makes GraphQL enums of the domain's, before any type names one
from schema.accounts import AccountMutations, User
from schema.api_keys import ApiKeyMutations
from schema.audit import AuditEntry
from schema.comments import Comment, CommentMutations
from schema.credentials import CredentialMutations
from schema.fields import query
from schema.identities import IdentityMutations, IdentityProvider, identity_providers
from schema.inputs import foresee_inputs
from schema.invitations import InvitationMutations, InvitationPreview
from schema.invitations import preview as invitation_preview
from schema.jobs import Job, JobMutations, JobSubscriptions
from schema.profiles import ProfileMutations
from schema.scalars import SCALARS
from schema.sessions import Session, SessionMutations
from schema.teams import Team, TeamMutations
from schema.two_factor import TwoFactor, TwoFactorMutations, two_factor
from schema.uploads import Upload, UploadMutations, UploadParts, upload_parts
from schema.versions import Version, VersionMutations
from schema.videos import Video, VideoMutations, VideoSubscriptions


@strawberry.type
class Query:
    """What can be read. Whatever the viewer may not see is null, as if it did not exist."""

    viewer: User | None = reference(
        lambda _root, context: context.caller.viewer.user_id,
        action="account:view",
        description="Who is asking; null when nobody is signed in.",
    )
    session: Session | None = reference(
        lambda _root, context: context.caller.viewer.session_id,
        action="account:view",
        description="The session that asks; null when nobody is signed in, and for an API key.",
    )
    node: Node | None = any_by_id("account:view", description="Anything that you may see, by its id.")
    team: Team | None = by_id("team:view", description="A team that you are in.")
    invitation: InvitationPreview | None = query(
        "invitation:view",
        resolver=invitation_preview,
        description="What the link of an invitation's mail is for; null once it leads nowhere.",
    )
    video: Video | None = by_id("video:view", description="A video of a team that you are in, the trash included.")
    version: Version | None = by_id("video:view", description="A version of a video.")
    comment: Comment | None = by_id("video:view", description="A comment on a version.")
    upload: Upload | None = by_id("video:view", description="An upload.")
    job: Job | None = by_id("job:view", description="A job.")
    two_factor: TwoFactor | None = query(
        "account:two_factor",
        resolver=two_factor,
        description="How your second factor stands; null when nobody is signed in.",
    )
    audit_entry: AuditEntry | None = by_id("audit:view", description="An entry of an audit log, or of your own.")
    identity_providers: list[IdentityProvider] = query(
        "account:view", resolver=identity_providers, description="Where people may sign in instead of with a password."
    )
    upload_parts: UploadParts | None = query(
        "version:create",
        resolver=upload_parts,
        description="What of an open upload has arrived, and fresh URLs for the rest; null for who may not upload.",
    )


def build_schema() -> strawberry.Schema:
    """The schema, with every declared type joined to the others. The models must be bound to a database already."""
    kinds = [ANONYMOUS, Viewer(new_id(), new_id()), *(ScopeViewer(new_id(), role) for role in Role)]
    types = link(kinds)
    mutations = (
        AccountMutations,
        TwoFactorMutations,
        SessionMutations,
        CredentialMutations,
        ProfileMutations,
        ApiKeyMutations,
        TeamMutations,
        IdentityMutations,
        InvitationMutations,
        VideoMutations,
        UploadMutations,
        VersionMutations,
        CommentMutations,
        JobMutations,
    )
    schema = strawberry.Schema(
        query=Query,
        mutation=merge_types("Mutation", mutations),
        subscription=merge_types("Subscription", (VideoSubscriptions, JobSubscriptions)),
        types=types,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    foresee_inputs(schema)
    return schema
