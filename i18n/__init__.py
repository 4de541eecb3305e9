"""Catalogs, negotiation, formatting: every sentence that a person reads comes from here."""

from i18n.catalogs import LOCALES, missing, translate
from i18n.negotiation import negotiate

__all__ = ["LOCALES", "missing", "negotiate", "translate"]
