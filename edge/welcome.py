"""Where the link of a sign-up mail leads: a page that signs in at the press of a button."""

from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError
from domain.viewers import Viewer
from edge import cookies, pages
from edge.services import Services
from resolvers import accounts


async def ask(request: Request, services: Services) -> Response:
    """GET: the page with the button."""
    caller = services.stranger(request.scope)
    return pages.form(request, caller.locale, "page.open_account")


async def confirm(request: Request, services: Services) -> Response:
    """POST, from our own page alone: uses the link up and sets the session cookie."""
    caller = services.stranger(request.scope)
    if pages.is_foreign(request):
        return pages.sentence(caller.locale, "page.foreign", 403)
    try:
        session = await accounts.confirm_sign_up(caller, token=(await pages.sent(request)).get("token", ""))
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    await services.has_written(Viewer(session.user_id, session.session_id))
    response = pages.sentence(caller.locale, "page.signed_in")
    cookies.set_session(response, session.token, session.expires_at, services.public_url)
    return response
