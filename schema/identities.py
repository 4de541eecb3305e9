"""Accounts elsewhere that people sign in with."""

from __future__ import annotations

from datetime import datetime

import strawberry

import models
from domain.errors import Conflict, NotFound
from plan import Node, column, node
from resolvers import identities
from schema.context import Info
from schema.fields import mutation
from schema.ids import uuid_of


@node(table=models.Identity, visible=models.Identity.visible_to)
class Identity(Node):
    """An account of an OpenID Connect provider that you sign in with. Only you see it, no API key."""

    provider: str = column(description="The provider's key, as in `identityProviders`.")
    email: str | None = column(
        description="The address that the provider vouched for when it was first signed in with."
    )
    created_at: datetime = column(description="When it was first signed in with.")
    used_at: datetime = column(description="When it was last signed in with.")


@strawberry.type(description="A provider of OpenID Connect that one may sign in with here.")
class IdentityProvider:
    """Item of `identityProviders`."""

    key: str = strawberry.field(description="Its name in addresses.")
    name: str = strawberry.field(description="Its name on a button.")
    url: str = strawberry.field(description="Where to send the browser; it comes back signed in, by the cookie.")


@strawberry.type(description="That account cannot be signed in with any more.")
class RemovedIdentity:
    """Payload of `removeIdentity`."""

    provider: str = strawberry.field(description="Whose account it was.")


async def identity_providers(info: Info) -> list[IdentityProvider]:
    """Resolver of `identityProviders`."""
    return [IdentityProvider(**each._asdict()) for each in info.context.caller.rules.elsewhere]


@strawberry.type
class IdentityMutations:
    """The mutations of identities."""

    @mutation(
        "identity:remove",
        answers=RemovedIdentity,
        fails=(Conflict, NotFound),
        description="Signs in with that account no more. Refused for the last way in: choose a password first.",
    )
    async def remove_identity(self, info: Info, id: strawberry.ID) -> RemovedIdentity:
        identity = await identities.remove(info.context.caller, identity_id=uuid_of(Identity, id, "id"))
        return RemovedIdentity(provider=identity.provider)
