"""Deliveries: carried to the receivers of webhooks by one dispatcher in each worker that waits for other services."""

from workers.deliveries.carrying import Carrier
from workers.deliveries.dispatcher import Dispatcher, Pace
from workers.deliveries.log import Teller

__all__ = ["Carrier", "Dispatcher", "Pace", "Teller"]
