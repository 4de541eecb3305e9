"""Where mails about what is new are ended: by their reader on a page, or by the mail program itself (RFC 8058)."""

from html import escape

from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError, Unauthenticated
from edge import pages
from edge.services import Services
from i18n import translate
from resolvers import notifications


async def ask(request: Request, services: Services) -> Response:
    """GET: the page with the button. It changes nothing, since scanners of mail follow links."""
    locale = (await services.reader(request.scope)).locale
    told = f"<p>{escape(translate(locale, 'page.unsubscribe_question'))}</p>"
    return pages.form(request, locale, "page.unsubscribe", told)


async def end(request: Request, services: Services) -> Response:
    """POST, from anywhere: a mail program sends it with the token in the address, and is nobody's page.

    Nothing that a browser sends by itself lets anybody in here, so that there is nothing to forge: whoever has the
    token has the mail. A cookie says in which language to answer, and no more.
    """
    caller = await services.reader(request.scope)
    token = request.query_params.get("token") or (await pages.sent(request)).get("token", "")
    try:
        await notifications.unsubscribe(caller, token=token)
    except Unauthenticated:  # the account is gone, and so are its mails
        return pages.sentence(caller.locale, "page.unsubscribed")
    except DomainError as error:
        return pages.refusal(caller.locale, error)
    return pages.sentence(caller.locale, "page.unsubscribed")
