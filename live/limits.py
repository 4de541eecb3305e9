"""How much one client may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one socket; sizes in bytes, times in seconds."""

    init_seconds: float = 3
    """From the handshake to `connection_init`."""
    ping_seconds: float = 20
    """Between our pings; a client that says nothing from one to the next is gone."""
    stall_seconds: float = 10
    """How long a client may leave a message unread when the network's buffers are full."""
    close_seconds: float = 5
    """How long a close frame may wait for such a client before the line is dropped without one."""
    operations: int = 100
    """Operations that run at a time."""
    message_bytes: int = 1024 * 1024
    """Largest message taken in."""
    queue_bytes: int = 256 * 1024
    """What may wait to be sent, beside the network's own buffers."""
