"""What an operation takes, counted while it runs."""

from __future__ import annotations

from contextvars import ContextVar


class Tally:
    """Statements that ran for it, the seconds that it has waited for them, and by which way it was answered."""

    __slots__ = ("seconds", "statements", "way")

    def __init__(self) -> None:
        self.statements = 0
        self.seconds = 0.0
        self.way = ""

    def add(self, seconds: float) -> None:
        """A statement has run; those that run side by side count one by one."""
        self.statements += 1
        self.seconds += seconds


counted: ContextVar[Tally | None] = ContextVar("tally", default=None)
"""Where what is done here is counted, if it is."""
