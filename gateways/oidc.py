"""Signing in elsewhere: OpenID Connect, by its authorization code flow with PKCE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog

from domain.errors import Conflict, NotFound, Unavailable

log = structlog.stdlib.get_logger(__name__)
SECONDS = 10
"""A provider that takes longer to answer counts as away."""
LONGEST_SUBJECT = 255
"""Characters, as the specification has it."""
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures that only the provider can make: neither none at all, nor those by a secret that we know, too."""


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """Where people may sign in. `key` names it in addresses, `name` on buttons."""

    key: str
    name: str
    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way: where the browser goes, and what it has to bring back."""

    url: str
    kept: dict[str, str]


@dataclass(frozen=True, slots=True)
class Claims:
    """Who has signed in. `subject` is the issuer's own name for them; `email` is there if the issuer vouches for it."""

    issuer: str
    subject: str
    email: str | None
    name: str | None
    locale: str | None = None
    """What they read there; it may be any text."""


class Oidc:
    """The providers that the operator has named."""

    def __init__(self, providers: Sequence[OidcProvider], public_url: str) -> None:
        self.providers = tuple(providers)
        self._clients = {provider.key: _Client(provider, public_url) for provider in providers}

    async def begin(self, key: str, locale: str = "en") -> Begun:
        """Sends somebody to the provider `key`, whose pages may be in `locale`.

        Raises NotFound, and Unavailable when it does not answer.
        """
        return await self._client(key).begin(locale)

    async def finish(self, key: str, kept: Mapping[str, str], answer: Mapping[str, str]) -> Claims:
        """Who has come back from the provider `key`, by the parameters of its `answer` and what was `kept`.

        Raises NotFound, Unavailable, and Conflict where the answer does not prove who it is.
        """
        return await self._client(key).finish(kept, answer)

    def _client(self, key: str) -> _Client:
        if key not in self._clients:
            raise NotFound
        return self._clients[key]


class _Client:
    """We, as one provider knows us."""

    def __init__(self, provider: OidcProvider, public_url: str) -> None:
        self._provider = provider
        self._back = f"{public_url}/sign-in/{provider.key}/callback"

    async def begin(self, locale: str) -> Begun:
        async with _Attempt(self._provider):
            await self._discovered()
            begun = await self._app.create_authorization_url(self._back, ui_locales=locale)
        return Begun(begun.pop("url"), begun)

    async def finish(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> Claims:
        async with _Attempt(self._provider):
            if "code" not in answer or not kept or answer.get("state") != kept["state"]:
                raise Conflict("problem.sign_in_elsewhere")
            await self._discovered()
            token = await self._app.fetch_access_token(
                self._back, code=answer["code"], code_verifier=kept["code_verifier"]
            )
            claims = await self._app.parse_id_token(token, nonce=kept["nonce"])
            if claims is None:
                raise Conflict("problem.sign_in_elsewhere")
        return _claims(self._provider.issuer, claims)

    async def _discovered(self) -> None:
        metadata = await self._app.load_server_metadata()
        if metadata.get("issuer") != self._provider.issuer:  # another one's answer would name another one's people
            self._app.server_metadata.clear()
            raise Conflict("problem.sign_in_elsewhere")
        told = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = sorted(_ALGORITHMS.intersection(told))

    @cached_property
    def _app(self) -> Any:
        # Imported by who has providers: it takes a quarter of a second.
        from authlib.integrations.base_client import BaseApp, FrameworkIntegration
        from authlib.integrations.base_client.async_app import AsyncOAuth2Mixin
        from authlib.integrations.base_client.async_openid import AsyncOpenIDMixin
        from authlib.integrations.httpx_client import AsyncOAuth2Client
        from httpx2 import create_ssl_context

        class App(AsyncOAuth2Mixin, AsyncOpenIDMixin, BaseApp):  # type: ignore[misc]
            client_cls = AsyncOAuth2Client

        provider = self._provider
        return App(
            FrameworkIntegration(provider.key),
            provider.key,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "timeout": SECONDS,
                "verify": create_ssl_context(),  # once: it takes 25 ms, and Authlib has a client for each request
            },
        )


class _Attempt:
    """Whatever goes wrong with a provider is told as one of two things, and logged whole."""

    def __init__(self, provider: OidcProvider) -> None:
        self._key = provider.key

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, Conflict):
            return
        import httpx2  # after the fact: it is slow to import

        log.warning("oidc.failed", provider=self._key, error=repr(error))
        if isinstance(error, httpx2.HTTPError):
            raise Unavailable from error
        raise Conflict("problem.sign_in_elsewhere") from error  # Authlib's, joserfc's, or an answer that is no JSON


def _claims(issuer: str, claims: Mapping[str, Any]) -> Claims:
    # Some providers write "true" as a text. What is not vouched for is nobody's address.
    vouched = str(claims.get("email_verified", False)).lower() == "true"
    email, name, locale = claims.get("email"), claims.get("name"), claims.get("locale")
    subject = str(claims["sub"])
    if not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise Conflict("problem.sign_in_elsewhere")
    return Claims(
        issuer=issuer,
        subject=subject,
        email=email if vouched and isinstance(email, str) else None,
        name=name if isinstance(name, str) else None,
        locale=locale if isinstance(locale, str) else None,
    )
