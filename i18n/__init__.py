"""Catalogs, negotiation, formatting: every sentence that a person reads comes from here."""

from i18n.catalogs import DEFAULT, LOCALES, knows
from i18n.directions import direction
from i18n.negotiation import closest, negotiate, wanted
from i18n.saying import translate

__all__ = ["DEFAULT", "LOCALES", "closest", "direction", "knows", "negotiate", "translate", "wanted"]
