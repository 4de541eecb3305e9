"""What is told to who wants to change something while the operator is at work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from graphql import GraphQLError, OperationType
from starlette.requests import Request
from starlette.responses import Response

from domain.maintenance import Notice
from edge import negotiation, pages
from edge.codes import EdgeCode
from edge.services import Services
from i18n import translate
from plan.requests import Operation, RequestRefused


class InMaintenance(RequestRefused):
    """Nothing can be changed now."""

    def __init__(self, notice: Notice, locale: str, now: datetime) -> None:
        self.retry_after = notice.retry_after(now)
        self.locale = None if notice.message else locale
        """In which it is told; None for the operator's own words."""
        message = notice.message or translate(locale, "problem.maintenance")
        errors = [GraphQLError(message, extensions={"retryAfterSeconds": self.retry_after})]
        super().__init__(errors, EdgeCode.MAINTENANCE, status=503)

    def tell(self, response: Response) -> None:
        """Says in the headers when to come back."""
        response.headers["Retry-After"] = str(self.retry_after)


def require_open(services: Services, operation: Operation, locale: Callable[[], str]) -> None:
    """InMaintenance, in the language `locale`, for what would change something while nothing can be changed."""
    if operation.kind is OperationType.MUTATION:
        require_changeable(services, locale)


def require_changeable(services: Services, locale: Callable[[], str]) -> None:
    """InMaintenance, in the language `locale`, while nothing can be changed."""
    notice = services.maintenance.notice
    if notice is not None:
        raise InMaintenance(notice, locale(), services.clock())


def page(request: Request, services: Services) -> Response | None:
    """What our pages, all of which lead to a change, say meanwhile; None while they may be used."""
    notice = services.maintenance.notice
    if notice is None:
        return None
    locale = negotiation.asked(request.scope)
    return pages.closed(locale, notice.message, notice.retry_after(services.clock()))
