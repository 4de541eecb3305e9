"""What is noted of an attempt while it is made, by whoever of aiohttp's own passes by: it hands on nothing of ours."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Notes:
    """Of one attempt: whether it goes to this machine, where it was sent, and whether the connection had been there."""

    loopback: bool = False
    address: str | None = None
    rested: bool = False


_NOTES: ContextVar[Notes] = ContextVar("notes of an attempt")


def begin(notes: Notes) -> None:
    """Notes of the attempt that this task makes from now on."""
    _NOTES.set(notes)


def noted() -> Notes:
    """Those of the attempt that is being made."""
    return _NOTES.get()
