"""What programs are told when a socket or an operation over it ends, described for docs/errors.md."""

from enum import IntEnum, StrEnum


class OperationCode(StrEnum):
    """Of an operation over a socket: `extensions.code` of the errors that it ends with."""

    TOO_MANY_OPERATIONS = "TOO_MANY_OPERATIONS"
    """A hundred operations run on this socket already.

    Remedy: complete those that are not needed any more, or open another socket.
    Again: when one of them has ended.
    Where: a socket's `error`.
    """
    INTERNAL = "INTERNAL"
    """A fault of ours that had nothing to do with one field. The log has all of it.

    Remedy: tell the operator when it was.
    Again: once; a mutation under its idempotency key, or after looking whether it was done.
    Where: a socket's `error`.
    """


class CloseCode(IntEnum):
    """Why a socket ends: the protocol's codes (44xx), the websocket standard's (1xxx), and two of our own."""

    NOT_TEXT = 1007
    """A text message was not UTF-8.

    Remedy: mend the client.
    Again: no, it would end the same way.
    """
    TOO_MANY_FRAMES = 1008
    """There were more than 1,000 frames in 10 seconds, beside one for each KiB; pings and parts of messages are some.

    Remedy: mend the client.
    Again: no, it would end the same way.
    """
    TOO_BIG = 1009
    """A message was larger than 1 MiB.

    Remedy: send smaller ones.
    Again: yes, but not with that message.
    """
    RESTART = 1012
    """The process ends, to be started anew or replaced. Each socket is told at another moment, within two seconds.

    Remedy: come back, and resume.
    Again: after a random moment of up to a few seconds.
    """
    TRY_AGAIN = 1013
    """A fault of ours, or an outage, while connecting.

    Remedy: come back.
    Again: with growing pauses.
    """
    TOO_SLOW = 4290
    """You did not read for ten seconds, or more than 256 KiB of events and answers waited for you.

    Remedy: read faster, or ask for less; then resume.
    Again: yes.
    """
    BAD_REQUEST = 4400
    """A message is none of the protocol's; the reason names the field.

    Remedy: mend the client.
    Again: no, it would end the same way.
    """
    UNAUTHORIZED = 4401
    """`subscribe` came before `connection_ack`.

    Remedy: mend the client: wait for it.
    Again: no.
    """
    FORBIDDEN = 4403
    """Not let in, or no longer: the session ended, or the session or API key was revoked or has expired.

    Remedy: sign in again.
    Again: not with the same token.
    """
    BAD_SUBPROTOCOL = 4406
    """The sub-protocol is not `graphql-transport-ws`.

    Remedy: mend the client.
    Again: no.
    """
    INIT_TIMEOUT = 4408
    """No `connection_init` came within three seconds.

    Remedy: send it at once.
    Again: yes.
    """
    DUPLICATE_ID = 4409
    """The `id` is that of an operation that still runs.

    Remedy: mend the client.
    Again: no.
    """
    TOO_MANY_INITS = 4429
    """`connection_init` came twice.

    Remedy: mend the client.
    Again: no.
    """
    SILENT = 4499
    """No answer came to our `ping`.

    Remedy: come back, and resume.
    Again: yes.
    """
