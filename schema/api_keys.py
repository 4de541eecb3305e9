"""API keys: what programs show in the place of a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

import models
from domain.api_keys import LONGEST_DAYS, MOST_KEYS, ApiKeyState
from domain.errors import Conflict, NotFound, Throttled
from domain.permissions import Scope
from plan import Node, batch, column, computed, node, reference
from resolvers import api_keys
from schema.context import Info
from schema.fields import SECRET, for_caller, mutation
from schema.ids import uuid_of


def _scopes(stored: Sequence[str]) -> list[Scope]:
    return [Scope(scope) for scope in stored]


@node(table=models.ApiKey, visible=models.ApiKey.visible_to)
class ApiKey(Node):
    """A secret with which a program acts as its person, as far as its scopes go. You see your own."""

    name: str = column(description="What it is for, in its owner's words.")
    prefix: str = column(description="How the key begins, to recognise it by.")
    scopes: list[Scope] = computed("scopes", by=_scopes, description="What it is good for.")
    created_at: datetime = column(description="When it was made.")
    expires_at: datetime | None = column(description="Until when it is good; null if it does not expire.")
    used_at: datetime | None = column(description="When it was last used, to the minute; null if it never was.")
    revoked_at: datetime | None = column(description="When it was revoked; null if it was not.")
    state: ApiKeyState = batch(
        "revoked_at", "expires_at", by=for_caller(api_keys.states), description="Whether it is good for anything now."
    )


@strawberry.input(description="A new API key, for whoever asks.")
class CreateApiKeyInput:
    """Input of `createApiKey`."""

    name: str = strawberry.field(description="What it is for, 1–100 characters on one line.")
    scopes: list[Scope] = strawberry.field(description="What it shall be good for, at least one.")
    expires_at: datetime | None = strawberry.field(
        default=None, description=f"Until when it is good, at most {LONGEST_DAYS:,} days ahead. It never expires if "
        "neither this nor `expiresInDays` is given."
    )  # fmt: skip
    expires_in_days: int | None = strawberry.field(
        default=None, description=f"For how many days it is good, 1–{LONGEST_DAYS:,}, in the place of `expiresAt`."
    )


@strawberry.type(description="A fresh API key.")
class ApiKeyCreated:
    """Payload of `createApiKey`."""

    made: strawberry.Private[api_keys.Made]
    key: str = strawberry.field(
        description="The key itself: send it as `Authorization: Bearer …`. Told only here.", metadata=SECRET
    )
    api_key: ApiKey = reference(lambda created, _context: created.made.row.id, description="What we keep of it.")


@strawberry.type
class ApiKeyMutations:
    """The mutations of API keys."""

    @mutation(
        "api_key:create",
        answers=ApiKeyCreated,
        fails=(Conflict, Throttled),
        description=f"Makes an API key, and tells it this once. A person has at most {MOST_KEYS} that are of use.",
    )
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> ApiKeyCreated:
        made = await api_keys.create(
            info.context.caller,
            name=input.name,
            scopes=input.scopes,
            expires_at=input.expires_at,
            expires_in_days=input.expires_in_days,
        )
        return ApiKeyCreated(made=made, key=made.key)

    @mutation(
        "api_key:revoke",
        answers=ApiKey,
        fails=(NotFound, Conflict),
        description="Ends an API key at once and for good, and the subscriptions that run with it.",
    )
    async def revoke_api_key(self, info: Info, id: strawberry.ID) -> models.ApiKey:
        return await api_keys.revoke(info.context.caller, key_id=uuid_of(ApiKey, id, "id"))
