"""Mail: by SMTP, or into a folder; `SMTP_URL` says which."""

from gateways.mail.base import Mail, MailDeferred, Mailer, MailRefused, MailUnavailable
from gateways.mail.opening import open_mailer

__all__ = ["Mail", "MailDeferred", "MailRefused", "MailUnavailable", "Mailer", "open_mailer"]
