"""Becomes another program that cannot outlive its parent, and that is not root where it must not be.

Run as `python -I -S launch.py PARENT SIGNAL IDENTITY FOLDER PROGRAM ARGUMENT…`: PARENT is the process id of the caller,
SIGNAL the number of the signal that the program gets when the caller dies, IDENTITY a name out of `Identity`, FOLDER
its working directory. A script with the standard library alone, and no `preexec_fn`: code between fork and exec may
deadlock in a process that has threads, which a test worker has.
"""

import ctypes
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

OVERFLOW_ID = 65534
"""The id that the kernel and every distribution call nobody."""

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


class Identity(StrEnum):
    """As whom a program runs."""

    SAME = "same"
    """As the caller."""
    NAMESPACE = "namespace"
    """Nobody in a user namespace of its own, in which nobody is the caller's root: files stay root's."""
    NOBODY = "nobody"
    """Nobody in earnest, for containers that refuse user namespaces."""


def main(arguments: list[str]) -> NoReturn:
    """Take the identity, tie the process to its parent, and become the program.

    Args:
        arguments: parent, signal, identity, folder, program, and the program's arguments.

    """
    parent, signal, identity, folder, *command = arguments
    # Entered while still the caller: nobody may not be allowed to walk there.
    os.chdir(folder)
    try:
        _become(Identity(identity))
        _call("prctl", _PR_SET_PDEATHSIG, int(signal))  # after the identity: a change of ids clears it
        if os.getppid() != int(parent):  # the parent died before the line above
            raise SystemExit(1)
        os.execv(command[0], command)  # noqa: S606 - a shell is what must not come between
    except OSError as error:
        sys.exit(f"cannot start {command[0]} as {identity}: {error.strerror}")


def _become(identity: Identity) -> None:
    if identity is Identity.NAMESPACE:
        group = os.getegid()
        user = os.geteuid()
        _call("unshare", _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{OVERFLOW_ID} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{OVERFLOW_ID} {group} 1")
    elif identity is Identity.NOBODY:
        os.setgroups([])
        os.setresgid(OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID)
        os.setresuid(OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[name](*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main(sys.argv[1:])
