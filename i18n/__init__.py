"""Catalogs, negotiation, formatting: every sentence that a person reads comes from here."""

from i18n.catalogs import LOCALES, knows, missing, translate
from i18n.directions import direction
from i18n.negotiation import negotiate

__all__ = ["LOCALES", "direction", "knows", "missing", "negotiate", "translate"]
