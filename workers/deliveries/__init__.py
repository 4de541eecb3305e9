"""Deliveries: carried to the receivers of webhooks by one dispatcher in each worker that waits for other services."""

from workers.deliveries.dispatcher import Dispatcher

__all__ = ["Dispatcher"]
