"""Where the links of mails about an account lead: a page for a new password, one to agree to a new address."""

from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError, Invalid
from edge import pages
from edge.services import Services
from i18n import closest
from resolvers import addresses, credentials


async def ask_password(request: Request, services: Services) -> Response:
    """GET: the page that asks for the new password."""
    return _password_form(request, (await services.reader(request.scope)).locale)


async def set_password(request: Request, services: Services) -> Response:
    """POST, from our own page alone: sets it. One that is refused can be typed again."""
    caller = await services.reader(request.scope)
    if pages.is_foreign(request, services):
        return pages.sentence(caller.locale, "page.foreign", 403)
    sent = await pages.sent(request)
    try:
        user = await credentials.reset(caller, token=sent.get("token", ""), password=sent.get("password", ""))
    except Invalid as error:
        return _password_form(request, caller.locale, sent.get("token"), error)
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    return pages.sentence(closest(user.locale) or caller.locale, "page.password_set")


async def ask_agreement(request: Request, services: Services) -> Response:
    """GET: the page with the button by which an address agrees."""
    return pages.form(request, (await services.reader(request.scope)).locale, "page.confirm_email")


async def agree(request: Request, services: Services) -> Response:
    """POST, from our own page alone: the address has agreed."""
    caller = await services.reader(request.scope)
    if pages.is_foreign(request, services):
        return pages.sentence(caller.locale, "page.foreign", 403)
    try:
        changed = await addresses.confirm_change(caller, token=(await pages.sent(request)).get("token", ""))
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    return pages.sentence(caller.locale, "page.email_changed" if changed else "page.email_half")


def _password_form(request: Request, locale: str, token: str | None = None, wrong: Invalid | None = None) -> Response:
    return pages.form(request, locale, "page.set_password", pages.new_password(locale), token=token, wrong=wrong)
