"""The few Linux calls that Python does not offer, through ctypes."""

import ctypes
import os

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
CLONE_THREAD = 0x00010000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

_LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by its number; integers are passed as longs. Raises OSError with the call's errno."""
    values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(int(_LIBC.syscall(ctypes.c_long(number), *values)))


def prctl(option: int, *arguments: object) -> None:
    """Set an attribute of this process. Raises OSError."""
    values = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    padding = [ctypes.c_ulong(0)] * (4 - len(values))
    _checked(int(_LIBC.prctl(option, *values, *padding)))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`. Raises OSError."""
    _checked(int(_LIBC.unshare(flags)))
