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
from schema.activity import TeamActivitySubscriptions
from schema.api_keys import ApiKeyMutations
from schema.audit import AuditEntry
from schema.comments import Comment, CommentMutations
from schema.credentials import CredentialMutations
from schema.deliveries import DeliveryMutations, DeliverySubscriptions, WebhookDelivery
from schema.fields import query
from schema.happenings import CommentSubscriptions
from schema.identities import IdentityMutations, IdentityProvider, identity_providers
from schema.inputs import foresee_inputs, foresee_mutations
from schema.invitations import InvitationMutations, InvitationPreview
from schema.invitations import preview as invitation_preview
from schema.jobs import Job, JobMutations, JobSubscriptions
from schema.languages import MessageBundle, SpokenLanguage, locales, messages
from schema.mentions import Mentionable, mentionable
from schema.notifications import NotificationMutations, NotificationSubscriptions
from schema.presence import PresenceMutations, PresenceSubscriptions
from schema.profiles import ProfileMutations
from schema.scalars import SCALARS
from schema.sessions import Session, SessionMutations
from schema.teams import Team, TeamMutations
from schema.two_factor import TwoFactor, TwoFactorMutations, two_factor
from schema.uploads import Upload, UploadMutations, UploadParts, upload_parts
from schema.versions import Version, VersionMutations
from schema.videos import Video, VideoMutations, VideoSubscriptions
from schema.webhooks import Webhook, WebhookEventType, WebhookMutations, event_types


@strawberry.type(
    description="What can be read. What you may not see is null, as if it did not exist. `extensions.position` says up "
    "to which event the answer is fresh: subscribe from there."
)
class Query:
    """The root of what can be read."""

    viewer: User | None = reference(
        lambda _root, context: context.caller.viewer.user_id,
        action="account:view",
        description="You, with your teams; null when nobody is signed in.",
    )
    session: Session | None = reference(
        lambda _root, context: context.caller.viewer.session_id,
        action="account:view",
        description="The session that asks; null when nobody is signed in, and for an API key.",
    )
    node: Node | None = any_by_id(
        "account:view",
        description="Anything that you may see, by its id; null for all else. Ask by `... on Video { title }` for what "
        "its type has.",
    )
    team: Team | None = by_id(
        "team:view", description="A team that you are in, with its people and its library; null for any other."
    )
    invitation: InvitationPreview | None = query(
        "invitation:view",
        resolver=invitation_preview,
        description="What the link of an invitation's mail is for; null once it leads nowhere.",
    )
    video: Video | None = by_id(
        "video:view", description="A video of a team that you are in, the trash included; null for any other."
    )
    version: Version | None = by_id(
        "video:view", description="A version of a video, with its files and comments; null where you may not see it."
    )
    comment: Comment | None = by_id(
        "video:view", description="A comment on a version, with its thread; null where you may not see it."
    )
    mentionable: list[Mentionable] | None = query(
        "comment:create",
        resolver=mentionable,
        description="Who may be mentioned in comments on a video, besides you: first those who take part there, then "
        "by name. Null where you may not comment, or not for so few.",
    )
    upload: Upload | None = by_id(
        "video:view",
        description="An upload, and what became of it; null where you may not see it. `uploadParts` has the addresses.",
    )
    job: Job | None = by_id(
        "job:view",
        description="A job as it stands now; null where you may not see it. `jobProgress` tells how it goes on.",
    )
    webhook: Webhook | None = by_id(
        "webhook:view",
        description="A webhook of a team whose owner or admin you are, with its log; null for any other.",
    )
    webhook_delivery: WebhookDelivery | None = by_id(
        "webhook:view", description="What a webhook was sent, and how that went; null where you may not see it."
    )
    webhook_event_types: list[WebhookEventType] = query(
        "event:view",
        resolver=event_types,
        description="What webhooks can be sent: the catalog of events.",
        public=True,
    )
    locales: list[SpokenLanguage] = query(
        "language:view",
        resolver=locales,
        description="The languages that the product speaks, English first.",
        public=True,
    )
    messages: MessageBundle | None = query(
        "language:view",
        resolver=messages,
        description="The words for one part of a client's interface, in the language nearest to `locale`, else in "
        "English; null for a namespace that is not there.",
        public=True,
    )
    two_factor: TwoFactor | None = query(
        "account:two_factor",
        resolver=two_factor,
        description="How your second factor stands; null when nobody is signed in.",
    )
    audit_entry: AuditEntry | None = by_id(
        "audit:view",
        description="An entry of the audit log of a team whose owner or admin you are, or of your own activity.",
    )
    identity_providers: list[IdentityProvider] = query(
        "account:view",
        resolver=identity_providers,
        description="Where people may sign in instead of with a password: send the browser to a provider's `url`.",
        public=True,
    )
    upload_parts: UploadParts | None = query(
        "upload:send",
        resolver=upload_parts,
        description="What of an open upload has arrived, and fresh URLs for the rest; null for whoever may not upload, "
        "and once the upload takes no more parts.",
    )


_MUTATION = (
    "What can be changed. Each answers what was asked for, or a `Problem` that says why nothing was done: ask for "
    "`... on Problem { code message path }`."
)
_SUBSCRIPTION = (
    "What can be followed, over a websocket that speaks graphql-transport-ws. It ends with an error when the right to "
    "it is lost."
)


def _root(name: str, parts: tuple[type, ...], description: str) -> type:
    merged = merge_types(name, parts)
    merged.__strawberry_definition__.description = description  # type: ignore[attr-defined]
    return merged


def build_schema() -> strawberry.Schema:
    """The schema, with every declared type joined to the others. The models must be bound to a database already."""
    types = link([ANONYMOUS, Viewer(new_id(), new_id())], [ScopeViewer(new_id(), role) for role in Role])
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
        WebhookMutations,
        DeliveryMutations,
        NotificationMutations,
        PresenceMutations,
    )
    subscriptions = (
        VideoSubscriptions,
        CommentSubscriptions,
        JobSubscriptions,
        DeliverySubscriptions,
        NotificationSubscriptions,
        PresenceSubscriptions,
        TeamActivitySubscriptions,
    )
    schema = strawberry.Schema(
        query=Query,
        mutation=_root("Mutation", mutations, _MUTATION),
        subscription=_root("Subscription", subscriptions, _SUBSCRIPTION),
        types=types,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    foresee_inputs(schema)
    foresee_mutations(schema)
    return schema
