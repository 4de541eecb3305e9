"""Where the link of an invitation leads: a page that says into which team, and takes whoever may accept there."""

from html import escape

from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError, Invalid, Unauthenticated
from domain.viewers import Viewer
from edge import cookies, pages
from edge.services import Services
from i18n import translate
from resolvers import invitations
from resolvers.caller import Caller


async def ask(request: Request, services: Services) -> Response:
    """GET: the page with the buttons; with fields, for who has no account yet."""
    caller = await _caller(request, services)
    return await _form(request, caller, request.query_params.get("token", ""))


async def answer(request: Request, services: Services) -> Response:
    """POST, from our own page alone: uses the link up; sets the cookies of an account that it makes.

    With a poor name or password it asks again.
    """
    caller = await _caller(request, services)
    if pages.is_foreign(request, services):
        return pages.sentence(caller.locale, "page.foreign", 403)
    sent = await pages.sent(request)
    token = sent.get("token", "")
    try:
        if pages.said_no(sent):
            return await _declined(caller, token, services)
        joined = await invitations.accept(caller, token=token, newcomer=_newcomer(sent, caller.locale))
    except Invalid as error:
        return await _form(request, caller, token, wrong=error)
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    return await _welcomed(caller, joined, services)


async def _declined(caller: Caller, token: str, services: Services) -> Response:
    await invitations.decline(caller, token=token)
    await services.has_written(caller.viewer)
    return pages.sentence(caller.locale, "page.declined")


async def _caller(request: Request, services: Services) -> Caller:
    return await services.caller(request.scope, cookies.session(request.scope))


def _newcomer(sent: dict[str, str], locale: str) -> invitations.Newcomer:
    return invitations.Newcomer(sent.get("name", ""), sent.get("password", ""), locale)


async def _form(request: Request, caller: Caller, token: str, wrong: Invalid | None = None) -> Response:
    try:
        shown = await invitations.preview(caller, token=token)
        if shown.has_account and not caller.viewer.signed_in:
            raise Unauthenticated("problem.invitation_sign_in")
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    fields = "" if caller.viewer.signed_in else _fields(caller.locale)
    told = _words(caller.locale, shown) + fields
    yes, no = "page.accept_invitation", "page.decline_invitation"
    return pages.form(request, caller.locale, yes, told, token=token, second=no, wrong=wrong)


async def _welcomed(caller: Caller, joined: invitations.Joined, services: Services) -> Response:
    session, response = joined.session, pages.sentence(caller.locale, "page.joined")
    if session is None:
        await services.has_written(caller.viewer)
        return response
    await services.has_written(Viewer(session.user_id, session.session_id))
    cookies.set_session(response, session.token, session.expires_at, services.public_url)
    cookies.set_device(response, session.device_token, services.public_url)
    return response


def _words(locale: str, shown: invitations.Preview) -> str:
    role = translate(locale, f"label.Role.{shown.invitation.role.name}")
    told = translate(locale, "page.invitation", inviter=shown.invited_by, team=shown.team_name, role=role)
    return f"<p>{escape(told)}</p>"


def _fields(locale: str) -> str:
    name = escape(translate(locale, "page.your_name"))
    field = f'<label>{name} <input name="name" autocomplete="name" required maxlength="100"></label>'
    return field + pages.new_password(locale)
