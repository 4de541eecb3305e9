"""Where the link of a sign-up mail leads: a page that asks for a password, opens the account and signs in."""

from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError, Invalid
from domain.viewers import Viewer
from edge import cookies, pages
from edge.services import Services
from i18n import closest
from resolvers import accounts


async def ask(request: Request, services: Services) -> Response:
    """GET: the page with the button."""
    return _form(request, (await services.reader(request.scope)).locale)


async def confirm(request: Request, services: Services) -> Response:
    """POST, from our own page alone: uses the link up and sets the cookies. With a poor password it asks again."""
    caller = await services.reader(request.scope)
    if pages.is_foreign(request, services):
        return pages.sentence(caller.locale, "page.foreign", 403)
    sent = await pages.sent(request)
    try:
        session = await accounts.confirm_sign_up(caller, token=sent.get("token", ""), password=sent.get("password", ""))
    except Invalid as error:
        return _form(request, caller.locale, token=sent.get("token"), wrong=error)
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    await services.has_written(Viewer(session.user_id, session.session_id))
    response = pages.sentence(closest(session.locale) or caller.locale, "page.signed_in")
    cookies.set_session(response, session.token, session.expires_at, services.public_url)
    cookies.set_device(response, session.device_token, services.public_url)
    return response


def _form(request: Request, locale: str, token: str | None = None, wrong: Invalid | None = None) -> Response:
    return pages.form(request, locale, "page.open_account", pages.new_password(locale), token=token, wrong=wrong)
