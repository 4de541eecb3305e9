"""Webhooks on their way out: to public addresses alone, and never waiting long for anybody."""

from gateways.outbound.base import Answer, Outgoing, Resolver, Rules, Sender
from gateways.outbound.sending import open_sender

__all__ = ["Answer", "Outgoing", "Resolver", "Rules", "Sender", "open_sender"]
