"""Mails: composed from the catalogs in one layout, and sent by jobs alone."""

from workers.mails.composing import compose
from workers.mails.sending import deliver

__all__ = ["compose", "deliver"]
