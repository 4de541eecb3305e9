"""Signing in elsewhere: the way to an OpenID Connect provider and back, for browsers.

What has to come back (state, nonce, PKCE's verifier) is kept by the browser alone, sealed, for ten minutes.
"""

from collections.abc import Mapping
from datetime import timedelta

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from domain.errors import DomainError, SecondFactorRequired
from domain.sealing import Unreadable
from domain.throttling import SIGN_IN_ELSEWHERE
from domain.viewers import Viewer
from edge import cookies, negotiation, pages
from edge.services import Services
from resolvers.identities import sign_in_with, sign_in_with_code
from resolvers.signing_in import SignedIn

COOKIE = "signing-in"
PATH = "/sign-in"
PURPOSE = "signing in elsewhere"
MINUTES = 10
_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def leave(request: Request, services: Services) -> Response:
    """GET `/sign-in/{provider}`: sends the browser there."""
    key, caller = request.path_params["provider"], await services.reader(request.scope)
    if pages.is_embedded(request):
        return Response(status_code=403)
    try:
        await caller.throttle.hit(SIGN_IN_ELSEWHERE, caller.address)
        begun = await services.oidc.begin(key, caller.locale)
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    response = RedirectResponse(begun.url, 303, _NO_STORE)
    until = services.clock() + timedelta(minutes=MINUTES)
    kept = orjson.dumps({"until": until.timestamp(), **begun.kept}).decode()
    response.set_cookie(
        COOKIE,
        services.rules.keys.seal(PURPOSE, kept, of=key),
        max_age=MINUTES * 60,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=services.public_url.startswith("https:"),
    )
    return response


async def come_back(request: Request, services: Services) -> Response:
    """GET `/sign-in/{provider}/callback`: signs in, and sends the browser to the product.

    Who has two-factor is asked for a code first, by a page of ours.
    """
    caller, key = await services.reader(request.scope), request.path_params["provider"]
    if pages.is_embedded(request):
        return Response(status_code=403)
    try:
        await caller.throttle.hit(SIGN_IN_ELSEWHERE, caller.address)
        claims = await services.oidc.finish(key, _kept(request, services, key), dict(request.query_params))
        await caller.throttle.forgive_all([(SIGN_IN_ELSEWHERE, caller.address)] * 2)  # the way there, and the way back
        caller = caller._replace(asked_locale=negotiation.asked(request.scope, last=claims.locale))
        response = await _welcomed(await sign_in_with(caller, key, claims), services)
    except SecondFactorRequired as needed:
        response = _ask_for_code(request, services, caller.locale, needed.params["challenge"])
    except DomainError as error:
        response = pages.refusal(caller.locale, error)
    response.delete_cookie(COOKIE, path=PATH)
    return response


async def take_code(request: Request, services: Services) -> Response:
    """POST `/sign-in/code`, from our own page alone: the code of who has come back, which links their account."""
    caller = await services.reader(request.scope)
    if pages.is_foreign(request, services):
        return pages.sentence(caller.locale, "page.foreign", 403)
    sent = await pages.sent(request)
    challenge = sent.get("token", "")
    try:
        return await _welcomed(
            await sign_in_with_code(caller, challenge=challenge, code=sent.get("code", "")), services
        )
    except DomainError as error:
        if error.path:
            return _ask_for_code(request, services, caller.locale, challenge, wrong=error)
        return pages.refusal(caller.locale, error)


async def _welcomed(session: SignedIn, services: Services) -> Response:
    await services.has_written(Viewer(session.user_id, session.session_id))
    response = RedirectResponse(services.app_url, 303, _NO_STORE)
    cookies.set_session(response, session.token, session.expires_at, services.public_url)
    cookies.set_device(response, session.device_token, services.public_url)
    return response


def _ask_for_code(
    request: Request, services: Services, locale: str, challenge: str, wrong: DomainError | None = None
) -> Response:
    field, where = pages.one_time_code(locale), {"action": f"{PATH}/code", "then": services.app_url}
    return pages.form(request, locale, "page.send_code", field, token=challenge, wrong=wrong, **where)


def _kept(request: Request, services: Services, key: str) -> Mapping[str, str]:
    """What this browser has kept of its way to the provider `key`; nothing, if it was not on its way there."""
    try:
        opened = services.rules.keys.open(PURPOSE, cookies.given(request.scope, COOKIE) or "", of=key)
    except Unreadable:
        return {}
    kept: dict[str, str] = orjson.loads(opened)
    return kept if float(kept.pop("until")) > services.clock().timestamp() else {}
